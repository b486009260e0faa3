//! Where the lab could say a change: the edits that are worth a proof, the most natural first.
//!
//! Those from origins are here, those from names and places in [`super::place`]. Every one of them is a guess; [`super::proof`] decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::{Change, What, apply};
use super::edit::{Edit, LabText, written_at};
use super::patch;
use super::place::Owner;
use crate::diag::Diagnostics;
use crate::emit::yaml as printer;
use crate::explain::DEFAULTS;
use crate::parse::LAB;
use crate::resolve::{Component, Lab};
use crate::source::{Origin, SourceId, SourceKind, Sources, Span};
use crate::syntax::{toml, yaml};
use crate::template::convert::text;
use crate::value::{Node, Path, Step, Value};

/// Entries of a trait or of an input that a default is tried for.
const MAX_ENTRIES: usize = 3;

/// What of an output a hand has changed.
pub(super) struct Subject<'a> {
    /// Its documents, with origins.
    pub(super) documents: &'a [Arc<Node>],
    /// What it belongs to.
    pub(super) owner: Owner<'a>,
    /// All changes by hand.
    pub(super) changes: &'a [Change],
}

/// Finds edits.
pub(super) struct Finder<'a> {
    /// The lab.
    pub(super) lab: &'a Lab,
    sources: &'a Sources,
    /// The lab's own file.
    pub(super) text: LabText<'a>,
    trees: BTreeMap<SourceId, Node>,
}

impl<'a> Finder<'a> {
    /// Finds edits of the sources of a lab; none without a `lab.toml`.
    pub(super) fn new(lab: &'a Lab, sources: &'a Sources) -> Option<Self> {
        Some(Finder {
            lab,
            sources,
            text: LabText::of(sources)?,
            trees: BTreeMap::new(),
        })
    }

    /// The edits that may make a change come out, each by itself.
    pub(super) fn candidates(&mut self, subject: &Subject<'_>, change: &Change) -> Vec<Edit> {
        let mut edits = Vec::new();
        self.literals(subject, change, &mut edits);
        self.defaults(subject, change, &mut edits);
        self.by_place(subject, change, &mut edits);
        let mut seen: Vec<Edit> = Vec::new();
        for edit in edits {
            if !seen.contains(&edit) {
                seen.push(edit);
            }
        }
        seen
    }

    /// The patches that may make these changes come out together.
    pub(super) fn patches(&self, subject: &Subject<'_>, changes: &[&Change]) -> Vec<Edit> {
        let Owner::Resource(component) = &subject.owner else {
            return Vec::new();
        };
        let [document] = subject.documents else {
            return Vec::new();
        };
        patch::bodies(document, changes)
            .into_iter()
            .filter_map(|body| {
                let table = component_table(component);
                let has_list = self.text.tree.at(&way(&table)).is_some_and(|component| {
                    let patches = component
                        .get("patches")
                        .and_then(|node| node.origin.first());
                    patches.is_some_and(|span| self.sources.text(span).starts_with("[{"))
                });
                (!has_list).then(|| self.text.append(&patch::block(&table, document, &body)))
            })
            .collect()
    }

    /// Where the value, or what it is a part of, is written in a file of the lab.
    fn literals(&self, subject: &Subject<'_>, change: &Change, edits: &mut Vec<Edit>) {
        let document = &subject.documents[change.document];
        for length in (1..=change.path.0.len()).rev() {
            let path = Path(change.path.0[..length].to_vec());
            let Some(made) = document.at(&path) else {
                continue;
            };
            let is_whole = length == change.path.0.len();
            if is_whole && change.what == What::Removed {
                self.removals(made, edits);
                continue;
            }
            let Some(wanted) = after(subject, change, &path) else {
                continue;
            };
            for span in made.origin.spans() {
                if self.text.has(*span) {
                    let Some((way, written)) = written_at(&self.text.tree, *span) else {
                        continue;
                    };
                    for value in rewritten(written, made, &wanted) {
                        edits.extend(self.text.replace(&way, *span, &value));
                    }
                } else {
                    edits.extend(self.in_yaml(*span, made, &wanted));
                }
            }
        }
    }

    fn removals(&self, made: &Node, edits: &mut Vec<Edit>) {
        for span in made
            .origin
            .spans()
            .iter()
            .filter(|span| self.text.has(**span))
        {
            if written_at(&self.text.tree, *span).is_some_and(|(_, written)| written == made) {
                edits.extend(self.text.remove(*span));
            }
        }
    }

    /// Another scalar in a YAML file of the lab.
    fn in_yaml(&self, span: Span, made: &Node, wanted: &Node) -> Option<Edit> {
        let file = self.sources.file(span.source);
        let is_yaml = file.name.ends_with(".yaml") || file.name.ends_with(".yml");
        if file.kind != SourceKind::Lab || !is_yaml || !wanted.is_leaf() {
            return None;
        }
        let old = self.sources.text(span);
        let written = yaml::read(span.source, old, &mut Diagnostics::default());
        if written.first() != Some(made) && !old.contains("${{") {
            return None;
        }
        let new = printer::print(std::slice::from_ref(wanted));
        let new = new.trim_end();
        (!new.contains('\n') && !old.contains('\n')).then(|| Edit {
            file: file.name.clone(),
            range: span.range(),
            text: new.to_owned(),
            say: format!(
                "write `{new}` instead of `{old}` at {}",
                self.sources.refer(span)
            ),
        })
    }

    /// The input, the field of a trait or the key whose default it is, or is a part of.
    fn defaults(&mut self, subject: &Subject<'_>, change: &Change, edits: &mut Vec<Edit>) {
        let document = &subject.documents[change.document];
        for length in (1..=change.path.0.len()).rev() {
            let path = Path(change.path.0[..length].to_vec());
            let Some(made) = document.at(&path) else {
                continue;
            };
            let Some(wanted) = after(subject, change, &path) else {
                continue;
            };
            for span in made.origin.spans() {
                let name = self.sources.file(span.source).name.clone();
                if !name.ends_with(".toml") || name == LAB {
                    continue;
                }
                let Some((way, default)) = written_at(self.tree(span.source), *span) else {
                    continue;
                };
                // What is above the value itself is only worth a thought where it is all from there.
                if length < change.path.0.len() && default != made {
                    continue;
                }
                let values = [Some(wanted.clone()), typed(default, &wanted)];
                for wanted in values.into_iter().flatten() {
                    self.instead_of_default(subject, &name, &strings(&way), &wanted, edits);
                }
            }
        }
    }

    /// What the lab says where it does not want the default at `keys` of a file.
    fn instead_of_default(
        &self,
        subject: &Subject<'_>,
        file: &str,
        keys: &[String],
        wanted: &Node,
        edits: &mut Vec<Edit>,
    ) {
        let bare = file.strip_prefix("labc:").unwrap_or(file);
        let parts: Vec<&str> = bare.split('/').collect();
        let words: Vec<&str> = keys.iter().map(String::as_str).collect();
        match (parts.as_slice(), words.as_slice()) {
            _ if file == DEFAULTS => edits.extend(self.text.set(keys, wanted)),
            (["modules", "traits", file], ["fields", field, "default"]) => {
                let of = file.trim_end_matches(".toml");
                self.each_entry(subject, of, field, wanted, edits);
            }
            (["modules", module, "module.toml"], ["inputs", input, "default", rest @ ..]) => {
                for table in self.of_module(subject, module) {
                    let input = [*input].into_iter().chain(rest.iter().copied());
                    let path: Vec<String> =
                        table.into_iter().chain(input.map(str::to_owned)).collect();
                    edits.extend(self.text.set(&path, wanted));
                }
            }
            (["modules", _, "module.toml"], ["inputs", input, "each", field, "default"]) => {
                self.each_entry(subject, input, field, wanted, edits);
            }
            _ => {}
        }
    }

    /// The tables of the components of a module, the file's own first.
    fn of_module(&self, subject: &Subject<'_>, module: &str) -> Vec<Vec<String>> {
        let own = subject
            .owner
            .component()
            .map(|component| component.name.as_str());
        let mut tables: Vec<(bool, Vec<String>)> = self
            .lab
            .components
            .values()
            .filter(|component| component.module.name == module)
            .map(|component| {
                (
                    Some(component.name.as_str()) != own,
                    component_table(component),
                )
            })
            .collect();
        tables.sort();
        tables
            .into_iter()
            .map(|(_, table)| table)
            .take(MAX_ENTRIES)
            .collect()
    }

    fn each_entry(
        &self,
        subject: &Subject<'_>,
        of: &str,
        field: &str,
        wanted: &Node,
        edits: &mut Vec<Edit>,
    ) {
        let Some(component) = subject.owner.component() else {
            return;
        };
        let table = [component_table(component), vec![of.to_owned()]].concat();
        let entries = self.text.tree.at(&way(&table)).and_then(Node::as_map);
        for name in entries
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .take(MAX_ENTRIES)
        {
            let path = [table.clone(), vec![name.to_string(), field.to_owned()]].concat();
            edits.extend(self.text.set(&path, wanted));
        }
    }

    fn tree(&mut self, source: SourceId) -> &Node {
        let sources = self.sources;
        self.trees.entry(source).or_insert_with(|| {
            // Whatever is wrong with the file was reported when it was compiled.
            toml::read(
                source,
                &sources.file(source).text,
                &mut Diagnostics::default(),
            )
        })
    }
}

/// What stands at `path` once every change at it and below it is made; `change` is one of them.
pub(super) fn after(subject: &Subject<'_>, change: &Change, path: &Path) -> Option<Node> {
    let mut document = Node::clone(subject.documents.get(change.document)?);
    let below =
        |other: &&Change| other.document == change.document && other.path.0.starts_with(&path.0);
    for change in subject.changes.iter().filter(below) {
        apply(&mut document, change);
    }
    document.at(path).cloned()
}

/// What may be written where `written` made `made`, so that it makes `wanted`.
fn rewritten(written: &Node, made: &Node, wanted: &Node) -> Vec<Node> {
    let new = |text: &str| Node::new(text, Origin::none());
    if written == made {
        return vec![wanted.clone()];
    }
    let (Some(old), Some(before), Some(after)) = (text(written), text(made), text(wanted)) else {
        return Vec::new();
    };
    if old == before {
        return typed(written, wanted).into_iter().collect();
    }
    if old.contains("${{") {
        return vec![wanted.clone()];
    }
    match before.match_indices(&old).collect::<Vec<_>>().as_slice() {
        [(at, _)] if !old.is_empty() => {
            let (start, end) = (&before[..*at], &before[at + old.len()..]);
            let middle = after
                .strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(end))
                .filter(|middle| !middle.is_empty());
            let mut values: Vec<Node> = middle.map(new).into_iter().collect();
            if written.as_str().is_some() {
                values.push(wanted.clone());
            }
            values
        }
        _ => Vec::new(),
    }
}

/// The wanted value in the type of what is written, where its text allows that.
fn typed(written: &Node, wanted: &Node) -> Option<Node> {
    let wanted = text(wanted)?;
    let value = match &written.value {
        Value::Int(_) => Value::Int(wanted.parse().ok()?),
        Value::Bool(_) => Value::Bool(wanted.parse().ok()?),
        Value::Float(_) => Value::Float(wanted.parse().ok()?),
        Value::Str(_) => wanted.into(),
        _ => return None,
    };
    Some(Node::new(value, Origin::none()))
}

/// The way to a component's table in `lab.toml`.
pub(super) fn component_table(component: &Component) -> Vec<String> {
    vec![component.layer.word().to_owned(), component.name.clone()]
}

fn way(path: &[String]) -> Path {
    Path::keys(path.iter().map(String::as_str))
}

/// The steps of a path as keys.
pub(super) fn strings(path: &Path) -> Vec<String> {
    path.0
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.to_string(),
            Step::Index(index) => index.to_string(),
        })
        .collect()
}
