#!/usr/bin/env bash
# Makes the first control plane start etcd, and fetches the kubeconfig to $LABC_SECRETS/kubeconfig.
#
# Safe to repeat: a cluster whose etcd answers on any control plane is never bootstrapped again.
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
control_planes=(10.1.0.10)
first="${control_planes[0]}"
tries="${TRIES:-90}"
pause="${PAUSE:-10}"

# at NODE ARGUMENT...
at() {
  local node="$1"
  shift
  talosctl --talosconfig "$talosconfig" --endpoints "$node" --nodes "$node" "$@"
}

is_bootstrapped() {
  local node
  for node in "${control_planes[@]}"; do
    at "$node" etcd members >/dev/null 2>&1 && return 0
  done
  return 1
}

# A node that has just been installed reboots first: it answers after some minutes.
bootstrap() {
  local try answer=""
  for ((try = 1; try <= tries; try++)); do
    if is_bootstrapped; then
      echo "etcd runs"
      return 0
    fi
    if at "$first" version >/dev/null 2>&1; then
      echo "bootstrapping etcd on $first"
      if answer="$(at "$first" bootstrap 2>&1)"; then
        return 0
      fi
      case "$answer" in
        *AlreadyExists*) return 0 ;;
      esac
    fi
    sleep "$pause"
  done
  die "$first could not be bootstrapped${answer:+: $answer}"
}

bootstrap

umask 077
for ((try = 1; try <= tries; try++)); do
  if at "$first" kubeconfig "$LABC_SECRETS/kubeconfig" --force --merge=false; then
    echo "the kubeconfig is $LABC_SECRETS/kubeconfig"
    exit 0
  fi
  sleep "$pause"
done
die "$first gave no kubeconfig"
