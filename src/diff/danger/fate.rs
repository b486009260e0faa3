//! What becomes in the cluster of an object that leaves the tree: what each engine does when a file goes, and when the
//! object that syncs its folder goes.
//!
//! Knows the shape of the tree and both engines' words, and nothing of what an object holds.
//!
//! Sources: Argo CD, `controller/appcontroller.go` (`shouldBeDeleted`) and `docs/user-guide/sync-options.md`; Flux,
//! kustomize-controller, `internal/controller/kustomization_controller.go` (`finalizerShouldDeleteResources`,
//! `deleteObjects`).

use super::Context;
use super::object::{Object, at, is_true, text, texts};
use crate::diff::Kind;
use crate::value::Node;

/// What becomes of an object that leaves the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The engine deletes it.
    Deleted,
    /// It says that it must not be deleted, and stays.
    Protected,
    /// What synced it goes without deleting anything.
    Orphaned,
}

const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
const CASCADE: &str = "resources-finalizer.argocd.argoproj.io";
/// Argo CD's words for an object that stays when its file goes, and when its Application does.
const PRUNED: &str = "Prune=false";
const DELETE: &str = "Delete=false";
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// What becomes of a removed object.
pub(super) fn of(context: &Context<'_>, object: &Object<'_>) -> Fate {
    let Some(node) = object.before else {
        return Fate::Deleted;
    };
    match syncer(context, object) {
        None if is_kept(node, PRUNED) => Fate::Protected,
        None => Fate::Deleted,
        Some(syncer) if !deletes(syncer.before) => Fate::Orphaned,
        Some(syncer) if syncer.id.kind == "Application" && is_crd(object) => Fate::Orphaned,
        Some(_) if is_kept(node, DELETE) => Fate::Protected,
        Some(_) => Fate::Deleted,
    }
}

/// The Application or Kustomization that synced an object and goes with it; none where it stays.
pub(super) fn syncer<'a>(context: &Context<'a>, object: &Object<'_>) -> Option<Object<'a>> {
    let files = syncer_files(object.change.from.as_deref()?);
    let is_it = |other: &Object<'_>| {
        let from = other.change.from.as_deref();
        other.change.kind == Kind::Removed
            && from.is_some_and(|from| files.iter().any(|file| file == from))
    };
    context.objects().find(is_it)
}

/// The files of what syncs a file, under either engine; none for a file that the root syncs.
fn syncer_files(path: &str) -> Vec<String> {
    let mut parts = path.rsplitn(3, '/');
    let (_, part, folder) = (parts.next(), parts.next(), parts.next());
    let names: &[&str] = match part {
        Some("manifests") => &["application.yaml", "flux.yaml"],
        Some("config") => &["application.yaml", "flux-config.yaml"],
        Some("late") => &["application-late.yaml", "flux-late.yaml"],
        _ => &[],
    };
    let folder = folder.unwrap_or_default();
    names
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

/// Who syncs a file, as the engine calls it; labc's root for a file of none.
pub(super) fn owner(path: &str, is_flux: bool) -> String {
    let mut parts = path.rsplit('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("manifests"), Some(component)) => component.to_owned(),
        (Some("config"), Some(component)) if is_flux => format!("{component}-config"),
        (Some("config"), Some(component)) => component.to_owned(),
        (Some("late"), Some(component)) => format!("{component}-late"),
        _ => "root".to_owned(),
    }
}

/// Whether an Application or Kustomization takes what it synced with it.
pub(super) fn cascades(syncer: &Object<'_>) -> bool {
    deletes(syncer.before)
}

/// Whether deleting an Application or Kustomization deletes what it synced.
fn deletes(syncer: Option<&Node>) -> bool {
    if text(syncer, &["kind"]) == Some("Application") {
        return texts(syncer, &["metadata", "finalizers"]).contains(&CASCADE);
    }
    let policy = text(syncer, &["spec", "deletionPolicy"]);
    match policy.unwrap_or("MirrorPrune") {
        _ if is_true(syncer, &["spec", "suspend"]) => false,
        "Orphan" => false,
        "MirrorPrune" => is_true(syncer, &["spec", "prune"]),
        _ => true,
    }
}

/// Argo CD leaves CRDs behind when it deletes an Application with all that it holds.
fn is_crd(object: &Object<'_>) -> bool {
    object.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

/// Whether an object says that it must stay; `option` is Argo CD's word for how it goes.
fn is_kept(node: &Node, option: &str) -> bool {
    let annotation = |name| text(at(Some(node), &["metadata", "annotations"]), &[name]);
    let options = annotation(SYNC_OPTIONS).unwrap_or_default();
    options.split(',').any(|one| one.trim() == option)
        || annotation(PRUNE).is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
        || (option == DELETE && annotation("helm.sh/resource-policy") == Some("keep"))
}

/// Whether an object is protected from being deleted with its place in the tree.
pub(super) fn is_protected(node: &Node) -> bool {
    is_kept(node, PRUNED)
}
