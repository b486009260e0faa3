//! How the scripts do what changes a node: with `talosctl` alone, or with the commands that talhelper prints.

/// The shell of each act; the scripts hold `@apply@` and its like where it belongs.
pub(super) struct Verbs {
    /// What follows the prelude of every script.
    pub(super) prelude: &'static str,
    apply: &'static str,
    bootstrap: &'static str,
    kubeconfig: &'static str,
    upgrade: &'static str,
    upgrade_kubernetes: &'static str,
}

impl Verbs {
    /// A script with these acts.
    pub(super) fn put_into(&self, script: &str) -> String {
        [
            ("@apply@", self.apply),
            ("@bootstrap@", self.bootstrap),
            ("@kubeconfig@", self.kubeconfig),
            ("@upgrade@", self.upgrade),
            ("@upgrade-kubernetes@", self.upgrade_kubernetes),
        ]
        .into_iter()
        .fold(script.to_owned(), |text, (place, act)| {
            text.replace(place, act)
        })
    }
}

/// What a script that calls talhelper begins with.
pub(super) const NEEDS_TALHELPER: &str = r#"command -v talhelper >/dev/null || die "talhelper is not installed: https://budimanjojo.github.io/talhelper/""#;

/// `talosctl` alone.
pub(super) static TALOSCTL: Verbs = Verbs {
    prelude: "",
    apply: r#"talosctl --talosconfig "$talosconfig" --endpoints "$address" --nodes "$address" \
      apply-config --file "$config" --mode "$mode""#,
    bootstrap: r#"at "$first" bootstrap"#,
    kubeconfig: r#"at "$first" kubeconfig "$LABC_SECRETS/kubeconfig" --force --merge=false"#,
    upgrade: r#"at "$address" upgrade --image "$installer""#,
    upgrade_kubernetes: r#"at "$first" upgrade-k8s --to "$kubernetes""#,
};

/// talhelper says what `talosctl` is to do.
pub(super) static TALHELPER: Verbs = Verbs {
    prelude: r#"
# by_talhelper COMMAND [ARGUMENT...]: runs the commands of talosctl that talhelper prints
by_talhelper() {
  local commands
  commands="$(talhelper gencommand "$@" --config-file "$here/talconfig.yaml" --out-dir .)" || return
  (cd "$generated" && bash -euc "$commands")
}"#,
    apply: r#"by_talhelper apply --node "$node" --extra-flags="--endpoints=$address" --extra-flags="--mode=$mode""#,
    bootstrap: r#"by_talhelper bootstrap --node "$first" --extra-flags="--endpoints=$first""#,
    kubeconfig: r#"by_talhelper kubeconfig --node "$first" --extra-flags="--endpoints=$first" \
    --extra-flags=../../kubeconfig --extra-flags=--force --extra-flags=--merge=false"#,
    upgrade: r#"by_talhelper upgrade --node "$node" --offline-mode --extra-flags="--endpoints=$address""#,
    upgrade_kubernetes: r#"by_talhelper upgrade-k8s --node "$first" --extra-flags="--endpoints=$first""#,
};
