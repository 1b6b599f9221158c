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
  for node in $(nodes "$name"); do
    mapfile -t missing < <(missing_images "$node" "$@")
    ((${#missing[@]} == 0)) || step "load ${missing[*]} into $node" load_into "$node" "${missing[@]}"
  done
}

# Not `kind load`: it asks for every platform of an image, and Docker's containerd store saves only this machine's.
load_into() {
  local node=$1
  shift
  saved "$@" | container exec -i "$node" ctr -n k8s.io images import --platform "linux/$(architecture)" --snapshotter overlayfs -
}

# podman keeps the layers two images share apart unless told to make one archive of all.
saved() {
  if [[ $ENGINE == docker ]]; then docker save "$@"; else podman save -q -m --format docker-archive "$@"; fi
}

architecture() {
  case $(uname -m) in
    aarch64 | arm64) printf 'arm64\n' ;;
    *) printf 'amd64\n' ;;
  esac
}

# missing_images NODE IMAGE…: containerd lists an image by name and by the id of its configuration, and a node has it when both rows
# name one digest. Docker's containerd store takes that digest itself for the id.
missing_images() {
  local node=$1 image listed
  shift
  listed=$(container exec "$node" ctr -n k8s.io images ls | awk '{print $1, $3}')
  for image in "$@"; do
    awk -v name="$(full_name "$image")" -v id="$(container image inspect -f '{{.Id}}' "$image")" '
      BEGIN { sub(/^sha256:/, "", id); id = "sha256:" id }
      $1 == name { by_name = $2 }
      $1 == id { by_id = $2 }
      END { exit !(by_name && (by_name == by_id || by_name == id)) }' <<<"$listed" || printf '%s\n' "$image"
  done
}

# full_name IMAGE: as a node stores it. What names no registry is the engine's own: docker.io for Docker, localhost for podman.
full_name() {
  local name=$1
  [[ ${name##*/} == *:* ]] || name=$name:latest
  case $name in
    localhost/* | *.*/* | *:*/*) printf '%s\n' "$name" ;;
    */*) if [[ $ENGINE == docker ]]; then printf 'docker.io/%s\n' "$name"; else printf 'localhost/%s\n' "$name"; fi ;;
    *) if [[ $ENGINE == docker ]]; then printf 'docker.io/library/%s\n' "$name"; else printf 'localhost/%s\n' "$name"; fi ;;
  esac
}
