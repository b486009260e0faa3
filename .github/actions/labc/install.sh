#!/usr/bin/env bash
# Puts labc where the next steps find it. labc is compiled from the commit that this action is used at: no binary is
# downloaded, and the pin of the action is the pin of the compiler.
#
#   install.sh key        prints the name under which the compiled labc is kept
#   install.sh install    adds labc's folder to the PATH: $LABC_BINARY, what the cache gave back, or a fresh build
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
home=$RUNNER_TEMP/labc

# Everything that is compiled, and by what: another commit with the same sources has the same labc.
key() {
  local sources
  sources=$(
    cd "$source"
    rustc=$(rustc --version 2>/dev/null || echo none)
    find Cargo.toml Cargo.lock src modules -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum |
      { cat && echo "$rustc"; } | sha256sum | cut -d ' ' -f 1
  )
  printf 'key=labc-%s-%s-%s\n' "$RUNNER_OS" "$RUNNER_ARCH" "$sources"
}

compile() {
  local wanted
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$source/Cargo.toml")
  if ! printf '%s\n' "$wanted" "$(rustc --version | cut -d ' ' -f 2)" | sort -V -C; then
    rustup toolchain install stable --profile minimal --no-self-update
    export RUSTUP_TOOLCHAIN=stable
  fi
  cargo install --path "$source" --locked --no-track --root "$home" --target-dir "$RUNNER_TEMP/labc-target"
}

provide() {
  mkdir -p "$home/bin"
  if [ -n "$LABC_BINARY" ]; then
    cp -- "$LABC_BINARY" "$home/bin/labc"
  elif [ ! -x "$home/bin/labc" ]; then
    compile
  fi
  "$home/bin/labc" --version
  printf '%s\n' "$home/bin" >> "$GITHUB_PATH"
}

case ${1-} in
key) key ;;
install) provide ;;
*)
  echo "usage: install.sh key|install" >&2
  exit 2
  ;;
esac
