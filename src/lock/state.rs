//! What the tree on disk says to a build: which files are labc's own, which a hand has changed.

use std::collections::{BTreeMap, BTreeSet};

use super::Lock;
use crate::emit::{Output, sha256};

/// What a file on disk is, seen from the lock and from what the build makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As the build makes it.
    Same,
    /// It is not there, and the lock knows no such file.
    New,
    /// It is not there, but the lock says that it should be.
    Missing,
    /// As the lock says, and the build makes something else.
    Stale,
    /// Neither as the lock says nor as the build makes it.
    HandEdited,
    /// Not in the lock, and the build would put its own there.
    Foreign,
    /// As the lock says, and the build makes it no more.
    Obsolete,
    /// Not as the lock says, and the build makes it no more.
    HandEditedObsolete,
}

/// One path and its state, where it is not simply the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Relative to the lab's folder.
    pub path: String,
    /// What the file is.
    pub state: State,
}

impl State {
    /// Whether a build must not touch the file without `--force`.
    pub fn is_refused(self) -> bool {
        matches!(
            self,
            State::HandEdited | State::Foreign | State::HandEditedObsolete
        )
    }
}

/// The state of every path that is not as the build makes it, sorted. `disk` has the bytes of each path of the lock
/// and of the outputs that is there.
pub fn compare(
    outputs: &[Output],
    lock: Option<&Lock>,
    disk: &BTreeMap<String, Vec<u8>>,
) -> Vec<Verdict> {
    let locked = |path: &str| lock.and_then(|lock| lock.outputs.get(path));
    let mut verdicts = Vec::new();
    let made: BTreeSet<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
    for output in outputs {
        let state = match (disk.get(&output.path), locked(&output.path)) {
            (Some(bytes), _) if *bytes == output.bytes => State::Same,
            (None, None) => State::New,
            (None, Some(_)) => State::Missing,
            (Some(bytes), Some(known)) if sha256(bytes) == *known => State::Stale,
            (Some(_), Some(_)) => State::HandEdited,
            (Some(_), None) => State::Foreign,
        };
        if state != State::Same {
            let path = output.path.clone();
            verdicts.push(Verdict { path, state });
        }
    }
    for (path, known) in lock.iter().flat_map(|lock| &lock.outputs) {
        if made.contains(path.as_str()) {
            continue;
        }
        if let Some(bytes) = disk.get(path) {
            let state = if sha256(bytes) == *known {
                State::Obsolete
            } else {
                State::HandEditedObsolete
            };
            let path = path.clone();
            verdicts.push(Verdict { path, state });
        }
    }
    verdicts.sort_by(|left, right| left.path.cmp(&right.path));
    verdicts
}
