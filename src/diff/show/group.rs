//! The changes of a diff by what they follow from.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;
use crate::diff::sequence::differences;
use crate::diff::{Cause, Change, Content, Diff, Drift, Field, Kind, SourceChange, Subject};

/// Everything that follows from the same causes.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) causes: Vec<Cause>,
    pub(super) parts: Vec<Part<'a>>,
}

/// The part of a change that follows from the causes of a [`Group`].
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The place of the change in [`Diff::changes`].
    pub(super) index: usize,
    pub(super) change: &'a Change,
    /// The fields of it; empty where the change as a whole does.
    pub(super) fields: Vec<&'a Field>,
}

impl Group<'_> {
    /// How many differences there are, a field or a whole object each.
    pub(super) fn count(&self) -> usize {
        self.parts.iter().map(|part| part.fields.len().max(1)).sum()
    }

    /// In how many files.
    pub(super) fn files(&self) -> usize {
        let files = self.parts.iter().filter_map(|part| part.change.path());
        files.collect::<BTreeSet<&str>>().len()
    }
}

impl Change {
    /// Whether it is about a text for people, or for Renovate, which says what other files say.
    pub fn is_document(&self) -> bool {
        let says_again = |path: &str| path.ends_with(".md") || path == "out/renovate.json";
        matches!(&self.subject, Subject::File(path) if says_again(path))
    }

    /// How many lines a text gained and lost; none for data.
    pub fn lines(&self) -> Option<(usize, usize)> {
        let lines = |content: &Option<Content>| match content {
            Some(Content::Text(lines)) => Some(lines.clone()),
            Some(Content::Data(_)) => None,
            None => Some(Vec::new()),
        };
        let (before, after) = (lines(&self.before)?, lines(&self.after)?);
        let changed = differences(&before, &after);
        let sums = changed.iter().map(|part| (part.new.len(), part.old.len()));
        Some(sums.fold((0, 0), |sum, op| (sum.0 + op.0, sum.1 + op.1)))
    }

    /// The file that it is about: of the target, or where it is gone there of the base.
    pub fn path(&self) -> Option<&str> {
        self.to.as_deref().or(self.from.as_deref())
    }
}

/// The groups of a diff: those of one cause in the order of the sources, then those of several, then those of none.
pub(super) fn groups(diff: &Diff) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(usize, Vec<Cause>), Vec<Part<'_>>> = BTreeMap::new();
    let rank = |causes: &[Cause]| match causes {
        [Cause::Source(_)] => 0,
        [Cause::Source(_), ..] => 1,
        _ => 2,
    };
    for (index, change) in diff.changes.iter().enumerate() {
        let mut parts: BTreeMap<&Vec<Cause>, Vec<&Field>> = BTreeMap::new();
        for field in &change.fields {
            parts.entry(&field.causes).or_default().push(field);
        }
        if change.fields.is_empty() {
            parts.insert(&change.causes, Vec::new());
        }
        for (causes, fields) in parts {
            // A document repeats what others say: it makes no group of its own.
            let told = if change.is_document() {
                1
            } else {
                causes.len()
            };
            let causes: Vec<Cause> = causes.iter().copied().take(told).collect();
            let part = Part {
                index,
                change,
                fields,
            };
            groups
                .entry((rank(&causes), causes))
                .or_default()
                .push(part);
        }
    }
    let group = |((_, causes), parts)| Group { causes, parts };
    groups.into_iter().map(group).collect()
}

/// How what happens to an object is marked.
pub(super) fn sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "+",
        Kind::Removed => "-",
        Kind::Changed => "~",
    }
}

/// The lines that only one of two texts has, each with what happens to it.
pub(super) fn changed_lines<'t>(before: &'t [String], after: &'t [String]) -> Vec<(Kind, &'t str)> {
    let mut lines = Vec::new();
    for part in differences(before, after) {
        let gone = before[part.old]
            .iter()
            .map(|line| (Kind::Removed, line.as_str()));
        let here = after[part.new]
            .iter()
            .map(|line| (Kind::Added, line.as_str()));
        lines.extend(gone.chain(here));
    }
    lines
}

/// What a cause is called: a phrase without its place.
pub(super) fn phrase(cause: Cause, diff: &Diff) -> String {
    match cause {
        Cause::Source(index) => of_source(&diff.sources[index]),
        Cause::Sources => "several changes of the sources".to_owned(),
        Cause::Drift(drift) => format!("no source: {}", of_drift(drift)),
        Cause::Unknown => "the base does not compile, so that causes are not known".to_owned(),
    }
}

/// Why a file of a side's tree is not what its sources make.
pub(super) fn of_drift(drift: Drift) -> &'static str {
    match drift {
        Drift::HandEdit => "edited by hand",
        Drift::Stale => "stale: this labc makes something else of the sources",
        Drift::Epoch => "made by another labc",
    }
}

/// The files of a side's tree that are not what its sources make, by the reason.
pub(super) fn by_drift(side: &Side) -> BTreeMap<Drift, Vec<&str>> {
    let mut files: BTreeMap<Drift, Vec<&str>> = BTreeMap::new();
    for (path, drift) in &side.drift {
        files.entry(*drift).or_default().push(path);
    }
    files
}

fn of_source(change: &SourceChange) -> String {
    let key = change.key.as_deref();
    if change.is_file {
        let when = if change.kind == Kind::Added {
            "now"
        } else {
            "no more"
        };
        return format!("a file that is read {when}");
    }
    match (key, &change.before, &change.after) {
        (Some(key), Some(before), Some(after)) => format!("{key} {before} -> {after}"),
        (Some(key), None, Some(after)) if change.kind == Kind::Added => {
            format!("{key} = {after} added")
        }
        (Some(key), Some(before), None) if change.kind == Kind::Removed => {
            format!("{key} = {before} removed")
        }
        (Some(key), ..) => format!("{key} {}", change.kind.word()),
        (None, Some(before), Some(after)) => format!("`{before}` -> `{after}`"),
        (None, None, Some(after)) => format!("`{after}` {}", change.kind.word()),
        (None, Some(before), None) => format!("`{before}` {}", change.kind.word()),
        (None, None, None) => change.kind.word().to_owned(),
    }
}

/// Where a cause is: `lab.toml:12`; none for one without a place.
pub(super) fn place(cause: Cause, diff: &Diff) -> Option<String> {
    match cause {
        Cause::Source(index) => {
            let change = &diff.sources[index];
            let before = if change.kind == Kind::Removed {
                " before"
            } else {
                ""
            };
            Some(format!("{}:{}{before}", change.file, change.line))
        }
        _ => None,
    }
}
