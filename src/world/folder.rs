//! A folder of the file system by one handle: what is read and written lies beneath it, whatever happens to its name.
//!
//! Knows nothing of the lab; [`super::source`] reads what people wrote, [`super::output`] what labc wrote.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{Failure, LAB};

/// A folder of the file system, opened once. A link or another folder that takes its name meanwhile changes nothing.
#[derive(Clone, Debug)]
pub struct Folder {
    pub(super) dir: Arc<Dir>,
    name: PathBuf,
}

impl Folder {
    /// The folder that stands at `path` now.
    ///
    /// # Errors
    /// There is none, or it may not be entered.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Failure> {
        let name = path.as_ref().to_owned();
        let opened = Dir::open_ambient_dir(&name, ambient_authority());
        let dir = opened.map_err(|cause| failure("opening", name.display(), cause))?;
        let dir = Arc::new(dir);
        Ok(Folder { dir, name })
    }

    /// The folder at `path`, made with those above it where it is missing.
    ///
    /// # Errors
    /// The machine failed.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Failure> {
        let path = path.as_ref();
        fs::create_dir_all(path)
            .map_err(|cause| failure("making the folder", path.display(), cause))?;
        Folder::open(path)
    }

    /// The path that it was opened by.
    pub fn name(&self) -> &Path {
        &self.name
    }
}

/// The lab's folder at or above `start`: the nearest one where something is called `lab.toml`.
pub fn find_lab(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| folder.join(LAB).symlink_metadata().is_ok())
        .map(Path::to_owned)
}

pub(super) fn failure(action: &'static str, path: impl ToString, cause: io::Error) -> Failure {
    Failure {
        action,
        path: path.to_string(),
        cause,
    }
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
