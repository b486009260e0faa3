//! Resources and machine-config intents to output files, per target: the only place that decides paths.
//!
//! Pure: it knows no disk and no text form of YAML, it returns files.

mod argocd;
pub mod bootstrap;
pub mod document;
mod engine;
mod flux;
mod kept;
mod namespace;
mod renovate;
mod secret;
mod shell;
pub mod talos;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

pub use talos::NodeFiles;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::Linked;
use crate::render::machine::Machines;
use crate::resolve::Lab;
use crate::resolve::lab::{Engine, NodeName};
use crate::source::{Origin, Span};
use crate::value::{Node, Value};
use crate::world::path::{self, Clash, ClashKind};

/// The whole tree, before it is bytes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Its files, sorted by path.
    pub files: Vec<OutFile>,
    /// The id of each Image Factory schematic, by the name of its file.
    pub schematics: BTreeMap<String, String>,
    /// What each online node is made from.
    pub nodes: BTreeMap<NodeName, NodeFiles>,
    /// The paths of the engine's objects, as `out/kustomization.yaml` lists them.
    engine_files: BTreeSet<String>,
}

/// Makes every file of the tree.
pub fn lower(
    lab: &Lab,
    machines: &Machines,
    linked: &Linked,
    diagnostics: &mut Diagnostics,
) -> Tree {
    let mut tree = Tree::default();
    engine::check(lab, diagnostics);
    let engine = lab.sections.identity.engine.value;
    let keep = match engine {
        Engine::ArgoCd => |node: &mut Node| argocd::protect(node, None),
        Engine::Flux => |node: &mut Node| flux::protect(node, None),
    };
    let namespaces = namespace::files(lab, linked, keep, diagnostics);
    match engine {
        Engine::ArgoCd => argocd::lower(lab, linked, &namespaces, &mut tree, diagnostics),
        Engine::Flux => flux::lower(lab, linked, &namespaces, &mut tree, diagnostics),
    }
    tree.files.extend(namespaces);
    values(lab, linked, &mut tree);
    machine_configs(lab, machines, &mut tree, diagnostics);
    let list = kustomization(&tree, lab.sections.identity.engine.span);
    tree.files.push(list);
    let (document, scripts) = rayon::join(
        || document::file(lab, linked, &tree),
        || bootstrap::files(lab, linked, &tree),
    );
    tree.files.push(document);
    tree.files.extend(scripts);
    tree.files.push(renovate::file(lab));
    tree.files
        .par_sort_by(|left, right| left.path.cmp(&right.path));
    twice(&tree, diagnostics);
    names(&tree, diagnostics);
    tree
}

/// The values of charts, outside the folders that an engine renders: Argo CD reads them there, Flux has them in its
/// releases, and the provision script reads those of what it installs.
fn values(lab: &Lab, linked: &Linked, tree: &mut Tree) {
    let is_argocd = lab.sections.identity.engine.value == Engine::ArgoCd;
    for (name, values) in &linked.values {
        let Some(values) = values else { continue };
        if !is_argocd && !lab.components[name].bootstrap {
            continue;
        }
        if matches!(&values.value, Value::Map(map) if !map.is_empty()) {
            let folder = tree::component_folder(lab.components[name].layer, name);
            let path = format!("{folder}/values.yaml");
            tree.files.push(OutFile::yaml(path, values.clone()));
        }
    }
}

/// What Talos and the Image Factory are given.
fn machine_configs(lab: &Lab, machines: &Machines, tree: &mut Tree, diagnostics: &mut Diagnostics) {
    let name = &lab.sections.identity.name.value;
    let plane = talos::files(machines, name, diagnostics);
    let schematics = machines.schematics.iter();
    tree.schematics = schematics
        .map(|(name, schematic)| (name.clone(), schematic.id()))
        .collect();
    tree.files.extend(plane.files);
    tree.nodes = plane.nodes;
}

/// `out/kustomization.yaml`: every engine object but the root.
fn kustomization(tree: &Tree, engine: Span) -> OutFile {
    let origin = Origin::at(engine);
    let own = |text: &str| tree::leaf(text, &origin);
    let prefix = format!("{}/", tree::OUT);
    let named = |file: &OutFile| match &file.content {
        Content::Yaml(documents) => documents.first()?.get("metadata")?.origin.first(),
        _ => None,
    };
    let files = tree.files.iter();
    let made: BTreeMap<&str, Option<Span>> = files
        .map(|file| (file.path.as_str(), named(file)))
        .collect();
    let resources = tree
        .engine_files
        .iter()
        .map(|path| {
            // It stands here because the file does.
            let made = made.get(path.as_str()).copied().flatten();
            let origin = Origin::from_spans(made).with(&origin);
            tree::leaf(path.strip_prefix(&prefix).unwrap_or(path), &origin)
        })
        .collect();
    let node = tree::map([
        ("apiVersion", own("kustomize.config.k8s.io/v1beta1")),
        ("kind", own("Kustomization")),
        ("resources", tree::list(resources)),
    ]);
    OutFile::yaml(format!("{}/kustomization.yaml", tree::OUT), node)
}

/// Reports files whose paths some file system cannot hold, or takes for one.
fn names(tree: &Tree, diagnostics: &mut Diagnostics) {
    let made_at = |path: &str| {
        let at = tree
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path));
        at.ok().and_then(|at| tree.files[at].content.first_span())
    };
    let wrong = tree.files.par_iter().filter_map(|file| {
        let why = path::check(&file.path).err()?;
        Some((file.path.as_str(), why))
    });
    let paths = tree.files.iter().map(|file| file.path.as_str());
    let (wrong, clashes) = rayon::join(
        || wrong.collect::<Vec<(&str, String)>>(),
        || path::clashes(paths),
    );
    for (path, why) in wrong {
        let message = format!("`{path}` cannot be written: {why}");
        diagnostics.push(
            Diagnostic::error(Code::UNSAFE_PATH, made_at(path), message)
                .help("rename what the file is named after"),
        );
    }
    for Clash {
        first,
        second,
        kind,
    } in clashes
    {
        let message = match kind {
            ClashKind::Same => format!("`{first}` and `{second}` would be one file"),
            ClashKind::Folder => format!("`{first}` would be a file and the folder of `{second}`"),
        };
        diagnostics.push(
            Diagnostic::error(Code::PATH_CLASH, made_at(second), message)
                .label(made_at(first), "the other one is written here")
                .help("rename one of the two resources"),
        );
    }
}

/// Reports files that two resources would be written to.
fn twice(tree: &Tree, diagnostics: &mut Diagnostics) {
    for pair in tree.files.windows(2) {
        let [first, second] = pair else { continue };
        if first.path == second.path {
            let message = format!("two resources would be written to `{}`", first.path);
            diagnostics.push(
                Diagnostic::error(Code::PATH_CLASH, second.content.first_span(), message)
                    .label(first.content.first_span(), "the other one is written here")
                    .help("rename one of the two resources"),
            );
        }
    }
}

/// One file of the tree.
#[derive(Clone, Debug)]
pub struct OutFile {
    /// Relative to the lab's folder, with `/`: `out/apps/atuin/application.yaml`.
    pub path: String,
    /// What it holds.
    pub content: Content,
    /// Whether it is a program (mode 0755 instead of 0644).
    pub executable: bool,
}

/// What a file holds, before it is bytes.
#[derive(Clone, Debug)]
pub enum Content {
    /// YAML documents.
    Yaml(Vec<Arc<Node>>),
    /// Lines of text.
    Text(Text),
    /// Bytes that are copied as they are.
    Bytes(Vec<u8>, Origin),
}

/// Text that still knows what made each line.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// The lines, without their line breaks.
    pub lines: Vec<Line>,
}

/// One line of a [`Text`].
#[derive(Clone, Debug)]
pub struct Line {
    /// The line, without its line break.
    pub text: String,
    /// What made it.
    pub origin: Origin,
}

impl Content {
    /// Where the first part of it is written, if a source wrote it.
    fn first_span(&self) -> Option<Span> {
        match self {
            Content::Yaml(documents) => documents.first()?.origin.first(),
            Content::Text(text) => text.lines.iter().find_map(|line| line.origin.first()),
            Content::Bytes(_, origin) => origin.first(),
        }
    }
}

impl Text {
    /// Adds a line (or several, where `text` has line breaks) that `origin` made.
    pub fn line(&mut self, text: impl AsRef<str>, origin: Origin) {
        for line in text.as_ref().split('\n') {
            self.lines.push(Line {
                text: line.to_owned(),
                origin: origin.clone(),
            });
        }
    }

    /// Adds lines that come from labc itself.
    pub fn own(&mut self, text: impl AsRef<str>) {
        self.line(text, Origin::none());
    }
}

impl OutFile {
    /// A file of one YAML document.
    pub fn yaml(path: impl Into<String>, document: impl Into<Arc<Node>>) -> Self {
        OutFile {
            path: path.into(),
            content: Content::Yaml(vec![document.into()]),
            executable: false,
        }
    }

    /// A file of text.
    pub fn text(path: impl Into<String>, text: Text) -> Self {
        OutFile {
            path: path.into(),
            content: Content::Text(text),
            executable: false,
        }
    }
}
