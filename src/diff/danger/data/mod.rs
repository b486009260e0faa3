//! Data goes: what holds volumes, objects or backups leaves the tree, and the engine deletes it.
//!
//! An app that goes with all that it is made of is one danger, about its data. What stays in the cluster, because labc
//! protects it, is told as a note.

mod chart;
mod holder;

use std::collections::{BTreeMap, BTreeSet};

use super::fate::{self, Fate};
use super::object::{self, Object, items, text};
use super::{Context, Danger, quoted, replace};
use crate::diag::{Code, Severity};
use crate::diff::{Cause, Change};
use crate::value::Node;
use holder::{Holds, holder};

/// Whether an object holds data that goes with it.
pub(super) fn holds_data(object: &Object<'_>) -> bool {
    holder(object).is_some_and(|holder| holder.holds == Holds::Data)
}

/// What the removals of one component come to.
#[derive(Default)]
struct Removal<'a> {
    lost: Vec<(Object<'a>, &'static str)>,
    stopped: Vec<(Object<'a>, &'static str)>,
    kept: Vec<Object<'a>>,
}

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    if context.changes_engine() {
        return;
    }
    let replaced = replace::find(context);
    let is_replaced = |component: Option<&str>| {
        let mut steps = replaced.iter();
        component.is_some_and(|name| steps.any(|step| step.from == name))
    };
    for (component, removal) in removals(context) {
        if !is_replaced(component) {
            tell(context, component, &removal, found);
        }
    }
    for (place, change) in context.changes() {
        if !is_replaced(change.component.as_deref()) {
            found.extend(chart::by_values(context, (place, change)));
        }
    }
    found.extend(chart::crds(context));
    found.extend(context.objects().filter_map(unprotected));
}

fn removals<'a>(context: &Context<'a>) -> BTreeMap<Option<&'a str>, Removal<'a>> {
    let removed: Vec<_> = context
        .objects()
        .filter(|object| object.is_removed() && is_explained(object.change))
        .collect();
    let deleted = |object: &&Object<'_>| fate::of(context, object) == Fate::Deleted;
    let namespaces: BTreeSet<&str> = removed
        .iter()
        .filter(|object| object.is("", "Namespace"))
        .filter(deleted)
        .map(|object| object.id.name.as_str())
        .collect();
    let mut removals: BTreeMap<Option<&str>, Removal<'_>> = BTreeMap::new();
    for object in removed {
        let fate = fate::of(context, &object);
        let namespace = object.id.namespace.as_deref();
        let is_in_deleted = namespace.is_some_and(|name| namespaces.contains(name));
        // a Namespace lies with all others, and takes what is in it with it
        let is_of_namespace =
            object.is("", "Namespace") || fate == Fate::Protected && is_in_deleted;
        let component = object.component().filter(|_| !is_of_namespace);
        let removal = removals.entry(component).or_default();
        match (fate, holder(&object)) {
            (Fate::Orphaned, _) => {}
            (Fate::Protected, Some(holder)) if !is_in_deleted && holder.kind == "Namespace" => {}
            (Fate::Protected, Some(_)) if !is_in_deleted => removal.kept.push(object),
            (_, Some(holder)) if holder.holds == Holds::Data => {
                removal.lost.push((object, holder.then));
            }
            (_, Some(holder)) => removal.stopped.push((object, holder.then)),
            (_, None) if deletes_claims(&object) => {
                let then = "the volumes of its claim templates go with it, as it says itself";
                removal.lost.push((object, then));
            }
            _ => {}
        }
    }
    removals
}

/// What nothing explains is told as that.
fn is_explained(change: &Change) -> bool {
    let is_source = |cause: &Cause| matches!(cause, Cause::Source(_));
    change.causes.iter().any(is_source)
}

/// Whether a StatefulSet takes the claims of its templates with it.
fn deletes_claims(object: &Object<'_>) -> bool {
    let policy = [
        "spec",
        "persistentVolumeClaimRetentionPolicy",
        "whenDeleted",
    ];
    object.is("apps", "StatefulSet")
        && text(object.before, &policy) == Some("Delete")
        && !items(object.before, &["spec", "volumeClaimTemplates"]).is_empty()
}

fn tell(
    context: &Context<'_>,
    component: Option<&str>,
    removal: &Removal<'_>,
    found: &mut Vec<Danger>,
) {
    let name = component.unwrap_or_default();
    let goes = component.is_some() && !context.stays(component);
    if !removal.lost.is_empty() {
        found.extend(lost(&removal.lost, goes.then_some(name)));
    }
    for (object, then) in &removal.stopped {
        let holds = holder(object).map(|holder| holder.holds);
        if !goes || holds == Some(Holds::Class) {
            found.push(stopped(context, object, then));
        }
    }
    if !removal.kept.is_empty() {
        found.extend(kept(&removal.kept, goes.then_some(name)));
    }
}

fn lost(lost: &[(Object<'_>, &'static str)], component: Option<&str>) -> Option<Danger> {
    let names = quoted(lost.iter().map(|(object, _)| object.id));
    let message = match component {
        Some(component) => format!("`{component}` goes, and its data with it: {names}"),
        None => format!("{names} {} deleted", are(lost.len())),
    };
    let changes: Vec<_> = lost.iter().map(|(object, _)| object.at()).collect();
    let mut danger = Danger::of_all(Severity::Error, Code::DATA_GOES, &changes, message)?;
    let mut told = BTreeSet::new();
    for (object, then) in lost {
        if told.insert(then) {
            danger = danger.note(format!("{}: {then}", object.id.kind));
        }
    }
    if let Some((namespace, _)) = lost.iter().find(|(object, _)| object.is("", "Namespace")) {
        let name = &namespace.id.name;
        return Some(danger.help(format!(
            "leave `keep` of `[namespaces.{name}]` at its default, and delete the namespace by hand when nothing is in it"
        )));
    }
    let are_claims = lost.iter().any(|(object, _)| is_claim(object));
    Some(if are_claims {
        danger.help(
            "back it up first; `keep = true`, built and synced before this is, makes claims stay",
        )
    } else {
        danger.help("back up what is still needed before this is merged")
    })
}

fn stopped(context: &Context<'_>, object: &Object<'_>, then: &str) -> Danger {
    let message = format!("`{}` is deleted: {then}", object.id);
    let danger = Danger::new(Severity::Warning, Code::DATA_GOES, object.at(), message);
    let users = claims_of(context, object);
    if users.is_empty() {
        return danger.help("see that nothing needs it: what it did before stays, and ages");
    }
    danger
        .note(format!("asked for by {}", quoted(users)))
        .help("move their data to claims of another class first, or keep this one")
}

/// The claims of the target that ask for a StorageClass.
fn claims_of(context: &Context<'_>, object: &Object<'_>) -> Vec<String> {
    if !object.is("storage.k8s.io", "StorageClass") {
        return Vec::new();
    }
    let asks = |node: &&Node| {
        object::is_of(node, "", "PersistentVolumeClaim")
            && text(Some(node), &["spec", "storageClassName"]) == Some(&object.id.name)
    };
    let claims = object::all(context.target).filter(asks);
    claims
        .map(|claim| {
            let part = |key| text(Some(claim), &["metadata", key]).unwrap_or_default();
            format!(
                "PersistentVolumeClaim {}/{}",
                part("namespace"),
                part("name")
            )
        })
        .collect()
}

fn kept(kept: &[Object<'_>], component: Option<&str>) -> Option<Danger> {
    let names = quoted(kept.iter().map(|object| object.id));
    let stay = if kept.len() == 1 { "stays" } else { "stay" };
    let message = match component {
        Some(component) => format!("`{component}` goes, and {names} {stay} in the cluster"),
        None => format!(
            "{names} {} out of the tree, and {stay} in the cluster",
            goes(kept.len())
        ),
    };
    let changes: Vec<_> = kept.iter().map(Object::at).collect();
    let danger = Danger::of_all(Severity::Note, Code::DATA_GOES, &changes, message)?;
    let commands: Vec<String> = kept.iter().map(deletion).collect();
    Some(
        danger
            .note("protected from pruning: no data is lost, and nobody manages it any more")
            .help("the same component under the same name and namespace takes it up again")
            .help(format!("to be rid of it: `{}`", commands.join("; "))),
    )
}

fn deletion(object: &Object<'_>) -> String {
    let kind = object.id.kind.to_lowercase();
    match &object.id.namespace {
        Some(namespace) => format!(
            "kubectl --namespace {namespace} delete {kind} {}",
            object.id.name
        ),
        None => format!("kubectl delete {kind} {}", object.id.name),
    }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn goes(count: usize) -> &'static str {
    if count == 1 { "goes" } else { "go" }
}

fn is_claim(object: &Object<'_>) -> bool {
    object.is("", "PersistentVolumeClaim")
}

/// A claim that was protected, and is not any more.
fn unprotected(object: Object<'_>) -> Option<Danger> {
    let (before, after) = object.both()?;
    if !holds_data(&object) || !fate::is_protected(before) || fate::is_protected(after) {
        return None;
    }
    let message = format!("`{}` is not protected any more", object.id);
    let danger = Danger::new(Severity::Note, Code::DATA_GOES, object.at(), message);
    Some(
        danger
            .note(
                "from the next sync on it is deleted, with its data, as soon as it leaves the tree",
            )
            .help("leave `keep` at its default where the data is worth something"),
    )
}
