//! Flux: a Kustomization is reconciled when all that it depends on are ready. It is dry-run as a whole before any of it is
//! applied, so nothing in it can serve anything else in it.
//!
//! Each is tried in a cluster that has only what its dependencies brought: what it needs must follow from its edges, not
//! from luck.

use std::collections::{BTreeMap, BTreeSet};

use labc::lower::{Content, Tree};
use labc::resolve::Lab;
use labc::value::{Node, Path as KeyPath, Value};

use super::{Cluster, apply, merge, refused, text};

/// A Kustomization as the tree says it.
#[derive(Clone, Debug)]
pub(super) struct Kustomization {
    name: String,
    namespace: String,
    pub(super) after: BTreeSet<String>,
    waits: bool,
    is_suspended: bool,
    resources: Vec<Node>,
}

/// What there is when a Kustomization is reconciled.
#[derive(Clone, Debug, Default)]
struct State {
    cluster: Cluster,
    /// Sources of charts: kind, namespace and name.
    sources: BTreeSet<[String; 3]>,
    /// Kustomizations whose resources were waited for.
    ready: BTreeSet<String>,
}

impl State {
    /// A cluster in which Flux runs, in its own namespace, and nothing else but what serves kinds that nobody in the lab brings: those have been
    /// noted, and are not the order's to bring.
    fn first(all: &BTreeMap<String, Kustomization>, lab: &Lab) -> Self {
        let mut state = State::default();
        let built_in = ["default", "kube-system", "kube-public", "kube-node-lease"];
        let namespaces = &mut state.cluster.namespaces;
        namespaces.extend(built_in.map(str::to_owned));
        namespaces.extend(all.values().map(|one| one.namespace.clone()));
        for (group, kind) in [
            ("source.toolkit.fluxcd.io", "HelmRepository"),
            ("source.toolkit.fluxcd.io", "OCIRepository"),
            ("helm.toolkit.fluxcd.io", "HelmRelease"),
        ] {
            let kind = (group.to_owned(), kind.to_owned());
            state.cluster.kinds.insert(kind);
        }
        let resources = all.values().flat_map(|one| &one.resources);
        let kinds: BTreeSet<(String, String)> = resources.map(kind_of).collect();
        let runs = lab
            .components
            .values()
            .filter(|component| all.contains_key(&component.name));
        let brought = runs.flat_map(|component| &component.kinds);
        let brought: BTreeSet<(String, String)> = brought
            .map(|kind| (kind.group.clone(), kind.kind.clone()))
            .collect();
        let foreign = kinds.difference(&brought);
        state.cluster.kinds.extend(foreign.cloned());
        state
    }

    fn merge(&mut self, other: State) {
        merge(&mut self.cluster, other.cluster);
        self.sources.extend(other.sources);
        self.ready.extend(other.ready);
    }
}

/// Group and kind of an object.
fn kind_of(node: &Node) -> (String, String) {
    let api = text(node, &["apiVersion"]).unwrap_or_default();
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let kind = text(node, &["kind"]).unwrap_or_default();
    (group.to_owned(), kind.to_owned())
}

/// Every Kustomization of a tree but the root, by name.
pub(super) fn kustomizations(tree: &Tree) -> BTreeMap<String, Kustomization> {
    let documents: BTreeMap<&str, &Node> = tree
        .files
        .iter()
        .filter_map(|file| match &file.content {
            Content::Yaml(documents) => Some((file.path.as_str(), &**documents.first()?)),
            _ => None,
        })
        .collect();
    let is_one = |node: &&&Node| {
        let api = text(node, &["apiVersion"]).unwrap_or_default();
        api.starts_with("kustomize.toolkit.fluxcd.io/")
    };
    let all = documents.values().filter(is_one);
    let read = |node: &&Node| {
        let path = text(node, &["spec", "path"]).expect("a path");
        let folder = &path[path.find("out").expect("it is in the tree")..];
        let inside = documents.iter().filter(|(file, _)| {
            file.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        });
        let list = node.at(&KeyPath::keys(["spec", "dependsOn"]));
        let list = list.and_then(Node::as_list).unwrap_or_default().iter();
        let flag = |key| {
            let found = node.at(&KeyPath::keys(["spec", key]));
            found.is_some_and(|node| node.value == Value::Bool(true))
        };
        Kustomization {
            name: text(node, &["metadata", "name"])
                .expect("a name")
                .to_owned(),
            namespace: text(node, &["metadata", "namespace"])
                .expect("a namespace")
                .to_owned(),
            after: list
                .map(|entry| text(entry, &["name"]).expect("a name").to_owned())
                .collect(),
            waits: flag("wait"),
            is_suspended: flag("suspend"),
            resources: inside.map(|(_, node)| (*node).clone()).collect(),
        }
    };
    let all = all.map(read).filter(|one| one.name != "flux-system");
    all.map(|one| (one.name.clone(), one)).collect()
}

/// Reconciles everything; what went wrong.
pub(super) fn replay(all: &BTreeMap<String, Kustomization>, lab: &Lab) -> Vec<String> {
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut left: Vec<&Kustomization> = all.values().filter(|one| !one.is_suspended).collect();
    loop {
        let is_ready = |one: &&Kustomization| {
            one.after
                .iter()
                .all(|name| states.contains_key(name.as_str()))
        };
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        left = later;
        if now.is_empty() {
            break;
        }
        for one in now {
            let mut before = State::first(all, lab);
            for name in &one.after {
                before.merge(states[name.as_str()].clone());
            }
            let after = reconcile(one, &before, all, lab);
            let after = after.unwrap_or_else(|why| {
                wrong.push(format!("`{}`: {why}", one.name));
                before
            });
            states.insert(&one.name, after);
        }
    }
    wrong.extend(left.iter().map(|one| {
        let lacks = one
            .after
            .iter()
            .filter(|name| !states.contains_key(name.as_str()));
        let lacks: Vec<&String> = lacks.collect();
        format!("`{}` waits for ever for {lacks:?}", one.name)
    }));
    wrong
}

fn reconcile(
    one: &Kustomization,
    before: &State,
    all: &BTreeMap<String, Kustomization>,
    lab: &Lab,
) -> Result<State, String> {
    for required in lab
        .components
        .get(&one.name)
        .into_iter()
        .flat_map(|one| &one.requires)
    {
        let config = format!("{}-config", required.provider);
        let whole = if all.contains_key(&config) {
            &config
        } else {
            &required.provider
        };
        if !before.ready.contains(whole) {
            return Err(format!("`{whole}` is not ready"));
        }
    }
    // The dry run: all of it against what was there before.
    for node in &one.resources {
        if let Some(why) = refused(&before.cluster, node) {
            return Err(why);
        }
    }
    let mut after = before.clone();
    for node in &one.resources {
        apply(node, &mut after.cluster);
        let kind = text(node, &["kind"]).unwrap_or_default();
        if ["HelmRepository", "OCIRepository"].contains(&kind) {
            after.sources.insert(source(kind, node, node));
        }
    }
    for node in &one.resources {
        if text(node, &["kind"]) == Some("HelmRelease") {
            release(one, node, &mut after, lab)?;
        }
    }
    // What runs without a chart serves its kinds too.
    let own = lab.components.get(&one.name);
    if let Some(own) = own.filter(|own| one.waits && own.chart.is_none()) {
        after.cluster.install(own);
    }
    if one.waits {
        after.ready.insert(one.name.clone());
    }
    Ok(after)
}

/// Kind, namespace and name of a source: those of an object, or of a reference in one.
fn source(kind: &str, named: &Node, object: &Node) -> [String; 3] {
    let own = text(object, &["metadata", "namespace"]);
    let name = text(named, &["metadata", "name"]).or_else(|| text(named, &["name"]));
    let namespace = text(named, &["namespace"]).or(own);
    [
        kind,
        namespace.unwrap_or_default(),
        name.unwrap_or_default(),
    ]
    .map(str::to_owned)
}

/// Installs a chart: its source is there, and who waits for it finds what its module declares.
fn release(one: &Kustomization, node: &Node, after: &mut State, lab: &Lab) -> Result<(), String> {
    let references = [
        KeyPath::keys(["spec", "chartRef"]),
        KeyPath::keys(["spec", "chart", "spec", "sourceRef"]),
    ];
    let reference = references.iter().find_map(|path| node.at(path));
    let reference = reference.expect("a release has a chart");
    let kind = text(reference, &["kind"]).expect("a kind");
    let source = source(kind, reference, node);
    if !after.sources.contains(&source) {
        return Err(format!("there is no {}", source.join(" ")));
    }
    let name = text(node, &["metadata", "name"]).expect("a name");
    let component = &lab.components[name];
    assert_eq!(
        text(node, &["metadata", "namespace"]),
        Some(component.namespace())
    );
    let is_suspended = node.at(&KeyPath::keys(["spec", "suspend"])).is_some();
    if one.waits && !is_suspended {
        after.cluster.install(component);
    }
    Ok(())
}
