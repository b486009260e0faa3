//! The Git repository that a lab lies in, read only: what its revisions name, which merge its work tree is in or just
//! had, and what files held at a commit.
//!
//! Nothing but the repository's own files is read: no configuration of the machine or the user, and of the environment
//! only where a push is kept that a hook is asked about. No hook, filter or other program is ever run. Of the repository's
//! own configuration only what Git's files look like is heeded, and which branch follows which; so it does not matter who
//! owns it. Knows bytes and commits, no format.

mod commit_tree;
mod incoming;
mod listing;
mod merging;
mod revision;
mod standing;
mod unresolved;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::open::Options;
use gix::sec::Trust;

use incoming::Incoming;

pub use commit_tree::CommitTree;
pub use merging::Merge;
pub use revision::Start;
pub use unresolved::Unresolved;

/// The repository around a lab's folder.
pub struct Repository {
    git: gix::Repository,
    /// The push that a hook is asked about; `git` knows its history, and nothing else of it.
    incoming: Option<Incoming>,
    /// Where the folder lies below the work tree; empty in a bare repository.
    below: PathBuf,
}

/// A commit of a [`Repository`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit(ObjectId);

impl fmt::Display for Commit {
    /// Its whole id.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Why something is not known; a phrase.
pub type Reason = String;

impl Repository {
    /// The repository that this folder lies in: the nearest one at or above it that has a `.git`, or that is bare; none
    /// where there is no such.
    ///
    /// # Errors
    /// There is one, and it cannot be opened.
    pub fn around(folder: &Path) -> Result<Option<Self>, Reason> {
        let folder = canonical(folder).map_err(|error| error.to_string())?;
        let has_git = |folder: &Path| fs::symlink_metadata(folder.join(".git")).is_ok();
        let is_root = |folder: &&Path| has_git(folder) || gix::discover::is_git(folder).is_ok();
        let Some(root) = folder.ancestors().find(is_root) else {
            return Ok(None);
        };
        let below = match has_git(root) {
            true => folder.strip_prefix(root).unwrap_or(Path::new("")),
            false => Path::new(""),
        };
        // Whoever owns it: what its configuration could name to be run is never looked at.
        let options = Options::isolated().with(Trust::Full);
        let git = gix::open_opts(root, options).map_err(reason)?;
        if let Some(form) = git.config_snapshot().string("extensions.refStorage")
            && form != "files"
        {
            return Err(format!(
                "its branches are stored as `{form}`, which labc cannot read; `git refs migrate --ref-format=files` changes that"
            ));
        }
        let incoming = Incoming::to(&git)?;
        Ok(Some(Repository::new(git, incoming, below.to_owned())))
    }

    fn new(mut git: gix::Repository, incoming: Option<Incoming>, below: PathBuf) -> Self {
        if let Some(incoming) = &incoming {
            incoming.add_history(&mut git);
        }
        Repository {
            git,
            incoming,
            below,
        }
    }

    /// What a file of the lab held at a commit; none where there was no such file.
    ///
    /// # Errors
    /// An object cannot be read, or is larger than any file of a lab.
    pub fn read(&self, commit: Commit, path: &str) -> Result<Option<Vec<u8>>, Reason> {
        let called = self.short(commit);
        let lab = CommitTree::open(self, commit, &self.below, &called);
        match lab.map_err(|failure| failure.to_string())? {
            Some(lab) => lab.file(path).map_err(|failure| failure.to_string()),
            None => Ok(None),
        }
    }

    /// Whether Git takes the modes of files from the work tree: not where `core.fileMode` is off, which Git sets by itself
    /// on a file system that knows none. What it has in its index counts there, whatever the work tree shows.
    pub fn records_modes(&self) -> bool {
        let config = self.git.config_snapshot();
        config.boolean("core.fileMode").unwrap_or(true)
    }

    /// The first digits of a commit's id: as many as name it alone in this repository.
    pub fn short(&self, commit: Commit) -> String {
        use gix::prelude::ObjectIdExt as _;
        let prefix = commit.0.attach(&self.git).shorten().ok();
        let incoming = || self.incoming.as_ref()?.short(commit, &self.git);
        let short = prefix.map(|prefix| prefix.to_string()).or_else(incoming);
        short.unwrap_or_else(|| commit.to_string())
    }
}

/// A folder without links in its path; it may be missing, where a commit may still have it.
fn canonical(folder: &Path) -> io::Result<PathBuf> {
    match (
        fs::canonicalize(folder),
        folder.parent(),
        folder.file_name(),
    ) {
        (Err(error), Some(above), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(canonical(above)?.join(name))
        }
        (result, _, _) => result,
    }
}

/// What went wrong in Git's files, with all its causes.
fn reason(error: impl std::error::Error) -> Reason {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
