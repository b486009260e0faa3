//! The files below a folder of a commit, as a walk through the folders of its checkout would find them.

use std::collections::VecDeque;
use std::io;

use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;

use super::commit_tree::{CommitTree, Found, Place};
use crate::world::folder::failure;
use crate::world::source::{CIRCLE, ESCAPE};
use crate::world::{Failure, path};

/// Names that one listing looks at: far above any real lab, and few enough for trees that hold themselves many times.
pub(super) const MAX_NAMES: usize = 1 << 18;
/// Folders that are looked through for a lab that is to be named in a message.
const MAX_SEARCHED: usize = 2000;

impl CommitTree {
    /// Every file below a folder, sorted; empty if there is no such folder.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn list(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut walk = Walk {
            tree: self,
            above: Vec::new(),
            seen: 0,
            files: Vec::new(),
        };
        walk.folder(folder)?;
        walk.files.sort();
        Ok(walk.files)
    }

    /// The folders that hold a file of a name, the nearest to the top first, as far as a quick look finds them.
    pub(super) fn folders_with(&self, name: &str) -> Result<Vec<String>, Failure> {
        let mut folders = VecDeque::from([(String::new(), self.root())]);
        let mut found = Vec::new();
        let mut searched = 0;
        while let Some((folder, tree)) = folders.pop_front() {
            searched += 1;
            if searched > MAX_SEARCHED {
                break;
            }
            let entries = self.entries(tree)?;
            if entries.contains_key(name.as_bytes()) {
                found.push(folder);
                continue;
            }
            let below = entries
                .iter()
                .filter(|(_, entry)| entry.kind == EntryKind::Tree);
            folders.extend(below.map(|(part, entry)| (join(&folder, part), entry.id)));
        }
        Ok(found)
    }
}

/// A name that is no text cannot be asked for: reading it finds nothing, and whoever lists says so.
pub(super) fn join(folder: &str, name: &[u8]) -> String {
    let name = name.to_str_lossy();
    match folder {
        "" => name.into_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// A walk through the folders below one, as that of a folder on disk.
struct Walk<'t> {
    tree: &'t CommitTree,
    /// Each folder that is open: a link to one of them would never end.
    above: Vec<Place>,
    /// Names that were looked at.
    seen: usize,
    files: Vec<String>,
}

impl Walk<'_> {
    /// Adds the files below a folder.
    fn folder(&mut self, name: &str) -> Result<(), Failure> {
        let stopped = |why: &str| failure("listing", self.tree.say(name), io::Error::other(why));
        let place = match self.tree.find(name, true)? {
            Found::Folder(place) => place,
            Found::Outside => return Err(stopped(ESCAPE)),
            Found::Circle => return Err(stopped(CIRCLE)),
            _ => return Ok(()),
        };
        if self.above.iter().any(|open| open.is(&place)) {
            return Ok(());
        }
        let entries = self.tree.entries(place.tree())?;
        self.seen += entries.len() + 1;
        if self.seen > MAX_NAMES {
            return Err(stopped("it has too many files"));
        }
        self.above.push(place);
        for (part, entry) in entries.iter() {
            if part == b".git" || part == b".labc" {
                continue;
            }
            self.entry(join(name, part), entry.kind)?;
        }
        self.above.pop();
        Ok(())
    }

    /// Adds what an entry stands for. A path that is too long for any file is not gone into: reading says so.
    fn entry(&mut self, path: String, kind: EntryKind) -> Result<(), Failure> {
        let is_folder = match kind {
            EntryKind::Tree => true,
            EntryKind::Commit => return Ok(()),
            EntryKind::Link => matches!(self.tree.find(&path, true)?, Found::Folder(_)),
            EntryKind::Blob | EntryKind::BlobExecutable => false,
        };
        if is_folder && path.len() <= path::MAX_PATH {
            return self.folder(&path);
        }
        self.files.push(path);
        Ok(())
    }
}
