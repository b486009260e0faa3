//! Where the lab could say a change of a file, by what the file belongs to and by the names in it.

use super::candidate::{Finder, Subject, after, component_table, strings};
use super::change::{Change, What};
use super::edit::Edit;
use crate::lower::{Content, OutFile};
use crate::parse::input::InputType;
use crate::resolve::Component;
use crate::source::Origin;
use crate::value::{Node, Path, Step};

/// Inputs of one module that may name an item of a list.
const MAX_INPUTS: usize = 3;

/// What an output belongs to.
pub(super) enum Owner<'a> {
    /// A resource of a component.
    Resource(&'a Component),
    /// The values of a component's chart.
    Values(&'a Component),
    /// Flux's release of a component's chart, values and all.
    Release(&'a Component),
    /// What an engine is told about a component.
    Engine(&'a Component),
    /// A Namespace.
    Namespace(String),
    /// A machine-config patch, and the table of `lab.toml` whose words it follows.
    Talos(Vec<String>),
    /// Anything else.
    Other,
}

impl<'a> Owner<'a> {
    /// The component whose file it is.
    pub(super) fn component(&self) -> Option<&'a Component> {
        match self {
            Owner::Resource(component)
            | Owner::Values(component)
            | Owner::Release(component)
            | Owner::Engine(component) => Some(component),
            Owner::Namespace(_) | Owner::Talos(_) | Owner::Other => None,
        }
    }
}

impl<'a> Finder<'a> {
    /// What a file of the tree belongs to.
    pub(super) fn owner(&self, file: &OutFile) -> Owner<'a> {
        let parts: Vec<&str> = file.path.split('/').collect();
        match parts.as_slice() {
            ["out", "infrastructure", "namespaces", "manifests", _] => {
                let Content::Yaml(documents) = &file.content else {
                    return Owner::Other;
                };
                let name = documents.first().and_then(|document| name_of(document));
                name.map_or(Owner::Other, Owner::Namespace)
            }
            ["out", "talos", "patches", "all.yaml"] => Owner::Talos(vec!["talos".to_owned()]),
            ["out", "talos", "patches", "nodes", file] => {
                let node = file.trim_end_matches(".yaml").to_owned();
                Owner::Talos(vec!["nodes".to_owned(), node, "talos".to_owned()])
            }
            ["out", layer, name, rest @ ..] => {
                let component = self.lab.components.get(*name);
                let component = component.filter(|found| found.layer.word() == *layer);
                match (component, rest) {
                    (Some(component), ["values.yaml"]) => Owner::Values(component),
                    (Some(component), [_]) => Owner::Engine(component),
                    (Some(component), ["manifests", file]) if is_release(component, file) => {
                        Owner::Release(component)
                    }
                    (Some(component), [_, _]) => Owner::Resource(component),
                    _ => Owner::Other,
                }
            }
            _ => Owner::Other,
        }
    }

    /// The edits that names and places suggest.
    pub(super) fn by_place(&self, subject: &Subject<'_>, change: &Change, edits: &mut Vec<Edit>) {
        match &subject.owner {
            Owner::Resource(component) => {
                self.inputs(component, subject, change, edits);
                self.keep(&component_table(component), change, edits);
            }
            Owner::Values(component) => self.values(component, &[], subject, change, edits),
            Owner::Release(component) => {
                self.values(component, &["spec", "values"], subject, change, edits);
                self.suspend(component, change, edits);
            }
            Owner::Engine(component) => self.suspend(component, change, edits),
            Owner::Namespace(name) => self.namespace(name, change, edits),
            Owner::Talos(table) => self.talos(table, subject, change, edits),
            Owner::Other => {}
        }
    }

    /// The inputs whose name is that of a key on the way, and those that name items of a list.
    fn inputs(
        &self,
        component: &Component,
        subject: &Subject<'_>,
        change: &Change,
        edits: &mut Vec<Edit>,
    ) {
        let table = component_table(component);
        let inputs = &component.module.inputs;
        for length in (1..=change.path.0.len()).rev() {
            let path = Path(change.path.0[..length].to_vec());
            let Some(wanted) = after(subject, change, &path) else {
                continue;
            };
            match path.0.last() {
                Some(Step::Key(key)) => {
                    let input = snake_case(key);
                    if inputs.contains_key(&input) {
                        let path = [table.clone(), vec![input]].concat();
                        edits.extend(self.text.set(&path, &wanted));
                    }
                }
                Some(Step::Index(_)) => {
                    let (Some(name), Some(value)) = (wanted.get("name"), wanted.get("value"))
                    else {
                        continue;
                    };
                    let Some(name) = name.as_str() else { continue };
                    let maps = inputs
                        .iter()
                        .filter(|(_, input)| matches!(input.kind, InputType::Map(_)));
                    for (input, _) in maps.take(MAX_INPUTS) {
                        let path = [table.clone(), vec![input.clone(), name.to_owned()]].concat();
                        edits.extend(self.text.set(&path, value));
                    }
                }
                None => {}
            }
        }
    }

    /// The key of a chart's values, which stand below some keys of the file: a list is said as a whole.
    fn values(
        &self,
        component: &Component,
        below: &[&str],
        subject: &Subject<'_>,
        change: &Change,
        edits: &mut Vec<Edit>,
    ) {
        let keys = change
            .path
            .0
            .iter()
            .take_while(|step| matches!(step, Step::Key(_)));
        let path = Path(keys.cloned().collect());
        if path == change.path && change.what == What::Removed {
            return;
        }
        let keys = strings(&path);
        let is_below = keys.iter().zip(below).all(|(key, above)| key == above);
        if !is_below || keys.len() <= below.len() {
            return;
        }
        if let Some(wanted) = after(subject, change, &path) {
            let values = vec!["values".to_owned()];
            let keys = keys[below.len()..].to_vec();
            let path = [component_table(component), values, keys].concat();
            edits.extend(self.text.set(&path, &wanted));
        }
    }

    fn suspend(&self, component: &Component, change: &Change, edits: &mut Vec<Edit>) {
        // Argo CD's automated sync is gone, or Flux's flag has come.
        let is_gone = change.what == What::Removed;
        let suspended = match change.path.to_string().as_str() {
            "spec.syncPolicy.automated" => is_gone,
            "spec.suspend" => !is_gone,
            _ => return,
        };
        let path = [component_table(component), vec!["suspend".to_owned()]].concat();
        let suspended = Node::new(suspended, Origin::none());
        edits.extend(self.text.set(&path, &suspended));
    }

    /// `keep`, where what protects an object from pruning is gone or new.
    fn keep(&self, table: &[String], change: &Change, edits: &mut Vec<Edit>) {
        let path = strings(&change.path);
        if path.starts_with(&["metadata".to_owned(), "annotations".to_owned()]) {
            let path = [table, &["keep".to_owned()]].concat();
            let keep = Node::new(change.what != What::Removed, Origin::none());
            edits.extend(self.text.set(&path, &keep));
        }
    }

    fn namespace(&self, name: &str, change: &Change, edits: &mut Vec<Edit>) {
        let table = vec!["namespaces".to_owned(), name.to_owned()];
        let path = strings(&change.path);
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = match &change.what {
            What::Set(value) | What::Added(value) => Some(value),
            What::Removed => None,
        };
        match (words.as_slice(), value) {
            (["metadata", "labels", label], Some(value))
                if label.starts_with("pod-security.kubernetes.io/") =>
            {
                let path = [table.clone(), vec!["pod_security".to_owned()]].concat();
                edits.extend(self.text.set(&path, value));
            }
            (["metadata", kind @ ("labels" | "annotations"), rest @ ..], Some(value)) => {
                let kind = (*kind).to_owned();
                let rest: Vec<String> = rest.iter().map(|key| (*key).to_owned()).collect();
                let path = [table.clone(), vec![kind], rest].concat();
                edits.extend(self.text.set(&path, value));
            }
            _ => {}
        }
        self.keep(&table, change, edits);
    }

    fn talos(
        &self,
        table: &[String],
        subject: &Subject<'_>,
        change: &Change,
        edits: &mut Vec<Edit>,
    ) {
        let path = strings(&change.path);
        for (place, word) in TALOS {
            let place: Vec<String> = place.split('.').map(str::to_owned).collect();
            let Some(rest) = path.strip_prefix(place.as_slice()) else {
                continue;
            };
            let Some(wanted) = after(subject, change, &change.path) else {
                continue;
            };
            let word: Vec<String> = word.split('.').map(str::to_owned).collect();
            let path = [table, &word, rest].concat();
            edits.extend(self.text.set(&path, &wanted));
        }
    }
}

/// Where a machine config has what the words of `[talos]` say.
const TALOS: [(&str, &str); 11] = [
    ("machine.sysctls", "sysctls"),
    ("machine.nodeLabels", "node_labels"),
    ("machine.kubelet.extraArgs", "kubelet.args"),
    ("machine.kubelet.extraConfig", "kubelet.config"),
    ("machine.certSANs", "cert_sans"),
    ("cluster.apiServer.extraArgs", "api_server.args"),
    (
        "cluster.controllerManager.extraArgs",
        "controller_manager.args",
    ),
    ("cluster.scheduler.extraArgs", "scheduler.args"),
    ("cluster.etcd.extraArgs", "etcd.args"),
    ("cluster.proxy.extraArgs", "proxy.args"),
    ("cluster.coreDNS.disabled", "core_dns.disabled"),
];

/// Whether a file among a component's resources is the release of its chart.
fn is_release(component: &Component, file: &str) -> bool {
    let name = &component.name;
    component.chart.is_some() && file == format!("helmrelease-{name}.helm.toolkit.fluxcd.io.yaml")
}

fn name_of(document: &Node) -> Option<String> {
    Some(document.get("metadata")?.get("name")?.as_str()?.to_owned())
}

/// `nodeSelector` as an input is called: `node_selector`.
fn snake_case(key: &str) -> String {
    let mut name = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
