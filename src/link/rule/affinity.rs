//! Pods that want to be near other pods, far from them or spread among them: there are such pods.

use crate::diag::{Code, Diagnostics};
use crate::link::index::Index;
use crate::link::label::{Reach, Selector};
use crate::link::pod::Pod;
use crate::link::read;
use crate::value::Node;

/// Where terms about other pods stand, and what comes of one that picks none.
const TERMS: [(&str, &str); 5] = [
    (
        "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.*",
        "the pods are never scheduled",
    ),
    (
        "affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution.*.podAffinityTerm",
        "the scheduler has nothing to go by",
    ),
    (
        "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.*",
        "nothing is kept apart",
    ),
    (
        "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.*.podAffinityTerm",
        "nothing is kept apart",
    ),
    ("topologySpreadConstraints.*", "nothing is spread"),
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    if !index.is_whole {
        return;
    }
    for pod in index.pods.iter() {
        for (path, effect) in TERMS {
            for term in read::every(pod.spec, path) {
                picks(index, pod, term, effect, diagnostics);
            }
        }
    }
}

/// Reports a term that picks no pod, where every pod that it could pick is written by labc.
fn picks<'a>(
    index: &Index<'a>,
    pod: &Pod<'a>,
    term: &'a Node,
    effect: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some(node) = term.get("labelSelector") else {
        return;
    };
    let selector = Selector::full(node);
    let named = read::every(term, "namespaces.*");
    let named: Vec<&str> = named.into_iter().filter_map(Node::as_str).collect();
    let own = pod.place.namespace();
    let namespaces = match (term.get("namespaceSelector"), named.is_empty()) {
        (Some(_), _) => return,
        (None, true) => vec![own],
        (None, false) => named,
    };
    let hidden = namespaces
        .iter()
        .any(|namespace| super::selector::unseen_pods(index, namespace).is_some());
    let reach = Reach::In(namespaces);
    let is_found = selector.is_empty() || index.pods.pick(&reach, &selector).next().is_some();
    if hidden || is_found {
        return;
    }
    let text = selector.to_text();
    let message = format!("`{text}` picks no pod: {effect}");
    let span = index.span(pod.place, node);
    let labels = pod.labels.into_iter().flatten();
    let labels: Vec<String> = labels
        .filter_map(|(key, entry)| Some(format!("`{key}={}`", entry.node.as_str()?)))
        .collect();
    let mut diagnostic = crate::diag::Diagnostic::warning(Code::SELECTS_NOTHING, span, message)
        .here(format!("in {}", pod.place.resource.id));
    if !labels.is_empty() {
        diagnostic = diagnostic.note(format!("its own pods have {}", labels.join(", ")));
    }
    diagnostics
        .push(diagnostic.help("name labels that pods have: its own, to keep its copies apart"));
}
