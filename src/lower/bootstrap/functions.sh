set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="$(dirname "$here")"
tries="${TRIES:-90}"
pause="${PAUSE:-10}"

usage() {
  cat <<'END'
provision.sh                        every step, in order
provision.sh NODE=ADDRESS...        the same; these machines have another address until they are installed
provision.sh STEP [ARGUMENT...]     one step
provision.sh --list                 the steps
END
}

die() {
  echo "error: $*" >&2
  exit 1
}

# retry COMMAND...: until it succeeds; a cluster that comes up takes its time
retry() {
  local try
  for ((try = 1; try <= tries; try++)); do
    if "$@"; then
      return 0
    fi
    echo "not yet ($try of $tries), again in ${pause}s" >&2
    sleep "$pause"
  done
  die "gave up on: $*"
}

# apply ARGUMENT...: in the engine's own name, so that what it drops later is really gone
apply() {
  kubectl apply --server-side --force-conflicts --field-manager="$manager" "$@"
}

# release NAME NAMESPACE CHART VERSION [ARGUMENT...]: a chart, as the engine will find it
release() {
  local name="$1" namespace="$2" chart="$3" version="$4"
  shift 4
  # a run that was cut off leaves a record that makes helm refuse to go on
  kubectl --namespace "$namespace" delete secret --ignore-not-found \
    --selector "owner=helm,name=$name,status in (pending-install,pending-upgrade,pending-rollback)"
  helm upgrade --install "$name" "$chart" --version "$version" --namespace "$namespace" --timeout 15m "$@"
}

# The first secrets. Each is NAMESPACE NAME KEY..., and the value of a key is the file
# $LABC_SECRETS/NAMESPACE/NAME/KEY, so that no value is ever an argument of a program. KEY=VALUE is no secret.

missing=""

miss() {
  missing="$missing
  $*"
}

check_secret() {
  local folder="$LABC_SECRETS/$1/$2" key
  shift 2
  for key in "$@"; do
    case "$key" in *=*) continue ;; esac
    if [ ! -s "$folder/$key" ]; then
      miss "$folder/$key"
    elif [ "$(wc -l <"$folder/$key")" -eq 1 ] && [ -z "$(tail -c 1 "$folder/$key")" ]; then
      echo "note: $folder/$key ends with a line break, which becomes a part of the value" >&2
    fi
  done
}

print_secret() {
  local namespace="$1" name="$2" folder="$LABC_SECRETS/$1/$2" key arguments=()
  shift 2
  for key in "$@"; do
    case "$key" in
      *=*) arguments+=("--from-literal=$key") ;;
      *) arguments+=("--from-file=$key=$folder/$key") ;;
    esac
  done
  kubectl create secret generic "$name" --namespace "$namespace" "${arguments[@]}" --dry-run=client --output=yaml
}

# store: the Secret on standard input, which the engine knows nothing of
store() {
  kubectl apply --server-side --force-conflicts --field-manager=provision.sh --filename=-
}

apply_secret() {
  print_secret "$@" | store
}
