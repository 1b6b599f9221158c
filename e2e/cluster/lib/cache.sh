# Where outputs live between runs: one folder outside the checkout, one entry per version, never a half-written one.
# shellcheck shell=bash

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/socialplatform
# shellcheck disable=SC2034 # used beside this file
BIN=$CACHE/bin

# once TITLE ENTRY COMMAND…: makes the cache folder ENTRY unless it exists. COMMAND gets a scratch folder as its last argument; the
# folder takes the entry's name when COMMAND has succeeded, so an interrupted run leaves no entry.
once() {
  local title=$1 entry=$CACHE/$2 scratch
  shift 2
  [[ ! -e $entry ]] || return 0
  scratch=$(scratch_folder)
  step "$title" "$@" "$scratch"
  mv -T "$scratch" "$entry"
}

scratch_folder() {
  mkdir -p "$CACHE/cluster-tmp"
  mktemp -d "$CACHE/cluster-tmp/XXXXXX"
}

# write FILE: replaces FILE by standard input in one move.
write() {
  mkdir -p "${1%/*}"
  cat >"$1.$$"
  mv "$1.$$" "$1"
}

# recipe FILE…: a short name for the content of files beside `versions.sh`, so that an image built from an older recipe is not taken for this one.
recipe() {
  (cd "$HERE" && cat versions.sh "$@") | sha256sum | cut -c 1-12
}

# One run at a time changes the cache and the engine. Whoever holds the lock owns every scratch folder, so those an interrupted run left go.
# Descriptor 9 carries the lock; programs that leave processes behind are started without it (see `engine.sh`).
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  if command -v flock >/dev/null && ! flock -n 9; then
    say "another run is at work: waiting for it"
    flock 9
  fi
  rm -rf "$CACHE/cluster-tmp"
}
