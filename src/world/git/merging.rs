//! Git's own notes on what goes on in a work tree -> the merge that it is in, or just had.
//!
//! Knows commits, and nothing of what they hold.

use std::fs;
use std::io;

use gix::ObjectId;

use super::{Commit, Reason, Repository, reason};

/// The file in Git's folder that names the commits which are being merged into `HEAD`.
const MERGE: &str = "MERGE_HEAD";
/// The same for a rebase, whose folders say whether it still goes on.
const REBASE: (&str, [&str; 2]) = ("REBASE_HEAD", ["rebase-merge", "rebase-apply"]);
/// The same for a cherry-pick.
const CHERRY_PICK: &str = "CHERRY_PICK_HEAD";
/// The same for a revert: the commit that is taken back.
const REVERT: &str = "REVERT_HEAD";

/// A merge that the work tree is in, or just had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Its commits: the one that was checked out first.
    pub sides: Vec<Commit>,
    /// What the sides were merged against, where that is one commit that is there.
    pub base: Option<Commit>,
    /// The commit that holds its result; none while it still goes on.
    pub result: Option<Commit>,
}

impl Repository {
    /// The merge, rebase, cherry-pick or revert that goes on; else the merge that `HEAD` is the result of, if it is one.
    ///
    /// # Errors
    /// A commit of it cannot be read.
    pub fn merge(&self) -> Result<Option<Merge>, Reason> {
        let head = Commit(self.git.head_id().map_err(reason)?.detach());
        let merging = self.named(MERGE)?;
        if !merging.is_empty() {
            return self
                .of_sides([&[head], merging.as_slice()].concat(), None)
                .map(Some);
        }
        let rebases = REBASE
            .1
            .iter()
            .any(|folder| self.git.git_dir().join(folder).is_dir());
        let rebased = if rebases {
            self.named(REBASE.0)?
        } else {
            Vec::new()
        };
        let picked = self.named(CHERRY_PICK)?;
        if let Some(commit) = rebased.first().or(picked.first()) {
            return Ok(Some(Merge {
                sides: vec![head, *commit],
                base: self.parents(*commit)?.first().copied(),
                result: None,
            }));
        }
        if let Some(commit) = self.named(REVERT)?.first() {
            // What is merged into `HEAD` is what was there before the commit that is taken back.
            let before = self.parents(*commit)?.first().copied();
            return Ok(before.map(|before| Merge {
                sides: vec![head, before],
                base: Some(*commit),
                result: None,
            }));
        }
        self.merge_at(head)
    }

    /// The merge that a commit is the result of, if it is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn merge_at(&self, commit: Commit) -> Result<Option<Merge>, Reason> {
        let parents = self.parents(commit)?;
        if parents.len() < 2 {
            return Ok(None);
        }
        self.of_sides(parents, Some(commit)).map(Some)
    }

    fn of_sides(&self, sides: Vec<Commit>, result: Option<Commit>) -> Result<Merge, Reason> {
        let base = match sides.as_slice() {
            // A history that is cut off, as in a shallow clone, has no base to tell; the sides still are what they are.
            [ours, theirs] => self.git.merge_base(ours.0, theirs.0).ok().flatten(),
            _ => None,
        };
        Ok(Merge {
            sides,
            base: base.map(|id| Commit(id.detach())),
            result,
        })
    }

    /// The commits that a file in Git's folder names; none where there is no such file.
    fn named(&self, file: &str) -> Result<Vec<Commit>, Reason> {
        let text = match fs::read_to_string(self.git.git_dir().join(file)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{file}: {error}")),
        };
        let commit = |line: &str| {
            let id = ObjectId::from_hex(line.trim().as_bytes());
            id.map(Commit).map_err(|error| format!("{file}: {error}"))
        };
        text.lines().map(commit).collect()
    }

    fn parents(&self, commit: Commit) -> Result<Vec<Commit>, Reason> {
        let found = self.git.find_commit(commit.0).map_err(reason)?;
        Ok(found.parent_ids().map(|id| Commit(id.detach())).collect())
    }
}
