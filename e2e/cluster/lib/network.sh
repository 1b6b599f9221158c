# Pod networking of the podman route: each node hands out the range Kubernetes gave it and knows the way to the others' ranges.
# NetworkPolicies are accepted and not enforced.
# shellcheck shell=bash

# What kind gives the Services of a cluster.
readonly SERVICE_RANGE=10.96.0.0/16

# pod_network NAME
pod_network() {
  local node other
  for node in $(nodes "$1"); do
    wait_until 60 "a pod range for $node" node_field "$1" "$node" .spec.podCIDR
    # Nobody has the address of a pod that is gone, or of a Service that leads nowhere at this moment. Without this they
    # are looked for outside, where somebody may answer.
    podman exec "$node" ip route replace unreachable "$(node_field "$1" "$node" .spec.podCIDR)"
    podman exec "$node" iptables -w -I FORWARD -o eth0 -d "$SERVICE_RANGE" -j REJECT
    network_configuration "$(node_field "$1" "$node" .spec.podCIDR)" | podman exec -i "$node" sh -c 'cat >/etc/cni/net.d/10-pods.conflist'
    for other in $(nodes "$1"); do
      [[ $other == "$node" ]] || route "$1" "$node" "$other"
    done
  done
}

# route NAME NODE OTHER: OTHER reaches the pods of NODE.
route() {
  podman exec "$3" ip route replace "$(node_field "$1" "$2" .spec.podCIDR)" \
    via "$(node_field "$1" "$2" '.status.addresses[?(@.type=="InternalIP")].address')"
}

# node_field NAME NODE JSONPATH: the field, or failure while it is empty.
node_field() {
  local value
  value=$(kubectl_of "$1" get node "$2" -o "jsonpath={$3}")
  [[ -n $value ]] && printf '%s\n' "$value"
}

network_configuration() {
  jq -n --arg range "$1" '{cniVersion: "0.3.1", name: "pods", plugins: [
    {type: "ptp", ipMasq: true, mtu: 1500,
     ipam: {type: "host-local", dataDir: "/run/cni-ipam-state", ranges: [[{subnet: $range}]], routes: [{dst: "0.0.0.0/0"}]}},
    {type: "portmap", capabilities: {portMappings: true}}]}'
}
