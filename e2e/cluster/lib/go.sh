# Programs built from published Go modules, each into a cache folder of its own version.
# shellcheck shell=bash

export CGO_ENABLED=0 GOFLAGS=-trimpath

# go_install PACKAGE@VERSION FOLDER
go_install() { GOBIN=$2 go install -ldflags '-s -w' "$1"; }

# A module with `replace` lines of its own cannot be installed by version: it is built as the tool of a throw-away module.
# tool_program NAME PACKAGE VERSION FOLDER
tool_program() {
  local name=$1 package=$2 version=$3 folder=$4
  throw_away_module "$folder/module"
  (
    cd "$folder/module" || exit
    go get -tool "$package@v$version"
    go build -ldflags '-s -w' -o "$folder/$name" "$package"
  )
  rm -r "$folder/module"
}

etcd_program() { tool_program etcd go.etcd.io/etcd/server/v3 "$ETCD_VERSION" "$1"; }

# Without the clients of two dozen clouds, in which Prometheus would look for what to ask.
promtool_program() {
  GOFLAGS="$GOFLAGS -tags=remove_all_sd" tool_program promtool github.com/prometheus/prometheus/cmd/promtool "$PROMETHEUS_VERSION" "$1"
}

# kubernetes_programs COMMAND… FOLDER: commands of k8s.io/kubernetes, which names its staging modules v0.0.0; the published ones carry
# the same minor and patch version.
kubernetes_programs() {
  local folder=${*: -1} commands=("${@:1:$#-1}") source version=k8s.io/component-base/version minor=${KUBERNETES_VERSION#1.}
  source=$(module_source "k8s.io/kubernetes@v$KUBERNETES_VERSION")
  throw_away_module "$folder/module"
  (
    cd "$folder/module" || exit
    awk -v v="$minor" '$1 ~ /^k8s.io\// && $2 == "v0.0.0" {print "replace " $1 " => " $1 " v0." v}' "$source/go.mod" >>go.mod
    go get -tool "${commands[@]/%/@v$KUBERNETES_VERSION}"
    go build -o "$folder/" -ldflags "-s -w -X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=${minor%.*}" tool
  )
  rm -r "$folder/module"
}

throw_away_module() {
  mkdir "$1"
  printf 'module tools\n\ngo 1.24.0\n' >"$1/go.mod"
}

# module_source MODULE@VERSION: the folder with the module's files.
module_source() {
  (cd "$CACHE" && go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p')
}
