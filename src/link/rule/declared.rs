//! What a module without a chart declares must be among what it writes: others rely on it.

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::link::index::{Index, group_and_kind};
use crate::link::reference::some;
use crate::resolve::Component;
use crate::source::{SourceKind, Span};
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    if !index.is_whole {
        return;
    }
    let without_chart = |component: &&Component| component.chart.is_none();
    for component in index.lab.components.values().filter(without_chart) {
        for service in component
            .services
            .iter()
            .filter(|service| !service.at_runtime)
        {
            let (group, kind) = ("", "Service");
            let code = Code::UNKNOWN_SERVICE;
            one(
                index,
                component,
                (group, kind, &service.name),
                code,
                &service.node,
                diagnostics,
            );
        }
        for created in component
            .creates
            .iter()
            .filter(|created| !created.at_runtime)
        {
            let (group, kind) = group_and_kind(&created.kind);
            let code = Code::DANGLING_REFERENCE;
            one(
                index,
                component,
                (group, kind, &created.name),
                code,
                &created.node,
                diagnostics,
            );
        }
    }
}

fn one(
    index: &Index<'_>,
    component: &Component,
    (group, kind, name): (&str, &str, &str),
    code: Code,
    node: &Node,
    diagnostics: &mut Diagnostics,
) {
    let own = crate::link::read::text(node, "namespace").unwrap_or(component.namespace());
    let namespace = Some(own).filter(|_| index.is_namespaced(group, kind));
    if index.object((group, kind, namespace, name)).is_some() {
        return;
    }
    let names = index.names(group, kind, namespace);
    let message = format!(
        "`{}` declares the {kind} `{name}`, but nothing writes it",
        component.name
    );
    diagnostics.push(
        Diagnostic::error(code, place(index, component, node), message)
            .note(format!("what is written there: {}", some(kind, &names)))
            .maybe_help(did_you_mean(name, names.iter().copied()))
            .help("a module without a chart declares what stands in its manifests; what a controller makes has `at = \"runtime\"`"),
    );
}

/// Where the lab says the name, else where the component stands.
fn place(index: &Index<'_>, component: &Component, node: &Node) -> Span {
    let name = node.get("name").unwrap_or(node);
    let spans = name.origin.spans().iter();
    let mut in_lab = spans.filter(|span| index.sources.file(span.source).kind == SourceKind::Lab);
    in_lab.next_back().copied().unwrap_or(component.span)
}
