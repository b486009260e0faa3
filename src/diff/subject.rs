//! What a change is about: files of a tree to the objects in them.
//!
//! Knows the shape of the tree, and nothing of its lab.

use std::fmt;
use std::sync::Arc;

use crate::diag::Diagnostics;
use crate::lower::{Content, OutFile, Text};
use crate::render::ResourceId;
use crate::source::{Origin, SourceKind, Sources};
use crate::syntax::yaml;
use crate::value::Node;

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An object of Kubernetes.
    Resource(ResourceId),
    /// A document of a patch of machine configs: `all`, `controlplane`, `worker` or `nodes/NAME`, and the document's kind
    /// and name, `v1alpha1` for the one that has neither.
    Machine {
        /// The patch.
        patch: String,
        /// The document.
        document: String,
    },
    /// What the Image Factory makes an installer from, by the name of its file.
    Schematic(String),
    /// The values of a component's chart.
    Values(String),
    /// Any other file: a document, a script.
    File(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Resource(id) => write!(formatter, "{id}"),
            Subject::Machine { patch, document } => {
                write!(formatter, "machine config {patch}: {document}")
            }
            Subject::Schematic(name) => write!(formatter, "schematic {name}"),
            Subject::Values(component) => write!(formatter, "values of {component}"),
            Subject::File(path) => formatter.write_str(path),
        }
    }
}

/// One object of a tree.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) subject: Subject,
    /// Its file, relative to the lab's folder.
    pub(super) path: String,
    pub(super) body: Body,
}

/// What an object is.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Data(Arc<Node>),
    Text(Text),
}

/// The objects of a compiled file: their leaves know what made them.
pub(super) fn of_file(file: &OutFile) -> Vec<Item> {
    match &file.content {
        Content::Yaml(documents) => of_documents(&file.path, documents.clone()),
        Content::Text(text) => of_text(&file.path, text.clone()),
        Content::Bytes(bytes, origin) => of_copy(&file.path, bytes, origin),
    }
}

/// The objects of a committed file: nothing is known of what made them.
pub(super) fn of_bytes(path: &str, bytes: &[u8]) -> Vec<Item> {
    of_copy(path, bytes, &Origin::none())
}

fn of_copy(path: &str, bytes: &[u8], origin: &Origin) -> Vec<Item> {
    let text = String::from_utf8_lossy(bytes);
    if path.ends_with(".yaml")
        && schematic(path).is_none()
        && let Some(mut documents) = parse(&text)
    {
        for document in &mut documents {
            // The places are those of a copy that nobody edits: what made it is the file that it is a copy of.
            forget(document);
            document.origin = origin.clone();
        }
        return of_documents(path, documents.into_iter().map(Arc::new).collect());
    }
    let mut lines = Text::default();
    let body = text.strip_suffix('\n').unwrap_or(&text);
    lines.line(body, origin.clone());
    of_text(path, lines)
}

fn parse(text: &str) -> Option<Vec<Node>> {
    let mut sources = Sources::default();
    let source = sources.add(String::new(), text.into(), SourceKind::Lab);
    let mut found = Diagnostics::default();
    let documents = yaml::read(source, text, &mut found);
    (!found.has_errors()).then_some(documents)
}

fn forget(node: &mut Node) {
    use crate::value::Value;
    node.origin = Origin::none();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(forget),
        Value::Map(map) => map.iter_mut().for_each(|(_, entry)| {
            entry.key = None;
            forget(&mut entry.node);
        }),
        _ => {}
    }
}

fn of_text(path: &str, text: Text) -> Vec<Item> {
    // A schematic is bytes: their hash is its id.
    let name = schematic(path).map(str::to_owned);
    vec![Item {
        subject: name.map_or_else(|| Subject::File(path.to_owned()), Subject::Schematic),
        path: path.to_owned(),
        body: Body::Text(text),
    }]
}

fn of_documents(path: &str, documents: Vec<Arc<Node>>) -> Vec<Item> {
    let item = |node: Arc<Node>| Item {
        subject: subject(path, &node),
        path: path.to_owned(),
        body: Body::Data(node),
    };
    documents.into_iter().map(item).collect()
}

fn subject(path: &str, node: &Node) -> Subject {
    let stem = path.strip_suffix(".yaml").unwrap_or(path);
    if let Some(patch) = stem.strip_prefix("out/talos/patches/") {
        return Subject::Machine {
            patch: patch.to_owned(),
            document: document(node),
        };
    }
    if let Some(component) = values_of(path) {
        return Subject::Values(component.to_owned());
    }
    resource(node).map_or_else(|| Subject::File(path.to_owned()), Subject::Resource)
}

/// The name of the schematic that a file holds.
fn schematic(path: &str) -> Option<&str> {
    path.strip_prefix("out/talos/schematics/")?
        .strip_suffix(".yaml")
}

/// What Talos calls a document of a machine config.
fn document(node: &Node) -> String {
    let text = |key| node.get(key).and_then(Node::as_str);
    match (text("kind"), text("name")) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) => "v1alpha1".to_owned(),
    }
}

/// The component whose values a file holds: `out/<layer>/<component>/values.yaml`.
fn values_of(path: &str) -> Option<&str> {
    let folder = path.strip_prefix("out/")?.strip_suffix("/values.yaml")?;
    let (_, component) = folder.split_once('/')?;
    (!component.contains('/')).then_some(component)
}

fn resource(node: &Node) -> Option<ResourceId> {
    let text = |node: Option<&Node>| node.and_then(Node::as_str).map(str::to_owned);
    let metadata = node.get("metadata")?;
    let api_version = text(node.get("apiVersion"))?;
    let (group, _) = api_version.rsplit_once('/').unwrap_or_default();
    Some(ResourceId {
        group: group.to_owned(),
        kind: text(node.get("kind"))?,
        namespace: text(metadata.get("namespace")),
        name: text(metadata.get("name"))?,
    })
}

/// The component whose folder a file lies in: `out/<layer>/<component>/...`.
pub(super) fn component_of(path: &str) -> Option<&str> {
    let mut parts = path.strip_prefix("out/")?.split('/');
    let layer = parts.next()?;
    let component = parts.next()?;
    let is_layer = ["apps", "infrastructure"].contains(&layer);
    (is_layer && parts.next().is_some()).then_some(component)
}
