//! What is dangerous in a diff: rules over its changes, one file each, and the table that lists them.
//!
//! A danger says what will happen, why, and what to do about it. It is no error of the lab: whoever means it
//! acknowledges it.

mod removal;

use super::{Base, Cause, Change, Diff, Made};
use crate::diag::{Code, Severity};

/// Something dangerous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// The page that explains it.
    pub code: Code,
    /// An error where data is lost or nothing explains it, a warning where something is interrupted or exposed, a note
    /// where it is good to know.
    pub severity: Severity,
    /// The change that it is about, by its place in [`Diff::changes`].
    pub change: usize,
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
const RULES: [Rule; 1] = [removal::check];

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

impl Context<'_> {
    /// Every change with its place.
    fn changes(&self) -> impl Iterator<Item = (usize, &Change)> {
        self.diff.changes.iter().enumerate()
    }
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
            message,
            notes: Vec::new(),
            help: Vec::new(),
            causes: change.all_causes().into_iter().collect(),
        }
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
}
