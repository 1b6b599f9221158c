# Every image the cluster and its guests start from, made or pulled once.
# shellcheck shell=bash

images() {
  if [[ $ENGINE == docker ]]; then
    local image
    for image in "$DOCKER_NODE_IMAGE" "$DOCKER_BASE_IMAGE" "${STORE_IMAGES[@]}"; do
      docker image inspect "$image" >/dev/null 2>&1 || step "pull $image" docker pull -q "$image"
    done
  else
    make_base_image
    make_store_images
    make_node_image
  fi
}

# build_image NAME:TAG BINARY: the program at /usr/local/bin under its own name. The last line cannot be in the Dockerfile, because an
# ENTRYPOINT without a shell takes no variables.
build_image() {
  local name=$1 binary=$2 program=${2##*/} context pull=()
  [[ -f $binary ]] || die "there is no file $binary to put into $name"
  [[ $ENGINE == docker ]] || pull=(--pull-never)
  context=$(mktemp -d)
  CONTEXTS+=("$context")
  install "$binary" "$context/$program"
  { cat "$HERE/../../Dockerfile"; printf 'ENTRYPOINT ["/usr/local/bin/%s"]\n' "$program"; } |
    container build -q "${pull[@]}" -t "$name" --build-arg "BASE=$(base_image)" --build-arg "PROGRAM=$program" -f - "$context" >&2
}

CONTEXTS=()
