//! One component: values, manifests, answers, patches.

use std::sync::Arc;

use super::Rendered;
use super::kinds::Scopes;
use super::patch::{self, Operation, Patch, PatchKind, Target};
use super::resource::{Made, Resource, identify};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::Table;
use crate::resolve::Component;
use crate::resolve::component::Answer;
use crate::source::Origin;
use crate::template::{Failed, expand, expand_all};
use crate::value::{Node, Value};

/// Renders a component; none where something in it is wrong.
pub(super) fn render(
    component: &Component,
    scopes: &Scopes,
    diagnostics: &mut Diagnostics,
) -> Option<Rendered> {
    let values = values(component, diagnostics);
    let resources = resources(component, scopes, diagnostics);
    Some(Rendered {
        values: values.ok()?,
        resources: resources.ok()?,
    })
}

/// The chart's values: the module's, then the lab's, merged as Helm merges them.
fn values(component: &Component, diagnostics: &mut Diagnostics) -> Result<Option<Node>, Failed> {
    let layers = component
        .module
        .values
        .iter()
        .chain(&component.syntax.values);
    if component.chart.is_none() {
        let mut failed = Ok(None);
        for layer in layers {
            let message = format!("`{}` has values, but no chart", component.name);
            diagnostics.push(Diagnostic::error(Code::UNKNOWN_KEY, layer.span, message));
            failed = Err(Failed);
        }
        return failed;
    }
    let mut merged = Node::new(Value::map(), Origin::none());
    let mut failed = false;
    for layer in layers {
        match expand(layer, &component.scope, diagnostics) {
            Ok(Some(node)) if node.as_map().is_some() => patch::merge_values(&mut merged, &node),
            Ok(Some(node)) => {
                if node.value != Value::Null {
                    let message = format!("values are a map, not a {}", node.value.kind());
                    let wrong = Diagnostic::error(Code::WRONG_TYPE, node.origin.first(), message);
                    diagnostics.push(wrong);
                    failed = true;
                }
            }
            Ok(None) => {}
            Err(Failed) => failed = true,
        }
    }
    if failed {
        Err(Failed)
    } else {
        Ok(Some(merged))
    }
}

fn resources(
    component: &Component,
    scopes: &Scopes,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Resource>, Failed> {
    let mut found = Vec::new();
    let mut failed = false;
    let own = component.module.manifests.values().flatten();
    let extra = component
        .syntax
        .manifests
        .iter()
        .flat_map(|(_, documents)| documents);
    for template in own.chain(extra) {
        match expand_all(template, &component.scope, diagnostics) {
            Ok(nodes) => {
                let because = Origin::at(component.span);
                found.extend(nodes.into_iter().map(|mut node| {
                    node.add_origin(&because);
                    (node, Made::Manifest)
                }));
            }
            Err(Failed) => failed = true,
        }
    }
    for answer in &component.answers {
        match answered(answer, diagnostics) {
            Ok(nodes) => found.extend(nodes),
            Err(Failed) => failed = true,
        }
    }
    let mut resources = Vec::new();
    for (node, made) in found {
        for node in flatten(node) {
            match identify(node, made.clone(), diagnostics) {
                Some(mut resource) => {
                    place(&mut resource, &component.namespace, scopes);
                    resources.push(resource);
                }
                None => failed = true,
            }
        }
    }
    if !patches(component, &mut resources, diagnostics) || failed {
        return Err(Failed);
    }
    resources.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(resources)
}

/// The resources of an answer that is for a namespace; none where something in it is wrong.
pub(super) fn answer(
    answer: &Answer,
    namespace: &Node,
    scopes: &Scopes,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Resource>> {
    let nodes = answered(answer, diagnostics).ok()?;
    let mut resource = |(node, made)| {
        let mut resource = identify(node, made, diagnostics)?;
        place(&mut resource, namespace, scopes);
        Some(resource)
    };
    nodes.into_iter().map(&mut resource).collect()
}

/// The resources that a provider makes for the asker.
fn answered(answer: &Answer, diagnostics: &mut Diagnostics) -> Result<Vec<(Node, Made)>, Failed> {
    let syntax = answer.syntax.as_ref();
    let Some(template) = syntax.and_then(|syntax| syntax.resources.as_ref()) else {
        return Ok(Vec::new());
    };
    let node = expand(template, &answer.scope, diagnostics)?;
    let made = Made::Answer {
        of: answer.ask.of.to_string(),
        hard: answer.hard,
    };
    match node.map(|node| (node.value, node.origin)) {
        Some((Value::List(items), _)) => {
            let because = |mut item: Node| {
                item.add_origin(&answer.request.origin);
                (item, made.clone())
            };
            Ok(items.into_iter().map(because).collect())
        }
        Some((Value::Null, _)) | None => Ok(Vec::new()),
        Some((other, origin)) => {
            let message = format!("`resources` is a list, not a {}", other.kind());
            diagnostics.push(Diagnostic::error(Code::WRONG_TYPE, origin.first(), message));
            Err(Failed)
        }
    }
}

/// The objects of a `List`, or the object itself.
fn flatten(node: Node) -> Vec<Node> {
    let is_list = node.get("kind").and_then(Node::as_str) == Some("List");
    match node.get("items").and_then(Node::as_list) {
        Some(items) if is_list => items.to_vec(),
        _ => vec![node],
    }
}

/// Gives a resource that has a namespace this one, where it says none.
fn place(resource: &mut Resource, namespace: &Node, scopes: &Scopes) {
    let namespaced = scopes.namespaced(&resource.id.group, &resource.id.kind);
    if namespaced == Some(false) || resource.id.namespace.is_some() {
        return;
    }
    resource.id.namespace = namespace.as_str().map(str::to_owned);
    if let Value::Map(map) = &mut Arc::make_mut(&mut resource.node).value
        && let Some(metadata) = map.get_mut("metadata")
    {
        metadata.node.insert("namespace", namespace.clone());
    }
}

/// Applies the lab's patches; false where one fails.
fn patches(
    component: &Component,
    resources: &mut Vec<Resource>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut fine = true;
    for template in &component.syntax.patches {
        let mut found = Diagnostics::default();
        let patch = expand(template, &component.scope, &mut found)
            .ok()
            .flatten()
            .and_then(|node| read_patch(&node, &mut found));
        if let Some(patch) = patch {
            apply(component, &patch, resources, &mut found);
        }
        fine &= !found.has_errors();
        diagnostics.append(found);
    }
    fine
}

fn apply(
    component: &Component,
    patch: &Patch,
    resources: &mut Vec<Resource>,
    diagnostics: &mut Diagnostics,
) {
    let mut nodes: Vec<Node> = resources
        .iter()
        .map(|resource| (*resource.node).clone())
        .collect();
    let mut found = Diagnostics::default();
    let changes = patch::apply(&mut nodes, patch, &mut found);
    let nothing = changes.changed.is_empty() && changes.deleted.is_empty();
    if nothing && found.has_errors() && component.chart.is_some() {
        let span = patch.target.kind.span;
        let kind = &patch.target.kind.value;
        let here = resources.iter().any(|resource| resource.id.kind == *kind);
        if !here {
            let name = &component.name;
            let message =
                format!("the chart of `{name}` is rendered by the engine: no {kind} here to patch");
            diagnostics.push(
                Diagnostic::error(Code::PATCH_NEEDS_HYDRATED, span, message)
                    .note("a patch sees what labc writes: with `render = \"reference\"` that is not the chart's output")
                    .help("change the chart's `values`, or say `render = \"hydrated\"` once that works"),
            );
            return;
        }
    }
    diagnostics.append(found);
    for (resource, node) in resources.iter_mut().zip(nodes) {
        resource.node = Arc::new(node);
    }
    for index in changes.deleted.into_iter().rev() {
        resources.remove(index);
    }
}

fn read_patch(node: &Node, diagnostics: &mut Diagnostics) -> Option<Patch> {
    let mut table = Table::new(node, "patches", diagnostics);
    let span = table.span?;
    let target: Option<Target> = table.required("target", diagnostics);
    let merge: Option<Node> = table.optional("merge", diagnostics);
    let strategic: Option<Node> = table.optional("strategic", diagnostics);
    let json: Option<Vec<Operation>> = table.optional("json", diagnostics);
    table.finish(diagnostics);
    let kinds = [
        merge.map(PatchKind::Merge),
        strategic.map(PatchKind::Strategic),
        json.map(PatchKind::Json),
    ];
    let mut given: Vec<PatchKind> = kinds.into_iter().flatten().collect();
    if given.len() != 1 {
        let message = "a patch has one of `merge`, `strategic`, `json` or `file`";
        diagnostics.push(Diagnostic::error(Code::PATCH_FAILS, span, message));
        return None;
    }
    Some(Patch {
        target: target?,
        kind: given.pop()?,
        span,
    })
}
