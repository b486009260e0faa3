//! The pods that objects make: a Deployment's template, a Job's, a Pod itself.

use super::index::Place;
use super::read;
use crate::value::{Map, Node};

/// A pod, or the template of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod<'a> {
    /// The object that it is of.
    pub place: Place<'a>,
    /// Its labels.
    pub labels: Option<&'a Map>,
    /// Its `spec`.
    pub spec: &'a Node,
}

/// Where each kind keeps its pods.
const TEMPLATES: [(&str, &str, &str); 9] = [
    ("apps", "DaemonSet", "spec.template"),
    ("apps", "Deployment", "spec.template"),
    ("apps", "ReplicaSet", "spec.template"),
    ("apps", "StatefulSet", "spec.template"),
    ("batch", "CronJob", "spec.jobTemplate.spec.template"),
    ("batch", "Job", "spec.template"),
    ("", "Pod", ""),
    ("", "PodTemplate", "template"),
    ("", "ReplicationController", "spec.template"),
];

impl<'a> Pod<'a> {
    /// The pod of an object, if it makes any.
    pub(super) fn of(place: Place<'a>) -> Option<Self> {
        let id = &place.resource.id;
        let (_, _, path) = TEMPLATES
            .iter()
            .find(|(group, kind, _)| *group == id.group && *kind == id.kind)?;
        let template = if path.is_empty() {
            &place.resource.node
        } else {
            read::one(&place.resource.node, path)?
        };
        Some(Pod {
            place,
            labels: read::map(template, "metadata.labels"),
            spec: template.get("spec")?,
        })
    }

    /// Its containers of every sort.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let spec = self.spec;
        ["containers", "initContainers", "ephemeralContainers"]
            .into_iter()
            .filter_map(move |key| spec.get(key)?.as_list())
            .flatten()
    }

    /// Whether one of its containers has a port of this name.
    pub(super) fn has_port(&self, name: &str) -> bool {
        self.port_names().any(|port| port == name)
    }

    /// The names of its containers' ports.
    pub(super) fn port_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.containers()
            .flat_map(|container| read::every(container, "ports.*.name"))
            .filter_map(Node::as_str)
    }
}
