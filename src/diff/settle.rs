//! Changes for which the sources tell nothing of their own -> the reasons of what happens beside them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Change, Kind, Subject};

/// Gives what came or went for no reason of its own the reasons of what did so beside it: an Application whose last object
/// goes, a Namespace in which nothing is left.
pub(super) fn settle(changes: &mut [Change]) {
    let is_untold = |change: &Change| change.causes == [Cause::Sources];
    let mut beside: BTreeMap<(Place, Kind), BTreeSet<Cause>> = BTreeMap::new();
    for change in changes.iter().filter(|change| !is_untold(change)) {
        for place in places(change) {
            let causes = beside.entry((place, change.kind)).or_default();
            causes.extend(&change.causes);
        }
    }
    for change in changes.iter_mut().filter(|change| is_untold(change)) {
        let place = match &change.subject {
            Subject::Resource(id) if id.kind == "Namespace" => {
                Some(Place::Namespace(id.name.clone()))
            }
            _ => change.component.clone().map(Place::Component),
        };
        let found = place.and_then(|place| beside.get(&(place, change.kind)));
        if let Some(causes) = found.filter(|causes| !causes.is_empty()) {
            change.causes = causes.iter().copied().collect();
        }
    }
}

/// What a change lies in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Component(String),
    Namespace(String),
}

fn places(change: &Change) -> impl Iterator<Item = Place> {
    let namespace = match &change.subject {
        Subject::Resource(id) => id.namespace.clone(),
        _ => None,
    };
    let component = change.component.clone().map(Place::Component);
    component.into_iter().chain(namespace.map(Place::Namespace))
}
