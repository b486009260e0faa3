#!/usr/bin/env bash
# Generates the machine config of every node by talhelper, from the talconfig.yaml beside this script.
#
# The configs hold secrets: they go to $LABC_SECRETS/talos/generated, and are made anew each time.
# The secrets of the cluster are yours: the lab's talos/talsecret.sops.yaml, or a file below
# $LABC_SECRETS/talos. `talhelper gensecret` makes one. Whoever loses it loses the cluster.
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

umask 077
mkdir -p "$LABC_SECRETS"
if command -v git >/dev/null && git -C "$LABC_SECRETS" rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
  ! git -C "$LABC_SECRETS" check-ignore --quiet "$LABC_SECRETS"; then
  die "$LABC_SECRETS lies in a Git repository that does not ignore it"
fi
mkdir -p "$generated"

secrets=""
for file in "$here/../../talos/talsecret.sops.yaml" "$LABC_SECRETS/talos/talsecret.sops.yaml" \
  "$LABC_SECRETS/talos/talsecret.yaml" "$LABC_SECRETS/talos/secrets.yaml"; do
  if [ -z "$secrets" ] && [ -f "$file" ]; then
    secrets="$file"
  fi
done
[ -n "$secrets" ] ||
  die "there is neither talos/talsecret.sops.yaml in the lab nor $LABC_SECRETS/talos/talsecret.yaml: see $here/README.md"

cd "$here"
talhelper genconfig --config-file talconfig.yaml --secret-file "$secrets" --out-dir "$generated" \
  --offline-mode --no-gitignore --disable-nodes-section
talosctl --talosconfig "$talosconfig" config node 172.16.1.50
echo "the machine configs are in $generated"
