//! What is dangerous in a diff: rules over its changes, one file each, and the table that lists them.
//!
//! A danger says what will happen, why, and what to do about it. It is no error of the lab: whoever means it
//! acknowledges it. One thing is told once, by the rule that knows most of it.

mod address;
mod config;
mod data;
mod exposure;
mod fate;
mod immutable;
mod listener;
mod machine;
mod moved;
mod node;
mod object;
mod ownership;
mod privilege;
mod release;
mod removal;
mod replace;
mod values;
mod version;

use std::collections::BTreeSet;

use super::{Base, Cause, Change, Diff, Made};
use crate::diag::{Code, Severity};
use object::Object;

/// Something dangerous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// The page that explains it.
    pub code: Code,
    /// An error where data is lost, something cannot be undone or nothing explains it, a warning where something is
    /// interrupted, refused or exposed, a note where it is good to know.
    pub severity: Severity,
    /// The change that it is about, by its place in [`Diff::changes`]; of several the first.
    pub change: usize,
    /// The other changes that it is about.
    pub others: Vec<usize>,
    /// What will happen; a lowercase phrase without a final period, names in backticks.
    pub message: String,
    /// Why that is so.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
    /// What it follows from.
    pub causes: Vec<Cause>,
}

/// What a rule sees.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// The base, if it compiles.
    base: Option<Made<'a>>,
    target: Made<'a>,
    diff: &'a Diff,
}

/// A rule: adds what it finds.
type Rule = fn(&Context<'_>, &mut Vec<Danger>);

/// Every rule, in the order of its code.
const RULES: [Rule; 14] = [
    removal::check,
    data::check,
    immutable::check,
    ownership::check,
    moved::check,
    exposure::check,
    listener::check,
    privilege::check,
    machine::check,
    node::check,
    version::check,
    release::check,
    values::check,
    address::check,
];

/// Everything dangerous in a diff, the worst first.
pub(super) fn find(base: &Base<'_>, target: Made<'_>, diff: &Diff) -> Vec<Danger> {
    let context = Context {
        base: base.made,
        target,
        diff,
    };
    let mut found = Vec::new();
    for rule in RULES {
        rule(&context, &mut found);
    }
    found.sort_by(|one, other| {
        let key = |danger: &Danger| (danger.severity, danger.code, danger.change);
        key(one).cmp(&key(other))
    });
    found
}

impl<'a> Context<'a> {
    /// Every change with its place.
    fn changes(&self) -> impl Iterator<Item = (usize, &'a Change)> {
        self.diff.changes.iter().enumerate()
    }

    /// Every change of an object of Kubernetes.
    fn objects(&self) -> impl Iterator<Item = Object<'a>> {
        self.changes().filter_map(Object::new)
    }

    /// Whether the lab of the target still has a component.
    fn stays(&self, component: Option<&str>) -> bool {
        let components = &self.target.lab.components;
        component.is_none_or(|name| components.contains_key(name))
    }

    /// The causes that are changes of these keys of `lab.toml`, of what is below them, or of what they are in.
    fn causes_of(&self, keys: &[&str]) -> Vec<Cause> {
        let about = |key: &str| {
            keys.iter()
                .any(|wanted| is_below(key, wanted) || is_below(wanted, key))
        };
        let sources = self.diff.sources.iter().enumerate();
        sources
            .filter(|(_, source)| source.key.as_deref().is_some_and(about))
            .map(|(index, _)| Cause::Source(index))
            .collect()
    }

    /// A danger of the lab as a whole, which is about whatever follows from these keys; none where nothing changes.
    fn of_lab(
        &self,
        severity: Severity,
        code: Code,
        keys: &[&str],
        message: String,
    ) -> Option<Danger> {
        let causes = self.causes_of(keys);
        let follows = |change: &Change| {
            let all = change.all_causes();
            causes.iter().any(|cause| all.contains(cause))
        };
        let mut changes = self.changes().filter(|(_, change)| follows(change));
        let first = changes
            .find(|(_, change)| !change.is_document())
            .or_else(|| self.changes().find(|(_, change)| follows(change)))
            .or_else(|| self.changes().next())?;
        let mut danger = Danger::new(severity, code, first, message);
        danger.causes = causes;
        Some(danger)
    }
}

/// Whether a key is another one, or below it.
fn is_below(key: &str, above: &str) -> bool {
    let rest = key.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl Danger {
    fn new(
        severity: Severity,
        code: Code,
        (index, change): (usize, &Change),
        message: String,
    ) -> Self {
        Danger {
            code,
            severity,
            change: index,
            others: Vec::new(),
            message,
            notes: Vec::new(),
            help: Vec::new(),
            causes: change.all_causes().into_iter().collect(),
        }
    }

    /// A danger that is about several changes; none for no change.
    fn of_all(
        severity: Severity,
        code: Code,
        changes: &[(usize, &Change)],
        message: String,
    ) -> Option<Self> {
        let (first, others) = changes.split_first()?;
        let mut danger = Danger::new(severity, code, *first, message);
        danger.others = others.iter().map(|(index, _)| *index).collect();
        let causes: BTreeSet<Cause> = changes
            .iter()
            .flat_map(|(_, change)| change.all_causes())
            .collect();
        danger.causes = causes.into_iter().collect();
        Some(danger)
    }

    fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Whether it is a removal that no change of the sources explains.
    pub fn is_unexplained(&self) -> bool {
        self.code == Code::UNEXPLAINED_REMOVAL
    }

    /// The places of all changes that it is about, in [`Diff::changes`].
    pub fn changes(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.change).chain(self.others.iter().copied())
    }
}

/// `a`, `a and b`, `a, b and c`, and of many the first and how many more there are.
fn join<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    const MAX: usize = 4;
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.len() > MAX + 1 {
        let more = items.len() - MAX;
        items.truncate(MAX);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// As [`join`], each in backticks.
fn quoted<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    const MAX: usize = 4;
    let more = names.len().checked_sub(MAX).filter(|more| *more > 1);
    let shown = more.map_or(names.len(), |_| MAX);
    let shown = names[..shown].iter().map(|name| format!("`{name}`"));
    join(shown.chain(more.map(|more| format!("{more} more"))))
}
