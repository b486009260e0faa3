#!/usr/bin/env bash
# Generates the machine config of every node from the patches beside this script.
#
# The configs hold secrets: they go to $LABC_SECRETS/talos/generated, and are made anew each time.
# $LABC_SECRETS/talos/secrets.yaml is made once. Whoever loses it loses the cluster: keep a copy.
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

cluster=versions
endpoint=https://10.1.0.10:6443
contract=v1.12
kubernetes=1.35.0
secrets="$LABC_SECRETS/talos/secrets.yaml"

umask 077
mkdir -p "$LABC_SECRETS"
if command -v git >/dev/null && git -C "$LABC_SECRETS" rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
  ! git -C "$LABC_SECRETS" check-ignore --quiet "$LABC_SECRETS"; then
  die "$LABC_SECRETS lies in a Git repository that does not ignore it"
fi
mkdir -p "$generated"

if [ ! -f "$secrets" ]; then
  echo "making new secrets: $secrets"
  talosctl gen secrets --talos-version "$contract" --output-file "$secrets"
fi

# gen OUTPUT TYPE [ARGUMENT...]: what Talos generates for this cluster
gen() {
  local output="$1" type="$2"
  shift 2
  talosctl gen config "$cluster" "$endpoint" --with-secrets "$secrets" \
    --talos-version "$contract" --kubernetes-version "$kubernetes" \
    --with-docs=false --with-examples=false \
    --output-types "$type" --output "$output" --force "$@"
}

# generate NODE ROLE PATCH...: Talos applies the patches in this order
generate() {
  local node="$1" role="$2" patch arguments=()
  shift 2
  for patch in "$@"; do
    arguments+=(--config-patch "@$here/patches/$patch")
  done
  gen "$generated/$node.yaml" "$role" "${arguments[@]}"
  talosctl validate --config "$generated/$node.yaml" --mode metal
}

generate cp-1 controlplane all.yaml controlplane.yaml nodes/cp-1.yaml
generate worker-1 worker all.yaml nodes/worker-1.yaml

# who talks to the cluster's Talos
gen "$talosconfig" talosconfig
talosctl --talosconfig "$talosconfig" config endpoint 10.1.0.10
talosctl --talosconfig "$talosconfig" config node 10.1.0.10
echo "the machine configs are in $generated"
