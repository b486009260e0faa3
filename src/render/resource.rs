//! One Kubernetes object and its identity.

use std::fmt;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::value::{Node, Value};

/// What makes two resources the same: group, kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceId {
    /// The API group; empty for Kubernetes' core.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; none for one of the whole cluster.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ResourceId {
    /// `Deployment media/jellyfin`, `HTTPRoute.gateway.networking.k8s.io media/jellyfin`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind)?;
        if self.group.contains('.') && !self.group.ends_with(".k8s.io") {
            write!(formatter, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(formatter, " {namespace}/{}", self.name),
            None => write!(formatter, " {}", self.name),
        }
    }
}

/// What made a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A manifest of the module or of the lab.
    Manifest,
    /// The answer to a trait.
    Answer {
        /// The trait.
        of: String,
        /// Whether the asker cannot live without it.
        hard: bool,
    },
}

/// One Kubernetes object.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What it is.
    pub id: ResourceId,
    /// The version of its API.
    pub version: String,
    /// What made it.
    pub made: Made,
    /// The whole object: shared, because the files of the tree are mostly just that.
    pub node: Arc<Node>,
}

impl Resource {
    /// Where it is written.
    pub fn span(&self) -> Option<Span> {
        self.node.origin.first()
    }

    /// `group/version`, as the object says it.
    pub fn api_version(&self) -> String {
        if self.id.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.id.group, self.version)
        }
    }
}

/// Reads the identity of an object; one that is none is reported. The namespace is as written.
pub(super) fn identify(node: Node, made: Made, diagnostics: &mut Diagnostics) -> Option<Resource> {
    let text = |node: Option<&Node>| {
        let text = node.and_then(Node::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let metadata = node.get("metadata");
    let api_version = text(node.get("apiVersion"));
    let kind = text(node.get("kind"));
    let name = text(metadata.and_then(|metadata| metadata.get("name")));
    let missing: Vec<&str> = [
        ("apiVersion", &api_version),
        ("kind", &kind),
        ("metadata.name", &name),
    ]
    .into_iter()
    .filter(|(_, value)| value.is_none())
    .map(|(key, _)| key)
    .collect();
    let (Some(api_version), Some(kind), Some(name)) = (api_version, kind, name) else {
        let message = match &node.value {
            Value::Map(_) => format!("this is no resource: it has no `{}`", missing.join("`, `")),
            other => format!("this is no resource, but a {}", other.kind()),
        };
        diagnostics.push(
            Diagnostic::error(Code::NOT_A_RESOURCE, node.origin.first(), message)
                .help("a manifest holds Kubernetes objects; text files belong into `files/`"),
        );
        return None;
    };
    let (group, version) = match api_version.split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), api_version),
    };
    let namespace = text(metadata.and_then(|metadata| metadata.get("namespace")));
    Some(Resource {
        id: ResourceId {
            group,
            kind,
            namespace,
            name,
        },
        version,
        made,
        node: Arc::new(node),
    })
}
