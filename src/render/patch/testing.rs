//! For this stage's unit tests: trees from text, and origins as text.

use crate::diag::Diagnostics;
use crate::source::{SourceId, SourceKind, Sources};
use crate::syntax::yaml;
use crate::value::{Node, Path, Step, Value};

/// The tree of a YAML text, written in the source number `source` of three.
pub(super) fn node(source: usize, text: &str) -> Node {
    let mut diagnostics = Diagnostics::default();
    let mut documents = yaml::read(sources()[source], text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "no YAML: {text}");
    documents.pop().unwrap_or_default()
}

/// The origin of every value but the root, by the numbers of its sources: `spec.replicas: 1 0`.
pub(super) fn origins(root: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    walk(root, &mut Path::default(), &mut lines);
    lines
}

fn sources() -> Vec<SourceId> {
    let mut sources = Sources::default();
    let add = |number: usize| sources.add(number.to_string(), "".into(), SourceKind::Lab);
    (0..3).map(add).collect()
}

fn walk(node: &Node, path: &mut Path, lines: &mut Vec<String>) {
    if !path.0.is_empty() {
        let number = |span: &crate::source::Span| {
            let number = sources().iter().position(|id| *id == span.source);
            number.expect("one of three").to_string()
        };
        let numbers: Vec<String> = node.origin.spans().iter().map(number).collect();
        lines.push(format!("{path}: {}", numbers.join(" ")));
    }
    let children: Vec<(Step, &Node)> = match &node.value {
        Value::Map(map) => map
            .iter()
            .map(|(key, entry)| (Step::Key(key.clone()), &entry.node))
            .collect(),
        Value::List(list) => (0..).map(Step::Index).zip(list).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.0.push(step);
        walk(child, path, lines);
        path.0.pop();
    }
}
