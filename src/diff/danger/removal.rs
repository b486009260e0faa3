//! An object goes, and no change of the sources explains it: what nobody asked for is asked about.

use super::{Context, Danger};
use crate::diag::{Code, Severity};
use crate::diff::{Cause, Drift, Kind, Subject};

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    for (index, change) in context.changes() {
        let Subject::Resource(id) = &change.subject else {
            continue;
        };
        let is_explained = |cause: &Cause| matches!(cause, Cause::Source(_));
        if change.kind != Kind::Removed || change.causes.iter().any(is_explained) {
            continue;
        }
        let message = format!("`{id}` goes, and no change of the sources explains it");
        let danger = Danger::new(
            Severity::Error,
            Code::UNEXPLAINED_REMOVAL,
            (index, change),
            message,
        );
        found.push(danger.note(why(&change.causes)).help(format!(
            "find out what made it; if it is to go, say so: `--allow '{id}'`"
        )));
    }
}

fn why(causes: &[Cause]) -> &'static str {
    match causes.first() {
        Some(Cause::Drift(Drift::HandEdit)) => {
            "it stands in a file that was edited by hand at the base, and no source says it"
        }
        Some(Cause::Drift(Drift::Epoch)) => {
            "another labc made the tree at the base, and this one does not make it from the same sources"
        }
        Some(Cause::Drift(Drift::Stale)) => {
            "the tree at the base is not what the sources there make: they were changed without a build"
        }
        Some(Cause::Unknown) => "the base does not compile, so nothing is known of what made it",
        _ => "several changes of the sources may have done it, and labc cannot tell which",
    }
}
