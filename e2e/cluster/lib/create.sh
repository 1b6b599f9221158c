# A kind cluster's life: made, found healthy, made again when half dead, removed.
# shellcheck shell=bash

kubeconfig() { printf '%s\n' "$CACHE/clusters/$1/kubeconfig"; }

kubectl_of() {
  local name=$1
  shift
  kubectl --kubeconfig "$(kubeconfig "$name")" --request-timeout=10s "$@"
}

nodes() { kind get nodes --name "$1" 2>/dev/null; }

# create NAME [--default-kubeconfig] [--port CONTAINERPORT:HOSTPORT]…
create() {
  local name=$1 ports=() default=
  shift
  while (($#)); do
    case $1 in
      --port) ports+=("${2:?--port needs CONTAINERPORT:HOSTPORT}"); shift 2 ;;
      --default-kubeconfig) default=yes; shift ;;
      *) die "create does not know '$1'" ;;
    esac
  done
  tools
  images
  if is_healthy "$name"; then
    say "cluster $name exists and answers"
  else
    make_cluster "$name" "${ports[@]}"
  fi
  wait_for_parts "$name"
  load "$name" "${STORE_IMAGES[@]}"
  [[ -z $default ]] || kind export kubeconfig --name "$name"
}

make_cluster() {
  local name=$1 folder
  shift
  folder=$(dirname "$(kubeconfig "$name")")
  if exists "$name"; then step "remove what is left of cluster $name" delete "$name"; fi
  mkdir -p "$folder"
  configuration "$@" >"$folder/kind.yaml"
  refuse_taken_ports "$folder/kind.yaml"
  step "create cluster $name" kind create cluster --name "$name" --config "$folder/kind.yaml" --image "$(node_image)" --kubeconfig "$folder/kubeconfig"
  [[ $ENGINE == docker ]] || step "connect the pods of $name" pod_network "$name"
}

# configuration CONTAINERPORT:HOSTPORT…: kind-config.yaml, its port mappings replaced when others are given, with $WORKERS more nodes.
configuration() {
  awk -v ports="$*" '
    /extraPortMappings:/ && ports {
      print; indent = match($0, /[^ ]/); skip = 1
      for (n = split(ports, list, " "); n; n--) {
        split(list[n], port, ":")
        printf "%*s- {containerPort: %s, hostPort: %s, listenAddress: 127.0.0.1}\n", indent + 1, "", port[1], port[2]
      }
      next
    }
    skip && match($0, /[^ ]/) > indent { next }
    { skip = 0; print }' "$HERE/../../kind-config.yaml"
  local worker
  for ((worker = 0; worker < ${WORKERS:-0}; worker++)); do printf '  - role: worker\n'; done
}

refuse_taken_ports() {
  local port
  while read -r port; do
    is_free "$port" || die "port $port of this machine is taken: stop what listens there, or choose another with --port CONTAINERPORT:HOSTPORT"
  done < <(grep -o 'hostPort: [0-9]*' "$1" | grep -o '[0-9]*')
}

# is_free PORT: no socket of this machine listens on it.
is_free() {
  [[ -r /proc/net/tcp ]] || return 0
  local hex
  hex=$(printf '%04X' "$1")
  ! awk -v port="$hex" '$4 == "0A" { n = split($2, address, ":"); if (address[n] == port) found = 1 } END { exit !found }' /proc/net/tcp*
}

exists() {
  local clusters
  clusters=$(kind get clusters -q 2>/dev/null)
  grep -qxF "$1" <<<"$clusters"
}

# A node that was stopped, or is slow after a pause of the machine, gets a minute before its cluster counts as half dead.
is_healthy() {
  exists "$1" || return 1
  local node deadline=$((SECONDS + 60))
  for node in $(nodes "$1"); do container start "$node" >/dev/null 2>&1 || return 1; done
  until answers "$1"; do
    ((SECONDS < deadline)) || return 1
    sleep 1
  done
}

answers() {
  [[ -s $(kubeconfig "$1") ]] || kind export kubeconfig -q --name "$1" --kubeconfig "$(kubeconfig "$1")" 2>/dev/null || return 1
  kubectl_of "$1" get --raw /readyz >/dev/null 2>&1 && nodes_are_ready "$1" >/dev/null 2>&1
}

nodes_are_ready() { kubectl_of "$1" wait --for=condition=Ready node --all --timeout=5s; }

wait_for_parts() {
  has_parts "$1" >/dev/null 2>&1 || step "wait for the parts of $1" wait_for_each_part "$1"
}

wait_for_each_part() {
  wait_until 180 "a Ready node in $1" nodes_are_ready "$1"
  wait_until 60 "the default storage class of $1" has_storage "$1"
  wait_until 180 "a ready CoreDNS in $1" has_dns "$1"
}

has_parts() { has_storage "$1" && has_dns "$1"; }
has_storage() { kubectl_of "$1" get storageclass standard && rolled_out "$1" local-path-storage local-path-provisioner; }
has_dns() { rolled_out "$1" kube-system coredns; }
rolled_out() { kubectl_of "$1" -n "$2" rollout status "deployment/$3" --timeout=5s; }

# kind also takes the context out of the kubeconfig of the user, where `--default-kubeconfig` may have put it.
delete() {
  if command -v kind >/dev/null && exists "$1"; then kind delete cluster --name "$1" >&2; fi
  rm -rf "$CACHE/clusters/$1"
}
