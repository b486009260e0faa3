//! Which change of the sources a difference of the output follows from: the spans that made a value, held against the
//! spans that were changed.
//!
//! What stands in the committed tree of the base is not always what its sources make. So a difference has two parts: from
//! what is committed to what the base compiles to (a hand edit, another labc), and from there to the target, which only
//! the sources can have made.

use std::collections::{BTreeMap, BTreeSet};

use super::Made;
use super::provided::{askers, module_of};
use super::source::{Kind, SourceChange};
use crate::source::{Origin, SourceFile, SourceId, Span};
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

/// The changes of the sources, by all that a value may have to do with.
pub(super) struct Attribution {
    base: Reach,
    target: Reach,
    kinds: Vec<Kind>,
    /// The changes in the table of each component.
    components: BTreeMap<String, BTreeSet<usize>>,
    /// The changes by which capabilities come or go, for each component whose module asks for them.
    askers: BTreeMap<String, BTreeSet<usize>>,
    /// Whether the base compiles.
    is_traced: bool,
}

/// What changes have to do with at one side.
#[derive(Default)]
struct Reach {
    /// Their own spans.
    own: Spans,
    /// The spans of the tables that they lie in.
    table: Spans,
    /// The changes in the tables of the components that use a module, for each of its files.
    modules: BTreeMap<SourceId, BTreeSet<usize>>,
}

type Spans = BTreeMap<SourceId, Marks>;

/// The spans of changes in one file, by where they begin.
#[derive(Default)]
struct Marks {
    spans: Vec<(Span, usize)>,
    /// The furthest end of all spans up to and with each.
    ends: Vec<u32>,
}

impl Marks {
    fn new(mut spans: Vec<(Span, usize)>) -> Self {
        spans.sort_unstable();
        let ends = spans.iter().scan(0, |end, (span, _)| {
            *end = span.end.max(*end);
            Some(*end)
        });
        let ends = ends.collect();
        Marks { spans, ends }
    }

    /// The spans that have a byte of `own`.
    fn over(&self, own: Span) -> impl Iterator<Item = &(Span, usize)> {
        let behind = self.spans.partition_point(|(span, _)| span.start < own.end);
        let near = (0..behind).rev();
        let near = near.take_while(move |at| self.ends[*at] > own.start);
        let near = near.map(|at| &self.spans[at]);
        near.filter(move |(span, _)| span.end > own.start)
    }
}

/// Where a difference is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    /// The component whose folder it lies in.
    pub(super) component: Option<&'a str>,
    /// Why its file is not what the sources of the base make, where it is not.
    pub(super) drift: Drift,
}

impl Attribution {
    pub(super) fn new(changes: &[SourceChange], base: Option<Made<'_>>, target: Made<'_>) -> Self {
        let mut components: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (index, change) in changes.iter().enumerate() {
            if let Some(name) = &change.table.name {
                components.entry(name.clone()).or_default().insert(index);
            }
        }
        let reach = |made: Option<Made<'_>>, own: Of, table: Of| Reach {
            own: spans(changes, own),
            table: spans(changes, table),
            modules: made
                .map(|made| modules(made, &components))
                .unwrap_or_default(),
        };
        Attribution {
            base: reach(base, |change| &change.base, |change| &change.table.base),
            target: reach(
                Some(target),
                |change| &change.target,
                |change| &change.table.target,
            ),
            kinds: changes.iter().map(|change| change.kind).collect(),
            is_traced: base.is_some(),
            askers: base.map_or_else(BTreeMap::new, |base| askers([base, target], &components)),
            components,
        }
    }

    /// What a difference follows from; `around` is what it lies in, from the outside in.
    pub(super) fn of(
        &self,
        triple: Triple<'_>,
        around: &[Triple<'_>],
        setting: Setting<'_>,
    ) -> Vec<Cause> {
        if !self.is_traced {
            return vec![Cause::Unknown];
        }
        let mut causes = Vec::new();
        if triple.traced != triple.after {
            causes = self.sources(triple, around, setting);
        }
        if triple.before != triple.traced {
            causes.push(Cause::Drift(setting.drift));
        }
        causes
    }

    /// What made it itself tells most, then what it lies in; then come the tables that these were written in, the
    /// component's own, those of who provides what its module asks for, and those of the components whose modules had a
    /// part in it.
    fn sources(
        &self,
        triple: Triple<'_>,
        around: &[Triple<'_>],
        setting: Setting<'_>,
    ) -> Vec<Cause> {
        let outwards = || around.iter().rev().copied();
        let is_whole = around.is_empty() && (triple.traced.is_none() || triple.after.is_none());
        let mut found = self.inside(triple, is_whole);
        let mut ways: [&mut dyn FnMut() -> BTreeSet<usize>; 5] = [
            &mut || first(outwards().map(|triple| self.itself(triple, own))),
            &mut || {
                first(
                    std::iter::once(triple)
                        .chain(outwards())
                        .map(|triple| self.within(triple, table)),
                )
            },
            &mut || {
                let own = of_component(&self.components, setting.component);
                &own | &of_component(&self.askers, setting.component)
            },
            &mut || self.of_modules(triple),
            &mut || self.within(triple, own),
        ];
        for way in &mut ways {
            if found.is_empty() {
                found = way();
            }
        }
        self.told(found)
    }

    fn told(&self, found: BTreeSet<usize>) -> Vec<Cause> {
        match (found.is_empty(), self.kinds.len()) {
            (false, _) => found.into_iter().map(Cause::Source).collect(),
            // Nothing else was changed, so nothing else can have done it.
            (true, 1) => vec![Cause::Source(0)],
            (true, _) => vec![Cause::Sources],
        }
    }

    /// The changes that made or unmade a value with all that is in it. A whole object is not there for what a value in it
    /// was made from.
    fn inside(&self, triple: Triple<'_>, is_whole: bool) -> BTreeSet<usize> {
        let kind = match (triple.traced, triple.after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        // What came or went did so by what decides that it is there, before all that it is made from.
        let itself = match kind {
            Kind::Changed => BTreeSet::new(),
            _ => self.itself(triple, own),
        };
        if !itself.is_empty() {
            return itself;
        }
        let all = self.within(triple, own);
        let alike: BTreeSet<usize> = all
            .iter()
            .copied()
            .filter(|index| self.kinds[*index] == kind)
            .collect();
        match kind {
            Kind::Changed => all,
            _ if alike.is_empty() && !is_whole => all,
            _ => alike,
        }
    }

    /// The changes that are about a value itself, and not about what is in it.
    fn itself(&self, triple: Triple<'_>, of: fn(&Reach) -> &Spans) -> BTreeSet<usize> {
        let hit = |(node, reach): (Option<&Node>, &Reach)| match node {
            Some(node) => hits(&node.origin, of(reach)),
            None => BTreeSet::new(),
        };
        self.sides(triple).into_iter().flat_map(hit).collect()
    }

    /// The changes that are about any of the values in a value.
    fn within(&self, triple: Triple<'_>, of: fn(&Reach) -> &Spans) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        for (node, reach) in self.sides(triple) {
            if let Some(node) = node {
                leaves(node, &mut |origin| all.extend(hits(origin, of(reach))));
            }
        }
        all
    }

    fn of_modules(&self, triple: Triple<'_>) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        for (node, reach) in self.sides(triple) {
            if let Some(node) = node {
                leaves(node, &mut |origin| {
                    let used = origin
                        .spans()
                        .iter()
                        .filter_map(|span| reach.modules.get(&span.source));
                    all.extend(used.flatten());
                });
            }
        }
        all
    }

    fn sides<'n>(&self, triple: Triple<'n>) -> [(Option<&'n Node>, &Reach); 2] {
        [(triple.traced, &self.base), (triple.after, &self.target)]
    }

    /// The changes that made or unmade something with these origins, at the base and in the target.
    pub(super) fn lines<'o>(
        &self,
        base: impl IntoIterator<Item = &'o Origin>,
        target: impl IntoIterator<Item = &'o Origin>,
    ) -> Vec<Cause> {
        let (base, target) = (base.into_iter(), target.into_iter());
        let sides = [
            (base.collect::<Vec<_>>(), &self.base),
            (target.collect::<Vec<_>>(), &self.target),
        ];
        let found = |of: fn(&Reach) -> &Spans| {
            let sides = sides.iter();
            let hit = |(origins, reach): &(Vec<&Origin>, &Reach)| {
                let all = origins.iter();
                all.flat_map(|origin| hits(origin, of(reach))).collect()
            };
            sides
                .map(hit)
                .reduce(|one: BTreeSet<usize>, other| &one | &other)
        };
        let own = found(own).unwrap_or_default();
        let found = if own.is_empty() {
            found(table).unwrap_or_default()
        } else {
            own
        };
        self.told(found)
    }

    pub(super) fn is_traced(&self) -> bool {
        self.is_traced
    }
}

fn of_component(
    changes: &BTreeMap<String, BTreeSet<usize>>,
    component: Option<&str>,
) -> BTreeSet<usize> {
    let found = component.and_then(|name| changes.get(name));
    found.cloned().unwrap_or_default()
}

/// Which spans of a change are meant.
type Of = fn(&SourceChange) -> &[Span];

fn spans(changes: &[SourceChange], of: Of) -> Spans {
    let mut spans: BTreeMap<SourceId, Vec<(Span, usize)>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        for span in of(change) {
            let of_file = spans.entry(span.source).or_default();
            of_file.push((*span, index));
        }
    }
    let marks = |(source, spans)| (source, Marks::new(spans));
    spans.into_iter().map(marks).collect()
}

/// The changes in the tables of the components that use each file of a module.
fn modules(
    made: Made<'_>,
    components: &BTreeMap<String, BTreeSet<usize>>,
) -> BTreeMap<SourceId, BTreeSet<usize>> {
    let mut users: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (name, component) in &made.lab.components {
        if let Some(changes) = components.get(name) {
            let users = users.entry(component.module.name.as_str()).or_default();
            users.extend(changes);
        }
    }
    let module = |file: &SourceFile| users.get(module_of(file)?).cloned();
    let files = made.sources.iter();
    files
        .filter_map(|(id, file)| Some((id, module(file)?)))
        .collect()
}

/// The first of these that is something.
fn first(mut found: impl Iterator<Item = BTreeSet<usize>>) -> BTreeSet<usize> {
    found.find(|found| !found.is_empty()).unwrap_or_default()
}

fn own(reach: &Reach) -> &Spans {
    &reach.own
}

fn table(reach: &Reach) -> &Spans {
    &reach.table
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
    let (mut within, mut near) = (BTreeSet::new(), BTreeSet::new());
    for own in origin.spans() {
        let marks = spans.get(&own.source);
        for (changed, index) in marks.into_iter().flat_map(|marks| marks.over(*own)) {
            near.insert(*index);
            if changed.start <= own.start && own.end <= changed.end {
                within.insert(*index);
            }
        }
    }
    if within.is_empty() { near } else { within }
}

#[cfg(test)]
mod tests {
    use super::Marks;
    use crate::source::{SourceKind, Sources, Span};

    #[test]
    fn every_span_that_shares_a_byte_is_found() {
        let mut sources = Sources::default();
        let source = sources.add("x".to_owned(), "".into(), SourceKind::Lab);
        let span = |start, end| Span::new(source, start, end);
        let all: Vec<(Span, usize)> = (0..40)
            .map(|at| (span(at * 7 % 31, at * 7 % 31 + at % 9), at))
            .chain([(span(3, 60), 40)])
            .collect();
        let marks = Marks::new(all.clone());
        for start in 0..40 {
            for end in start..45 {
                let own = span(start, end);
                let shares = |other: Span| other.start < own.end && own.start < other.end;
                let mut expected: Vec<usize> = all
                    .iter()
                    .filter(|(other, _)| shares(*other))
                    .map(|(_, index)| *index)
                    .collect();
                expected.sort_unstable();
                let mut found: Vec<usize> = marks.over(own).map(|(_, index)| *index).collect();
                found.sort_unstable();
                assert_eq!(found, expected, "{start}..{end}");
            }
        }
    }
}
