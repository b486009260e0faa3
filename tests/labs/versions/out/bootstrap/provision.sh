#!/usr/bin/env bash
# Brings up the cluster versions: Talos on its machines, what must run first, and the engine that does the rest.
# Compiled by labc. Edit lab.toml, then run: labc build
#
# Every step can be repeated, and run alone. Values of secrets are read from $LABC_SECRETS, a folder outside Git.
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

# What this lab is.

manager=argocd-controller
tools=(talosctl helm kubectl)

steps() {
  cat <<'END'
check       the programs and every first secret are there; touches nothing
generate    make the machine config of every node
apply       give each machine its config; NODE=ADDRESS where it has another address until it is installed
bootstrap   start etcd on the first control plane, and fetch the kubeconfig
api         wait until the Kubernetes API answers
namespaces  make the namespaces, with their pod security
health      wait until all nodes are Ready and Talos is content
root        hand over to the engine
END
}

# first_secrets check|apply
first_secrets() {
  : "$1: there are none"
}

step_namespaces() {
  apply --filename="$out"/infrastructure/namespaces/manifests
}

step_root() {
  retry apply --filename="$here"/project.yaml
  retry apply --filename="$here"/root.yaml
}

# The steps that are the same for every lab.

step_check() {
  local tool
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || miss "the program $tool"
  done
  first_secrets check
  [ -z "$missing" ] || die "no machine was touched; this is missing:$missing"
}

step_generate() {
  "$out/talos/generate.sh"
}

step_apply() {
  "$out/talos/apply.sh" "$@"
}

step_bootstrap() {
  "$out/talos/bootstrap.sh"
}

api_answers() {
  kubectl get --raw /readyz >/dev/null 2>&1
}

# Not for nodes: without a pod network none of them is Ready.
step_api() {
  retry api_answers
}

step_health() {
  talosctl --talosconfig "$LABC_SECRETS/talos/generated/talosconfig" health --wait-timeout 20m
}

step_secrets() {
  first_secrets apply
}

names() {
  steps | cut -d ' ' -f 1
}

# run STEP [ARGUMENT...]
run() {
  local step="$1"
  shift
  echo "==> $(steps | grep "^$step ")"
  "step_$step" "$@"
}

run_all() {
  local step
  for step in $(names); do
    case "$step" in
      apply) run apply "$@" ;;
      *) run "$step" ;;
    esac
  done
}

main() {
  case "${1:-}" in
    -h | --help)
      usage
      return
      ;;
    --list)
      steps
      return
      ;;
  esac
  if [ -z "${LABC_SECRETS:-}" ]; then
    miss "the variable LABC_SECRETS: a folder outside Git, which holds the cluster's secrets"
    LABC_SECRETS="\$LABC_SECRETS"
    step_check
  fi
  # this cluster and no other, whatever the shell was used for before
  export KUBECONFIG="$LABC_SECRETS/kubeconfig"
  case "${1:-}" in
    "" | *=*)
      run_all "$@"
      ;;
    *)
      names | grep -x -- "$1" >/dev/null || die "there is no step $1; see: provision.sh --list"
      run "$@"
      ;;
  esac
}

main "$@"
