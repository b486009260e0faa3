//! What there is in a lab, found once: objects by identity, what charts are said to make, pods and Services by label.
//!
//! Every rule asks here, so that none of them looks at all objects for each of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::Unit;
use super::catalogue::Catalogue;
pub(super) use super::catalogue::Key;
use super::label::Shelf;
use super::pod::Pod;
use super::secret::Secrets;
use super::service::Services;
use super::{operator, own, read};
use crate::render::kinds::Scopes;
use crate::render::{Resource, ResourceId};
use crate::resolve::{Component, Lab};
use crate::source::{SourceKind, Sources, Span};
use crate::value::Node;

/// An object and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The component that it belongs to.
    pub component: &'a Component,
    /// The object.
    pub resource: &'a Resource,
}

impl<'a> Place<'a> {
    /// The whole object.
    pub(super) fn node(self) -> &'a Node {
        &self.resource.node
    }

    /// The namespace that its own references lead into; empty for an object of the whole cluster.
    pub(super) fn namespace(self) -> &'a str {
        self.resource.id.namespace.as_deref().unwrap_or_default()
    }
}

/// What there is.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub lab: &'a Lab,
    pub sources: &'a Sources,
    /// The values of each component's chart.
    pub values: &'a BTreeMap<String, Option<Node>>,
    /// Every object, in the order of the units.
    pub places: Vec<Place<'a>>,
    /// Every pod.
    pub pods: Shelf<'a, Pod<'a>>,
    /// The Services of the lab and of its charts.
    pub services: Services<'a>,
    /// Who makes which Secret.
    pub secrets: Secrets<'a>,
    /// The namespaces that the lab has.
    pub namespaces: BTreeSet<&'a str>,
    /// Whether every component could be bound and rendered. If not, what is not here may be missing only because of
    /// another mistake, which is reported already.
    pub is_whole: bool,
    by_id: Catalogue<'a, Place<'a>>,
    /// What charts and controllers are said to make, and by whom.
    said: Catalogue<'a, (&'a Component, &'a Node)>,
    /// The components with a chart, by namespace.
    charts: BTreeMap<&'a str, Vec<&'a Component>>,
    /// Custom resources whose controllers may make objects that nobody declares, by namespace.
    operated: BTreeMap<&'a str, Vec<Place<'a>>>,
    /// The components that answer somebody.
    answering: BTreeSet<&'a str>,
    /// Component, group and kind of everything that is said to be made.
    sorts: BTreeSet<(&'a str, &'a str, &'a str)>,
    scopes: Scopes,
}

/// Namespaces that every cluster has.
pub(super) const BUILT_IN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Kinds of the whole cluster that references lead to, for labs in which no component declares them.
const CLUSTER: [(&str, &str); 6] = [
    ("cert-manager.io", "ClusterIssuer"),
    ("external-secrets.io", "ClusterExternalSecret"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    ("trust.cert-manager.io", "Bundle"),
];

impl<'a> Index<'a> {
    /// Looks at every object once.
    pub(super) fn of(
        lab: &'a Lab,
        units: &'a [Unit],
        values: &'a BTreeMap<String, Option<Node>>,
        sources: &'a Sources,
        is_whole: bool,
    ) -> Self {
        let mut index = Index {
            lab,
            sources,
            values,
            places: Vec::new(),
            pods: Shelf::default(),
            services: Services::default(),
            secrets: Secrets::default(),
            namespaces: BUILT_IN.into_iter().collect(),
            is_whole,
            by_id: Catalogue::default(),
            said: Catalogue::default(),
            charts: BTreeMap::new(),
            operated: BTreeMap::new(),
            answering: BTreeSet::new(),
            sorts: BTreeSet::new(),
            scopes: Scopes::of(lab.components.values()),
        };
        let own = lab.sections.namespaces.keys().map(String::as_str);
        index.namespaces.extend(own);
        for component in lab.components.values() {
            index.add_component(component);
        }
        index.places = units.iter().flat_map(|unit| places(lab, unit)).collect();
        let all = &index.places;
        let (by_id, (pods, operated)) =
            rayon::join(|| index.catalogue(), || (pods(all), operated(all)));
        (index.by_id, index.pods, index.operated) = (by_id, pods, operated);
        (index.services, index.secrets) =
            rayon::join(|| Services::of(&index), || Secrets::of(&index));
        index
    }

    fn add_component(&mut self, component: &'a Component) {
        let namespace = component.namespace();
        self.namespaces.insert(namespace);
        let providers = component.answers.iter();
        let providers = providers.filter_map(|answer| answer.provider.as_deref());
        self.answering.extend(providers);
        if component.chart.is_some() {
            self.charts.entry(namespace).or_default().push(component);
        }
        for service in &component.services {
            self.say(
                component,
                ("", "Service", Some(namespace), &service.name),
                &service.node,
            );
        }
        for created in &component.creates {
            let (group, kind) = group_and_kind(&created.kind);
            let namespace = created.namespace.as_deref();
            let namespace = namespace.filter(|_| self.is_namespaced(group, kind));
            self.say(
                component,
                (group, kind, namespace, &created.name),
                &created.node,
            );
            if (group, kind) == ("", "Namespace") {
                self.namespaces.insert(&created.name);
            }
        }
    }

    /// Notes that a chart or a controller makes something. Where there is neither, labc's own resources count.
    fn say(&mut self, component: &'a Component, key: Key<'a>, node: &'a Node) {
        self.sorts.insert((&component.name, key.0, key.1));
        let at_runtime = read::text(node, "at") == Some("runtime");
        if component.chart.is_some() || at_runtime {
            self.said.add(key, (component, node));
        }
    }

    /// The objects by identity.
    fn catalogue(&self) -> Catalogue<'a, Place<'a>> {
        let mut by_id = Catalogue::default();
        for place in &self.places {
            by_id.add(self.key(&place.resource.id), *place);
        }
        by_id
    }

    /// What an object is found by.
    pub(super) fn key<'i>(&self, id: &'i ResourceId) -> Key<'i> {
        let namespace = id.namespace.as_deref();
        let namespace = namespace.filter(|_| self.is_namespaced(&id.group, &id.kind));
        (&id.group, &id.kind, namespace, &id.name)
    }

    /// Whether objects of a kind have a namespace; yes where nothing says so.
    pub(super) fn is_namespaced(&self, group: &str, kind: &str) -> bool {
        let declared = self.scopes.namespaced(group, kind);
        declared.unwrap_or(!CLUSTER.contains(&(group, kind)))
    }

    /// The objects of a kind, by namespace and name.
    pub(super) fn of_kind(
        &self,
        group: &str,
        kind: &str,
    ) -> impl Iterator<Item = Place<'a>> + use<'_, 'a> {
        self.by_id.of_kind(group, kind).copied()
    }

    /// Every identity that more than one object has, with all of them.
    pub(super) fn twice(&self) -> impl Iterator<Item = &[Place<'a>]> {
        let all = self.by_id.iter().map(|(_, places)| places);
        all.filter(|places| places.len() > 1)
    }

    /// The object of an identity, if labc writes it.
    pub(super) fn object(&self, key: Key<'_>) -> Option<Place<'a>> {
        self.by_id.get(key).first().copied()
    }

    /// What charts and controllers are said to make.
    pub(super) fn said(&self) -> impl Iterator<Item = (Key<'a>, &[(&'a Component, &'a Node)])> {
        self.said.iter()
    }

    /// Whether a chart, a controller or the cluster itself is said to make an object.
    pub(super) fn is_said(&self, key: Key<'_>) -> bool {
        !self.said.get(key).is_empty() || own::has(key)
    }

    /// The names of a kind in a namespace, labc's own and those that charts are said to make.
    pub(super) fn names(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&'a str> {
        let here = self.by_id.names(group, kind, namespace);
        let names: BTreeSet<&str> = here
            .chain(self.said.names(group, kind, namespace))
            .collect();
        names.into_iter().collect()
    }

    /// The components whose charts lie in a namespace.
    pub(super) fn charts(&self, namespace: &str) -> &[&'a Component] {
        self.charts.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// A component whose chart may make such an object without anybody saying so.
    ///
    /// A module that is made for one chart says which objects of the whole cluster come with it. Beside that, a chart
    /// is only known as far as something of the same kind is declared; and not at all where the lab gives it values of
    /// its own, which the module cannot know.
    pub(super) fn blind(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Option<&'a Component> {
        let declares =
            |component: &&Component| self.sorts.contains(&(component.name.as_str(), group, kind));
        match namespace {
            Some(namespace) => self
                .charts(namespace)
                .iter()
                .find(|component| !declares(component) || has_own_values(component))
                .copied(),
            None => self
                .charts
                .values()
                .flatten()
                .find(|component| match is_made_for_one(component) {
                    true => has_own_values(component),
                    false => !declares(component),
                })
                .copied(),
        }
    }

    /// A component whose chart may bring kinds that nobody declares: one that no module is made for.
    pub(super) fn brings_unknown_kinds(&self) -> Option<&'a Component> {
        let may =
            |component: &&&Component| !is_made_for_one(component) && component.kinds.is_empty();
        self.charts.values().flatten().find(may).copied()
    }

    /// A custom resource whose controller may make an object of this name.
    pub(super) fn operated(&self, namespace: &str, name: &str) -> Option<Place<'a>> {
        let all = self.operated.get(namespace)?;
        let maker = |place: &&Place<'_>| operator::may_be_named(&place.resource.id.name, name);
        all.iter().find(maker).copied()
    }

    /// A custom resource of a namespace whose controller may make pods.
    pub(super) fn any_operated(&self, namespace: &str) -> Option<Place<'a>> {
        self.operated.get(namespace)?.first().copied()
    }

    /// Whether a component answers another's trait.
    pub(super) fn answers_somebody(&self, component: &str) -> bool {
        self.answering.contains(component)
    }

    /// Where a person can change an object's name.
    pub(super) fn name_span(&self, place: Place<'_>) -> Option<Span> {
        let name = read::one(place.node(), "metadata.name");
        self.span(place, name.unwrap_or(place.node()))
    }

    /// Where a person can change a value: its first place in a file of the lab, and there rather than in one of its
    /// modules; else where its component stands.
    pub(super) fn span(&self, place: Place<'_>, node: &Node) -> Option<Span> {
        let spans = node.origin.spans();
        let in_lab = |span: &&Span| self.sources.file(span.source).kind == SourceKind::Lab;
        let in_module = |span: &&Span| {
            let name = &self.sources.file(span.source).name;
            name.starts_with("modules/")
        };
        let own = spans.iter().filter(in_lab);
        let first = own.clone().find(|span| !in_module(span));
        let first = first.or_else(|| own.clone().next()).copied();
        first.or(Some(place.component.span))
    }
}

/// The objects of a unit.
fn places<'a>(lab: &'a Lab, unit: &'a Unit) -> impl Iterator<Item = Place<'a>> {
    let component = &lab.components[&unit.id.component];
    let place = move |resource| Place {
        component,
        resource,
    };
    unit.resources.iter().map(place)
}

fn pods<'a>(places: &[Place<'a>]) -> Shelf<'a, Pod<'a>> {
    let mut pods = Shelf::default();
    for pod in places.iter().filter_map(|place| Pod::of(*place)) {
        pods.add(pod.place.namespace(), pod.labels, pod);
    }
    pods
}

/// The custom resources whose controllers may make objects, by namespace.
fn operated<'a>(places: &[Place<'a>]) -> BTreeMap<&'a str, Vec<Place<'a>>> {
    let mut operated: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for place in places
        .iter()
        .filter(|place| operator::may_make_objects(place))
    {
        operated.entry(place.namespace()).or_default().push(*place);
    }
    operated
}

/// Whether a module is made for one chart, rather than for any that the lab names.
fn is_made_for_one(component: &Component) -> bool {
    let chart = component.module.chart.as_ref();
    chart.is_some_and(|chart| chart.name.as_data().is_some())
}

/// Whether the lab gives the chart of such a module values that the module does not know.
fn has_own_values(component: &Component) -> bool {
    is_made_for_one(component) && !component.syntax.values.is_empty()
}

/// Group and kind of `[group/version/]Kind`, or of `group/Kind`; `v1/Kind` is of the core.
pub(super) fn group_and_kind(text: &str) -> (&str, &str) {
    match text.rsplit_once('/') {
        None => ("", text),
        Some((before, kind)) => match before.split_once('/') {
            Some((group, _)) => (group, kind),
            None if before.starts_with('v') && !before.contains('.') => ("", kind),
            None => (before, kind),
        },
    }
}
