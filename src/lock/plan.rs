//! What a build has to do to the tree, from what stands there to what the sources make. Pure: it touches no disk.

use std::collections::BTreeSet;

use super::gathered::of_output;
use super::{FILE, Journal, Known, Lock, State, Verdict};
use crate::emit::Output;
use crate::world::{Before, Mode, Obstacle, Removal, Stamp, Transaction, Write};

/// What the plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Everything that the sources make.
    pub outputs: &'a [Output],
    /// What is not as they make it; whatever is refused is overwritten.
    pub verdicts: &'a [Verdict],
    /// What labc knows as its own.
    pub known: &'a Known<'a>,
    /// The lock on disk, if it can be read.
    pub old: Option<&'a Lock>,
    /// The journal of a build that was interrupted.
    pub journal: Option<&'a Journal>,
    /// The new lock, where it is another one, and which file it replaces.
    pub lock: Option<(&'a str, Option<Stamp>)>,
}

impl<'a> Plan<'a> {
    /// Whether there is nothing to write or remove.
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.lock.is_none()
    }

    /// The steps of the plan.
    pub fn transaction(&self) -> Transaction<'a> {
        let outputs = sorted(self.outputs);
        let mut transaction = Transaction {
            journal: self.next_journal().encode().into_bytes(),
            last: self.lock.map(|(text, before)| Write {
                path: FILE,
                bytes: text.as_bytes(),
                mode: Mode::Plain,
                before,
            }),
            ..Transaction::default()
        };
        let made: BTreeSet<&str> = self.outputs.iter().map(|made| made.path.as_str()).collect();
        for verdict in self.verdicts {
            let path = verdict.path.as_str();
            if let State::Blocked(what) = verdict.state {
                let before = Before::Obstacle(what);
                transaction.cleared.push(Removal { path, before });
            } else if let Some(output) = find(&outputs, path) {
                transaction.writes.push(Write {
                    path,
                    bytes: &output.bytes,
                    mode: output.mode(),
                    before: verdict.stamp,
                });
            } else if let Some(stamp) = verdict.stamp {
                let before = Before::File(stamp);
                let removal = Removal { path, before };
                if is_in_the_way(path, &made) {
                    transaction.cleared.push(removal);
                } else {
                    transaction.removals.push(removal);
                }
            }
        }
        // A folder goes only if it is empty, so what may stop everything is tried first.
        let is_folder =
            |removal: &Removal<'_>| removal.before == Before::Obstacle(Obstacle::Folder);
        transaction
            .cleared
            .sort_by_key(|removal| !is_folder(removal));
        let interrupted = self
            .journal
            .into_iter()
            .flat_map(|journal| journal.paths.keys());
        transaction.swept = interrupted
            .map(String::as_str)
            .filter(|path| !made.contains(path))
            .collect();
        transaction
    }

    /// What the next build must know if this one is interrupted: all that the old journal knew, whatever has changed
    /// since, and what is about to be written, as far as the lock on disk does not tell.
    fn next_journal(&self) -> Journal {
        let mut journal = self.journal.cloned().unwrap_or_default();
        let locked = |path: &str| self.old.and_then(|old| old.outputs.get(path));
        for output in self.outputs {
            let digest = of_output(output);
            if locked(&output.path).map(String::as_str) != Some(&*digest) {
                journal.add(&output.path, &digest);
            }
        }
        for verdict in self.verdicts {
            for sha256 in self.known.hashes(&verdict.path) {
                journal.add(&verdict.path, sha256);
            }
        }
        journal
    }
}

/// Whether a file stands where a folder must be, or in a folder that stands where a file must be.
fn is_in_the_way(path: &str, made: &BTreeSet<&str>) -> bool {
    let mut above = path;
    while let Some((folder, _)) = above.rsplit_once('/') {
        if made.contains(folder) {
            return true;
        }
        above = folder;
    }
    let inside = format!("{path}/");
    let next = made.range(inside.as_str()..).next();
    next.is_some_and(|next| next.starts_with(&inside))
}

fn sorted(outputs: &[Output]) -> Vec<&Output> {
    let mut outputs: Vec<&Output> = outputs.iter().collect();
    outputs.sort_by(|left, right| left.path.cmp(&right.path));
    outputs
}

fn find<'a>(outputs: &[&'a Output], path: &str) -> Option<&'a Output> {
    let at = outputs.binary_search_by(|output| output.path.as_str().cmp(path));
    at.ok().map(|at| outputs[at])
}
