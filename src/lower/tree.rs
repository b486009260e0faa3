//! Trees that labc writes itself, leaf by leaf with its origin, and where things lie in the output.

use smol_str::SmolStr;

use crate::link::{Part, Unit};
use crate::parse::lab::Layer;
use crate::render::kinds::is_builtin;
use crate::render::{Resource, ResourceId};
use crate::source::Origin;
use crate::value::{Entry, Map, Node, Value};

/// The folder of the compiled tree, below the lab's.
pub(super) const OUT: &str = "out";

/// A map of these entries; its own place is that of the first one that has any.
pub(super) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    map_of(entries)
}

/// A map of any number of entries.
pub(super) fn map_of<K: Into<SmolStr>>(entries: impl IntoIterator<Item = (K, Node)>) -> Node {
    let mut origin = Origin::none();
    let entries = entries.into_iter();
    let mut map = Map::with_capacity(entries.size_hint().0);
    for (key, node) in entries {
        if origin.spans().is_empty() {
            origin = Origin::from_spans(node.origin.first());
        }
        let entry = Entry {
            key: node.origin.first(),
            node,
        };
        map.insert(key.into(), entry);
    }
    Node::new(map, origin)
}

/// A list of these items.
pub(super) fn list(items: Vec<Node>) -> Node {
    let origin = Origin::from_spans(items.first().and_then(|item| item.origin.first()));
    Node::new(items, origin)
}

/// A value that `origin` made.
pub(super) fn leaf(value: impl Into<Value>, origin: &Origin) -> Node {
    Node::new(value, origin.clone())
}

/// Adds an annotation to an object.
pub(super) fn annotate(resource: &mut Node, key: &str, value: Node) {
    let Value::Map(map) = &mut resource.value else {
        return;
    };
    let Some(metadata) = map.get_mut("metadata") else {
        return;
    };
    let metadata = &mut metadata.node;
    if metadata
        .get("annotations")
        .is_none_or(|node| node.as_map().is_none())
    {
        let origin = Origin::from_spans(value.origin.first());
        metadata.insert("annotations", Node::new(Value::map(), origin));
    }
    if let Value::Map(map) = &mut metadata.value
        && let Some(annotations) = map.get_mut("annotations")
    {
        annotations.node.insert(key, value);
    }
}

/// `out/apps/jellyfin`.
pub(super) fn component_folder(layer: Layer, component: &str) -> String {
    format!("{OUT}/{layer}/{component}")
}

/// `out/apps/jellyfin/manifests`: the folder that an engine renders for a unit.
pub(super) fn unit_folder(unit: &Unit) -> String {
    let part = match unit.id.part {
        Part::Main => "manifests",
        Part::Config => "config",
        Part::Late => "late",
    };
    let (layer, component) = (unit.layer.word(), &unit.id.component);
    format!("{OUT}/{layer}/{component}/{part}")
}

/// Adds the name of a resource's file: `<kind>-<name>[-<namespace>][.<group>].yaml`, where the namespace stands if it is
/// not the component's, and the group if the kind is not Kubernetes' own.
fn add_file_name(id: &ResourceId, component_namespace: &str, name: &mut String) {
    name.extend(id.kind.chars().flat_map(char::to_lowercase));
    name.push('-');
    name.extend(file_part(&id.name));
    if let Some(namespace) = id.namespace.as_deref()
        && namespace != component_namespace
    {
        name.push('-');
        name.extend(file_part(namespace));
    }
    if !is_builtin(&id.group) {
        name.push('.');
        name.push_str(&id.group);
    }
    name.push_str(".yaml");
}

/// A resource's name as a part of a file name: RBAC's names may hold `:`, which some file systems refuse.
fn file_part(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => letter,
        _ => '_',
    })
}

/// The path of a resource's file below the lab's folder.
pub fn resource_path(unit: &Unit, resource: &Resource, component_namespace: &str) -> String {
    object_path(unit_folder(unit), &resource.id, component_namespace)
}

/// The path of an object's file in a folder that an engine renders.
pub(super) fn object_path(folder: String, id: &ResourceId, component_namespace: &str) -> String {
    let mut path = folder;
    path.push('/');
    add_file_name(id, component_namespace, &mut path);
    path.shrink_to_fit();
    path
}
