//! One build at a time: a lock of the kernel's on `.labc/lock`, which ends with the process however that ends.

use std::fs::{File, TryLockError};
use std::io;

use cap_fs_ext::{
    FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _,
};
use cap_std::fs::{Dir, OpenOptions};

use super::folder::{Folder, failure};
use super::output::{Mode, Obstacle, Stop, kind, remove_leftover, sync, write_new};
use super::{Failure, SCRATCH};

/// labc's own folder inside the lab, held by this build alone.
#[derive(Debug)]
pub struct Guard {
    pub(super) scratch: Dir,
    /// Dropping the file lets the next build go on.
    _lock: Option<File>,
    /// Why the file system lets several builds run at once, if it does.
    pub unlocked: Option<String>,
}

impl Folder {
    /// Waits until no other build of the lab runs; `waiting` is called once if one does. What a build left behind that
    /// was killed is cleared away.
    ///
    /// # Errors
    /// Nothing can be written here, which matters only to a build that has to.
    pub fn guard(&self, waiting: impl FnOnce()) -> Result<Guard, Stop> {
        let mut made = Vec::new();
        let scratch = self.make(SCRATCH, &mut made)?;
        if !made.is_empty() {
            sync(&self.dir).map_err(|error| failure("syncing", self.name().display(), error))?;
        }
        ignore_itself(&scratch)?;
        let (lock, unlocked) = lock(&scratch, waiting)?;
        clear_stage(&scratch)?;
        Ok(Guard {
            scratch,
            _lock: lock,
            unlocked,
        })
    }

    /// Removes links and special files that stand where labc keeps its own: what they lead to stays as it is.
    ///
    /// # Errors
    /// The machine failed.
    pub fn clear_scratch(&self) -> Result<(), Failure> {
        clear(&self.dir, SCRATCH, SCRATCH)?;
        let Ok(Some(scratch)) = self.enter(SCRATCH) else {
            return Ok(());
        };
        for name in [IGNORE, LOCK, STAGE, JOURNAL] {
            clear(&scratch, name, &format!("{SCRATCH}/{name}"))?;
        }
        Ok(())
    }
}

const IGNORE: &str = ".gitignore";
const LOCK: &str = "lock";
pub(super) const STAGE: &str = "stage";
pub(super) const JOURNAL: &str = "journal";

fn clear(dir: &Dir, name: &str, path: &str) -> Result<(), Failure> {
    let failed = |error| failure("removing", path, error);
    match kind(dir, name).map_err(failed)? {
        Some(Obstacle::Link | Obstacle::Special) => remove_leftover(dir, name).map_err(failed),
        _ => Ok(()),
    }
}

/// Keeps labc's own folder out of Git.
fn ignore_itself(scratch: &Dir) -> Result<(), Stop> {
    let path = format!("{SCRATCH}/{IGNORE}");
    let failed = |error| failure("writing", &path, error);
    if kind(scratch, IGNORE).map_err(failed)?.is_none() {
        write_new(scratch, IGNORE, b"*\n", Mode::Plain).map_err(failed)?;
    }
    Ok(())
}

/// The locked file, or why there is none.
fn lock(scratch: &Dir, waiting: impl FnOnce()) -> Result<(Option<File>, Option<String>), Stop> {
    let path = format!("{SCRATCH}/{LOCK}");
    let failed = |error| failure("locking", &path, error);
    let mut waiting = Some(waiting);
    loop {
        let file = open(scratch, &path)?;
        let result = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        match result {
            Ok(()) if is_still_there(scratch, &file).map_err(failed)? => {
                return Ok((Some(file), None));
            }
            // Somebody removed the file while it was waited for: another build may hold its successor.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_unsupported(&error) => return Ok((None, Some(error.to_string()))),
            Err(error) => return Err(failed(error).into()),
        }
    }
}

fn open(scratch: &Dir, path: &str) -> Result<File, Stop> {
    if let Some(what) = kind(scratch, LOCK).map_err(|error| failure("opening", path, error))?
        && what != Obstacle::File
    {
        let path = path.to_owned();
        return Err(Stop::Obstacle { path, what });
    }
    let mut options = OpenOptions::new();
    options.nonblock(true).follow(FollowSymlinks::No);
    let writable = scratch.open_with(LOCK, options.clone().read(true).write(true).create(true));
    // What may only be read can be locked all the same.
    let file = writable.or_else(|error| {
        let readable = scratch.open_with(LOCK, options.read(true));
        readable.map_err(|_| error)
    });
    match file {
        Ok(file) => Ok(file.into_std()),
        Err(error) => Err(failure("opening", path, error).into()),
    }
}

fn is_still_there(scratch: &Dir, file: &File) -> io::Result<bool> {
    let held = file.metadata()?;
    match scratch.symlink_metadata(LOCK) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a file system knows no locks: some of those behind a network do not.
#[cfg(unix)]
fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP)
    )
}

#[cfg(not(unix))]
fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Removes the bytes that a build staged and did not come to use.
pub(super) fn clear_stage(scratch: &Dir) -> Result<(), Stop> {
    let path = format!("{SCRATCH}/{STAGE}");
    let failed = |error| failure("removing", &path, error);
    match kind(scratch, STAGE).map_err(failed)? {
        None => Ok(()),
        Some(Obstacle::Folder) => scratch
            .remove_dir_all(STAGE)
            .map_err(|error| failed(error).into()),
        Some(what) => Err(Stop::Obstacle {
            path: path.clone(),
            what,
        }),
    }
}
