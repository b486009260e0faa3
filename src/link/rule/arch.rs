//! Components whose images are made for some machines only, and the nodes that may run them.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::Index;
use crate::link::reference::some;
use crate::parse::table::list;
use crate::resolve::Component;
use crate::resolve::lab::{Arch, Machine, Role};
use crate::value::{Node, Value};

/// The label that a node has its architecture in.
const LABEL: &str = "kubernetes.io/arch";

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let nodes = running(index);
    for component in index.lab.components.values() {
        if let Some((arch, said)) = &component.arch {
            fits(index, component, (arch, said), &nodes, diagnostics);
        }
    }
}

/// The nodes that take workloads.
fn running<'a>(index: &Index<'a>) -> Vec<&'a Machine> {
    let sections = &index.lab.sections;
    let everywhere = sections.cluster.schedule_on_control_planes.value;
    let machines = sections.machines.values();
    machines
        .filter(|machine| machine.online.value)
        .filter(|machine| everywhere || machine.role.value == Role::Worker)
        .collect()
}

fn fits(
    index: &Index<'_>,
    component: &Component,
    (arch, said): (&[Arch], &Node),
    nodes: &[&Machine],
    diagnostics: &mut Diagnostics,
) {
    let others: Vec<&&Machine> = nodes
        .iter()
        .filter(|node| !arch.contains(&node.arch.value))
        .collect();
    let Some(first) = others.first() else { return };
    let name = &component.name;
    let words: Vec<&str> = arch.iter().map(|arch| arch.word()).collect();
    let names: Vec<&str> = others
        .iter()
        .map(|node| node.name.value.0.as_str())
        .collect();
    if others.len() == nodes.len() {
        let message = format!(
            "no node can run `{name}`: its images are for {} only",
            list(&words)
        );
        diagnostics.push(
            Diagnostic::error(Code::ARCHITECTURE, component.span, message)
                .label(
                    first.arch.span,
                    format!("this node is {}", first.arch.value.word()),
                )
                .label(said.origin.first(), "said here")
                .note(format!("of another architecture: {}", some("node", &names)))
                .help("give the lab a node that it runs on, or leave the component out"),
        );
        return;
    }
    if is_bound(index, component) {
        return;
    }
    let message = format!(
        "`{name}` may be put on a node that cannot run it: its images are for {} only",
        list(&words)
    );
    let selector = format!(
        "nodeSelector: {{ {LABEL}: {} }}",
        words.first().unwrap_or(&"")
    );
    diagnostics.push(
        Diagnostic::warning(Code::ARCHITECTURE, component.span, message)
            .label(said.origin.first(), "said here")
            .note(format!("of another architecture: {}", some("node", &names)))
            .help(format!(
                "give its pods `{selector}`, by a value of its chart or by a patch"
            )),
    );
}

/// Whether the component's pods say on which machines they run, by themselves or by a value of its chart.
fn is_bound(index: &Index<'_>, component: &Component) -> bool {
    let own = |pod: &&crate::link::pod::Pod<'_>| pod.place.component.name == component.name;
    let pods: Vec<_> = index.pods.iter().filter(own).collect();
    let values = index.values.get(&component.name).and_then(Option::as_ref);
    let in_values = values.is_some_and(|values| names(values, LABEL));
    in_values || !pods.is_empty() && pods.iter().all(|pod| names(pod.spec, LABEL))
}

/// Whether a key of a map, or the `key` of a rule, is this label.
fn names(node: &Node, label: &str) -> bool {
    match &node.value {
        Value::Map(map) => map.iter().any(|(key, entry)| {
            key.as_str() == label
                || key.as_str() == "key" && entry.node.as_str() == Some(label)
                || names(&entry.node, label)
        }),
        Value::List(items) => items.iter().any(|item| names(item, label)),
        _ => false,
    }
}
