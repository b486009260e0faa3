//! The fields that controllers write, in Flux's words: JSON pointers that drift detection leaves out.

use super::Shared;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::lower::tree::{leaf, list, map_of};
use crate::resolve::{Component, Lab};
use crate::value::{Node, Value};

/// Reports fields that are told by jq expressions: Flux takes JSON pointers only, and would set them back.
pub(super) fn check(lab: &Lab, diagnostics: &mut Diagnostics) {
    for component in lab.components.values() {
        for entry in &component.drift {
            let Some(jq) = said(entry, "jq") else {
                continue;
            };
            let message = format!(
                "Flux leaves out no field by a jq expression, as `{}` asks for",
                component.name
            );
            diagnostics.push(
                Diagnostic::error(Code::ENGINE_CANNOT, jq.origin.first(), message)
                    .label(lab.sections.identity.engine.span, "the engine of this lab")
                    .help("name the fields by JSON pointers: `paths = [\"/spec/replicas\"]`"),
            );
        }
    }
}

/// Drift of a release is found and corrected, but for the fields that controllers write.
pub(super) fn detection(shared: &Shared<'_>, component: &Component) -> Node {
    let mut detection = vec![("mode", leaf("enabled", &shared.engine))];
    let ignored: Vec<Node> = component.drift.iter().filter_map(ignore).collect();
    if !ignored.is_empty() {
        detection.push(("ignore", list(ignored)));
    }
    map_of(detection)
}

fn ignore(entry: &Node) -> Option<Node> {
    let paths = said(entry, "paths")?;
    let mut target = Vec::new();
    for key in ["group", "kind", "name", "namespace"] {
        let found = entry.get("target").and_then(|target| target.get(key));
        let found = found.and_then(|node| Some(leaf(pattern(node.as_str()?), &node.origin)));
        target.extend(found.map(|found| (key, found)));
    }
    Some(map_of([
        ("paths", paths.clone()),
        ("target", map_of(target)),
    ]))
}

fn said<'a>(entry: &'a Node, key: &str) -> Option<&'a Node> {
    let filled = |node: &&Node| !matches!(&node.value, Value::Null) && !node.is_leaf();
    entry.get(key).filter(filled)
}

/// A name with `*` and `?` as the regular expression that Flux takes: it must match the whole name.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for letter in name.chars() {
        match letter {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '.' => pattern.push_str("\\."),
            letter => pattern.push(letter),
        }
    }
    pattern
}
