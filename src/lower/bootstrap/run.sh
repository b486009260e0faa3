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
