# What a person sees: steps with their times, signs of life, and one clear sentence when something is wrong. Standard output is left to values.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
  say "cluster: $*"
  exit 1
}

# step TITLE COMMAND…: runs COMMAND between a line that announces it and one that says how long it took.
step() {
  local title=$1 began=$SECONDS
  shift
  say "==> $title"
  heartbeat "$title" &
  HEARTBEAT=$!
  "$@" >&2
  stop_heartbeat
  say "    $title: $((SECONDS - began)) s"
}

HEARTBEAT=

# `read` with a deadline waits without a child that would outlive a killed heartbeat and hold the terminal.
heartbeat() {
  local began=$SECONDS never
  exec {never}<> <(:)
  while kill -0 "$$" 2>/dev/null; do
    read -r -t 30 -u "$never" || true
    say "    … $1: $((SECONDS - began)) s so far"
  done
}

stop_heartbeat() {
  [[ -n $HEARTBEAT ]] || return 0
  kill "$HEARTBEAT" 2>/dev/null || true
  wait "$HEARTBEAT" 2>/dev/null || true
  HEARTBEAT=
}

# wait_until SECONDS WHAT COMMAND…: polls COMMAND until it succeeds, or says what did not come true in time.
wait_until() {
  local deadline=$((SECONDS + $1)) seconds=$1 what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "$what did not happen within $seconds s"
    sleep 0.5
  done
}

# need COMMAND WHY: stops when a program that is taken as given is missing.
need() {
  command -v "$1" >/dev/null || die "'$1' is not installed: it is needed to $2"
}
