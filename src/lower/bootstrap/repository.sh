# The credentials of the repository: Argo CD takes a Secret for that by its label.

check_repository() {
  check_secret "$@"
}

apply_repository() {
  print_secret "$@" |
    kubectl label --local --filename=- --output=yaml argocd.argoproj.io/secret-type=repository |
    store
}
