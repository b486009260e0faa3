//! Reading what people wrote: links are followed as long as they stay inside the folder.

use std::io::{self, Read as _};

use cap_fs_ext::{MetadataExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::folder::{Folder, failure, is_missing};
use super::{Failure, MAX_FILE, Read};

impl Folder {
    pub(super) fn read_source(&self, path: &str) -> Result<Read, Failure> {
        // A FIFO must not hold the build up, so nothing is waited for: what was opened is looked at afterwards.
        let mut options = OpenOptions::new();
        options.read(true).nonblock(true);
        let file = match self.dir.open_with(path, &options) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(self.missing(path)),
            Err(error) => return unopened(path, error),
        };
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| failure("reading", path, error))?;
        if let Some(why) = refusal(&metadata) {
            return Ok(Read::Refused(why));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failure("reading", path, error))?;
        if bytes.len() as u64 > MAX_FILE {
            return Ok(Read::Refused(too_large(bytes.len() as u64)));
        }
        Ok(Read::Bytes(bytes))
    }

    /// Nothing was found at the end of the path: nothing at all, or a link to nowhere.
    fn missing(&self, path: &str) -> Read {
        let metadata = self.dir.symlink_metadata(path);
        if metadata.is_ok_and(|metadata| metadata.is_symlink()) {
            return Read::Refused(NOWHERE.to_owned());
        }
        Read::Missing
    }

    pub(super) fn list_sources(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut walk = Walk {
            root: &self.dir,
            above: Vec::new(),
            files: Vec::new(),
        };
        walk.folder(folder)?;
        walk.files.sort();
        Ok(walk.files)
    }
}

/// What an error of opening says about the file, where it is the lab's fault and not the machine's.
fn unopened(path: &str, error: io::Error) -> Result<Read, Failure> {
    if is_escape(&error) {
        return Ok(Read::Refused(ESCAPE.to_owned()));
    }
    if is_circle(&error) {
        return Ok(Read::Refused(CIRCLE.to_owned()));
    }
    if is_no_device(&error) {
        return Ok(Read::Refused(NO_FILE.to_owned()));
    }
    Err(failure("reading", path, error))
}

/// What is said of a path that is no file of the lab.
pub(super) const NOWHERE: &str = "it is a link that leads nowhere";
pub(super) const ESCAPE: &str = "it is a link that leads out of the lab's folder";
pub(super) const CIRCLE: &str = "its links lead in a circle";
pub(super) const IS_FOLDER: &str = "it is a folder";
const NO_FILE: &str = "it is no regular file";

/// Whether a path was refused because it leaves the folder: such an error does not come from the system.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

/// Whether links lead to each other.
#[cfg(unix)]
fn is_circle(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

#[cfg(not(unix))]
fn is_circle(_: &io::Error) -> bool {
    false
}

/// Whether nobody is at the other end of what was opened: a socket, or a device that is not there.
#[cfg(unix)]
fn is_no_device(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NXIO | Errno::NODEV)
    )
}

#[cfg(not(unix))]
fn is_no_device(_: &io::Error) -> bool {
    false
}

/// Why what was opened is not read, if it is not.
fn refusal(metadata: &Metadata) -> Option<String> {
    if metadata.is_dir() {
        return Some(IS_FOLDER.to_owned());
    }
    if !metadata.is_file() {
        return Some(NO_FILE.to_owned());
    }
    (metadata.len() > MAX_FILE).then(|| too_large(metadata.len()))
}

pub(super) fn too_large(bytes: u64) -> String {
    format!("it has {bytes} bytes, and a source file has at most {MAX_FILE}")
}

/// A walk through the folders below one.
struct Walk<'d> {
    root: &'d Dir,
    /// The identity of each folder that is open: a link to one of them would never end.
    above: Vec<(u64, u64)>,
    files: Vec<String>,
}

impl Walk<'_> {
    /// Adds the files below a folder, and what is neither file nor folder: reading says what it is.
    fn folder(&mut self, name: &str) -> Result<(), Failure> {
        let at = if name.is_empty() { "." } else { name };
        let listing = |error| failure("listing", at, error);
        let dir = match self.root.open_dir(at) {
            Ok(dir) => dir,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(listing(error)),
        };
        let metadata = dir.dir_metadata().map_err(listing)?;
        let identity = (metadata.dev(), metadata.ino());
        if self.above.contains(&identity) {
            return Ok(());
        }
        self.above.push(identity);
        for entry in dir.entries().map_err(listing)? {
            let entry = entry.map_err(listing)?;
            // A name that is no text cannot be asked for: reading it finds nothing, and whoever lists says so.
            let file = entry.file_name().to_string_lossy().into_owned();
            if file == ".git" || file == ".labc" {
                continue;
            }
            let path = match name {
                "" => file,
                _ => format!("{name}/{file}"),
            };
            let kind = entry.file_type().map_err(listing)?;
            let links = kind.is_symlink() && self.leads_to_folder(&path);
            if kind.is_dir() || links {
                self.folder(&path)?;
            } else {
                self.files.push(path);
            }
        }
        self.above.pop();
        Ok(())
    }

    /// Whether a link leads to a folder inside the lab.
    fn leads_to_folder(&self, path: &str) -> bool {
        self.root
            .metadata(path)
            .is_ok_and(|metadata| metadata.is_dir())
    }
}
