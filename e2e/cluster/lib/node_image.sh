# The kind node image of the podman route: Debian with systemd and containerd, kind's own files, Kubernetes, and the component images.
# shellcheck shell=bash

NODE_PACKAGES=systemd,systemd-sysv,containerd,runc,containernetworking-plugins,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,pigz,e2fsprogs,ca-certificates,jq,procps,socat
NODE_BUILD=socialplatform-node-build

node_image() {
  if [[ $ENGINE == docker ]]; then
    printf '%s\n' "$DOCKER_NODE_IMAGE"
  else
    printf 'localhost/socialplatform-node:v%s-%s\n' "$KUBERNETES_VERSION" "$(recipe lib/node_components.sh lib/node_image.sh)"
  fi
}

make_node_image() {
  podman image exists "$(node_image)" || build_node_image
}

build_node_image() {
  local work
  work=$(scratch_folder)
  mkdir "$work/root"
  step "make the component images" component_archive "$work/components.tar"
  step "unpack Debian for the node" node_debian "$work/root"
  step "set the node up" node_setup "$work/root"
  step "put the component images into the node image" node_commit "$work"
  rm -rf "$work"
}

node_debian() {
  mmdebstrap --quiet --variant=minbase --include="$NODE_PACKAGES" "$DEBIAN_SUITE" - | tar -x -C "$1"
  rm -rf "$1"/usr/share/{doc,man,locale,info} "$1"/var/{cache,lib}/apt/*
}

node_setup() {
  node_files "$1"
  node_services "$1"
  node_containerd "$1"
  node_network "$1"
  node_storage "$1"
  install -t "$1/usr/bin" "$CACHE/$KUBERNETES_ENTRY"/{kubeadm,kubelet,kubectl}
  mkdir -p "$1/etc/kubernetes/manifests"
  printf 'v%s' "$KUBERNETES_VERSION" >"$1/kind/version"
}

# What kind expects of a node is inside kind's module; kind looks for containerd and runc where its own image has them.
node_files() {
  cp -r --no-preserve=mode "$(module_source "sigs.k8s.io/kind@v$KIND_VERSION")/images/base/files/." "$1/"
  chmod 755 "$1"/usr/local/bin/* "$1"/kind "$1"/kind/bin "$1"/kind/bin/*
  ln -sf /usr/bin/{containerd,ctr,containerd-shim-runc-v2} "$1/usr/local/bin/"
  ln -sf /usr/sbin/runc "$1/usr/local/sbin/runc"
}

# A node starts containerd and the kubelet and nothing a real machine's start would.
node_services() {
  (
    cd "$1" || exit
    rm -f lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service etc/systemd/system/*.wants/* \
      lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* lib/systemd/system/sockets.target.wants/*{udev,initctl}*
  )
  printf 'ReadKMsg=no\n' >>"$1/etc/systemd/journald.conf"
  chroot "$1" systemctl -q enable kubelet.service containerd.service undo-mount-hacks.service
  chroot "$1" systemctl -q mask systemd-binfmt.service
}

# Without CAP_SYS_RESOURCE nobody may lower a process's oom score or raise its limits, so containerd must not try.
node_containerd() {
  sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$1/etc/containerd/config.toml"
  grep -q 'restrict_oom_score_adj = true' "$1/etc/containerd/config.toml" || die "kind's containerd configuration has no restrict_oom_score_adj to change"
  chroot "$1" ctr oci spec | jq '.hooks.createContainer += [{path: "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' >"$1/etc/containerd/cri-base.json"
}

# kind's own network is an image only; `network.sh` configures standard plugins once a node has its range. kind applies this manifest
# in its place.
node_network() {
  mkdir -p "$1"/{opt/cni/bin,etc/cni/net.d,kind/manifests}
  cp "$1"/usr/lib/cni/{host-local,loopback,ptp,portmap} "$1/opt/cni/bin/"
  cat >"$1/kind/manifests/default-cni.yaml" <<'MANIFEST'
apiVersion: v1
kind: ConfigMap
metadata:
  name: cni-is-configured-on-each-node
  namespace: kube-system
MANIFEST
}

# The provisioner's own manifest, with its class as kind names it, its folder where a node has room, and images that are on the node.
node_storage() {
  sed -e "s|image: busybox.*|image: $BUSYBOX_IMAGE|" -e 's|image: rancher/|image: docker.io/rancher/|' \
    -e 's|/opt/local-path-provisioner"|/var/local-path-provisioner"|' \
    -e '/^kind: StorageClass/,/^provisioner/s|  name: local-path|  name: standard\n  annotations: {storageclass.kubernetes.io/is-default-class: "true"}|' \
    "$(module_source "github.com/rancher/local-path-provisioner@v$LOCAL_PATH_VERSION")/deploy/local-path-storage.yaml" >"$1/kind/manifests/default-storage.yaml"
}

# The component images go into the containerd of a container of the node's files, which is then committed, as `kind build node-image` does.
node_commit() {
  local base=localhost/socialplatform-node-base
  image_of "$1/root" "$base" 'ENV container=podman' 'STOPSIGNAL SIGRTMIN+3'
  podman rm -f -t 0 "$NODE_BUILD" >/dev/null 2>&1 || true
  podman run -qd --name "$NODE_BUILD" --pull=never --privileged -v "$1:/work:ro" --entrypoint sleep "$base" infinity
  podman exec -d "$NODE_BUILD" containerd
  wait_until 30 "the start of containerd in the node's build container" podman exec "$NODE_BUILD" ctr version
  podman exec "$NODE_BUILD" ctr -n k8s.io images import --no-unpack /work/components.tar
  podman exec "$NODE_BUILD" pkill -x containerd
  wait_until 30 "the end of containerd in the node's build container" containerd_has_ended
  podman commit -q -c 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' -c 'CMD []' "$NODE_BUILD" "$(node_image)"
  podman rm -f -t 0 "$NODE_BUILD"
  podman rmi "$base"
}

containerd_has_ended() { ! podman exec "$NODE_BUILD" pgrep -x containerd; }
