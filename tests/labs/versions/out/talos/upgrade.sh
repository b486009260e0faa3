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
[ -f "$talosconfig" ] || die "there is no $talosconfig: run $here/generate.sh first"
talos=v1.12.4
kubernetes=1.35.0
first='10.1.0.10'

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
  at "$address" upgrade --image "$installer"
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
  upgrade cp-1 10.1.0.10 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.12.4 "$@"
  upgrade worker-1 10.1.0.21 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.12.4 "$@"
fi
if [ "$what" != talos ]; then
  echo "upgrading Kubernetes to $kubernetes"
  at "$first" upgrade-k8s --to "$kubernetes"
fi
