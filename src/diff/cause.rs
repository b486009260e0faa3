//! Which change of the sources a difference of the output follows from: the spans that made a value, held against the
//! spans that were changed.
//!
//! What stands in the committed tree of the base is not always what its sources make. So a difference has two parts: from
//! what is committed to what the base compiles to (a hand edit, another labc), and from there to the target, which only
//! the sources can have made.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Kind, SourceChange};
use crate::source::{Origin, SourceId, Span};
use crate::value::{Node, Value};

/// Why something is different. The order is that in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// This change of the sources, by its place in [`super::Diff::sources`].
    Source(usize),
    /// The sources were changed, and labc cannot tell by which of their changes.
    Sources,
    /// No source: the file at the base is not what its sources make.
    Drift(Drift),
    /// No source, as far as labc can see: the base does not compile, so that nothing is known of what made it.
    Unknown,
}

/// Why a committed file is not what its sources make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// Somebody edited it: it is not what the lock says.
    HandEdit,
    /// The sources were changed without a build.
    Stale,
    /// Another labc made it, whose output has another epoch.
    Epoch,
}

/// A value at the base as committed, at the base as compiled, and in the target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Triple<'a> {
    pub(super) before: Option<&'a Node>,
    pub(super) traced: Option<&'a Node>,
    pub(super) after: Option<&'a Node>,
}

/// The changed spans of both sides.
pub(super) struct Attribution {
    base: Spans,
    target: Spans,
    kinds: Vec<Kind>,
    /// Whether the base compiles.
    is_traced: bool,
}

type Spans = BTreeMap<SourceId, Vec<(Span, usize)>>;

impl Attribution {
    pub(super) fn new(changes: &[SourceChange], is_traced: bool) -> Self {
        let spans = |of: fn(&SourceChange) -> &[Span]| {
            let mut spans = Spans::new();
            for (index, change) in changes.iter().enumerate() {
                for span in of(change) {
                    spans.entry(span.source).or_default().push((*span, index));
                }
            }
            spans
        };
        Attribution {
            base: spans(|change| &change.base),
            target: spans(|change| &change.target),
            kinds: changes.iter().map(|change| change.kind).collect(),
            is_traced,
        }
    }

    /// What a difference follows from; `around` is what it lies in, from the outside in.
    pub(super) fn of(&self, triple: Triple<'_>, around: &[Triple<'_>], drift: Drift) -> Vec<Cause> {
        if !self.is_traced {
            return vec![Cause::Unknown];
        }
        let mut causes = Vec::new();
        if triple.traced != triple.after {
            causes = self.sources(triple, around);
        }
        if triple.before != triple.traced {
            causes.push(Cause::Drift(drift));
        }
        causes
    }

    fn sources(&self, triple: Triple<'_>, around: &[Triple<'_>]) -> Vec<Cause> {
        let around = around.iter().rev().map(|triple| self.own(*triple));
        let found = std::iter::once_with(|| self.inside(triple))
            .chain(around)
            .find(|found| !found.is_empty())
            .unwrap_or_default();
        match found.into_iter().map(Cause::Source).collect::<Vec<_>>() {
            // Nothing else was changed, so nothing else can have done it.
            none if none.is_empty() && self.kinds.len() == 1 => vec![Cause::Source(0)],
            none if none.is_empty() => vec![Cause::Sources],
            found => found,
        }
    }

    /// The changes that made or unmade a value with all that is in it.
    fn inside(&self, triple: Triple<'_>) -> BTreeSet<usize> {
        let kind = match (triple.traced, triple.after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        // What came or went did so by what decides that it is there, before all that it is made from.
        let itself = match kind {
            Kind::Changed => BTreeSet::new(),
            _ => self.own(triple),
        };
        if !itself.is_empty() {
            return itself;
        }
        let mut all = BTreeSet::new();
        for (node, spans) in [(triple.traced, &self.base), (triple.after, &self.target)] {
            if let Some(node) = node {
                leaves(node, &mut |origin| all.extend(hits(origin, spans)));
            }
        }
        let alike: BTreeSet<usize> = all
            .iter()
            .copied()
            .filter(|index| self.kinds[*index] == kind)
            .collect();
        match kind {
            Kind::Changed => all,
            _ if alike.is_empty() => all,
            _ => alike,
        }
    }

    /// The changes that are about a value itself, and not about what is in it.
    fn own(&self, triple: Triple<'_>) -> BTreeSet<usize> {
        let sides = [(triple.traced, &self.base), (triple.after, &self.target)];
        let hit = |(node, spans): (Option<&Node>, &Spans)| match node {
            Some(node) => hits(&node.origin, spans),
            None => BTreeSet::new(),
        };
        sides.into_iter().flat_map(hit).collect()
    }

    /// The changes that made or unmade something with these origins, at the base and in the target.
    pub(super) fn lines<'o>(
        &self,
        base: impl IntoIterator<Item = &'o Origin>,
        target: impl IntoIterator<Item = &'o Origin>,
    ) -> Vec<Cause> {
        let base = base.into_iter().flat_map(|origin| hits(origin, &self.base));
        let target = target
            .into_iter()
            .flat_map(|origin| hits(origin, &self.target));
        let found: BTreeSet<usize> = base.chain(target).collect();
        match (found.is_empty(), self.kinds.len()) {
            (false, _) => found.into_iter().map(Cause::Source).collect(),
            (true, 1) => vec![Cause::Source(0)],
            (true, _) => vec![Cause::Sources],
        }
    }

    pub(super) fn is_traced(&self) -> bool {
        self.is_traced
    }
}

fn leaves(node: &Node, visit: &mut impl FnMut(&Origin)) {
    match &node.value {
        Value::Map(map) if !map.is_empty() => {
            map.iter().for_each(|(_, entry)| leaves(&entry.node, visit));
        }
        Value::List(items) if !items.is_empty() => {
            items.iter().for_each(|item| leaves(item, visit));
        }
        _ => visit(&node.origin),
    }
}

/// The changes that an origin has a part in: those that a span of it lies within, else those that it overlaps with.
fn hits(origin: &Origin, spans: &Spans) -> BTreeSet<usize> {
    let near = |is_hit: fn(Span, Span) -> bool| -> BTreeSet<usize> {
        let own = origin.spans().iter();
        own.flat_map(|own| {
            let changed = spans.get(&own.source).into_iter().flatten();
            changed.filter(move |(changed, _)| is_hit(*own, *changed))
        })
        .map(|(_, index)| *index)
        .collect()
    };
    let within = near(|own, changed| changed.start <= own.start && own.end <= changed.end);
    if !within.is_empty() {
        return within;
    }
    near(|own, changed| changed.start < own.end && own.start < changed.end)
}
