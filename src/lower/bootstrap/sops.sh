# Secrets that are encrypted in this tree: FILE, below out/.

check_sops() {
  command -v sops >/dev/null || return 0
  sops --decrypt "$out/$1" >/dev/null || miss "the key that decrypts $out/$1"
}

apply_sops() {
  sops --decrypt "$out/$1" | apply --filename=-
}
