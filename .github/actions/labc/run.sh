#!/usr/bin/env bash
# Runs labc in a workflow: `run.sh check`, `run.sh diff` or `run.sh regenerate`. What it works on comes by the
# environment ($LABC_*), never by text that a shell reads; outputs are numbers and fixed words.
set -euo pipefail

# Runs a command whose output holds the repository's own text: no line of it reaches the runner as one of its commands.
# Both streams are one, or a line of one of them could come before the runner is told to listen no more.
quietly() {
  local status=0 token
  token=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$token"
  "$@" 2>&1 || status=$?
  printf '\n::%s::\n' "$token"
  return "$status"
}

output() {
  printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}

check() {
  local status=0
  quietly labc -C "$LABC_DIRECTORY" check || status=$?
  output exit-code "$status"
  return "$status"
}

# Leaves the diff in three forms in a folder. That it is to fail the job is left to the caller, by the output.
compare() {
  local folder=$RUNNER_TEMP/labc/diff status=0 options=() allowed
  case $LABC_FAIL_ON in
  '') ;;
  unexplained | danger | any) options+=("--exit-code=$LABC_FAIL_ON") ;;
  *)
    echo "::error::fail-on is unexplained, danger or any"
    return 2
    ;;
  esac
  while IFS= read -r allowed; do
    if [ -n "$allowed" ]; then options+=("--allow=$allowed"); fi
  done <<< "$LABC_ALLOW"
  mkdir -p "$folder"
  set -- "$LABC_BASE..HEAD"
  quietly labc -C "$LABC_DIRECTORY" --format html diff "$@" "${options[@]}" --output "$folder/diff.html" || status=$?
  quietly labc -C "$LABC_DIRECTORY" --format json diff "$@" "${options[@]}" --output "$folder/diff.json" || status=$?
  quietly labc -C "$LABC_DIRECTORY" --format markdown diff "$@" "${options[@]}" --output "$folder/diff.md" || status=$?
  output exit-code "$status"
  # The lab may be wrong (1) or differ (3), and the diff says so; without one there is nothing to show.
  if [ ! -s "$folder/diff.md" ]; then return "$(( status == 0 ? 4 : status ))"; fi
  cat "$folder/diff.md" >> "$GITHUB_STEP_SUMMARY"
}

case ${1-} in
check) check ;;
diff) compare ;;
regenerate) quietly "$(dirname "${BASH_SOURCE[0]}")/regenerate.sh" ;;
*)
  echo "::error::command is check, diff, regenerate or none"
  exit 2
  ;;
esac
