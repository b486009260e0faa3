//! Many files at once, so that whatever interrupts it leaves each old or new.
//!
//! New bytes are staged beside the tree and synced; a journal that tells the next build which bytes are labc's own
//! takes its place; then every file gets its name by one rename, after a last look at what it replaces; then what is
//! obsolete goes, and the lock comes last. Knows bytes and paths; what the journal and the lock say is its caller's.

use std::collections::BTreeSet;
use std::io;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use rayon::prelude::*;

use super::folder::{Folder, failure};
use super::guard::{Guard, JOURNAL, STAGE, clear_stage};
use super::output::{
    Mode, Obstacle, Stamp, Stop, kind, remove_leftover, split, stamp, sync, write_new,
};
use super::{Failure, SCRATCH};

/// What is to be written and removed.
#[derive(Debug, Default)]
pub struct Transaction<'a> {
    /// What the next build must know if this one is interrupted.
    pub journal: Vec<u8>,
    /// What stands where folders and files must be; gone before anything is written.
    pub cleared: Vec<Removal<'a>>,
    /// The files to write, sorted by path.
    pub writes: Vec<Write<'a>>,
    /// The files to remove.
    pub removals: Vec<Removal<'a>>,
    /// Paths whose folders go if nothing is in them any more.
    pub swept: Vec<&'a str>,
    /// The file that is written when all others are.
    pub last: Option<Write<'a>>,
}

/// A file to write.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Where.
    pub path: &'a str,
    /// What it will hold.
    pub bytes: &'a [u8],
    /// Whether it will be a program.
    pub mode: Mode,
    /// Which file is there, if one is.
    pub before: Option<Stamp>,
}

/// Something to remove.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    /// Where.
    pub path: &'a str,
    /// What is there.
    pub before: Before,
}

/// What stands at a path before it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// This file.
    File(Stamp),
    /// Something that labc did not write.
    Obstacle(Obstacle),
}

/// From how many files on one sync of the whole file system is cheaper than one for each.
const MANY: usize = if cfg!(target_os = "linux") {
    48
} else {
    usize::MAX
};

/// Staged files of one folder.
const TOGETHER: usize = 512;

impl Folder {
    /// Writes and removes all of it. An error before the first file has its new name leaves the tree as it was.
    ///
    /// # Errors
    /// The machine failed, something came in the way, or somebody changed a file meanwhile.
    pub fn commit(&self, guard: &Guard, transaction: &Transaction<'_>) -> Result<(), Stop> {
        let scratch = &guard.scratch;
        let mut undo = Undo::default();
        let result = self
            .prepare(scratch, transaction, &mut undo)
            .and_then(|()| self.apply(scratch, transaction, &mut undo));
        if result.is_err() && !undo.has_begun {
            self.undo(scratch, &undo);
        }
        // What stays of the stage is cleared away by the next build.
        let cleared = clear_stage(scratch);
        result?;
        cleared?;
        let path = || format!("{SCRATCH}/{JOURNAL}");
        remove_leftover(scratch, JOURNAL).map_err(|error| failure("removing", path(), error).into())
    }

    /// Removes the journal of a build that was killed when nothing was left to do but that.
    ///
    /// # Errors
    /// The machine failed.
    pub fn forget_journal(&self, guard: &Guard) -> Result<(), Failure> {
        let removed = remove_leftover(&guard.scratch, JOURNAL);
        removed.map_err(|error| failure("removing", format!("{SCRATCH}/{JOURNAL}"), error))
    }

    /// Stages all bytes and puts the journal in its place: the tree is not touched yet.
    fn prepare(
        &self,
        scratch: &Dir,
        transaction: &Transaction<'_>,
        undo: &mut Undo,
    ) -> Result<(), Stop> {
        clear_stage(scratch)?;
        let at = |error| failure("making the folder", format!("{SCRATCH}/{STAGE}"), error);
        scratch.create_dir(STAGE).map_err(at)?;
        let stage = scratch.open_dir_nofollow(STAGE).map_err(at)?;
        let many = transaction.writes.len() >= MANY;
        stage_all(&stage, &transaction.writes, many)?;
        if let Some(last) = &transaction.last {
            stage_one(&stage, LAST, last, many)?;
        }
        if many {
            sync_all(&self.dir)
                .map_err(|error| failure("syncing", self.name().display(), error))?;
        }
        undo.had_journal = write_journal(scratch, &stage, &transaction.journal)?;
        Ok(())
    }

    fn apply(
        &self,
        scratch: &Dir,
        transaction: &Transaction<'_>,
        undo: &mut Undo,
    ) -> Result<(), Stop> {
        let at = |error| failure("opening", format!("{SCRATCH}/{STAGE}"), error);
        let stage = scratch.open_dir_nofollow(STAGE).map_err(at)?;
        let mut touched = Touched::default();
        for removal in &transaction.cleared {
            self.remove_one(removal, undo)?;
            touched.removed(removal.path);
        }
        let folders = transaction
            .writes
            .chunk_by(|left, right| split(left.path).0 == split(right.path).0);
        let mut index = 0;
        for writes in folders {
            let folder = split(writes[0].path).0;
            let made = undo.made.len();
            let dir = self.make(folder, &mut undo.made)?;
            touched.made(&undo.made[made..]);
            touched.folders.insert(folder.to_owned());
            for write in writes {
                rename(&stage, &staged(index), &dir, write)?;
                undo.has_begun = true;
                index += 1;
            }
        }
        for removal in &transaction.removals {
            self.remove_one(removal, undo)?;
            touched.removed(removal.path);
        }
        for path in &transaction.swept {
            self.remove_empty_above(path)?;
        }
        self.sync_folders(&touched.folders)?;
        if let Some(last) = &transaction.last {
            let dir = self.make("", &mut Vec::new())?;
            rename(&stage, LAST, &dir, last)?;
            undo.has_begun = true;
            sync(&dir).map_err(|error| failure("syncing", self.name().display(), error))?;
        }
        Ok(())
    }

    /// Removes what is as it was, and the folders that are empty without it.
    fn remove_one(&self, removal: &Removal<'_>, undo: &mut Undo) -> Result<(), Stop> {
        let path = removal.path;
        let (folder, name) = split(path);
        let Some(dir) = self.enter(folder)? else {
            return Ok(());
        };
        let failed = |error| failure("removing", path, error);
        let now = match removal.before {
            Before::File(_) => stamp(&dir, name).map_err(failed)?.map(Before::File),
            Before::Obstacle(_) => kind(&dir, name).map_err(failed)?.map(Before::Obstacle),
        };
        if now != Some(removal.before) {
            let path = path.to_owned();
            return Err(Stop::Changed { path });
        }
        if removal.before == Before::Obstacle(Obstacle::Folder) {
            remove_empty(&dir, name, path)?;
        } else {
            dir.remove_file(name).map_err(failed)?;
        }
        undo.has_begun = true;
        self.remove_empty_above(path)
    }

    /// Waits until the names of the folders are on the disk; one that is gone needs none.
    fn sync_folders(&self, folders: &BTreeSet<String>) -> Result<(), Stop> {
        if folders.len() >= MANY {
            let synced = sync_all(&self.dir);
            return synced.map_err(|error| failure("syncing", self.name().display(), error).into());
        }
        for folder in folders {
            match self.enter(folder) {
                Ok(Some(dir)) => sync(&dir).map_err(|error| failure("syncing", folder, error))?,
                Ok(None) | Err(Stop::Obstacle { .. }) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    /// Leaves no trace of what was prepared. What cannot be removed does no harm: the folders are empty, and a journal
    /// only adds to what labc knows as its own.
    fn undo(&self, scratch: &Dir, undo: &Undo) {
        for folder in undo.made.iter().rev() {
            let (above, name) = split(folder);
            if let Ok(Some(dir)) = self.enter(above) {
                let _ = dir.remove_dir(name);
            }
        }
        if !undo.had_journal {
            let _ = remove_leftover(scratch, JOURNAL);
        }
    }
}

/// What must be taken back if nothing of the tree was changed.
#[derive(Debug, Default)]
struct Undo {
    /// Something of the tree was changed: from here on the journal must stay.
    has_begun: bool,
    /// Folders that were made, outer ones first.
    made: Vec<String>,
    /// An earlier build left a journal.
    had_journal: bool,
}

/// Folders whose names changed.
#[derive(Debug, Default)]
struct Touched {
    folders: BTreeSet<String>,
}

impl Touched {
    fn made(&mut self, folders: &[String]) {
        let above = folders.iter().map(|folder| split(folder).0.to_owned());
        self.folders.extend(above);
    }

    /// A removal may have taken the folders above with it, so each of those above may have lost a name.
    fn removed(&mut self, path: &str) {
        let mut path = path;
        while !path.is_empty() {
            path = split(path).0;
            if !self.folders.insert(path.to_owned()) {
                return;
            }
        }
    }
}

/// The name of the staged bytes of the last file.
const LAST: &str = "last";

/// Where the bytes of the write number `index` are staged.
fn staged(index: usize) -> String {
    format!("{}/{index}", index / TOGETHER)
}

fn stage_all(stage: &Dir, writes: &[Write<'_>], many: bool) -> Result<(), Stop> {
    let folders = writes.chunks(TOGETHER).enumerate();
    for (number, _) in folders {
        let path = number.to_string();
        stage.create_dir(&path).map_err(|error| {
            failure(
                "making the folder",
                format!("{SCRATCH}/{STAGE}/{path}"),
                error,
            )
        })?;
    }
    writes
        .par_iter()
        .enumerate()
        .try_for_each(|(index, write)| stage_one(stage, &staged(index), write, many))
}

fn stage_one(stage: &Dir, name: &str, write: &Write<'_>, many: bool) -> Result<(), Stop> {
    let written = write_new(stage, name, write.bytes, write.mode);
    let synced = written.and_then(|file| if many { Ok(()) } else { file.sync_all() });
    synced.map_err(|error| failure("writing", write.path, error).into())
}

/// Puts the journal in its place, and returns whether there was one.
fn write_journal(scratch: &Dir, stage: &Dir, journal: &[u8]) -> Result<bool, Stop> {
    let write = || -> io::Result<bool> {
        write_new(stage, JOURNAL, journal, Mode::Plain)?.sync_all()?;
        let had = kind(scratch, JOURNAL)?.is_some();
        stage.rename(JOURNAL, scratch, JOURNAL)?;
        sync(scratch)?;
        Ok(had)
    };
    write().map_err(|error| failure("writing", format!("{SCRATCH}/{JOURNAL}"), error).into())
}

/// Gives staged bytes their name, unless what stands there is not what was looked at.
fn rename(stage: &Dir, name: &str, dir: &Dir, write: &Write<'_>) -> Result<(), Stop> {
    let target = split(write.path).1;
    let failed = |error| failure("renaming to", write.path, error);
    let changed = || Stop::Changed {
        path: write.path.to_owned(),
    };
    if let Some(before) = write.before {
        if stamp(dir, target).map_err(failed)? != Some(before) {
            return Err(changed());
        }
        return stage
            .rename(name, dir, target)
            .map_err(|error| failed(error).into());
    }
    if kind(dir, target).map_err(failed)?.is_some() {
        return Err(changed());
    }
    match rename_to_new(stage, name, dir, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(changed()),
        result => result.map_err(|error| failed(error).into()),
    }
}

/// Renames to a name that nothing has yet.
#[cfg(target_os = "linux")]
fn rename_to_new(stage: &Dir, name: &str, dir: &Dir, target: &str) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(stage, name, dir, target, RenameFlags::NOREPLACE) {
        // The file system does not know how; nothing stood there a moment ago.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => stage.rename(name, dir, target),
        result => Ok(result?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_to_new(stage: &Dir, name: &str, dir: &Dir, target: &str) -> io::Result<()> {
    stage.rename(name, dir, target)
}

/// Removes a folder that must be empty.
fn remove_empty(dir: &Dir, name: &str, path: &str) -> Result<(), Stop> {
    match dir.remove_dir(name) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Err(Stop::Obstacle {
            path: path.to_owned(),
            what: Obstacle::Folder,
        }),
        result => result.map_err(|error| failure("removing", path, error).into()),
    }
}

/// Waits until everything that was written to the file system of a folder is on the disk.
#[cfg(target_os = "linux")]
fn sync_all(dir: &Dir) -> io::Result<()> {
    Ok(rustix::fs::syncfs(dir.open(".")?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_all(_: &Dir) -> io::Result<()> {
    Ok(())
}
