//! Two trees to what changes between them: per object, each change with the line of the sources that it follows from.
//!
//! The base is what is committed there, because that is what the cluster has; the target is what its sources make. What
//! must not be shown is masked before anything is compared, so that nobody behind this module can show it. Knows no Git,
//! no terminal and no format.

mod cause;
pub mod danger;
mod field;
pub(crate) mod identity;
mod mask;
mod path;
mod provided;
mod sequence;
mod settle;
pub mod show;
mod source;
mod subject;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use cause::{Cause, Drift};
pub use field::{Field, What};
pub use path::{FieldPath, FieldStep};
pub use source::{Kind, SourceChange};
pub use subject::Subject;

pub use danger::Danger;

use cause::{Attribution, Setting, Triple};
use subject::{Body, Item};
use versions::{Versions, versions};

use crate::emit::Output;
use crate::lower::{Text, Tree};
use crate::resolve::Lab;
use crate::source::{Origin, Sources};
use crate::value::Node;

/// A lab that compiled.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// Its tree.
    pub tree: &'a Tree,
    /// The files of the tree as bytes, in the order of the tree.
    pub outputs: &'a [Output],
}

/// The base of a diff.
#[derive(Clone, Debug)]
pub struct Base<'a> {
    /// What its sources make; none where they do not compile.
    pub made: Option<Made<'a>>,
    /// What is committed; none where nothing is, and then what its sources make stands for it.
    pub committed: Option<Committed>,
}

/// The part of a committed tree that labc made.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Its files that are not, byte for byte, what the sources make; none for one that is missing.
    pub other: BTreeMap<String, Option<Vec<u8>>>,
    /// Why each of them is not.
    pub drift: BTreeMap<String, Drift>,
}

/// What changes from a base to a target.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// What was changed in the sources, by file and line.
    pub sources: Vec<SourceChange>,
    /// What changes in the tree, sorted by subject.
    pub changes: Vec<Change>,
    /// What is dangerous in it, the worst first.
    pub dangers: Vec<Danger>,
}

/// The change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// What happens to it.
    pub kind: Kind,
    /// The component whose folder it lies in, in the target, or where it is gone there in the base.
    pub component: Option<String>,
    /// Its file at the base, relative to the lab's folder.
    pub from: Option<String>,
    /// Its file in the target.
    pub to: Option<String>,
    /// The nodes whose machines it reaches, sorted; empty for what is not about machines.
    pub nodes: Vec<String>,
    /// What it was, masked.
    pub before: Option<Content>,
    /// What it becomes, masked.
    pub after: Option<Content>,
    /// The fields that differ, where it is data on both sides.
    pub fields: Vec<Field>,
    /// What the change as a whole follows from: that it came, went or moved, or that a text is another.
    pub causes: Vec<Cause>,
}

/// What an object holds, masked.
#[derive(Clone, Debug)]
pub enum Content {
    /// Data.
    Data(Arc<Node>),
    /// Lines of a text.
    Text(Vec<String>),
}

impl Content {
    /// The data, if it is some.
    pub fn data(&self) -> Option<&Node> {
        match self {
            Content::Data(node) => Some(node),
            Content::Text(_) => None,
        }
    }

    /// The lines, if it is a text.
    pub fn text(&self) -> Option<&[String]> {
        match self {
            Content::Data(_) => None,
            Content::Text(lines) => Some(lines),
        }
    }
}

impl Change {
    /// Whether it lies in another file than before.
    pub fn is_moved(&self) -> bool {
        self.from.is_some() && self.to.is_some() && self.from != self.to
    }

    /// Everything that any part of it follows from.
    pub fn all_causes(&self) -> BTreeSet<Cause> {
        let fields = self.fields.iter().flat_map(|field| &field.causes);
        self.causes.iter().chain(fields).copied().collect()
    }
}

/// What changes from the base to the target.
pub fn diff(base: &Base<'_>, target: Made<'_>) -> Diff {
    let sources = match base.made {
        Some(made) => source::changes(made.sources, target.sources),
        None => Vec::new(),
    };
    let attribution = Attribution::new(&sources, base.made, target);
    let differ = Differ {
        attribution,
        base,
        target,
    };
    let mut changes: Vec<Change> = versions(base, target)
        .into_iter()
        .filter_map(|pair| differ.change(pair))
        .collect();
    changes.sort_by(|one, other| {
        (&one.subject, &one.from, &one.to).cmp(&(&other.subject, &other.from, &other.to))
    });
    settle::settle(&mut changes);
    let mut diff = Diff {
        sources,
        changes,
        dangers: Vec::new(),
    };
    diff.dangers = danger::find(base, target, &diff);
    mask::messages(&mut diff.dangers);
    diff
}

struct Differ<'a> {
    attribution: Attribution,
    base: &'a Base<'a>,
    target: Made<'a>,
}

impl Differ<'_> {
    fn change(&self, mut versions: Versions) -> Option<Change> {
        mask::versions(&mut versions);
        let path = |item: &Option<Item>| item.as_ref().map(|item| item.path.clone());
        let (from, to) = (path(&versions.before), path(&versions.after));
        let first = versions.after.as_ref().or(versions.before.as_ref())?;
        let subject = first.subject.clone();
        let component = subject::component_of(&first.path).map(str::to_owned);
        let kind = match (&versions.before, &versions.after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        let (fields, mut causes) = self.difference(&versions, kind, component.as_deref());
        let is_moved = kind == Kind::Changed && from != to;
        if kind == Kind::Changed && fields.is_empty() && causes.is_empty() && !is_moved {
            return None;
        }
        if is_moved && causes.is_empty() {
            causes = self.attribution.lines([], []);
        }
        let nodes = self.nodes(from.as_deref().into_iter().chain(to.as_deref()));
        let content = |item: Option<Item>| item.map(|item| content(item.body));
        Some(Change {
            subject,
            kind,
            component,
            from,
            to,
            nodes,
            before: content(versions.before),
            after: content(versions.after),
            fields,
            causes,
        })
    }

    /// The fields that differ, and what the difference as a whole follows from.
    fn difference(
        &self,
        versions: &Versions,
        kind: Kind,
        component: Option<&str>,
    ) -> (Vec<Field>, Vec<Cause>) {
        let drift = |item: &Option<Item>| {
            let committed = self.base.committed.as_ref()?;
            committed.drift.get(&item.as_ref()?.path).copied()
        };
        let drift = drift(&versions.before)
            .or_else(|| drift(&versions.traced))
            .unwrap_or(Drift::Stale);
        let node = |item: &Option<Item>| match item.as_ref().map(|item| &item.body) {
            Some(Body::Data(node)) => Some(Arc::clone(node)),
            _ => None,
        };
        let (before, traced, after) = (
            node(&versions.before),
            node(&versions.traced),
            node(&versions.after),
        );
        if before.is_none() && after.is_none() {
            return (Vec::new(), self.of_texts(versions, drift));
        }
        let setting = Setting { component, drift };
        let triple = Triple {
            before: before.as_deref(),
            traced: traced.as_deref(),
            after: after.as_deref(),
        };
        match (kind, before.is_some() && after.is_some()) {
            (Kind::Changed, true) => (
                field::compare(triple, &self.attribution, setting),
                Vec::new(),
            ),
            _ => (Vec::new(), self.attribution.of(triple, &[], setting)),
        }
    }

    fn of_texts(&self, versions: &Versions, drift: Drift) -> Vec<Cause> {
        let text = |item: &Option<Item>| match item.as_ref().map(|item| &item.body) {
            Some(Body::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let (before, traced, after) = (
            text(&versions.before),
            text(&versions.traced),
            text(&versions.after),
        );
        if !self.attribution.is_traced() {
            return if lines(&before) == lines(&after) {
                Vec::new()
            } else {
                vec![Cause::Unknown]
            };
        }
        let mut causes = Vec::new();
        let is_drifted = lines(&before) != lines(&traced);
        if lines(&traced) != lines(&after) {
            let (old, new) = (traced.unwrap_or_default(), after.unwrap_or_default());
            let (gone, here) = differing(&old, &new);
            let origin = |text: &'_ Text, at: &[usize]| -> Vec<Origin> {
                at.iter().map(|at| text.lines[*at].origin.clone()).collect()
            };
            let (gone, here) = (origin(&old, &gone), origin(&new, &here));
            causes = self.attribution.lines(&gone, &here);
        }
        if is_drifted {
            causes.push(Cause::Drift(drift));
        }
        causes
    }

    /// The nodes whose machine configs are made with one of these files.
    fn nodes<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Vec<String> {
        let mut found = BTreeSet::new();
        for path in paths.filter_map(|path| path.strip_prefix("out/")) {
            for made in self.base.made.iter().chain([&self.target]) {
                for (name, files) in &made.tree.nodes {
                    if files.schematic_file == path
                        || files.patches.iter().any(|patch| patch == path)
                    {
                        found.insert(name.to_string());
                    }
                }
            }
        }
        found.into_iter().collect()
    }
}

fn content(body: Body) -> Content {
    match body {
        Body::Data(node) => Content::Data(node),
        Body::Text(text) => Content::Text(text.lines.into_iter().map(|line| line.text).collect()),
    }
}

fn lines(text: &Option<Text>) -> Option<Vec<&str>> {
    let text = text.as_ref()?;
    Some(text.lines.iter().map(|line| line.text.as_str()).collect())
}

/// The lines of each of two texts that the other lacks, counted from 0.
fn differing(old: &Text, new: &Text) -> (Vec<usize>, Vec<usize>) {
    let plain =
        |text: &Text| -> Vec<String> { text.lines.iter().map(|line| line.text.clone()).collect() };
    let (old, new) = (plain(old), plain(new));
    let differences = sequence::differences(&old, &new);
    let gone = differences
        .iter()
        .flat_map(|part| part.old.clone())
        .collect();
    let here = differences
        .iter()
        .flat_map(|part| part.new.clone())
        .collect();
    (gone, here)
}
