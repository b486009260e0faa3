//! Which versions of Talos and Kubernetes a lab can take next.
//!
//! Talos' own tables say which Kubernetes it runs and from where it upgrades; Kubernetes is upgraded one minor at a time.

use super::{own, texts};
use crate::lower::tree;
use crate::parse::domain::Minor;
use crate::resolve::Lab;
use crate::resolve::lab::Cluster;
use crate::resolve::versions::{NEWEST_TALOS, RELEASES, release_of};
use crate::source::Origin;
use crate::value::Node;

/// What moves together with Talos: its installer, plain or from the Image Factory, and its command.
const TALOS: [&str; 4] = [
    "siderolabs/talos",
    "ghcr.io/siderolabs/installer",
    "ghcr.io/siderolabs/talosctl",
    "factory.talos.dev/**",
];

/// What moves together with Kubernetes.
const KUBERNETES: [&str; 4] = [
    "ghcr.io/siderolabs/kubelet",
    "kubernetes/kubernetes",
    "kubernetes/kubectl",
    "registry.k8s.io/kubectl",
];

/// The rule for Talos.
///
/// It ends where labc's tables do: a newer Talos compiles with a warning that nothing was checked, so its pull request
/// would be green without a reason to be. A newer labc lifts the bound with its first build. A lab that is beyond the
/// tables already has no bound.
pub(super) fn talos(lab: &Lab) -> Node {
    let cluster = &lab.sections.cluster;
    let rule = [
        ("groupName", own("Talos")),
        ("matchPackageNames", texts(TALOS)),
    ];
    let Some(newest) = newest_talos(cluster) else {
        return tree::map(rule);
    };
    let talos = cluster.talos.value.minor();
    let why = format!(
        "{newest} is the newest that Talos {talos} upgrades to directly, that runs Kubernetes {}, and that this labc knows.",
        cluster.kubernetes.value.minor()
    );
    bounded(rule, &why, newest, cluster)
}

/// The newest minor of Talos that this lab can take; none where the tables do not know its own.
fn newest_talos(cluster: &Cluster) -> Option<Minor> {
    let own = release_of(cluster.talos.value.minor())?.talos;
    let kubernetes = cluster.kubernetes.value.minor();
    let within = RELEASES.iter().filter(|release| {
        release.talos <= NEWEST_TALOS
            && release.upgrades_from <= own
            && (release.oldest_kubernetes..=release.newest_kubernetes).contains(&kubernetes)
    });
    within.map(|release| release.talos).chain([own]).max()
}

/// The rule for Kubernetes.
pub(super) fn kubernetes(lab: &Lab) -> Node {
    let cluster = &lab.sections.cluster;
    let kubernetes = cluster.kubernetes.value.minor();
    let next = kubernetes.next();
    let rule = [
        ("groupName", own("Kubernetes")),
        ("matchPackageNames", texts(KUBERNETES)),
    ];
    let Some(release) = release_of(cluster.talos.value.minor()) else {
        let why = format!("Kubernetes {kubernetes} upgrades to at most {next}.");
        return bounded(rule, &why, next, cluster);
    };
    let why = format!(
        "Kubernetes {kubernetes} upgrades to at most {next}; Talos {} runs {} to {}.",
        release.talos, release.oldest_kubernetes, release.newest_kubernetes
    );
    bounded(rule, &why, next.min(release.newest_kubernetes), cluster)
}

/// A rule that lets nothing pass that is newer than a minor.
fn bounded(rule: [(&str, Node); 2], why: &str, newest: Minor, cluster: &Cluster) -> Node {
    let origin = Origin::from_spans([cluster.talos.span, cluster.kubernetes.span]);
    let Minor { major, minor } = newest.next();
    let bound = format!("<{major}.{minor}.0");
    let why = tree::list(vec![tree::leaf(why, &origin)]);
    let own = [
        ("allowedVersions", tree::leaf(bound, &origin)),
        ("description", why),
    ];
    tree::map_of(rule.into_iter().chain(own))
}
