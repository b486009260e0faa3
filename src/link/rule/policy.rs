//! Network policies need a pod network that enforces them: Talos' own, flannel, does not.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::Index;
use crate::resolve::lab::Need;
use crate::value::{Node, Path};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let policies: Vec<_> = index
        .of_kind("networking.k8s.io", "NetworkPolicy")
        .collect();
    let Some(first) = policies.first() else {
        return;
    };
    if !is_flannel(index) || !index.is_whole {
        return;
    }
    let message = match policies.len() {
        1 => format!("nothing enforces {}", first.resource.id),
        count => format!(
            "nothing enforces {} and {} more policies",
            first.resource.id,
            count - 1
        ),
    };
    let kind = first.node().get("kind").unwrap_or(first.node());
    diagnostics.push(
        Diagnostic::warning(Code::NOT_ENFORCED, index.span(*first, kind), message)
            .note("the pod network of this lab is the flannel that Talos installs: it takes policies and ignores them")
            .help("add a component that provides `cni` and enforces them, such as `cilium`"),
    );
}

/// The switch of Talos' flannel to enforce policies itself, since Talos 1.13. It is only reached by a raw patch.
const SWITCH: &str = "kubeNetworkPoliciesEnabled";

/// Whether the pods' network is the one that Talos installs by default.
fn is_flannel(index: &Index<'_>) -> bool {
    let lab = index.lab;
    let says_other = |words: &Node| {
        words
            .get("cni")
            .is_some_and(|cni| cni.as_str() != Some("flannel"))
    };
    let says_so = |need: &Need| says_other(&need.words);
    let lab_words = lab.sections.talos.words.as_ref();
    let is_replaced = lab.capabilities.contains_key("cni")
        || lab.needs.iter().any(says_so)
        || lab_words.is_some_and(says_other);
    let raw = lab
        .components
        .values()
        .flat_map(|component| component.module.talos_patches.values());
    let raw = raw.flatten().filter_map(|patch| patch.as_data());
    let path = Path::keys(["cluster", "network", "cni", "flannel", SWITCH]);
    let is_switched = raw.into_iter().any(|patch| patch.at(&path).is_some())
        || index
            .sources
            .iter()
            .any(|(_, file)| file.text.contains(SWITCH));
    !is_replaced && !is_switched
}
