//! Nodes that pods and volumes are bound to are nodes of the lab.

use crate::diag::{Code, Diagnostics, did_you_mean};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::{Reference, some};
use crate::value::Node;

/// The label that a node has its name in.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// Where terms about nodes stand, in a pod and in a volume.
const REQUIRED: &str =
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.*";
const PREFERRED: &str =
    "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution.*.preference";
const OF_VOLUME: &str = "spec.nodeAffinity.required.nodeSelectorTerms.*";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        let selected = pod
            .spec
            .get("nodeSelector")
            .and_then(|labels| labels.get(HOSTNAME));
        for node in pod.spec.get("nodeName").into_iter().chain(selected) {
            known(index, pod.place, node, diagnostics);
        }
        for path in [REQUIRED, PREFERRED] {
            terms(index, pod.place, read::every(pod.spec, path), diagnostics);
        }
    }
    for place in index.of_kind("", "PersistentVolume") {
        terms(
            index,
            place,
            read::every(place.node(), OF_VOLUME),
            diagnostics,
        );
    }
}

fn terms<'a>(
    index: &Index<'a>,
    from: Place<'a>,
    terms: Vec<&'a Node>,
    diagnostics: &mut Diagnostics,
) {
    for rule in terms
        .into_iter()
        .flat_map(|term| read::every(term, "matchExpressions.*"))
    {
        let names_nodes = read::text(rule, "key") == Some(HOSTNAME)
            && matches!(read::text(rule, "operator"), Some("In" | "NotIn"));
        for node in read::every(rule, "values.*")
            .into_iter()
            .filter(|_| names_nodes)
        {
            known(index, from, node, diagnostics);
        }
    }
}

fn known<'a>(index: &Index<'a>, from: Place<'a>, node: &'a Node, diagnostics: &mut Diagnostics) {
    let Some(name) = node.as_str().filter(|name| !name.is_empty()) else {
        return;
    };
    let machines = &index.lab.sections.machines;
    let names: Vec<&str> = machines.keys().map(|name| name.0.as_str()).collect();
    if names.contains(&name) {
        return;
    }
    diagnostics.push(
        index
            .error(
                Code::UNKNOWN_NODE,
                Reference { from, node },
                format!("there is no node `{name}`"),
            )
            .note(format!("the lab has {}", some("node", &names)))
            .maybe_help(did_you_mean(name, names.iter().copied())),
    );
}
