# The programs a user of the cluster needs: kind, kubectl, helm, and on the podman route the programs of the node image.
# shellcheck shell=bash

NODE_COMMANDS=(k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy,kubelet,kubectl,kubeadm})

KUBERNETES_ENTRY=kubernetes-$KUBERNETES_VERSION
KUBECTL_ENTRY=kubectl-$KUBERNETES_VERSION
ETCD_ENTRY=etcd-$ETCD_VERSION
COREDNS_ENTRY=coredns-$COREDNS_VERSION
LOCAL_PATH_ENTRY=local-path-provisioner-$LOCAL_PATH_VERSION
KIND_ENTRY=kind-$KIND_VERSION
HELM_ENTRY=helm-$HELM_VERSION
PROMTOOL_ENTRY=promtool-$PROMETHEUS_VERSION

tools() {
  mkdir -p "$BIN"
  if [[ $ENGINE == docker ]]; then
    missing_tools
  else
    packages
    modules_folder
    need go "build Kubernetes and its tools (https://go.dev/doc/install)"
    node_programs
    kind_tool
    helm_tool
    in_bin "$KUBERNETES_ENTRY/kubectl"
  fi
}

# With Docker only what the user does not have is built.
missing_tools() {
  local tool
  for tool in kind helm kubectl; do
    command -v "$tool" >/dev/null && continue
    need go "build $tool, which is not installed either (https://go.dev/doc/install)"
    "${tool}_tool"
  done
}

kind_tool() {
  once "build kind $KIND_VERSION" "$KIND_ENTRY" go_install "sigs.k8s.io/kind@v$KIND_VERSION"
  in_bin "$KIND_ENTRY/kind"
}

helm_tool() {
  once "build helm $HELM_VERSION" "$HELM_ENTRY" go_install "helm.sh/helm/v3/cmd/helm@v$HELM_VERSION"
  in_bin "$HELM_ENTRY/helm"
}

# For who needs helm and no cluster: prints the path of the one a cluster would be used with.
helm_path() {
  if ! command -v helm; then
    need go "build helm, which is not installed either (https://go.dev/doc/install)"
    lock
    mkdir -p "$BIN"
    helm_tool
    command -v helm
  fi
}

promtool_path() {
  if [[ ! -e $CACHE/$PROMTOOL_ENTRY ]]; then
    need go "build promtool (https://go.dev/doc/install)"
    lock
    once "build promtool $PROMETHEUS_VERSION" "$PROMTOOL_ENTRY" promtool_program
  fi
  printf '%s\n' "$CACHE/$PROMTOOL_ENTRY/promtool"
}

kubectl_tool() {
  once "build kubectl $KUBERNETES_VERSION" "$KUBECTL_ENTRY" kubernetes_programs k8s.io/kubernetes/cmd/kubectl
  in_bin "$KUBECTL_ENTRY/kubectl"
}

node_programs() {
  once "build Kubernetes $KUBERNETES_VERSION (minutes)" "$KUBERNETES_ENTRY" kubernetes_programs "${NODE_COMMANDS[@]}"
  once "build etcd $ETCD_VERSION" "$ETCD_ENTRY" etcd_program
  once "build CoreDNS $COREDNS_VERSION" "$COREDNS_ENTRY" go_install "github.com/coredns/coredns@v$COREDNS_VERSION"
  once "build local-path-provisioner $LOCAL_PATH_VERSION" "$LOCAL_PATH_ENTRY" go_install "github.com/rancher/local-path-provisioner@v$LOCAL_PATH_VERSION"
}

# in_bin ENTRY/PROGRAM: puts this version of a program into our own bin folder.
in_bin() { ln -sfn "../$1" "$BIN/${1##*/}"; }
