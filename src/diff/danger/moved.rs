//! An object moves from one Application or Kustomization to another: the old one deletes what the new one makes, if it
//! comes first.
//!
//! Sources: Argo CD, `docs/user-guide/resource_tracking.md`: what it prunes is what carries an Application's own tracking
//! id. Flux, kustomize-controller, `internal/controller/kustomization_controller.go` (`deleteObjects`): what carries a
//! Kustomization's own labels.

use std::collections::BTreeMap;

use super::data::holds_data;
use super::fate;
use super::object::Object;
use super::{Context, Danger, quoted};
use crate::diag::{Code, Severity};
use crate::value::Node;

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    if context.changes_engine() {
        return;
    }
    let mut moves: BTreeMap<(String, String), Vec<Object<'_>>> = BTreeMap::new();
    for object in context.objects() {
        let change = object.change;
        let (Some(from), Some(to)) = (&change.from, &change.to) else {
            continue;
        };
        let owner = |path: &str| fate::owner(path, context.is_flux());
        let way = (owner(from), owner(to));
        if way.0 != way.1 && is_at_risk(context, &object) {
            moves.entry(way).or_default().push(object);
        }
    }
    for ((from, to), objects) in moves {
        found.extend(tell(context, &from, &to, &objects));
    }
}

/// Whether the old owner may delete the object.
fn is_at_risk(context: &Context<'_>, object: &Object<'_>) -> bool {
    let is_protected = object
        .before
        .is_some_and(|node: &Node| fate::is_protected(node));
    let syncer = fate::syncer(context, object);
    !is_protected && syncer.is_none_or(|syncer| fate::cascades(&syncer))
}

fn tell(context: &Context<'_>, from: &str, to: &str, objects: &[Object<'_>]) -> Option<Danger> {
    let severity = if objects.iter().any(holds_data) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let names = quoted(objects.iter().map(|object| object.id));
    let move_ = if objects.len() == 1 { "moves" } else { "move" };
    let (kind, mark) = if context.is_flux() {
        ("Kustomization", "labels")
    } else {
        ("Application", "tracking id")
    };
    let message = format!("{names} {move_} from {kind} `{from}` to `{to}`");
    let changes: Vec<_> = objects.iter().map(Object::at).collect();
    let danger = Danger::of_all(severity, Code::OWNER_CHANGES, &changes, message)?;
    Some(
        danger
            .note(format!(
                "`{from}` deletes what carries its {mark} and is not its own any more; where it syncs before `{to}`, \
                 that is deleted and made anew"
            ))
            .help(format!(
                "suspend `{from}` until `{to}` has synced, or protect what must not be deleted before this is merged"
            )),
    )
}
