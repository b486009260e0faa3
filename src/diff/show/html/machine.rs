//! Talos by node: which documents of its machine config change.

use std::collections::BTreeMap;

use super::Context;
use super::markup::Markup;
use super::words::count;
use crate::diff::Subject;

/// Nodes that have a line of their own.
const MAX_NODES: usize = 300;
/// Fewer nodes are told beside each document, and need no table.
const MIN_NODES: usize = 2;

/// The table of nodes; nothing where fewer than two are reached.
pub(super) fn table(page: &mut Markup, context: &Context<'_>) {
    let mut nodes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, change) in context.diff.changes.iter().enumerate() {
        for node in &change.nodes {
            nodes.entry(node).or_default().push(at);
        }
    }
    if nodes.len() < MIN_NODES {
        return;
    }
    page.element("table", &[("class", "nodes")], |page| {
        page.leaf("caption", &[], "What reaches which node");
        page.own(
            "<thead><tr><th scope=\"col\">Node</th><th scope=\"col\">Changes</th></tr></thead>",
        );
        page.element("tbody", &[], |page| {
            for (node, changes) in nodes.iter().take(MAX_NODES) {
                page.element("tr", &[], |page| {
                    page.leaf("th", &[("scope", "row")], node);
                    page.element("td", &[], |page| documents(page, context, changes));
                });
            }
        });
    });
    if nodes.len() > MAX_NODES {
        let left = format!("and {}", count(nodes.len() - MAX_NODES, "more node"));
        page.leaf("p", &[("class", "left-out")], &left);
    }
    page.line_break();
}

fn documents(page: &mut Markup, context: &Context<'_>, changes: &[usize]) {
    page.element("ul", &[], |page| {
        for at in changes {
            let href = format!("#{}", context.anchors.changes[*at]);
            page.element("li", &[], |page| {
                let title = document(&context.diff.changes[*at].subject);
                page.leaf("a", &[("href", &href)], &title);
            });
        }
    });
}

/// A document as short as a table wants it: the node is known.
fn document(subject: &Subject) -> String {
    match subject {
        Subject::Machine { patch, document } => {
            let patch = if patch.starts_with("nodes/") {
                "its own"
            } else {
                patch
            };
            format!("{document} ({patch})")
        }
        subject => subject.to_string(),
    }
}
