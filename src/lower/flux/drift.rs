//! The fields that controllers write, in Flux's words: JSON pointers that drift detection leaves out.

use super::Shared;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::Linked;
use crate::lower::tree::{leaf, list, map_of};
use crate::render::Resource;
use crate::resolve::{Component, Lab};
use crate::value::{Node, Value};

/// Reports what Flux cannot leave to controllers.
pub(super) fn check(lab: &Lab, linked: &Linked, diagnostics: &mut Diagnostics) {
    expressions(lab, diagnostics);
    let units = linked.units.iter();
    for (unit, resource) in units.flat_map(|unit| unit.resources.iter().map(move |one| (unit, one)))
    {
        for entry in &lab.components[&unit.id.component].drift {
            own_field(lab, entry, resource, diagnostics);
        }
    }
}

/// A field of a resource that labc itself writes: Flux leaves fields of releases to controllers, and all that it is not
/// told of, but it sets back what it is told.
fn own_field(lab: &Lab, entry: &Node, resource: &Resource, diagnostics: &mut Diagnostics) {
    if !is_target(entry, resource) {
        return;
    }
    let paths = said(entry, "paths").and_then(Node::as_list);
    for path in paths.into_iter().flatten() {
        let written = path.as_str().and_then(|text| at(&resource.node, text));
        let Some(written) = written else { continue };
        let message = format!(
            "Flux sets `{}` of {} back, because it is written here",
            path.as_str().unwrap_or_default(),
            resource.id
        );
        diagnostics.push(
            Diagnostic::warning(Code::ENGINE_CANNOT, path.origin.first(), message)
                .label(written.origin.first(), "what it is set back to")
                .label(lab.sections.identity.engine.span, "the engine of this lab")
                .help("leave the field out of what is written, by a patch with `op = \"remove\"`"),
        );
    }
}

fn is_target(entry: &Node, resource: &Resource) -> bool {
    let wanted = |key: &str| entry.get("target")?.get(key)?.as_str();
    let id = &resource.id;
    let namespace = id.namespace.as_deref().unwrap_or_default();
    let parts = [
        ("group", id.group.as_str()),
        ("kind", &id.kind),
        ("name", &id.name),
        ("namespace", namespace),
    ];
    parts
        .into_iter()
        .all(|(key, own)| wanted(key).is_none_or(|wanted| wanted == own))
}

/// What a JSON pointer (RFC 6901) leads to.
fn at<'a>(node: &'a Node, pointer: &str) -> Option<&'a Node> {
    let parts = pointer.strip_prefix('/')?.split('/');
    let mut parts = parts.map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.try_fold(node, |node, part| match &node.value {
        Value::List(items) => items.get(part.parse::<usize>().ok()?),
        _ => node.get(&part),
    })
}

/// Reports fields that are told by jq expressions: Flux takes JSON pointers only, and would set them back.
fn expressions(lab: &Lab, diagnostics: &mut Diagnostics) {
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
