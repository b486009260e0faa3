//! What labc's own files may hold after a Git merge: more than the lock on disk says.
//!
//! Git merges `out/` and the lock line by line, and knows nothing of what they mean. A file whose versions at the sides
//! of the merge were what the locks at those sides say was labc's own at each of them, so whatever the merge made of it
//! is nobody's work: no hand edit is lost where it is written anew. Knows commits and bytes; asks only for the paths
//! that are in question.

use std::collections::BTreeMap;

use super::gathered::stands_for;
use super::{FILE, decode};
use crate::diag::Diagnostics;
use crate::source::{SourceKind, Sources};
use crate::world::World;
use crate::world::git::{Commit, Merge, Reason, Repository};

/// A merge that the lab's work tree is in or just had, with what labc itself said at each side of it.
pub struct Merged {
    repository: Repository,
    sides: Vec<Side>,
    base: Option<Commit>,
    result: Option<Commit>,
}

struct Side {
    commit: Commit,
    /// The SHA-256 of each output that was labc's own there; none where the lock could not be read.
    outputs: Option<BTreeMap<String, String>>,
}

impl Merged {
    /// The merge that the work tree around a world is in or just had, or that the world is the result of; none where there
    /// is no such, or no repository.
    ///
    /// # Errors
    /// Git's files cannot be read: then nothing more is known than the lock says.
    pub fn of(world: &World) -> Result<Option<Self>, Reason> {
        let (repository, merge) = match world {
            World::Memory(_) => return Ok(None),
            World::Folder(folder) => match Repository::around(folder.name())? {
                Some(repository) => {
                    let merge = repository.merge()?;
                    (repository, merge)
                }
                None => return Ok(None),
            },
            World::Commit(tree) => {
                let repository = tree.repository();
                let merge = repository.merge_at(tree.commit())?;
                (repository, merge)
            }
        };
        let Some(Merge {
            sides,
            base,
            result,
        }) = merge
        else {
            return Ok(None);
        };
        let side = |commit: Commit| {
            let outputs = outputs_at(&repository, commit)?;
            Ok(Side { commit, outputs })
        };
        let sides = sides.into_iter().map(side).collect::<Result<_, Reason>>()?;
        Ok(Some(Merged {
            repository,
            sides,
            base,
            result,
        }))
    }

    /// Whether it has no result yet.
    pub fn goes_on(&self) -> bool {
        self.result.is_none()
    }

    /// The SHA-256 of each output that was labc's own at each side, by path.
    pub fn outputs(&self) -> impl Iterator<Item = &BTreeMap<String, String>> {
        self.sides.iter().filter_map(|side| side.outputs.as_ref())
    }

    /// Whether an output that holds these bytes is labc's own: a lock at one of the sides says so, or the merge made it
    /// of versions that were. What cannot be read in Git is not known to be its own.
    pub fn is_own(&self, path: &str, bytes: &[u8]) -> bool {
        let is_locked = self.outputs().any(|outputs| {
            let known = outputs.get(path);
            known.is_some_and(|known| stands_for(known, path, bytes))
        });
        is_locked || self.is_merged(path, bytes).unwrap_or(false)
    }

    fn is_merged(&self, path: &str, bytes: &[u8]) -> Result<bool, Reason> {
        if let Some(result) = self.result
            && self.repository.read(result, path)?.as_deref() != Some(bytes)
        {
            // Somebody changed it after the merge was committed.
            return Ok(false);
        }
        let mut versions = Vec::new();
        for side in &self.sides {
            let Some(outputs) = &side.outputs else {
                return Ok(false);
            };
            let version = self.repository.read(side.commit, path)?;
            let locked = outputs.get(path);
            let is_locked = match (version.as_deref(), locked) {
                (Some(bytes), Some(known)) => stands_for(known, path, bytes),
                (version, locked) => version.is_none() && locked.is_none(),
            };
            if !is_locked {
                return Ok(false);
            }
            versions.push(version);
        }
        let base = match self.base {
            Some(base) => Some(self.repository.read(base, path)?),
            None => None,
        };
        Ok(had_work(&versions, base.as_ref()))
    }
}

/// Whether a merge had work with these versions: where they are equal, or but one differs from the base, its result is
/// one of them, and anything else is a hand's.
fn had_work(versions: &[Option<Vec<u8>>], base: Option<&Option<Vec<u8>>>) -> bool {
    let all_equal = versions.windows(2).all(|pair| pair[0] == pair[1]);
    let one_sided = versions.len() == 2 && base.is_some_and(|base| versions.contains(base));
    !all_equal && !one_sided
}

/// What the lock at a commit says: nothing where there was none yet, and none where it is damaged.
fn outputs_at(
    repository: &Repository,
    commit: Commit,
) -> Result<Option<BTreeMap<String, String>>, Reason> {
    let Some(bytes) = repository.read(commit, FILE)? else {
        return Ok(Some(BTreeMap::new()));
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(None);
    };
    let mut sources = Sources::default();
    let source = sources.add(FILE.to_owned(), text.as_str().into(), SourceKind::Lab);
    let lock = decode(source, &text, &mut Diagnostics::default());
    Ok(lock.map(|lock| lock.outputs))
}

#[cfg(test)]
mod tests {
    use super::had_work;

    #[test]
    fn only_what_both_sides_changed_is_merged() {
        let version = |text: &str| Some(text.as_bytes().to_vec());
        let (a, b, c) = (version("a"), version("b"), version("c"));
        let both = |left, right| [Clone::clone(left), Clone::clone(right)];
        assert!(had_work(&both(&a, &b), Some(&c)));
        assert!(had_work(&both(&a, &b), Some(&None)), "added on both sides");
        assert!(had_work(&both(&a, &None), Some(&c)), "changed and removed");
        assert!(had_work(&both(&a, &b), None), "where no base is known");
        assert!(!had_work(&both(&a, &b), Some(&a)), "changed on one side");
        assert!(!had_work(&both(&a, &a), Some(&c)), "the same on both");
        assert!(!had_work(&both(&a, &None), Some(&None)), "new on one side");
    }
}
