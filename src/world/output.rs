//! Looking at what labc wrote, and writing it: no link is followed, neither at the end of a path nor on its way.
//!
//! Whatever stands there that labc cannot have written is an [`Obstacle`], looked for at the moment of use.

use std::fmt;
use std::io::{self, Read as _, Write as _};

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions};
use rayon::prelude::*;

use super::Failure;
use super::folder::{Folder, failure};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0644.
    Plain,
    /// 0755.
    Program,
}

/// What stands where labc would write, and is no file that it could have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// A symbolic link, wherever it leads.
    Link,
    /// A folder where a file must be.
    Folder,
    /// A file where a folder must be.
    File,
    /// A FIFO, a socket or a device.
    Special,
    /// Another repository, in a commit: on disk it is a folder.
    Submodule,
}

impl Obstacle {
    fn of(kind: FileType) -> Self {
        if kind.is_symlink() {
            Obstacle::Link
        } else if kind.is_dir() {
            Obstacle::Folder
        } else if kind.is_file() {
            Obstacle::File
        } else {
            Obstacle::Special
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Obstacle::Link => "a link",
            Obstacle::Folder => "a folder",
            Obstacle::File => "a file",
            Obstacle::Special => "no regular file",
            Obstacle::Submodule => "a submodule",
        })
    }
}

/// Why writing went no further.
#[derive(Debug)]
pub enum Stop {
    /// The machine failed.
    Failed(Failure),
    /// Something stands in the way.
    Obstacle {
        /// Where.
        path: String,
        /// What it is.
        what: Obstacle,
    },
    /// A file is not the one any more that was looked at before: somebody changed it meanwhile.
    Changed {
        /// Which.
        path: String,
    },
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl Stop {
    /// The same as a failure of the machine, for who cannot go around it.
    pub(super) fn into_failure(self, action: &'static str) -> Failure {
        let other = |path: String, why: String| failure(action, path, io::Error::other(why));
        match self {
            Stop::Failed(failure) => failure,
            Stop::Obstacle { path, what } => other(path, format!("{what} stands there")),
            Stop::Changed { path } => other(path, "it was changed meanwhile".to_owned()),
        }
    }
}

/// Which file stood at a path and when it was last changed: equal as long as nobody touched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use cap_std::fs::MetadataExt as _;
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().map(|time| time.into_std());
        let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Stamp {
            device: 0,
            inode: 0,
            length: metadata.len(),
            modified: (seconds, i64::from(since.subsec_nanos())),
            changed: (0, 0),
        }
    }
}

/// A file that labc may have written.
#[derive(Clone, Debug)]
pub struct There {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it may be run.
    pub executable: bool,
    /// Which file it is, and as of when; none in a commit, where nothing changes.
    pub stamp: Option<Stamp>,
}

/// What stands at the path of an output.
#[derive(Clone, Debug)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A file.
    File(There),
    /// Something else, there or on the way.
    Obstacle {
        /// Where it stands.
        path: String,
        /// What it is.
        what: Obstacle,
    },
}

/// The largest output that is read, in bytes: far above any that labc writes.
pub(super) const LARGEST: u64 = 256 << 20;

/// Paths of one folder that are looked at in one go.
const TOGETHER: usize = 64;

impl Folder {
    /// What stands at the path of an output.
    ///
    /// # Errors
    /// The machine failed.
    pub fn look(&self, path: &str) -> Result<Standing, Failure> {
        let (folder, name) = split(path);
        standing(match self.enter(folder) {
            Ok(Some(dir)) => look(&dir, name, path),
            Ok(None) => Ok(None),
            Err(stop) => Err(stop),
        })
    }

    /// What `judge` says to what stands at each path, in their order. Sorted paths are looked at folder by folder.
    ///
    /// # Errors
    /// The machine failed.
    pub fn look_at_all<T: Send>(
        &self,
        paths: &[&str],
        judge: impl Fn(&str, Standing) -> T + Sync,
    ) -> Result<Vec<T>, Failure> {
        let folders: Vec<&[&str]> = paths
            .chunk_by(|left, right| split(left).0 == split(right).0)
            .flat_map(|folder| folder.chunks(TOGETHER))
            .collect();
        let judged: Result<Vec<Vec<T>>, Failure> = folders
            .par_iter()
            .map(|paths| self.look_below(paths, &judge))
            .collect();
        Ok(judged?.into_iter().flatten().collect())
    }

    /// The same for paths of one folder.
    fn look_below<T>(
        &self,
        paths: &[&str],
        judge: impl Fn(&str, Standing) -> T,
    ) -> Result<Vec<T>, Failure> {
        let dir = match self.enter(split(paths[0]).0) {
            Ok(dir) => dir,
            Err(Stop::Obstacle { path, what }) => {
                let same = |at: &&str| {
                    let path = path.clone();
                    judge(at, Standing::Obstacle { path, what })
                };
                return Ok(paths.iter().map(same).collect());
            }
            Err(stop) => return Err(stop.into_failure("reading")),
        };
        let each = |path: &&str| {
            let there = match &dir {
                Some(dir) => look(dir, split(path).1, path),
                None => Ok(None),
            };
            Ok(judge(path, standing(there)?))
        };
        paths.iter().map(each).collect()
    }

    /// A folder of the tree, entered from the lab's own without following a link; none where it is missing.
    pub(super) fn enter(&self, folder: &str) -> Result<Option<Dir>, Stop> {
        if let Some(dir) = enter_at_once(&self.dir, folder) {
            return Ok(Some(dir));
        }
        let mut dir = self.again()?;
        for (name, path) in parts(folder) {
            match open(&dir, name, path)? {
                Some(inside) => dir = inside,
                None => return Ok(None),
            }
        }
        Ok(Some(dir))
    }

    /// Another handle of the lab's folder.
    fn again(&self) -> Result<Dir, Failure> {
        let again = self.dir.try_clone();
        again.map_err(|error| failure("opening", self.name().display(), error))
    }

    /// The paths of all files below a folder of the tree, without following a link; whatever is no folder counts.
    ///
    /// # Errors
    /// The machine failed.
    pub fn files_below(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let opened = self.enter(&folder);
            let Some(dir) = opened.map_err(|stop| stop.into_failure("listing"))? else {
                continue;
            };
            let listing = |error| failure("listing", &folder, error);
            for entry in dir.entries().map_err(listing)? {
                let entry = entry.map_err(listing)?;
                let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if entry.file_type().map_err(listing)?.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }

    /// Writes a file whole or not at all: a file beside it takes the bytes, then its name. Folders are made.
    ///
    /// # Errors
    /// The machine failed, or something stands in the way; the file is as it was.
    pub fn put(&self, path: &str, bytes: &[u8], mode: Mode) -> Result<(), Failure> {
        self.replace(path, bytes, mode)
            .map_err(|stop| stop.into_failure("writing"))
    }

    fn replace(&self, path: &str, bytes: &[u8], mode: Mode) -> Result<(), Stop> {
        let (folder, name) = split(path);
        let dir = self.make(folder, &mut Vec::new())?;
        match look(&dir, name, path)? {
            Some(there) if there.bytes == bytes && has(&there, mode) => return Ok(()),
            _ => {}
        }
        let beside = format!(".{name}.labc");
        let write = || {
            remove_leftover(&dir, &beside)?;
            let file = write_new(&dir, &beside, bytes, mode)?;
            file.sync_all()?;
            dir.rename(&beside, &dir, name)?;
            sync(&dir)
        };
        write().map_err(|error| {
            // The file beside is labc's own; that it stays behind changes nothing for who reads of the first error.
            let _ = dir.remove_file(&beside);
            failure("writing", path, error).into()
        })
    }

    /// Removes a file of the tree, and the folders that it leaves empty.
    ///
    /// # Errors
    /// The machine failed, or something stands in the way.
    pub fn remove(&self, path: &str) -> Result<(), Failure> {
        let (folder, name) = split(path);
        let dir = self.enter(folder);
        if let Some(dir) = dir.map_err(|stop| stop.into_failure("removing"))? {
            remove_leftover(&dir, name).map_err(|error| failure("removing", path, error))?;
        }
        let emptied = self.remove_empty_above(path);
        emptied.map_err(|stop| stop.into_failure("removing"))
    }

    /// Enters a folder of the tree; what is missing on the way is made, and added to `made`.
    pub(super) fn make(&self, folder: &str, made: &mut Vec<String>) -> Result<Dir, Stop> {
        let mut dir = self.again()?;
        for (name, path) in parts(folder) {
            dir = match open(&dir, name, path)? {
                Some(inside) => inside,
                None => make(&dir, name, path, made)?,
            };
        }
        Ok(dir)
    }

    /// Removes the folders above a path that are empty.
    pub(super) fn remove_empty_above(&self, path: &str) -> Result<(), Stop> {
        let mut path = path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            let (above, name) = split(folder);
            let Some(dir) = self.enter(above)? else {
                path = folder;
                continue;
            };
            match dir.remove_dir(name) {
                Err(error) if is_in_use(&error) => return Ok(()),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failure("removing", folder, error).into());
                }
                _ => path = folder,
            }
        }
        Ok(())
    }
}

/// Whether a folder stays because something is in it, or because it is no folder or the place of another file system.
fn is_in_use(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::NotADirectory
    )
}

/// The folder of a path and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The parts of a folder's path, each with the path up to it.
fn parts(folder: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut start = 0;
    let parts = folder.split('/').filter(|part| !part.is_empty());
    parts.map(move |part| {
        let end = start + part.len();
        start = end + 1;
        (part, &folder[..end])
    })
}

/// A folder below another one, entered in one call to the system, which refuses every link on the way. None where it
/// does not, for whatever reason: one step after the other shows which.
#[cfg(target_os = "linux")]
fn enter_at_once(dir: &Dir, folder: &str) -> Option<Dir> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let opened = openat2(dir, folder, flags, Mode::empty(), resolve).ok()?;
    Some(Dir::from_std_file(opened.into()))
}

#[cfg(not(target_os = "linux"))]
fn enter_at_once(_: &Dir, _: &str) -> Option<Dir> {
    None
}

/// Makes a folder in another one and enters it.
fn make(dir: &Dir, name: &str, path: &str, made: &mut Vec<String>) -> Result<Dir, Stop> {
    match dir.create_dir(name) {
        Ok(()) => made.push(path.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failure("making the folder", path, error).into()),
    }
    let gone = || failure("entering", path, io::ErrorKind::NotFound.into());
    open(dir, name, path)?.ok_or_else(|| gone().into())
}

fn standing(there: Result<Option<There>, Stop>) -> Result<Standing, Failure> {
    match there {
        Ok(None) => Ok(Standing::Nothing),
        Ok(Some(there)) => Ok(Standing::File(there)),
        Err(Stop::Obstacle { path, what }) => Ok(Standing::Obstacle { path, what }),
        Err(stop) => Err(stop.into_failure("reading")),
    }
}

/// A folder in another one, if it is there.
fn open(dir: &Dir, name: &str, path: &str) -> Result<Option<Dir>, Stop> {
    match dir.open_dir_nofollow(name) {
        Ok(dir) => Ok(Some(dir)),
        Err(error) => match dir.symlink_metadata(name) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Ok(metadata) if !metadata.is_dir() => Err(Stop::Obstacle {
                path: path.to_owned(),
                what: Obstacle::of(metadata.file_type()),
            }),
            _ => Err(failure("entering", path, error).into()),
        },
    }
}

/// The file of a name in a folder, if it is there.
pub(super) fn look(dir: &Dir, name: &str, path: &str) -> Result<Option<There>, Stop> {
    let reading = |error| failure("reading", path, error);
    let mut options = OpenOptions::new();
    options.read(true).nonblock(true).follow(FollowSymlinks::No);
    let mut file = match dir.open_with(name, &options) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let kind = dir.symlink_metadata(name).map(|found| found.file_type());
            return Err(match kind {
                Ok(kind) if !kind.is_file() => obstacle(path, kind),
                _ => reading(error).into(),
            });
        }
    };
    let metadata = file.metadata().map_err(reading)?;
    if !metadata.is_file() {
        return Err(obstacle(path, metadata.file_type()));
    }
    let bytes = read(&mut file, metadata.len()).map_err(reading)?;
    Ok(Some(There {
        bytes,
        executable: is_executable(&metadata),
        stamp: Some(Stamp::of(&metadata)),
    }))
}

fn obstacle(path: &str, kind: FileType) -> Stop {
    Stop::Obstacle {
        path: path.to_owned(),
        what: Obstacle::of(kind),
    }
}

pub(super) fn too_large(length: u64) -> io::Error {
    let why = format!("it has {length} bytes, and labc writes none above {LARGEST}");
    io::Error::new(io::ErrorKind::FileTooLarge, why)
}

/// The bytes of a file that had `length` a moment ago.
fn read(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    if length > LARGEST {
        return Err(too_large(length));
    }
    let length = usize::try_from(length).unwrap_or_default();
    let mut bytes = vec![0; length + 1];
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled == length {
            // More was asked for: there is no more.
            break;
        }
        if filled == bytes.len() {
            // It grew while it was read.
            bytes.resize(filled * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Which file stands at a name now, without opening it; none where it is missing or no file.
pub(super) fn stamp(dir: &Dir, name: &str) -> io::Result<Option<Stamp>> {
    match dir.symlink_metadata(name) {
        Ok(metadata) => Ok(metadata.is_file().then(|| Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What stands at a name, if anything does.
pub(super) fn kind(dir: &Dir, name: &str) -> io::Result<Option<Obstacle>> {
    match dir.symlink_metadata(name) {
        Ok(metadata) => Ok(Some(Obstacle::of(metadata.file_type()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file that is not there yet, with its mode whatever the umask.
pub(super) fn write_new(dir: &Dir, name: &str, bytes: &[u8], mode: Mode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .follow(FollowSymlinks::No);
    let mut file = dir.open_with(name, &options)?;
    file.write_all(bytes)?;
    set_mode(&file, mode)?;
    Ok(file)
}

/// Removes a file or a link, if it is there.
pub(super) fn remove_leftover(dir: &Dir, name: &str) -> io::Result<()> {
    match dir.remove_file_or_symlink(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether a file has the mode that it should have, as far as Git would record it: whether its owner may run it.
pub fn has(there: &There, mode: Mode) -> bool {
    there.executable == (mode == Mode::Program)
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use cap_std::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn set_mode(file: &File, mode: Mode) -> io::Result<()> {
    use cap_std::fs::{Permissions, PermissionsExt as _};
    let bits = match mode {
        Mode::Plain => 0o644,
        Mode::Program => 0o755,
    };
    file.set_permissions(Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: Mode) -> io::Result<()> {
    Ok(())
}

/// Waits until a folder's names are on the disk.
#[cfg(unix)]
pub(super) fn sync(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync(_: &Dir) -> io::Result<()> {
    Ok(())
}
