//! Machine-config patches that are not made from words: files that the lab names, and templates of modules.
//!
//! Knows no contract: [`super::fields`] checks what they say.

use super::PatchFile;
use crate::diag::Diagnostics;
use crate::resolve::lab::{NodeName, Reach, Role};
use crate::resolve::{Component, Lab};
use crate::source::Span;
use crate::template::expand_all;
use crate::value::Node;

/// A patch as somebody wrote it.
#[derive(Clone, Debug)]
pub struct RawPatch {
    /// Whom it is for.
    pub reach: Reach,
    /// The nodes that it is for, where it is not for all or for a role.
    pub nodes: Vec<NodeName>,
    /// Its documents: a template's, evaluated, or what was read from the file.
    pub documents: Vec<Node>,
    /// The bytes of a file, which are copied; a template has none.
    pub bytes: Option<Vec<u8>>,
    /// Where it is named.
    pub span: Option<Span>,
}

/// The patches of a lab in the order in which they are applied: the modules', then those of the lab's own files.
pub(super) fn patches(
    lab: &Lab,
    files: &[PatchFile],
    diagnostics: &mut Diagnostics,
) -> Vec<RawPatch> {
    let mut patches: Vec<RawPatch> = Vec::new();
    for component in lab.components.values() {
        patches.extend(of_module(component, diagnostics));
    }
    for file in files {
        if let Some(read) = lab.talos_patches.get(&file.path.value) {
            patches.push(RawPatch {
                reach: file.reach,
                nodes: file.nodes.clone(),
                documents: read.documents.clone(),
                bytes: Some(read.text.as_bytes().to_vec()),
                span: Some(file.path.span),
            });
        }
    }
    patches
}

fn of_module(component: &Component, diagnostics: &mut Diagnostics) -> Vec<RawPatch> {
    let reaches = [
        ("all", Reach::All),
        ("controlplane", Reach::Role(Role::ControlPlane)),
        ("worker", Reach::Role(Role::Worker)),
    ];
    let mut patches = Vec::new();
    for (stem, reach) in reaches {
        let templates = component.module.talos_patches.get(stem);
        let mut documents = Vec::new();
        for template in templates.into_iter().flatten() {
            let expanded = expand_all(template, &component.scope, diagnostics);
            documents.extend(expanded.unwrap_or_default());
        }
        if !documents.is_empty() {
            patches.push(RawPatch {
                reach,
                nodes: Vec::new(),
                documents,
                bytes: None,
                span: Some(component.span),
            });
        }
    }
    patches
}
