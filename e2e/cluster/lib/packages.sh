# The Debian packages of the podman route: the engine and what builds images.
# shellcheck shell=bash

PACKAGES=(podman runc netavark aardvark-dns mmdebstrap iptables nftables busybox-static jq gcc libc6-dev python3 python3-pip)

packages() {
  command -v dpkg-query >/dev/null || die "no Docker engine answers here, and the other route (podman) needs Debian: start Docker and try again"
  local missing
  missing=$(missing_packages)
  [[ -n $missing ]] || return 0
  [[ $EUID == 0 ]] || die "these Debian packages are missing, and installing them needs root: $missing"
  # shellcheck disable=SC2086 # a list of words
  step "install Debian packages ($missing)" apt_install $missing
}

# kind mounts this folder into its nodes; a machine whose kernel has no modules may lack it.
modules_folder() {
  [[ -d /lib/modules || -w /lib ]] || die "the folder /lib/modules is missing, and making it needs root"
  mkdir -p /lib/modules
}

missing_packages() {
  local name
  for name in "${PACKAGES[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || printf '%s ' "$name"
  done | sed 's/ $//'
}

apt_install() {
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@"
}
