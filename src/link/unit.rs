//! Components in units: what an engine can apply together, and what comes after what.
//!
//! The rule is DESIGN's, always the same: `NAME` holds the release or the workload, `NAME-config` the custom
//! resources of kinds that the component itself brings (or that nobody declares), `NAME-late` the answers that
//! infrastructure can do without at first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rayon::prelude::*;

use super::read;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::lab::Layer;
use crate::render::kinds::is_builtin;
use crate::render::{Made, Rendered, Resource};
use crate::resolve::{Component, Lab};
use crate::source::Span;
use crate::value::{Node, Value};

/// Which part of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The release or the workload.
    Main,
    /// Custom resources of its own kinds.
    Config,
    /// Answers that it can do without at first.
    Late,
}

/// What an engine syncs as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitId {
    /// The component.
    pub component: String,
    /// The part of it.
    pub part: Part,
}

impl fmt::Display for UnitId {
    /// The unit's name: `longhorn`, `longhorn-config`, `longhorn-late`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Main => formatter.write_str(&self.component),
            Part::Config => write!(formatter, "{}-config", self.component),
            Part::Late => write!(formatter, "{}-late", self.component),
        }
    }
}

/// One unit of the lab.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is.
    pub id: UnitId,
    /// The layer of its component.
    pub layer: Layer,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Whether the component's chart is released with it.
    pub has_chart: bool,
    /// What it comes after, with a reason for each.
    pub after: BTreeMap<UnitId, Reason>,
    /// Its place in an order in which every unit comes after all that it must, counted from 0.
    pub order: usize,
}

/// Why a unit comes after another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// "its storage `data` is answered by `longhorn`".
    pub text: String,
    /// Where that is written.
    pub span: Option<Span>,
}

/// The units of a lab in order; a circle is reported, and then the order is that of names.
pub(super) fn units(
    lab: &Lab,
    rendered: BTreeMap<String, Rendered>,
    diagnostics: &mut Diagnostics,
) -> (Vec<Unit>, BTreeMap<String, Option<Node>>) {
    let declared = Declared::of(lab, &rendered);
    let mut units: BTreeMap<UnitId, Unit> = BTreeMap::new();
    let mut values = BTreeMap::new();
    let rendered: Vec<(String, Rendered)> = rendered.into_iter().collect();
    let parts = rendered.into_par_iter().map(|(name, rendered)| {
        let parts = split(&lab.components[&name], rendered.resources, &declared);
        (name, rendered.values, parts)
    });
    for (name, own, parts) in parts.collect::<Vec<_>>() {
        values.insert(name, own);
        units.extend(parts.into_iter().map(|unit| (unit.id.clone(), unit)));
    }
    connect(lab, &declared, &mut units);
    layers(&units, diagnostics);
    (in_order(units, diagnostics), values)
}

/// Who brings and who runs each kind of the lab.
pub(super) struct Declared {
    /// By group and kind: the components that bring the CRD, or run the kind.
    by_kind: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Declared {
    pub(super) fn of(lab: &Lab, rendered: &BTreeMap<String, Rendered>) -> Self {
        let mut declared = Declared {
            by_kind: BTreeMap::new(),
        };
        for (name, component) in &lab.components {
            for kind in &component.kinds {
                declared.add(&kind.group, &kind.kind, name);
                // The CRD of a kind that is only run here comes with a capability.
                let crd = kind.crd.as_deref();
                if let Some(owner) = crd.and_then(|crd| lab.capabilities.get(crd)) {
                    declared.add(&kind.group, &kind.kind, owner);
                }
            }
        }
        for (name, rendered) in rendered {
            for resource in &rendered.resources {
                if let Some((group, kind)) = defined(resource) {
                    declared.add(group, kind, name);
                }
            }
        }
        declared
    }

    fn add(&mut self, group: &str, kind: &str, owner: &str) {
        let kinds = self.by_kind.entry(group.to_owned()).or_default();
        let owners = kinds.entry(kind.to_owned()).or_default();
        if owners.last().is_none_or(|last| last != owner) {
            owners.push(owner.to_owned());
        }
    }

    /// The components without which a resource of this kind cannot be applied.
    pub(super) fn owners(&self, group: &str, kind: &str) -> &[String] {
        let kinds = self.by_kind.get(group);
        kinds
            .and_then(|kinds| kinds.get(kind))
            .map_or(&[], Vec::as_slice)
    }
}

/// Group and kind that a CustomResourceDefinition among a component's resources defines.
fn defined(resource: &Resource) -> Option<(&str, &str)> {
    if resource.id.kind != "CustomResourceDefinition" || resource.id.group != "apiextensions.k8s.io"
    {
        return None;
    }
    let node = &resource.node;
    Some((
        read::text(node, "spec.group")?,
        read::text(node, "spec.names.kind")?,
    ))
}

/// The units of one component, without their order.
fn split(component: &Component, resources: Vec<Resource>, declared: &Declared) -> Vec<Unit> {
    let unit = |part| Unit {
        id: UnitId {
            component: component.name.clone(),
            part,
        },
        layer: component.layer,
        resources: Vec::new(),
        has_chart: part == Part::Main && component.chart.is_some(),
        after: BTreeMap::new(),
        order: 0,
    };
    let mut parts = [unit(Part::Main), unit(Part::Config), unit(Part::Late)];
    let is_late = |resource: &Resource| {
        component.layer == Layer::Infrastructure
            && matches!(resource.made, Made::Answer { hard: false, .. })
    };
    let (late, rest): (Vec<_>, Vec<_>) = resources.into_iter().partition(is_late);
    let is_config = |resource: &Resource| {
        let owners = declared.owners(&resource.id.group, &resource.id.kind);
        let own = owners.contains(&component.name);
        // What a hard trait gives is waited for, also where nobody declares its kind.
        let is_hard = matches!(resource.made, Made::Answer { hard: true, .. });
        !is_builtin(&resource.id.group) && (own || owners.is_empty() && !is_hard)
    };
    let (mut config, mut main): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_config);
    // Whatever refers to a custom resource of its own can only be applied with it.
    loop {
        let names: BTreeSet<(String, String)> = config
            .iter()
            .map(|resource| (resource.id.kind.clone(), resource.id.name.clone()))
            .collect();
        let (refers, stays): (Vec<_>, Vec<_>) = main
            .into_iter()
            .partition(|resource| refers_to(&resource.node, &names));
        main = stays;
        if refers.is_empty() {
            break;
        }
        config.extend(refers);
    }
    config.sort_by(|left, right| left.id.cmp(&right.id));
    parts[0].resources = main;
    parts[1].resources = config;
    parts[2].resources = late;
    let [main, config, late] = parts;
    let filled = |unit: &Unit| unit.has_chart || !unit.resources.is_empty();
    [main, config, late].into_iter().filter(filled).collect()
}

/// Whether a map somewhere in the tree names one of these objects by kind and name.
fn refers_to(node: &Node, names: &BTreeSet<(String, String)>) -> bool {
    if names.is_empty() {
        return false;
    }
    match &node.value {
        Value::Map(map) => {
            let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
            let named = match (text("kind"), text("name")) {
                (Some(kind), Some(name)) => names.contains(&(kind, name)),
                _ => false,
            };
            named || map.values().any(|entry| refers_to(&entry.node, names))
        }
        Value::List(items) => items.iter().any(|item| refers_to(item, names)),
        _ => false,
    }
}

/// Adds every edge.
fn connect(lab: &Lab, declared: &Declared, units: &mut BTreeMap<UnitId, Unit>) {
    let ids: Vec<UnitId> = units.keys().cloned().collect();
    let units = units.par_iter_mut();
    units.for_each(|(_, unit)| unit.after = after(unit, lab, declared, &ids));
}

/// What a unit comes after, among the units of these sorted ids.
fn after(unit: &Unit, lab: &Lab, declared: &Declared, ids: &[UnitId]) -> BTreeMap<UnitId, Reason> {
    let has = |component: &str, part| {
        let id = UnitId {
            component: component.to_owned(),
            part,
        };
        ids.binary_search(&id).is_ok().then_some(id)
    };
    // Whoever uses a component comes after its config, or else after itself.
    let ready =
        |component: &str| has(component, Part::Config).or_else(|| has(component, Part::Main));
    let id = &unit.id;
    let mut after: Vec<(Option<UnitId>, Reason)> = Vec::new();
    if id.part != Part::Main {
        let text = "it is a part of the same component".to_owned();
        let reason = Reason { text, span: None };
        after.push((has(&id.component, Part::Main), reason));
    }
    for (provider, reason) in providers(&lab.components[&id.component], id.part) {
        after.push((ready(&provider), reason));
    }
    for resource in &unit.resources {
        let owners = declared.owners(&resource.id.group, &resource.id.kind);
        for owner in owners.iter().filter(|owner| **owner != id.component) {
            let reason = Reason {
                text: format!("its {} is a kind of `{owner}`", resource.id),
                span: resource.span(),
            };
            after.push((ready(owner), reason));
        }
    }
    let mut reasons = BTreeMap::new();
    for (other, reason) in after {
        if let Some(other) = other.filter(|other| other != id) {
            reasons.entry(other).or_insert(reason);
        }
    }
    reasons
}

/// The components that a part of a component comes after, apart from the kinds in it.
fn providers(component: &Component, part: Part) -> Vec<(String, Reason)> {
    let mut providers = Vec::new();
    let own = |provider: &str| provider == component.name;
    let is_app = component.layer == Layer::Apps;
    for answer in &component.answers {
        let here = match part {
            Part::Main => answer.hard || is_app,
            Part::Late => !answer.hard,
            Part::Config => false,
        };
        let provider = answer.provider.as_deref();
        if let Some(provider) = provider.filter(|provider| here && !own(provider)) {
            let text = format!(
                "its {} `{}` is answered by `{provider}`",
                answer.ask.of, answer.ask.entry
            );
            let span = answer.request.origin.first();
            providers.push((provider.to_owned(), Reason { text, span }));
        }
    }
    if part != Part::Main {
        return providers;
    }
    for requirement in component
        .requires
        .iter()
        .filter(|required| !own(&required.provider))
    {
        let text = format!(
            "it requires `{}`, which `{}` provides",
            requirement.capability, requirement.provider
        );
        let span = Some(component.span);
        providers.push((requirement.provider.clone(), Reason { text, span }));
    }
    for need in component.needs.iter().filter(|need| !own(&need.value)) {
        let text = format!("the lab says that it needs `{}`", need.value);
        let span = Some(need.span);
        providers.push((need.value.clone(), Reason { text, span }));
    }
    providers
}

/// Reports infrastructure that comes after an app.
fn layers(units: &BTreeMap<UnitId, Unit>, diagnostics: &mut Diagnostics) {
    for unit in units.values() {
        if unit.layer == Layer::Apps {
            continue;
        }
        for (other, reason) in &unit.after {
            let app = units
                .get(other)
                .is_some_and(|other| other.layer == Layer::Apps);
            if app {
                let message = format!(
                    "infrastructure `{}` would come after the app `{other}`",
                    unit.id
                );
                diagnostics.push(
                    Diagnostic::error(Code::INFRASTRUCTURE_AFTER_APP, reason.span, message)
                        .note(reason.text.clone())
                        .help(format!("move `{}` to `[infrastructure]`", other.component)),
                );
            }
        }
    }
}

/// The units in an order in which each comes after what it must: infrastructure before apps, then by name.
fn in_order(units: BTreeMap<UnitId, Unit>, diagnostics: &mut Diagnostics) -> Vec<Unit> {
    let users = users(&units);
    let mut waiting: Vec<usize> = units.values().map(|unit| unit.after.len()).collect();
    let mut left: Vec<Option<Unit>> = units.into_values().map(Some).collect();
    let layer = |unit: &Option<Unit>| unit.as_ref().map(|unit| unit.layer);
    let mut free: BTreeSet<(Option<Layer>, usize)> = (0..left.len())
        .filter(|at| waiting[*at] == 0)
        .map(|at| (layer(&left[at]), at))
        .collect();
    let mut ordered = Vec::with_capacity(left.len());
    while let Some((_, at)) = free.pop_first() {
        for user in &users[at] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                free.insert((layer(&left[*user]), *user));
            }
        }
        ordered.extend(left[at].take());
    }
    let left: BTreeMap<UnitId, Unit> = left
        .into_iter()
        .flatten()
        .map(|unit| (unit.id.clone(), unit))
        .collect();
    if !left.is_empty() {
        report_circle(&left, diagnostics);
        ordered.extend(left.into_values());
    }
    for (order, unit) in ordered.iter_mut().enumerate() {
        unit.order = order;
    }
    ordered
}

/// For each unit those that come after it; both counted in the order of their ids.
fn users(units: &BTreeMap<UnitId, Unit>) -> Vec<Vec<usize>> {
    let ids: Vec<&UnitId> = units.keys().collect();
    let mut users = vec![Vec::new(); ids.len()];
    for (at, unit) in units.values().enumerate() {
        for other in unit.after.keys() {
            if let Ok(other) = ids.binary_search(&other) {
                users[other].push(at);
            }
        }
    }
    users
}

/// Reports one circle among units that all wait for each other.
fn report_circle(left: &BTreeMap<UnitId, Unit>, diagnostics: &mut Diagnostics) {
    let Some(mut at) = left.keys().next() else {
        return;
    };
    let mut path: Vec<&UnitId> = Vec::new();
    let mut places: BTreeMap<&UnitId, usize> = BTreeMap::new();
    while !places.contains_key(at) {
        places.insert(at, path.len());
        path.push(at);
        let next = left[at]
            .after
            .keys()
            .find(|other| left.contains_key(*other));
        match next {
            Some(next) => at = next,
            None => return,
        }
    }
    let circle = &path[places[at]..];
    let mut names: Vec<String> = circle.iter().map(|id| format!("`{id}`")).collect();
    names.push(names[0].clone());
    let first = &left[circle[0]];
    let next = circle.get(1).copied().unwrap_or(circle[0]);
    let span = first.after.get(next).and_then(|reason| reason.span);
    let message = format!("these units wait for each other: {}", names.join(" after "));
    let mut diagnostic = Diagnostic::error(Code::UNIT_CYCLE, span, message);
    for (index, id) in circle.iter().enumerate() {
        let next = circle[(index + 1) % circle.len()];
        let reason = &left[*id].after[next];
        diagnostic = diagnostic.note(format!("`{id}` comes after `{next}`: {}", reason.text));
    }
    diagnostics.push(diagnostic.help("one of them has to do without the other at first"));
}
