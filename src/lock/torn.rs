//! A lock with the marks of a conflict -> what it was at either side, and so which files were labc's own there.
//!
//! For a conflict that Git no longer knows of: of a stash, a patch, a squashed merge, or one that was committed with its
//! marks. Knows nothing of Git.

use std::collections::BTreeMap;

use super::gathered::stands_for;
use super::{FILE, decode};
use crate::diag::Diagnostics;
use crate::source::{SourceKind, Sources};
use crate::syntax::conflict;

/// What a lock said at both sides of a conflict.
pub(super) struct Torn {
    sides: [BTreeMap<String, String>; 2],
}

impl Torn {
    /// Both sides of a lock; none where one of them is no lock.
    pub(super) fn of(text: &str) -> Option<Self> {
        let [ours, theirs] = conflict::sides(text)?;
        Some(Torn {
            sides: [outputs(&ours)?, outputs(&theirs)?],
        })
    }

    /// The SHA-256 of each output that was labc's own at each side, by path.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &BTreeMap<String, String>> {
        self.sides.iter()
    }

    /// Whether an output that holds these bytes is labc's own: it is what one side had, or it has marks between what both
    /// had.
    pub(super) fn is_own(&self, path: &str, bytes: &[u8]) -> bool {
        let is_locked = |side: &BTreeMap<String, String>, bytes: &[u8]| {
            side.get(path)
                .is_some_and(|known| stands_for(known, path, bytes))
        };
        if self.sides.iter().any(|side| is_locked(side, bytes)) {
            return true;
        }
        let text = std::str::from_utf8(bytes).ok();
        let versions = text.and_then(conflict::sides);
        versions.is_some_and(|versions| {
            let mut both = self.sides.iter().zip(&versions);
            both.all(|(side, version)| is_locked(side, version.as_bytes()))
        })
    }
}

fn outputs(text: &str) -> Option<BTreeMap<String, String>> {
    let mut sources = Sources::default();
    let source = sources.add(FILE.to_owned(), text.into(), SourceKind::Lab);
    let lock = decode(source, text, &mut Diagnostics::default());
    lock.map(|lock| lock.outputs)
}
