//! Selectors pick some pod: a Service's, a disruption budget's; and a workload's picks its own pods.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::label::{Reach, Selector};
use crate::link::own;
use crate::link::pod::Pod;
use crate::link::read;
use crate::link::reference::{Reference, Unseen, why};

/// Kinds whose selector must pick their own template.
const WORKLOADS: [&str; 4] = ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for kind in WORKLOADS {
        for place in index.of_kind("apps", kind) {
            own_pods(index, place, diagnostics);
        }
    }
    for place in index.of_kind("", "Service") {
        let is_external = read::text(place.node(), "spec.type") == Some("ExternalName");
        let selector = read::one(place.node(), "spec.selector").filter(|_| !is_external);
        if let Some(node) = selector {
            let reference = Reference { from: place, node };
            picks(
                index,
                reference,
                &Selector::plain(node),
                Diagnostic::error,
                diagnostics,
            );
        }
    }
    for place in index.of_kind("policy", "PodDisruptionBudget") {
        if let Some(node) = read::one(place.node(), "spec.selector") {
            let reference = Reference { from: place, node };
            picks(
                index,
                reference,
                &Selector::full(node),
                Diagnostic::warning,
                diagnostics,
            );
        }
    }
}

fn own_pods(index: &Index<'_>, place: Place<'_>, diagnostics: &mut Diagnostics) {
    let (Some(node), Some(pod)) = (read::one(place.node(), "spec.selector"), Pod::of(place)) else {
        return;
    };
    let selector = Selector::full(node);
    if !selector.is_empty() && selector.picks(pod.labels) {
        return;
    }
    let kind = &place.resource.id.kind;
    let message = format!("the selector of this {kind} does not pick its own pods");
    let reference = Reference { from: place, node };
    let labels = read::one(place.node(), "spec.template.metadata.labels");
    diagnostics.push(
        index
            .error(Code::SELECTS_NOTHING, reference, message)
            .label(labels.and_then(|labels| labels.origin.first()), "their labels")
            .note("Kubernetes refuses it: `spec.selector` and `spec.template.metadata.labels` belong together"),
    );
}

/// What makes a diagnostic of a severity.
type Make = fn(Code, Option<crate::source::Span>, String) -> Diagnostic;

fn picks<'a>(
    index: &Index<'a>,
    reference: Reference<'a>,
    selector: &Selector<'_>,
    make: Make,
    diagnostics: &mut Diagnostics,
) {
    let namespace = reference.from.namespace();
    let reach = Reach::In(vec![namespace]);
    if selector.is_empty() || index.pods.pick(&reach, selector).next().is_some() || !index.is_whole
    {
        return;
    }
    let text = selector.to_text();
    diagnostics.push(match unseen_pods(index, namespace) {
        Some(unseen) => {
            let message = format!("whether `{text}` picks a pod cannot be seen");
            index.note(reference, message).note(why(unseen, "pod"))
        }
        None => {
            let message = format!("`{text}` picks no pod in namespace `{namespace}`");
            let span = index.span(reference.from, reference.node);
            make(Code::SELECTS_NOTHING, span, message)
                .here(format!("in {}", reference.from.resource.id))
                .help("it has to be the labels of the pods: `spec.template.metadata.labels` of what makes them")
        }
    });
}

/// What may make pods in a namespace that nobody can see.
pub(super) fn unseen_pods<'a>(index: &Index<'a>, namespace: &str) -> Option<Unseen<'a>> {
    if let Some(component) = index.charts(namespace).first() {
        return Some(Unseen::Chart(component));
    }
    if own::may_have_more(Some(namespace)) {
        return Some(Unseen::Cluster);
    }
    index.any_operated(namespace).map(Unseen::Controller)
}
