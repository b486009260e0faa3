//! What a commit holds at the paths of outputs: no link is followed, neither at the end of a path nor on its way.
//!
//! A file that is as it should be is told by its id, and never read.

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{Kind, compute_hash};
use rayon::prelude::*;

use super::commit_tree::{CommitTree, Entry};
use super::listing::{MAX_NAMES, join};
use crate::world::folder::failure;
use crate::world::output::{LARGEST, too_large};
use crate::world::{Failure, Obstacle, Standing, There};

/// What a path leads to without following a link.
enum Entered {
    Nothing,
    Entry(Entry),
    /// No folder stands on the way: where, and what.
    Stopped(String, Entry),
}

impl CommitTree {
    /// What stands at the path of an output. Where that is the file that is expected, its bytes are not read again.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn look(
        &self,
        path: &str,
        expected: Option<&[u8]>,
    ) -> Result<Standing, Failure> {
        let (path, entry) = match self.enter(path)? {
            Entered::Nothing => return Ok(Standing::Nothing),
            Entered::Entry(entry) => (path.to_owned(), entry),
            Entered::Stopped(path, entry) => {
                let what = obstacle(entry.kind).unwrap_or(Obstacle::File);
                return Ok(Standing::Obstacle { path, what });
            }
        };
        if let Some(what) = obstacle(entry.kind) {
            return Ok(Standing::Obstacle { path, what });
        }
        Ok(Standing::File(There {
            bytes: self.output(entry.id, &path, expected)?,
            executable: entry.kind == EntryKind::BlobExecutable,
            stamp: None,
        }))
    }

    /// What `judge` says to what stands at each path, in their order; `expected` is what a file should hold.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn look_at_all<'b, T: Send>(
        &self,
        paths: &[&str],
        expected: impl Fn(&str) -> Option<&'b [u8]> + Sync,
        judge: impl Fn(&str, Standing) -> T + Sync,
    ) -> Result<Vec<T>, Failure> {
        let each = |path: &&str| Ok(judge(path, self.look(path, expected(path))?));
        paths.par_iter().map(each).collect()
    }

    /// The paths of all files below a folder; whatever is no folder counts.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn files_below(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        let mut folders = Vec::new();
        if let Entered::Entry(entry) = self.enter(folder)? {
            folders.push((folder.to_owned(), entry));
        }
        while let Some((folder, entry)) = folders.pop() {
            if entry.kind != EntryKind::Tree {
                continue;
            }
            for (name, entry) in self.entries(entry.id)?.iter() {
                let path = join(&folder, name);
                match entry.kind {
                    EntryKind::Tree => folders.push((path, *entry)),
                    _ => files.push(path),
                }
            }
            if files.len() + folders.len() > MAX_NAMES {
                let why = std::io::Error::other("it has too many files");
                return Err(failure("listing", self.say(&folder), why));
            }
        }
        Ok(files)
    }

    /// The bytes of an output, which are the expected ones where the id says so.
    fn output(
        &self,
        id: ObjectId,
        path: &str,
        expected: Option<&[u8]>,
    ) -> Result<Vec<u8>, Failure> {
        if let Some(expected) = expected
            && compute_hash(id.kind(), Kind::Blob, expected).is_ok_and(|made| made == id)
        {
            return Ok(expected.to_vec());
        }
        let (size, bytes) = self.object(id, path, LARGEST)?;
        match size > LARGEST {
            true => Err(failure("reading", self.say(path), too_large(size))),
            false => Ok(bytes),
        }
    }

    fn enter(&self, path: &str) -> Result<Entered, Failure> {
        let mut here = Entry {
            kind: EntryKind::Tree,
            id: self.root(),
        };
        let mut end = 0;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if here.kind != EntryKind::Tree {
                return Ok(Entered::Stopped(path[..end - 1].to_owned(), here));
            }
            let Some(entry) = self.entries(here.id)?.get(part.as_bytes()).copied() else {
                return Ok(Entered::Nothing);
            };
            here = entry;
            end += part.len() + 1;
        }
        Ok(Entered::Entry(here))
    }
}

/// What an entry is that is no file.
fn obstacle(kind: EntryKind) -> Option<Obstacle> {
    match kind {
        EntryKind::Blob | EntryKind::BlobExecutable => None,
        EntryKind::Tree => Some(Obstacle::Folder),
        EntryKind::Link => Some(Obstacle::Link),
        EntryKind::Commit => Some(Obstacle::Submodule),
    }
}
