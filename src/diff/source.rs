//! The source files of two worlds to what was changed in them: keys of TOML files, lines of all others.
//!
//! Knows no output: who follows from a change is found by [`super::cause`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::mask;
use super::sequence::{Part, differences};
use crate::diag::Diagnostics;
use crate::source::{SourceFile, SourceId, SourceKind, Sources, Span};
use crate::syntax::toml;
use crate::template::convert::{json, text};
use crate::value::{Entry, Map, Node, Path, Step};

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
        }
    }
}

/// One change of a source file.
#[derive(Clone, Debug)]
pub struct SourceChange {
    /// What happened.
    pub kind: Kind,
    /// The key of a TOML file, with those above it; none for lines of another file.
    pub key: Option<String>,
    /// What stood there, in one line, where one line can say it.
    pub before: Option<String>,
    /// What stands there.
    pub after: Option<String>,
    /// The file, as messages show it.
    pub file: String,
    /// The line, counted from 1: of the target, for what was removed of the base.
    pub line: usize,
    /// Where it is in the target.
    pub span: Option<Span>,
    /// Whether it is a whole file that one side alone reads: it came or went, or nothing uses it at the other.
    pub is_file: bool,
    pub(super) base: Vec<Span>,
    pub(super) target: Vec<Span>,
    /// The table of the lab that it lies in, whole: `apps.jellyfin`.
    pub(super) table: Table,
}

/// A table of the lab at both sides: what is in it, where nothing tells more, a change in it may have made.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) name: Option<String>,
    pub(super) base: Vec<Span>,
    pub(super) target: Vec<Span>,
}

/// Letters of a value that a change shows.
const MAX_SHOWN: usize = 100;

/// Every change between the source files of two worlds, by file and place.
pub(super) fn changes(base: &Sources, target: &Sources) -> Vec<SourceChange> {
    let files = |sources: &Sources| -> BTreeMap<String, SourceId> {
        let named = |(id, file): (SourceId, &SourceFile)| (name(file).to_owned(), id);
        sources.iter().map(named).collect()
    };
    let (old, new) = (files(base), files(target));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let pair = Pair {
            base: old.get(name).map(|id| (*id, base.file(*id))),
            target: new.get(name).map(|id| (*id, target.file(*id))),
        };
        if pair.is_source() {
            pair.compare(&mut found);
        }
    }
    // The lab itself comes first, whatever its file is called.
    found.sort_by(|one, other| {
        let key = |change: &SourceChange| (change.file != crate::parse::LAB, change.file.clone());
        key(one)
            .cmp(&key(other))
            .then(one.line.cmp(&other.line))
            .then_with(|| one.key.cmp(&other.key))
    });
    found
}

/// What a file is called, whether it is the standard library's or one that a lab has in its place.
fn name(file: &SourceFile) -> &str {
    file.name.strip_prefix("labc:").unwrap_or(&file.name)
}

/// A file at both sides.
struct Pair<'a> {
    base: Option<(SourceId, &'a SourceFile)>,
    target: Option<(SourceId, &'a SourceFile)>,
}

impl<'a> Pair<'a> {
    /// Whether it differs by what somebody did to it: a file of the standard library that one side does not use is none.
    fn is_source(&self) -> bool {
        let is_lab = |side: &Option<(SourceId, &SourceFile)>| {
            side.is_some_and(|(_, file)| file.kind == SourceKind::Lab)
        };
        let text = |side: &Option<(SourceId, &'a SourceFile)>| side.map(|(_, file)| &*file.text);
        (is_lab(&self.base) || is_lab(&self.target)) && text(&self.base) != text(&self.target)
    }

    fn shown(&self) -> &'a SourceFile {
        let side = self.target.or(self.base);
        side.map(|(_, file)| file)
            .expect("a file is at one side at least")
    }

    fn compare(&self, found: &mut Vec<SourceChange>) {
        let tree = |(id, file): (SourceId, &SourceFile)| {
            let mut problems = Diagnostics::default();
            let tree = toml::read(id, &file.text, &mut problems);
            (!problems.has_errors()).then_some(tree)
        };
        if let (true, Some(base), Some(target)) = (
            name(self.shown()).ends_with(".toml"),
            self.base,
            self.target,
        ) && let (Some(mut before), Some(mut after)) = (tree(base), tree(target))
        {
            mask::trees(&mut before, &mut after);
            let mut keys = Keys {
                pair: self,
                roots: [&before, &after],
                path: Path::default(),
                found,
            };
            return keys.node(&before, &after);
        }
        match (self.base, self.target) {
            (Some(base), Some(target)) => self.lines(base, target, found),
            _ => found.push(self.whole()),
        }
    }

    /// A file that is at one side alone.
    fn whole(&self) -> SourceChange {
        let span = |side: Option<(SourceId, &SourceFile)>| {
            side.map(|(id, file)| Span::new(id, 0, file.text.len()))
        };
        let (base, target) = (span(self.base), span(self.target));
        SourceChange {
            kind: if self.target.is_some() {
                Kind::Added
            } else {
                Kind::Removed
            },
            key: None,
            before: None,
            after: None,
            file: self.shown().name.clone(),
            line: 1,
            span: target,
            is_file: true,
            base: base.into_iter().collect(),
            target: target.into_iter().collect(),
            table: Table::default(),
        }
    }

    fn lines(
        &self,
        (old_id, old): (SourceId, &'a SourceFile),
        (new_id, new): (SourceId, &'a SourceFile),
        found: &mut Vec<SourceChange>,
    ) {
        let split = |text: &'a str| text.split_inclusive('\n').collect::<Vec<_>>();
        let (old_at, new_at) = (offsets(&old.text), offsets(&new.text));
        let [old_lines, new_lines] = mask::lines(&old.text, &new.text);
        for Part {
            old: from, new: to, ..
        } in differences(&split(&old.text), &split(&new.text))
        {
            let kind = match (from.is_empty(), to.is_empty()) {
                (true, _) => Kind::Added,
                (_, true) => Kind::Removed,
                _ => Kind::Changed,
            };
            let span = |id, at: &[usize], lines: Range<usize>| {
                (!lines.is_empty()).then(|| Span::new(id, at[lines.start], at[lines.end]))
            };
            let base = span(old_id, &old_at, from.clone());
            let target = span(new_id, &new_at, to.clone());
            let line = match kind {
                Kind::Removed => from.start,
                _ => to.start,
            };
            let shown = |all: &[String], lines: Range<usize>| {
                let line = all.get(lines.start).filter(|_| lines.len() == 1);
                line.map(|line| shorten(line.trim()))
            };
            found.push(SourceChange {
                kind,
                key: None,
                before: shown(&old_lines, from),
                after: shown(&new_lines, to),
                file: new.name.clone(),
                line: line + 1,
                span: target,
                is_file: false,
                base: base.into_iter().collect(),
                target: target.into_iter().collect(),
                table: Table::default(),
            });
        }
    }
}

/// Where each line begins, and where the last one ends.
fn offsets(text: &str) -> Vec<usize> {
    let ends = text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    });
    std::iter::once(0).chain(ends).collect()
}

/// Compares the keys of a TOML file.
struct Keys<'a, 'f> {
    pair: &'a Pair<'a>,
    roots: [&'a Node; 2],
    path: Path,
    found: &'f mut Vec<SourceChange>,
}

impl Keys<'_, '_> {
    fn node(&mut self, before: &Node, after: &Node) {
        if before == after {
            return;
        }
        match (before.as_map(), after.as_map()) {
            (Some(before), Some(after)) if !self.is_one(before, after) => self.map(before, after),
            _ => match (before.as_list(), after.as_list()) {
                (Some(before), Some(after)) if are_tables(before, after) => {
                    for (index, (before, after)) in before.iter().zip(after).enumerate() {
                        self.at(Step::Index(index), |keys| keys.node(before, after));
                    }
                }
                _ => self.push(Some(before), Some(after), &[], &[]),
            },
        }
    }

    /// Whether two maps have nothing in common: then one stands for the other as a whole.
    fn is_one(&self, before: &Map, after: &Map) -> bool {
        !self.path.0.is_empty() && !before.keys().any(|key| after.contains_key(key))
    }

    fn map(&mut self, before: &Map, after: &Map) {
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let (old, new) = (before.get(key), after.get(key));
            self.at(Step::Key(key.clone()), |keys| match (old, new) {
                (Some(old), Some(new)) => keys.node(&old.node, &new.node),
                (old, new) if keys.is_section(old.or(new)) => {
                    let none = Map::new();
                    let [old, new] = [old, new].map(|entry| {
                        let map = entry.and_then(|entry| entry.node.as_map());
                        map.unwrap_or(&none)
                    });
                    keys.map(old, new);
                }
                _ => {
                    let spans = |entry: Option<&Entry>| -> Vec<Span> {
                        entry.and_then(|entry| entry.key).into_iter().collect()
                    };
                    keys.push(
                        old.map(|entry| &entry.node),
                        new.map(|entry| &entry.node),
                        &spans(old),
                        &spans(new),
                    );
                }
            });
        }
    }

    /// Whether something at the top holds nothing but named tables: `[apps]` comes with its first app, and says nothing.
    fn is_section(&self, entry: Option<&Entry>) -> bool {
        let map = entry.and_then(|entry| entry.node.as_map());
        let is_table = |(_, entry): (_, &Entry)| entry.node.as_map().is_some();
        self.path.0.len() == 1 && map.is_some_and(|map| !map.is_empty() && map.iter().all(is_table))
    }

    fn at(&mut self, step: Step, act: impl FnOnce(&mut Self)) {
        self.path.0.push(step);
        act(self);
        self.path.0.pop();
    }

    /// One change, with the spans of the keys where they came or went with their values.
    fn push(&mut self, before: Option<&Node>, after: Option<&Node>, old: &[Span], new: &[Span]) {
        let spans = |node: Option<&Node>, more: &[Span]| {
            let mut spans = more.to_vec();
            if let Some(node) = node {
                gather(node, &mut spans);
            }
            spans
        };
        let (base, target) = (spans(before, old), spans(after, new));
        let kind = match (before, after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        let first = |spans: &[Span], side: Option<(SourceId, &SourceFile)>| {
            let (_, file) = side?;
            Some(file.place(spans.first()?.start as usize).0)
        };
        let line = match kind {
            Kind::Removed => first(&base, self.pair.base),
            _ => first(&target, self.pair.target),
        };
        let shown = |node: Option<&Node>| node.and_then(Self::shown);
        self.found.push(SourceChange {
            kind,
            key: Some(self.path.to_string()),
            before: shown(before),
            after: shown(after),
            file: self.pair.shown().name.clone(),
            line: line.unwrap_or(1),
            span: target.first().copied(),
            is_file: false,
            base,
            target,
            table: self.table(),
        });
    }

    /// The named table that the path leads into.
    fn table(&self) -> Table {
        let way: Vec<&str> = self.path.0.iter().map_while(Step::key).take(2).collect();
        let [section, name] = way[..] else {
            return Table::default();
        };
        let [base, target] = self.roots.map(|root| {
            let mut spans = Vec::new();
            let entries = root.get(section).and_then(Node::as_map);
            if let Some(entry) = entries.and_then(|entries| entries.get(name)) {
                spans.extend(entry.key);
                gather(&entry.node, &mut spans);
            }
            spans
        });
        Table {
            name: Some(name.to_owned()),
            base,
            target,
        }
    }

    /// A value in one line; none for a table, whose keys say more than one line can.
    fn shown(node: &Node) -> Option<String> {
        let plain = match node.as_map() {
            Some(_) => return None,
            None => text(node).unwrap_or_else(|| json(node).to_string()),
        };
        Some(shorten(&plain))
    }
}

/// Whether two lists are tables that can be held against each other, one by one.
fn are_tables(before: &[Node], after: &[Node]) -> bool {
    let tables = |list: &[Node]| list.iter().all(|item| item.as_map().is_some());
    before.len() == after.len() && tables(before) && tables(after)
}

/// Every span of a tree, its keys' too.
fn gather(node: &Node, spans: &mut Vec<Span>) {
    spans.extend(node.origin.spans());
    if let Some(list) = node.as_list() {
        list.iter().for_each(|item| gather(item, spans));
    }
    for (_, entry) in node.as_map().into_iter().flatten() {
        spans.extend(entry.key);
        gather(&entry.node, spans);
    }
}

fn shorten(text: &str) -> String {
    let line = text.replace('\n', " ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
