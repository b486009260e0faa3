//! Kubernetes' strategic merge patch: maps merge, lists of Kubernetes' own kinds merge by their merge keys, and
//! `$patch` deletes or replaces. Lists of other kinds are replaced.
//!
//! The data is what `kubectl kustomize` makes; the order is the base's: a patched element stays where it is, and new
//! ones come last. What kustomize does silently wrong is right here, or an error: `$patch: replace` on an element or
//! a whole resource, directives that it does not know, elements without their merge key, a port without its
//! protocol, and alternatives that Kubernetes does not accept beside the one that the patch sets.
//! It knows no target: it patches the one resource that it is given.

use std::collections::BTreeSet;

use super::directive::{
    self, DIRECTIVE, Directive, check_words, directive, each_directive, is_directive,
};
use super::merge::{inherit, put, replace};
use super::merge_keys::{FREE, Field, Shape, default_of, shape_of};
use super::target::{group_of, kind_of};
use crate::diag::{Code, Diagnostic};
use crate::parse::table::list;
use crate::value::{Entry, Map, Node, Path, Step, Value};

/// What became of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was patched.
    Patched,
    /// The patch deletes it.
    Deleted,
}

/// Applies `patch` to `resource`, or says everything that is wrong with it; then `resource` is half patched.
pub(super) fn apply(resource: &mut Node, patch: &Node) -> Result<Fate, Vec<Diagnostic>> {
    let own = shape_of(group_of(resource), kind_of(resource));
    let mut walk = Walk::default();
    check_words(patch, own.is_some(), &mut walk.found);
    if !walk.found.is_empty() {
        return Err(walk.found);
    }
    let shape = own.unwrap_or(&FREE);
    match directive(patch) {
        Directive::Delete => return Ok(Fate::Deleted),
        Directive::Merge => merge_map(resource, patch, shape, &mut walk),
        Directive::Replace => {
            let mut made = make(patch, shape, &mut walk);
            keep_identity(&mut made, resource);
            replace(resource, made);
        }
    }
    if walk.found.is_empty() {
        Ok(Fate::Patched)
    } else {
        Err(walk.found)
    }
}

/// The place in the patch, and what was found on the way there.
#[derive(Default)]
struct Walk {
    path: Path,
    found: Vec<Diagnostic>,
}

/// A resource that is replaced is still the same resource.
fn keep_identity(made: &mut Node, resource: &Node) {
    let (Value::Map(made), Some(resource)) = (&mut made.value, resource.as_map()) else {
        return;
    };
    keep(made, resource, &["apiVersion", "kind"]);
    let Some(old) = resource.get("metadata") else {
        return;
    };
    let metadata = made.entry("metadata".into()).or_insert_with(|| Entry {
        key: old.key,
        node: Node::new(Value::map(), old.node.origin.clone()),
    });
    if let (Value::Map(made), Some(old)) = (&mut metadata.node.value, old.node.as_map()) {
        keep(made, old, &["name", "namespace"]);
    }
}

fn keep(made: &mut Map, old: &Map, keys: &[&str]) {
    for key in keys {
        if let Some(entry) = old.get(*key) {
            let copy = || entry.clone();
            made.entry((*key).into()).or_insert_with(copy);
        }
    }
}

/// Merges the map `patch` into the map `target`.
fn merge_map(target: &mut Node, patch: &Node, shape: &Shape, walk: &mut Walk) {
    let (Value::Map(merged), Value::Map(entries)) = (&mut target.value, &patch.value) else {
        return;
    };
    for (key, entry) in entries {
        if key != DIRECTIVE {
            walk.path.0.push(Step::Key(key.clone()));
            merge_field(merged, key, entry, shape.field(key), walk);
            walk.path.0.pop();
        }
    }
    (shape.settle)(merged, entries);
    target.add_origin(&patch.origin);
}

/// What the map `patch` makes where nothing stood.
fn make(patch: &Node, shape: &Shape, walk: &mut Walk) -> Node {
    let mut made = Node::new(Value::map(), patch.origin.clone());
    merge_map(&mut made, patch, shape, walk);
    made
}

fn merge_field(merged: &mut Map, key: &str, patch: &Entry, field: Field, walk: &mut Walk) {
    match (&patch.node.value, field) {
        (Value::Null, _) => _ = merged.remove(key),
        (Value::Map(_), Field::Plain(shape)) => merge_below(merged, key, patch, shape, walk),
        (Value::List(_), Field::Keyed(..) | Field::Set) => {
            merge_list(merged, key, patch, field, walk);
        }
        (_, Field::Keyed(..) | Field::Set) => {
            let unfit = unfit(&patch.node, "list", &walk.path);
            walk.found.push(unfit);
        }
        (_, Field::Plain(_)) => {
            refuse_directives(&patch.node, walk);
            if fits(merged.get(key), &patch.node, walk) {
                put(merged, key, patch.key, patch.node.clone());
            }
        }
    }
}

/// Merges a map into the field `key`.
fn merge_below(merged: &mut Map, key: &str, patch: &Entry, shape: &Shape, walk: &mut Walk) {
    match (directive(&patch.node), merged.get_mut(key)) {
        (Directive::Delete, _) => _ = merged.remove(key),
        (Directive::Merge, Some(old)) if old.node.value != Value::Null => {
            if fits(Some(old), &patch.node, walk) {
                merge_map(&mut old.node, &patch.node, shape, walk);
            }
        }
        _ => {
            let made = make(&patch.node, shape, walk);
            put(merged, key, patch.key, made);
        }
    }
}

/// Merges a list into the field `key`.
fn merge_list(merged: &mut Map, key: &str, patch: &Entry, field: Field, walk: &mut Walk) {
    let elements = patch.node.as_list().unwrap_or_default();
    let word = elements.iter().find(|element| is_directive(element));
    let empty = || Node::new(Vec::new(), patch.node.origin.clone());
    match word.map(directive) {
        Some(Directive::Delete) => {
            merged.remove(key);
            return;
        }
        Some(Directive::Replace) => put(merged, key, patch.key, empty()),
        _ if !fits(merged.get(key), &patch.node, walk) => return,
        _ => {}
    }
    let was_there = merged.contains_key(key);
    let entry = merged.entry(key.into()).or_insert_with(|| Entry {
        key: patch.key,
        node: empty(),
    });
    if entry.node.value == Value::Null {
        replace(&mut entry.node, empty());
    }
    if let Value::List(list) = &mut entry.node.value {
        match field {
            Field::Keyed(keys, shape) => merge_elements(list, elements, keys, shape, walk),
            _ => merge_scalars(list, elements, walk),
        }
    }
    entry.node.add_origin(&patch.node.origin);
    if !was_there && entry.node.is_leaf() && !elements.is_empty() {
        // What is deleted from a list that is not there makes no list.
        merged.remove(key);
    }
}

/// Adds the scalars that are not there yet.
fn merge_scalars(list: &mut Vec<Node>, elements: &[Node], walk: &mut Walk) {
    for element in elements.iter().filter(|element| !is_directive(element)) {
        refuse_directives(element, walk);
        match list.iter_mut().find(|old| *old == element) {
            Some(old) => old.add_origin(&element.origin),
            None => list.push(element.clone()),
        }
    }
}

fn merge_elements(
    list: &mut Vec<Node>,
    elements: &[Node],
    keys: &[&str],
    shape: &Shape,
    walk: &mut Walk,
) {
    let mut seen = BTreeSet::new();
    for (index, element) in elements.iter().enumerate() {
        if is_directive(element) {
            continue;
        }
        walk.path.0.push(Step::Index(index));
        match identity(element, keys) {
            None => walk.found.push(no_merge_key(element, keys, &walk.path)),
            Some(id) if seen.contains(&id) => walk.found.push(twice(element, keys, &walk.path)),
            Some(id) => {
                merge_element(list, element, &id, keys, shape, walk);
                seen.insert(id);
            }
        }
        walk.path.0.pop();
    }
}

/// Merges one element, whose merge keys have the values `id`, into every element that has the same.
fn merge_element(
    list: &mut Vec<Node>,
    element: &Node,
    id: &[String],
    keys: &[&str],
    shape: &Shape,
    walk: &mut Walk,
) {
    let is_same = |node: &Node| identity(node, keys).is_some_and(|other| other == id);
    match directive(element) {
        Directive::Delete => list.retain(|node| !is_same(node)),
        Directive::Merge if list.iter().any(is_same) => {
            for node in list.iter_mut().filter(|node| is_same(node)) {
                let rest = without_known_keys(element, node, keys);
                merge_map(node, &rest, shape, walk);
            }
        }
        Directive::Merge => list.push(make(element, shape, walk)),
        Directive::Replace => {
            let mut made = make(element, shape, walk);
            let at = list.iter().position(is_same).unwrap_or(list.len());
            if let Some(old) = list.get(at) {
                inherit(&mut made, old);
            }
            list.retain(|node| !is_same(node));
            list.insert(at, made);
        }
    }
}

/// The values of an element's merge keys, as text; nothing if one is missing and has no default.
fn identity(element: &Node, keys: &[&str]) -> Option<Vec<String>> {
    keys.iter().map(|key| key_value(element, key)).collect()
}

fn key_value(element: &Node, key: &str) -> Option<String> {
    match element.get(key).map(|node| &node.value) {
        None | Some(Value::Null) => default_of(key).map(str::to_owned),
        Some(Value::Str(text)) => Some(text.to_string()),
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(_) => None,
    }
}

/// The element without those merge keys that `node` has: they select it and change nothing.
fn without_known_keys(element: &Node, node: &Node, keys: &[&str]) -> Node {
    let mut rest = element.clone();
    if let Value::Map(map) = &mut rest.value {
        map.retain(|key, _| !keys.contains(&key.as_str()) || node.get(key).is_none());
    }
    rest
}

/// Whether `patch` may be merged into what stands there: a map into a map, a list into a list, a scalar into a
/// scalar, anything into nothing.
fn fits(old: Option<&Entry>, patch: &Node, walk: &mut Walk) -> bool {
    let Some(old) = old.map(|entry| &entry.node) else {
        return true;
    };
    let form = |node: &Node| (node.as_map().is_some(), node.as_list().is_some());
    if old.value == Value::Null || form(old) == form(patch) {
        return true;
    }
    let there = old.value.kind();
    let unfit = unfit(patch, there, &walk.path);
    let label = format!("{} {there}", article(there));
    walk.found.push(unfit.label(old.origin.first(), label));
    false
}

fn unfit(patch: &Node, there: &str, path: &Path) -> Diagnostic {
    let here = patch.value.kind();
    let here = format!("{} {here}", article(here));
    let message = format!(
        "{here} cannot be merged into `{path}`, {} {there}",
        article(there)
    );
    fails(patch, message)
        .here(here)
        .help("to put something else in its place, use a json patch")
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with('i') { "an" } else { "a" }
}

/// Reports directives inside a list that is replaced as a whole, where they would become data.
fn refuse_directives(patch: &Node, walk: &mut Walk) {
    let path = &walk.path;
    each_directive(patch, &mut |key, entry| {
        let diagnostic = directive::fails(entry, format!("`{key}` has no meaning inside `{path}`"))
            .here("it would become data")
            .note("that list is replaced as a whole: Kubernetes names no key to merge it by")
            .help("write the whole list, or use a json patch");
        walk.found.push(diagnostic);
    });
}

fn no_merge_key(element: &Node, keys: &[&str], path: &Path) -> Diagnostic {
    let missing = keys.iter().find(|key| key_value(element, key).is_none());
    let key = missing.copied().unwrap_or_default();
    fails(
        element,
        format!("`{path}` has no `{key}` to find its element by"),
    )
    .here("which element is meant?")
    .help(format!(
        "write the `{key}` of the element to change or to add"
    ))
    .help("to replace the whole list, add the element `$patch: replace` to it")
}

fn twice(element: &Node, keys: &[&str], path: &Path) -> Diagnostic {
    let names = list(keys);
    fails(
        element,
        format!("`{path}` has the same {names} as an element before it"),
    )
    .help("write both as one element")
}

fn fails(node: &Node, message: String) -> Diagnostic {
    Diagnostic::error(Code::PATCH_FAILS, node.origin.first(), message)
}
