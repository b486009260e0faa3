//! Patches: trees that change trees, so that every leaf still knows what made it.
//!
//! A leaf that a patch writes has the patch's origin first and behind it that of the leaf which stood there; what a
//! patch does not touch keeps its own. Values of a chart are merged by [`merge_values`]; resources are patched by
//! [`apply`]: by a merge patch, a strategic merge patch or a JSON patch.
//! It knows neither files nor modules: what it changes, it says by index.

mod directive;
mod json;
mod merge;
mod merge_keys;
mod strategic;
mod target;
#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

pub use json::{Action, Operation, Pointer};
pub use merge::{merge_patch, merge_values};
pub use target::Target;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::value::{Node, Path};
use strategic::Fate;
use target::{kind_of, name_of};

/// A change of resources that are already made.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The resources that it is for.
    pub target: Target,
    /// What it does to each.
    pub kind: PatchKind,
    /// Where it is written.
    pub span: Span,
}

/// The three ways to write a patch.
#[derive(Clone, Debug)]
pub enum PatchKind {
    /// `merge`: a JSON merge patch (RFC 7386).
    Merge(Node),
    /// `strategic`: a strategic merge patch, with merge keys where the kind is Kubernetes' own.
    Strategic(Node),
    /// `json`: a JSON patch (RFC 6902).
    Json(Vec<Operation>),
}

/// What a patch did, as indices of the resources that it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those whose data is another now.
    pub changed: Vec<usize>,
    /// Those that it deletes. They stand where they stood, unchanged: to take them out is the caller's.
    pub deleted: Vec<usize>,
}

/// Applies `patch` to every resource that its target selects. A resource that it fails on stays as it was; a patch
/// that selects nothing is an error.
pub fn apply(resources: &mut [Node], patch: &Patch, diagnostics: &mut Diagnostics) -> Changes {
    let mut changes = Changes::default();
    let selected = match patch.target.select(resources) {
        Ok(selected) => selected,
        Err(nothing) => {
            diagnostics.push(*nothing);
            return changes;
        }
    };
    let mut told = BTreeSet::new();
    for index in selected {
        let resource = &mut resources[index];
        match patched(resource, patch) {
            Ok(None) => changes.deleted.push(index),
            Ok(Some(patched)) => {
                if patched != *resource {
                    changes.changed.push(index);
                }
                *resource = patched;
            }
            Err(found) => {
                let note = format!("applied to {} `{}`", kind_of(resource), name_of(resource));
                for diagnostic in found {
                    // What is wrong with the patch itself is so for every resource.
                    if told.insert((diagnostic.span, diagnostic.message.clone())) {
                        diagnostics.push(diagnostic.note(note.as_str()));
                    }
                }
            }
        }
    }
    changes
}

/// What `patch` makes of one resource; nothing if it deletes it.
fn patched(resource: &Node, patch: &Patch) -> Result<Option<Node>, Vec<Diagnostic>> {
    let mut patched = resource.clone();
    match &patch.kind {
        PatchKind::Merge(tree) => {
            demand_map(tree, patch)?;
            directive::refuse_in_merge(tree)?;
            merge_patch(&mut patched, tree);
        }
        PatchKind::Strategic(tree) => {
            demand_map(tree, patch)?;
            match strategic::apply(&mut patched, tree)? {
                Fate::Patched => {}
                Fate::Deleted => return Ok(None),
            }
        }
        PatchKind::Json(operations) => {
            json::apply(&mut patched, operations).map_err(|fault| vec![*fault])?;
            demand_size(&patched, patch)?;
        }
    }
    let moved = |keys: &&[&str]| moved(keys, resource, &patched, patch.span);
    let moved: Vec<Diagnostic> = IDENTITY.iter().filter_map(moved).collect();
    if moved.is_empty() {
        Ok(Some(patched))
    } else {
        Err(moved)
    }
}

/// Values that a resource may have after a patch that can copy: etcd takes no object of so many.
const MAX_VALUES: usize = 40_000;

/// A patch that copies, and the next one again, would fill any memory.
fn demand_size(patched: &Node, patch: &Patch) -> Result<(), Vec<Diagnostic>> {
    let mut values = 0;
    patched.each_leaf(&mut |_, _| values += 1);
    if values <= MAX_VALUES {
        return Ok(());
    }
    let message = format!("the patched resource has more than {MAX_VALUES} values");
    Err(vec![Diagnostic::error(
        Code::PATCH_FAILS,
        patch.span,
        message,
    )])
}

/// What makes two resources the same.
const IDENTITY: [&[&str]; 4] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
];

/// The message about a part of the identity that a patch has changed.
fn moved(keys: &[&str], before: &Node, after: &Node, patch: Span) -> Option<Diagnostic> {
    let path = Path::keys(keys.iter().copied());
    let (before, after) = (before.at(&path), after.at(&path));
    if before == after {
        return None;
    }
    let span = after.and_then(|node| node.origin.first()).unwrap_or(patch);
    let message = format!("a patch cannot change `{path}`: it would be another resource");
    Some(
        Diagnostic::error(Code::PATCH_FAILS, span, message)
            .help("leave it out; `target` says which resources the patch is for"),
    )
}

/// A patch that is no map would replace the whole resource.
fn demand_map(tree: &Node, patch: &Patch) -> Result<(), Vec<Diagnostic>> {
    if tree.as_map().is_some() {
        return Ok(());
    }
    let span = tree.origin.first().unwrap_or(patch.span);
    let message = format!(
        "a {} is no patch for a resource, which is a map",
        tree.value.kind()
    );
    Err(vec![Diagnostic::error(Code::PATCH_FAILS, span, message)])
}
