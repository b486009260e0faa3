//! The Secrets that a store fills: one a namespace that uses it, filled by an answer that lies with its first user.
//!
//! Who uses a Secret shows in the resources, and who is first in the order of the units: so this comes after both are known
//! a first time, and before they are known for good.

use std::collections::BTreeMap;

use super::index::Index;
use super::{secret, unit};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::render::{Rendered, add_answer};
use crate::resolve::component::{Component, SecretUse};
use crate::resolve::lab::SecretSource;
use crate::resolve::{Lab, store};
use crate::source::{Origin, Sources};
use crate::value::Node;

/// Adds the answer for each of them to its first user.
pub(super) fn fill(
    lab: &mut Lab,
    rendered: &mut BTreeMap<String, Rendered>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    if lab.stores.is_empty() {
        return;
    }
    for (used, first) in first_users(lab, rendered, sources) {
        before_the_engine(lab, &used, diagnostics);
        let component = &lab.components[&first];
        let Some(answer) = store::answer(lab, &used, component, diagnostics) else {
            continue;
        };
        let namespace = namespace(component, &used);
        let resources = rendered.entry(first.clone()).or_default();
        add_answer(lab, &answer, &namespace, resources, diagnostics);
        if let Some(component) = lab.components.get_mut(&first) {
            component.answers.push(answer);
        }
    }
}

/// Every use of a secret that a store fills, with the first of its users.
fn first_users(
    lab: &Lab,
    rendered: &BTreeMap<String, Rendered>,
    sources: &Sources,
) -> Vec<(SecretUse, String)> {
    // What is wrong is said when all is known.
    let mut known = Diagnostics::default();
    let (units, values) = unit::units(lab, rendered.clone(), &mut known);
    let index = Index::of(lab, &units, &values, sources, false);
    let mut order: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in &units {
        order.entry(&unit.id.component).or_insert(unit.order);
    }
    let uses = secret::uses(&index).into_iter();
    let external = uses.filter(|used| used.from == SecretSource::External);
    let with_first = |used: SecretUse| {
        let users = used.users.iter().map(|(user, _)| user.as_str());
        let placed = users.filter_map(|user| Some((order.get(user)?, user)));
        let first = placed.min()?.1.to_owned();
        Some((used, first))
    };
    external.filter_map(with_first).collect()
}

/// The namespace of a use, as its component has it where they are the same.
fn namespace(component: &Component, used: &SecretUse) -> Node {
    if component.namespace() == used.namespace {
        return component.namespace.clone();
    }
    let places = used.users.iter().map(|(_, span)| *span);
    Node::new(used.namespace.as_str(), Origin::from_spans(places))
}

/// Warns of a user that the provision script installs: nothing fills the Secret by then.
fn before_the_engine(lab: &Lab, used: &SecretUse, diagnostics: &mut Diagnostics) {
    let bootstrap = |user: &str| lab.components.get(user).is_some_and(|user| user.bootstrap);
    let users = used.users.iter();
    for (user, span) in users.filter(|(user, _)| bootstrap(user)) {
        let id = &used.id;
        let message = format!("`{user}` is installed before anything fills the secret `{id}`");
        diagnostics.push(
            Diagnostic::warning(Code::BOOTSTRAP_REQUIRES, *span, message)
                .label(used.span, "it comes from a store")
                .note("a pod that cannot start without it waits, and the provision script with it")
                .help("say `from = \"manual\"`: the provision script makes it first"),
        );
    }
}
