#!/usr/bin/env bash
# Applies the generated machine configs.
#
#   apply.sh                        all nodes
#   apply.sh NODE...                these nodes
#   apply.sh NODE=ADDRESS           a new node that has another address until it is installed
#
# MODE=auto|no-reboot|reboot|staged|try says how a running node takes it; auto reboots where it must.
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
mode="${MODE:-auto}"

# address NODE DEFAULT [ARGUMENT...]: where the node answers until it is installed
address() {
  local node="$1" found="$2" one
  shift 2
  for one in "$@"; do
    [ "${one%%=*}" = "$node" ] && [ "$one" != "$node" ] && found="${one#*=}"
  done
  echo "$found"
}

# apply NODE ADDRESS [ARGUMENT...]
apply() {
  local node="$1" address="$2" first config="$generated/$1.yaml"
  shift 2
  wanted "$node" "$@" || return 0
  [ -f "$config" ] || die "there is no $config: run $here/generate.sh first"
  if talosctl --talosconfig "$talosconfig" --endpoints "$address" --nodes "$address" version >/dev/null 2>&1; then
    echo "$node: applying to $address"
    talosctl --talosconfig "$talosconfig" --endpoints "$address" --nodes "$address" \
      apply-config --file "$config" --mode "$mode"
  else
    first="$(address "$node" "$address" "$@")"
    echo "$node: $address does not know our certificate yet, installing by way of $first"
    talosctl --nodes "$first" apply-config --insecure --file "$config"
  fi
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

apply cp-1 10.1.0.10 "$@"
apply worker-1 10.1.0.21 "$@"
