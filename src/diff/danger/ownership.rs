//! Who owns what changes as a whole: a component is renamed or moves to another namespace, another chart takes its
//! place, infrastructure is left behind, or another engine takes over.
//!
//! Sources: Argo CD, `docs/user-guide/app_deletion.md`; Flux, kustomize-controller, `docs/spec/v1/kustomizations.md`
//! (deletion policy) and helm-controller, `docs/spec/v2/helmreleases.md` (a release with another name, namespace or chart
//! is uninstalled first).

use super::data::holds_data;
use super::fate::{self, Fate};
use super::object::Object;
use super::replace::{self, Replacement};
use super::{Context, Danger, quoted};
use crate::diag::{Code, Severity};
use crate::diff::Change;
use crate::parse::lab::Layer;
use crate::resolve::Component;
use crate::resolve::lab::Engine;

impl Context<'_> {
    /// Whether another engine consumes the target than the base.
    pub(super) fn changes_engine(&self) -> bool {
        self.base
            .is_some_and(|base| engine(base.lab) != engine(self.target.lab))
    }

    /// Whether Flux consumes the target.
    pub(super) fn is_flux(&self) -> bool {
        engine(self.target.lab) == Engine::Flux
    }
}

fn engine(lab: &crate::resolve::Lab) -> Engine {
    lab.sections.identity.engine.value
}

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    if context.changes_engine() {
        found.extend(another_engine(context));
        return;
    }
    let replaced = replace::find(context);
    for replacement in &replaced {
        found.extend(replacement_of(context, replacement));
    }
    let Some(base) = context.base else { return };
    for component in base.lab.components.values() {
        match context.target.lab.components.get(&component.name) {
            Some(after) => found.extend(another_chart(context, component, after)),
            None if replaced.iter().any(|one| one.from == component.name) => {}
            None => found.extend(left_behind(context, component)),
        }
    }
}

fn another_engine(context: &Context<'_>) -> Option<Danger> {
    let (message, why, help) = if context.is_flux() {
        (
            "Flux takes over, and Argo CD deletes what it synced",
            "Argo CD's root still syncs `out`, where no Application is listed any more: it prunes them all, and each app's \
             finalizer takes the app with it",
            "before this is merged stop Argo CD, `kubectl --namespace argocd scale statefulset --all --replicas 0`; when \
             Flux has taken over, take the finalizers off the Applications and delete them",
        )
    } else {
        (
            "Argo CD takes over, and Flux deletes what it synced",
            "Flux's root still syncs `out`, where no Kustomization of it is listed any more: it prunes them all, and with \
             each app's Kustomization the app",
            "before this is merged take Flux away without what it synced: `flux uninstall` leaves every other object alone",
        )
    };
    let danger = context.of_lab(
        Severity::Error,
        Code::OWNER_CHANGES,
        &["lab.engine"],
        message.to_owned(),
    )?;
    Some(danger.note(why).help(help))
}

fn replacement_of(context: &Context<'_>, replacement: &Replacement<'_>) -> Option<Danger> {
    let removed: Vec<Object<'_>> = context
        .objects()
        .filter(|object| object.is_removed() && object.component() == Some(replacement.from))
        .collect();
    let fates: Vec<(Fate, &Object<'_>)> = removed
        .iter()
        .map(|object| (fate::of(context, object), object))
        .collect();
    let holding = |wanted: fn(Fate) -> bool| -> Vec<&Object<'_>> {
        let is_wanted = |(fate, object): &&(Fate, &Object<'_>)| wanted(*fate) && holds_data(object);
        fates
            .iter()
            .filter(is_wanted)
            .map(|(_, object)| *object)
            .collect()
    };
    let lost = holding(|fate| fate == Fate::Deleted);
    let left = holding(|fate| fate != Fate::Deleted);
    let severity = if lost.is_empty() {
        Severity::Warning
    } else {
        Severity::Error
    };
    let Replacement { from, to, .. } = replacement;
    let cascades = |object: &Object<'_>| is_of_engine(object) && fate::cascades(object);
    let is_orphaned = replacement.namespaces.is_none() && !removed.iter().any(cascades);
    let becomes = if is_orphaned {
        "is left behind"
    } else {
        "is deleted"
    };
    let message = match replacement.namespaces {
        Some((old, new)) => format!(
            "`{from}` moves from namespace `{old}` to `{new}`: there it is made anew, and here it {becomes}"
        ),
        None => format!("`{from}` is called `{to}` now: it {becomes}, and `{to}` is made anew"),
    };
    let mut changes: Vec<_> = removed.iter().map(Object::at).collect();
    if changes.is_empty() {
        let of_new = |(_, change): &(usize, &Change)| change.component.as_deref() == Some(to);
        changes = context.changes().filter(of_new).collect();
    }
    let mut danger = Danger::of_all(severity, Code::OWNER_CHANGES, &changes, message)?.note(
        "names and namespaces are what objects are known by: nothing can be renamed in a cluster",
    );
    if !lost.is_empty() {
        let names = quoted(lost.iter().map(|object| object.id));
        danger = danger.note(format!("deleted with its data: {names}"));
    }
    if !left.is_empty() {
        let names = quoted(left.iter().map(|object| object.id));
        danger = danger.note(format!(
            "left in the cluster, while `{to}` begins empty: {names}"
        ));
    }
    let component = context.target.lab.components.get(*to);
    let has_chart = component.is_some_and(|component| component.chart.is_some());
    if has_chart && !is_orphaned {
        danger =
            danger.note("what its chart makes goes with it, claims too: labc does not see them");
    }
    if lost.is_empty() && left.is_empty() && !has_chart {
        return Some(danger.help("it is away until the new one runs; merge when nobody needs it"));
    }
    Some(
        danger.help(
            "keep the old name, or copy the data from claim to claim before the old one goes",
        ),
    )
}

/// Whether an object is one of the engine's own, which the root syncs.
fn is_of_engine(object: &Object<'_>) -> bool {
    ["argoproj.io", "kustomize.toolkit.fluxcd.io"].contains(&object.id.group.as_str())
}

fn another_chart(context: &Context<'_>, before: &Component, after: &Component) -> Option<Danger> {
    let name = |component: &Component| {
        let chart = component.chart.as_ref()?;
        chart.name.as_str().map(str::to_owned)
    };
    let (old, new) = (name(before)?, name(after)?);
    if old == new {
        return None;
    }
    let own = |object: &Object<'_>| {
        let kinds = ["Application", "HelmRelease"];
        kinds.contains(&object.id.kind.as_str()) && object.component() == Some(&after.name)
    };
    let object = context.objects().find(own)?;
    let message = format!(
        "another chart makes `{}`: `{old}` goes, `{new}` comes",
        after.name
    );
    let danger = Danger::new(Severity::Warning, Code::OWNER_CHANGES, object.at(), message);
    let why = if context.is_flux() {
        "Flux uninstalls the release before it installs one of a chart with another name"
    } else {
        "Argo CD prunes what the new chart does not make, claims too"
    };
    Some(
        danger
            .note(why)
            .help("back up what the old chart's claims hold before this is merged"),
    )
}

/// Infrastructure outlives its place in the tree: nobody deletes it.
fn left_behind(context: &Context<'_>, component: &Component) -> Option<Danger> {
    let own = |object: &Object<'_>| {
        object.is_removed() && is_of_engine(object) && object.component() == Some(&component.name)
    };
    let syncers: Vec<Object<'_>> = context.objects().filter(own).collect();
    if component.layer != Layer::Infrastructure || syncers.iter().any(fate::cascades) {
        return None;
    }
    let changes: Vec<_> = syncers.iter().map(Object::at).collect();
    let name = &component.name;
    let message = format!("`{name}` leaves the tree, and stays in the cluster");
    let danger = Danger::of_all(Severity::Note, Code::OWNER_CHANGES, &changes, message)?;
    let (why, help) = if context.is_flux() {
        let release = component.chart.is_some();
        (
            "its Kustomization says `deletionPolicy: Orphan`, so that volumes and CRDs do not go with infrastructure",
            if release {
                format!(
                    "to be rid of it, when this is synced: `kubectl --namespace {} delete helmrelease {name}`",
                    component.namespace()
                )
            } else {
                "to be rid of it, delete its objects when this is synced".to_owned()
            },
        )
    } else {
        (
            "its Application has no finalizer, so that volumes and CRDs do not go with infrastructure",
            format!("to be rid of it, before this is merged: `argocd app delete {name} --cascade`"),
        )
    };
    Some(danger.note(why).help(help))
}
