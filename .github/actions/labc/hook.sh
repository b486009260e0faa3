#!/usr/bin/env bash
# What pre-commit runs: labc, compiled once from the commit that the hooks are pinned to, with the versions that its
# Cargo.lock names. pre-commit's own `language: rust` takes whatever versions are newest on the day that it compiles, so that
# a hook could make other bytes than the labc of CI.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
home=$source/target/hook

compile() {
  local target
  # What a hook prints is shown when it ends; this takes minutes.
  { echo "compiling labc, once for this commit of it" > /dev/tty; } 2> /dev/null || true
  mkdir -p "$home"
  target=$(mktemp -d "$home/target.XXXXXX")
  # shellcheck disable=SC2064 # the folder is this one
  trap "rm -rf '$target'" EXIT
  cargo install --path "$source" --locked --no-track --quiet --root "$home" --target-dir "$target"
}

if [ ! -x "$home/bin/labc" ]; then
  (compile)
fi
exec "$home/bin/labc" "$@"
