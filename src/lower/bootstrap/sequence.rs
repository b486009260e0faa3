//! In which order components are installed by hand.

use std::collections::BTreeSet;

use crate::link::{Linked, Part};
use crate::resolve::{Component, Lab};

/// The components that must run before the engine takes over, and the engine: in the order of the units, but the pod
/// network comes first and the engine last. No pod with an address of its own starts before there is a pod network,
/// and charts have jobs that helm waits for.
pub(super) fn components<'a>(lab: &'a Lab, linked: &Linked) -> Vec<&'a Component> {
    let provider = |capability: &str| lab.capabilities.get(capability).map(String::as_str);
    let network = provider("cni").map(|name| closure(linked, name, Direction::Before));
    let engine = provider("gitops-engine").map(|name| closure(linked, name, Direction::After));
    let holds = |set: &Option<BTreeSet<&str>>, name: &str| {
        set.as_ref().is_some_and(|set| set.contains(name))
    };
    let rank = |component: &Component| {
        if holds(&network, &component.name) {
            0
        } else if holds(&engine, &component.name) {
            2
        } else {
            1
        }
    };
    let main = linked
        .units
        .iter()
        .filter(|unit| unit.id.part == Part::Main);
    let mut found: Vec<&Component> = main
        .filter_map(|unit| lab.components.get(&unit.id.component))
        .filter(|component| component.bootstrap)
        .collect();
    found.sort_by_key(|component| rank(component));
    found
}

/// Which end of the edges to follow.
#[derive(Clone, Copy)]
enum Direction {
    /// To what comes before.
    Before,
    /// To what comes after.
    After,
}

/// A component and all that comes before it, or after it.
fn closure<'a>(linked: &'a Linked, name: &'a str, direction: Direction) -> BTreeSet<&'a str> {
    let units = linked.units.iter();
    // What a component can do without at first is nothing to wait for.
    let needed = units.filter(|unit| unit.id.part != Part::Late);
    let edges = needed.flat_map(|unit| {
        let own = unit.id.component.as_str();
        let others = unit.after.keys();
        others.map(move |other| match direction {
            Direction::Before => (own, other.component.as_str()),
            Direction::After => (other.component.as_str(), own),
        })
    });
    let edges: Vec<(&str, &str)> = edges.collect();
    let mut found = BTreeSet::from([name]);
    let mut open = vec![name];
    while let Some(at) = open.pop() {
        for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
            if found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}
