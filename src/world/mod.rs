//! Where source comes from and output goes: the only door to files, environment, clock and terminal.
//!
//! Knows bytes and paths, no format. A path of the lab is relative to its folder, with `/`, and never leaves it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the door that the bans of .clippy.toml protect"
)]

pub mod console;
mod folder;
pub mod git;
mod guard;
mod output;
pub mod path;
mod source;
mod stack;
pub mod standard;
mod transaction;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use git::{CommitTree, Repository};

pub use folder::{Folder, find_lab};
pub use guard::Guard;
pub use output::{Mode, Obstacle, Stamp, Standing, Stop, There, has};
pub use stack::on_deep_stack;
pub use transaction::{Before, Removal, Transaction, Write};

/// A folder of source: a lab's own, on disk or in a commit, or one that a test keeps in memory.
#[derive(Clone, Debug)]
pub enum World {
    /// A folder of the file system.
    Folder(Folder),
    /// A folder of a commit.
    Commit(CommitTree),
    /// Files by path.
    Memory(BTreeMap<String, Vec<u8>>),
}

/// The machine failed: what was being done, to which path, and why it went wrong.
#[derive(Debug)]
pub struct Failure {
    /// What was being done: "reading", "writing".
    pub action: &'static str,
    /// The path.
    pub path: String,
    /// Why it went wrong.
    pub cause: std::io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.action, self.path, self.cause)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// What reading a path of the lab gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The bytes.
    Bytes(Vec<u8>),
    /// There is no such file.
    Missing,
    /// It is not a file of the lab: a link that leaves the folder, a folder, a device. The phrase says which.
    Refused(String),
}

/// What it counts for whether a file may be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// Git records it.
    Recorded,
    /// It is chance: Git was told to record none, or the system knows none.
    Unrecorded,
    /// The folder lies in no Git repository.
    Unknown,
}

/// The file that makes a folder a lab.
const LAB: &str = "lab.toml";

/// The largest source file that is read, in bytes: far above any real one.
pub const MAX_FILE: u64 = 16 << 20;

/// The folder inside a lab where labc keeps what is of use to itself alone.
pub const SCRATCH: &str = ".labc";

/// What tells a build about one that was interrupted.
pub const JOURNAL: &str = ".labc/journal";

impl World {
    /// The folder that stands at `path` now.
    ///
    /// # Errors
    /// There is none, or it may not be entered.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Failure> {
        Folder::open(path).map(World::Folder)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// The machine failed.
    pub fn read(&self, path: &str) -> Result<Read, Failure> {
        if let Err(why) = path::check(path) {
            return Ok(Read::Refused(why));
        }
        match self {
            World::Memory(files) => Ok(files
                .get(path)
                .map_or(Read::Missing, |bytes| Read::Bytes(bytes.clone()))),
            World::Folder(folder) => folder.read_source(path),
            World::Commit(tree) => tree.read(path),
        }
    }

    /// Every file below a folder (the lab's own for an empty name), sorted; empty if there is no such folder.
    ///
    /// # Errors
    /// The machine failed.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, Failure> {
        match self {
            World::Memory(files) => {
                let prefix = if folder.is_empty() {
                    String::new()
                } else {
                    format!("{folder}/")
                };
                let below = files.keys().filter(|path| path.starts_with(&prefix));
                Ok(below.cloned().collect())
            }
            World::Folder(root) => root.list_sources(folder),
            World::Commit(tree) => tree.list(folder),
        }
    }

    /// What stands before the path of a file so that Git knows it, in a commit: `3f2a1c9:clusters/home/`.
    pub fn prefix(&self) -> Option<String> {
        match self {
            World::Commit(tree) => Some(tree.prefix()),
            World::Folder(_) | World::Memory(_) => None,
        }
    }

    /// What stands at the path of an output.
    ///
    /// # Errors
    /// The machine failed.
    pub fn look(&self, path: &str) -> Result<Standing, Failure> {
        match self {
            World::Folder(folder) => folder.look(path),
            World::Commit(tree) => tree.look(path, None),
            World::Memory(files) => Ok(in_memory(files, path)),
        }
    }

    /// What `judge` says to what stands at each path, in their order. `expected` is what a file should hold, and saves
    /// reading it where that can be told without.
    ///
    /// # Errors
    /// The machine failed.
    pub fn look_at_all<'b, T: Send>(
        &self,
        paths: &[&str],
        expected: impl Fn(&str) -> Option<&'b [u8]> + Sync,
        judge: impl Fn(&str, Standing) -> T + Sync,
    ) -> Result<Vec<T>, Failure> {
        match self {
            World::Folder(folder) => folder.look_at_all(paths, judge),
            World::Commit(tree) => tree.look_at_all(paths, expected, judge),
            World::Memory(files) => {
                let each = |path: &&str| judge(path, in_memory(files, path));
                Ok(paths.iter().map(each).collect())
            }
        }
    }

    /// The paths of all files below a folder of the tree, without following a link; whatever is no folder counts.
    ///
    /// # Errors
    /// The machine failed.
    pub fn files_below(&self, folder: &str) -> Result<Vec<String>, Failure> {
        match self {
            World::Folder(root) => root.files_below(folder),
            World::Commit(tree) => tree.files_below(folder),
            World::Memory(_) => self.list(folder),
        }
    }

    /// What the modes of its files count for: Git's default where there is a repository that cannot be opened.
    pub fn modes(&self) -> Modes {
        match self {
            World::Memory(_) => Modes::Unrecorded,
            World::Commit(_) => Modes::Recorded,
            World::Folder(_) if cfg!(not(unix)) => Modes::Unrecorded,
            World::Folder(folder) => match Repository::around(folder.name()) {
                Ok(None) => Modes::Unknown,
                Ok(Some(repository)) if !repository.records_modes() => Modes::Unrecorded,
                Ok(Some(_)) | Err(_) => Modes::Recorded,
            },
        }
    }

    /// What messages call the lab's folder.
    pub fn name(&self) -> String {
        match self {
            World::Folder(folder) => folder.name().display().to_string(),
            World::Commit(tree) => tree.name(),
            World::Memory(_) => "memory".to_owned(),
        }
    }
}

/// What stands at a path among files in memory: there are no folders and no programs.
fn in_memory(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Standing {
    files.get(path).map_or(Standing::Nothing, |bytes| {
        Standing::File(There {
            bytes: bytes.clone(),
            executable: true,
            stamp: None,
        })
    })
}
