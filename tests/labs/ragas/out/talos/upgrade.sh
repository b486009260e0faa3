#!/usr/bin/env bash
# Upgrades Talos, one node after the other, and then Kubernetes.
#
#   upgrade.sh                      all of it
#   upgrade.sh talos [NODE...]      Talos on all nodes, or on these
#   upgrade.sh kubernetes           Kubernetes
#
# A node that already runs this Talos from this schematic is left alone. The factory must know the schematic
# (README.md). Talos keeps a node's data; Kubernetes goes up one minor version at a time.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

die() {
  echo "error: $*" >&2
  exit 1
}

command -v talosctl >/dev/null || die "talosctl is not installed: https://docs.siderolabs.com/talos/"
[ -n "${LABC_SECRETS:-}" ] || die "set LABC_SECRETS to a folder outside Git: it holds the cluster's secrets"
generated="$LABC_SECRETS/talos/generated"
talosconfig="$generated/talosconfig"
command -v talhelper >/dev/null || die "talhelper is not installed: https://budimanjojo.github.io/talhelper/"

# by_talhelper COMMAND [ARGUMENT...]: runs the commands of talosctl that talhelper prints
by_talhelper() {
  local commands
  commands="$(talhelper gencommand "$@" --config-file "$here/talconfig.yaml" --out-dir .)" || return
  (cd "$generated" && bash -euc "$commands")
}
[ -f "$talosconfig" ] || die "there is no $talosconfig: run $here/generate.sh first"
talos=v1.11.5
kubernetes=1.34.2
first='172.16.1.50'

# at NODE ARGUMENT...
at() {
  local node="$1"
  shift
  talosctl --talosconfig "$talosconfig" --endpoints "$node" --nodes "$node" "$@"
}

# runs ADDRESS SCHEMATIC: whether the node runs this Talos from this schematic
runs() {
  local tag=" $talos\$"
  at "$1" version 2>/dev/null | sed -n '/^Server:/,$p' | grep -q "Tag:.*$tag" &&
    at "$1" get extensions --output yaml 2>/dev/null | grep -q "version: $2\$"
}

# upgrade NODE ADDRESS SCHEMATIC INSTALLER [NODE...]
upgrade() {
  local node="$1" address="$2" schematic="$3" installer="$4"
  shift 4
  wanted "$node" "$@" || return 0
  if runs "$address" "$schematic"; then
    echo "$node: runs $talos already"
    return 0
  fi
  echo "$node: upgrading to $installer"
  by_talhelper upgrade --node "$node" --offline-mode --extra-flags="--endpoints=$address"
  echo "$node: waiting for the cluster"
  at "$first" health --wait-timeout 15m
}

wanted() {
  [ "$#" -gt 1 ] || return 0
  local node="$1" one
  shift
  for one in "$@"; do
    [ "${one%%=*}" = "$node" ] && return 0
  done
  return 1
}

what="${1:-all}"
case "$what" in
  all | talos | kubernetes) [ "$#" -eq 0 ] || shift ;;
  *) die "upgrade.sh [talos [NODE...] | kubernetes]" ;;
esac

if [ "$what" != kubernetes ]; then
  upgrade talos-cp-1 172.16.1.50 ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515 factory.talos.dev/metal-installer-secureboot/ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515:v1.11.5 "$@"
  upgrade talos-cp-2 172.16.1.51 ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515 factory.talos.dev/metal-installer-secureboot/ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515:v1.11.5 "$@"
  upgrade talos-cp-3 172.16.1.52 ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515 factory.talos.dev/metal-installer-secureboot/ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515:v1.11.5 "$@"
  upgrade talos-worker 172.16.1.53 ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515 factory.talos.dev/metal-installer-secureboot/ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515:v1.11.5 "$@"
fi
if [ "$what" != talos ]; then
  echo "upgrading Kubernetes to $kubernetes"
  by_talhelper upgrade-k8s --node "$first" --extra-flags="--endpoints=$first"
fi
