# Which container engine runs here, and the environment kind, podman and kubectl need for it.
# shellcheck shell=bash

# engine: docker where a Docker engine answers, else podman.
engine() {
  if [[ -z ${ENGINE:-} ]]; then
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then ENGINE=docker; else ENGINE=podman; fi
  fi
  printf '%s\n' "$ENGINE"
}

# With Docker a tool of the user's PATH wins and ours fill the gaps. The podman route relies on exact versions, so ours come first.
engine_environment() {
  ENGINE=$(engine)
  if [[ $ENGINE == docker ]]; then
    export PATH=$PATH:$BIN KIND_EXPERIMENTAL_PROVIDER=docker
    return
  fi
  export PATH=$BIN:$PATH KIND_EXPERIMENTAL_PROVIDER=podman
  export CONTAINERS_CONF=$CACHE/containers.conf BUILDAH_ISOLATION=chroot
  [[ -e $CONTAINERS_CONF ]] || containers_conf | write "$CONTAINERS_CONF"
}

# podman's default limits exceed what a machine without CAP_SYS_RESOURCE may raise; crun refuses a hybrid cgroup hierarchy; the nodes of
# a cluster find each other by name only with netavark.
containers_conf() {
  cat <<'CONF'
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
CONF
}

# Containers outlive the run that starts them, so they must not inherit its lock.
podman() { command podman "$@" 9>&-; }
docker() { command docker "$@" 9>&-; }
kind() { command kind "$@" 9>&-; }

# container COMMAND…: the engine's own command line.
container() { "$(engine)" "$@"; }
