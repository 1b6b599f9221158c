# Images from the engine into every node of a cluster, skipping those a node has.
# shellcheck shell=bash

# load NAME IMAGE…
load() {
  local name=$1 node image missing
  shift
  exists "$name" || die "there is no cluster $name to load images into"
  for image in "$@"; do
    container image inspect "$image" >/dev/null 2>&1 || die "the engine has no image $image to load"
  done
  if [[ $ENGINE == docker ]]; then
    kind load docker-image -q --name "$name" "$@"
    return
  fi
  for node in $(nodes "$name"); do
    mapfile -t missing < <(missing_images "$node" "$@")
    ((${#missing[@]} == 0)) || step "load ${missing[*]} into $node" load_into "$node" "${missing[@]}"
  done
}

load_into() {
  local node=$1
  shift
  podman save -q -m --format docker-archive "$@" | podman exec -i "$node" ctr -n k8s.io images import --snapshotter overlayfs -
}

# missing_images NODE IMAGE…: containerd lists every image twice, by name and by id; a node has an image when both rows name one digest.
missing_images() {
  local node=$1 image listed
  shift
  listed=$(podman exec "$node" ctr -n k8s.io images ls | awk '{print $1, $3}')
  for image in "$@"; do
    awk -v name="$(full_name "$image")" -v id="sha256:$(podman image inspect -f '{{.Id}}' "$image")" '
      $1 == name { by_name = $2 }
      $1 == id { by_id = $2 }
      END { exit !(by_name && by_name == by_id) }' <<<"$listed" || printf '%s\n' "$image"
  done
}

# full_name IMAGE: as a node stores it; podman puts what has no registry under localhost.
full_name() {
  case $1 in
    */*) printf '%s\n' "$1" ;;
    *) printf 'localhost/%s\n' "$1" ;;
  esac
}
