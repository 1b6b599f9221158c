# The images that run inside a node: Kubernetes' own processes, etcd, CoreDNS, the storage provisioner. Built here, carried in the node image.
# shellcheck shell=bash

REGISTRY=registry.k8s.io
BUSYBOX_IMAGE=localhost/socialplatform-busybox:stable
LOCAL_PATH_IMAGE=docker.io/rancher/local-path-provisioner:v$LOCAL_PATH_VERSION
COMPONENT_IMAGES=("$REGISTRY"/{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy}:v"$KUBERNETES_VERSION"
  "$REGISTRY/etcd:$ETCD_TAG" "$REGISTRY/coredns/coredns:$COREDNS_TAG" "$REGISTRY/pause:$PAUSE_TAG" "$REGISTRY/pause:$PAUSE_SANDBOX_TAG"
  "$LOCAL_PATH_IMAGE" "$BUSYBOX_IMAGE")

# component_archive FILE: all of them in one archive. They leave the engine again: only nodes run them.
component_archive() {
  local kubernetes=$CACHE/$KUBERNETES_ENTRY command
  for command in kube-apiserver kube-controller-manager kube-scheduler; do
    program_image "$REGISTRY/$command:v$KUBERNETES_VERSION" "$kubernetes/$command"
  done
  kube_proxy_base
  program_image "$REGISTRY/kube-proxy:v$KUBERNETES_VERSION" "$kubernetes/kube-proxy" localhost/socialplatform-kube-proxy-base
  program_image "$REGISTRY/etcd:$ETCD_TAG" "$CACHE/$ETCD_ENTRY/etcd"
  program_image "$REGISTRY/coredns/coredns:$COREDNS_TAG" "$CACHE/$COREDNS_ENTRY/coredns"
  program_image "$LOCAL_PATH_IMAGE" "$CACHE/$LOCAL_PATH_ENTRY/local-path-provisioner"
  pause_image
  busybox_image
  podman save -q -m --format docker-archive -o "$1" "${COMPONENT_IMAGES[@]}"
  podman rmi "${COMPONENT_IMAGES[@]}" localhost/socialplatform-kube-proxy-base >/dev/null
}

# program_image NAME PROGRAM [BASE]: an image that holds one program.
program_image() {
  local context
  context=$(scratch_folder)
  cp "$2" "$context/"
  printf 'FROM %s\nENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nCOPY . /usr/local/bin/\nENTRYPOINT ["%s"]\n' "${3:-scratch}" "${2##*/}" |
    podman build -q --pull-never -t "$1" -f - "$context" >/dev/null
  rm -r "$context"
}

# kube-proxy calls the programs of the packet filter.
kube_proxy_base() {
  mmdebstrap --quiet --variant=essential --include=iptables,nftables,conntrack,kmod "$DEBIAN_SUITE" - |
    podman import -q - localhost/socialplatform-kube-proxy-base >/dev/null
}

# The process that holds a pod's namespaces is C and part of the Kubernetes module.
pause_image() {
  local folder
  folder=$(scratch_folder)
  gcc -Os -s -static -DVERSION="$PAUSE_TAG" -o "$folder/pause" "$(module_source "k8s.io/kubernetes@v$KUBERNETES_VERSION")/build/pause/linux/pause.c"
  program_image "$REGISTRY/pause:$PAUSE_TAG" "$folder/pause"
  podman tag "$REGISTRY/pause:$PAUSE_TAG" "$REGISTRY/pause:$PAUSE_SANDBOX_TAG"
  rm -r "$folder"
}

# The provisioner makes and removes a volume's folder by shell commands in a helper pod.
busybox_image() {
  local context
  context=$(scratch_folder)
  cp /bin/busybox "$context/"
  printf 'FROM scratch\nCOPY busybox /bin/\nRUN ["/bin/busybox","--install","-s","/bin"]\nENV PATH=/bin\nCMD ["sh"]\n' |
    podman build -q --pull-never -t "$BUSYBOX_IMAGE" -f - "$context" >/dev/null
  rm -r "$context"
}
