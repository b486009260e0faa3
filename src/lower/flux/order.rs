//! What a Kustomization waits for.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::{Linked, Unit, UnitId};
use crate::resolve::{Component, Lab};
use crate::source::Origin;

/// Whether Flux leaves a unit's Kustomization alone. One that holds a release goes on, or it would never tell
/// helm-controller to leave the release alone.
pub(in crate::lower) fn is_suspended(component: &Component, unit: &Unit) -> bool {
    component.suspend && !unit.has_chart
}

/// The units that a unit's Kustomization waits for, each with what says so.
///
/// A suspended Kustomization is never ready for the next commit, so whoever comes after it would be stuck: it comes
/// after what that one comes after instead.
pub(in crate::lower) fn after(lab: &Lab, linked: &Linked, unit: &Unit) -> BTreeMap<UnitId, Origin> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    collect(lab, linked, unit, &mut seen, &mut found);
    found
}

fn collect(
    lab: &Lab,
    linked: &Linked,
    unit: &Unit,
    seen: &mut BTreeSet<UnitId>,
    found: &mut BTreeMap<UnitId, Origin>,
) {
    for (id, reason) in &unit.after {
        let Some(other) = linked.unit(&id.component, id.part) else {
            continue;
        };
        if !is_suspended(&lab.components[&id.component], other) {
            let own = lab.components[&unit.id.component].span;
            found
                .entry(id.clone())
                .or_insert_with(|| Origin::at(reason.span.unwrap_or(own)));
        } else if seen.insert(id.clone()) {
            collect(lab, linked, other, seen, found);
        }
    }
}
