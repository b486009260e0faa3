//! A diff as a person or a program reads it: one file a format. All of them tell causes first, and what they tell has
//! been masked before.

mod group;
#[cfg(test)]
mod hostile;
mod html;
mod json;
pub mod markdown;
mod text;
mod value;

pub use html::html;
pub use json::json;
pub use markdown::{Options, markdown};
pub use text::text;

use serde_json::Value;

use super::{Diff, Drift};

/// All that a format is made of.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// What is compared.
    pub base: Side,
    /// What it is compared with.
    pub target: Side,
    /// The difference; none where a side does not compile and nothing is committed in its place.
    pub diff: Option<&'a Diff>,
    /// The dangers that somebody acknowledged, by their place in [`Diff::dangers`].
    pub acknowledged: Vec<usize>,
}

/// What needs the lab of the base, and not only its objects.
const UNJUDGED: &str = "only its objects are judged: not the versions of Talos, Kubernetes and charts, nor nodes that \
    leave, addresses, the engine, or what is renamed";

/// One side of a diff, as it is told.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// What a person calls it: `main (3f2a1c9)`, `the work tree`.
    pub name: String,
    /// The id of its commit; none for a work tree.
    pub commit: Option<String>,
    /// The files of its tree that are not what its sources make, with the reason.
    pub drift: Vec<(String, Drift)>,
    /// What is wrong with it, where it does not compile: as text and as data.
    pub wrong: Option<(String, Value)>,
}

impl Report<'_> {
    /// What is not judged of the base, where it does not compile and its tree alone stands for it.
    pub(super) fn unjudged(&self) -> Option<&'static str> {
        let is_compared = self.diff.is_some_and(|diff| !diff.changes.is_empty());
        (is_compared && self.base.wrong.is_some()).then_some(UNJUDGED)
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        let sides = [&self.base, &self.target];
        let is_quiet = |side: &&Side| side.wrong.is_none() && side.drift.is_empty();
        self.diff.is_some_and(|diff| diff.changes.is_empty()) && sides.iter().all(is_quiet)
    }
}
