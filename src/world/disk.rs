//! The file system.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Failure, MAX_FILE, Read};

/// The lab's folder at or above `start`: the nearest one with a `lab.toml`.
pub fn find_lab(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| folder.join("lab.toml").is_file())
        .map(Path::to_owned)
}

fn failure(action: &'static str, path: impl AsRef<Path>, cause: io::Error) -> Failure {
    Failure {
        action,
        path: path.as_ref().display().to_string(),
        cause,
    }
}

pub(super) fn read(root: &Path, path: &str) -> Result<Read, Failure> {
    let full = root.join(path);
    if let Some(why) = leaves(root, &full)? {
        return Ok(Read::Refused(why));
    }
    let metadata = match fs::metadata(&full) {
        Ok(metadata) => metadata,
        Err(error) if is_missing(&error) => return Ok(Read::Missing),
        Err(error) => return Err(failure("reading", path, error)),
    };
    if metadata.is_dir() {
        return Ok(Read::Refused("it is a folder".to_owned()));
    }
    if !metadata.is_file() {
        return Ok(Read::Refused("it is no regular file".to_owned()));
    }
    if metadata.len() > MAX_FILE {
        return Ok(Read::Refused(format!(
            "it has {} bytes, and a source file has at most {MAX_FILE}",
            metadata.len()
        )));
    }
    fs::read(&full)
        .map(Read::Bytes)
        .map_err(|error| failure("reading", path, error))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Why a path leads out of the lab's folder, if it does: a link on the way may.
fn leaves(root: &Path, full: &Path) -> Result<Option<String>, Failure> {
    let resolved = match fs::canonicalize(full) {
        Ok(resolved) => resolved,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(failure("resolving", full, error)),
    };
    let root = fs::canonicalize(root).map_err(|error| failure("resolving", root, error))?;
    Ok((!resolved.starts_with(&root))
        .then(|| "it is a link that leads out of the lab's folder".to_owned()))
}

pub(super) fn list(root: &Path, folder: &str) -> Result<Vec<String>, Failure> {
    let mut files = Vec::new();
    walk(&root.join(folder), folder, &mut files)?;
    files.sort();
    Ok(files)
}

/// Adds the files below a folder; links to folders are not followed.
fn walk(folder: &Path, name: &str, files: &mut Vec<String>) -> Result<(), Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(failure("listing", folder, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| failure("listing", folder, error))?;
        let Some(file) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if file == ".git" || file == ".labc" {
            continue;
        }
        let path = if name.is_empty() {
            file
        } else {
            format!("{name}/{file}")
        };
        let kind = entry
            .file_type()
            .map_err(|error| failure("listing", entry.path(), error))?;
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0644.
    Plain,
    /// 0755.
    Program,
}

/// What writing a file did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there.
    Created,
    /// It held other bytes.
    Changed,
    /// It held these bytes already and was left alone.
    Same,
}

/// Writes a file below `root` whole or not at all: a file beside it takes the bytes, then its name.
///
/// # Errors
/// The machine failed; the file is as it was.
pub fn write_output(root: &Path, path: &str, bytes: &[u8], mode: Mode) -> Result<Written, Failure> {
    let full = root.join(path);
    let before = match fs::read(&full) {
        Ok(before) => Some(before),
        Err(error) if is_missing(&error) => None,
        Err(error) => return Err(failure("reading", path, error)),
    };
    if before.as_deref() == Some(bytes) {
        return Ok(Written::Same);
    }
    let folder = full.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|error| failure("making the folder of", path, error))?;
    replace(folder, &full, bytes, mode).map_err(|error| failure("writing", path, error))?;
    Ok(if before.is_some() {
        Written::Changed
    } else {
        Written::Created
    })
}

fn replace(folder: &Path, full: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.labc"));
    let mut file = fs::File::create(&beside)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| set_mode(&file, mode))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, full));
    if written.is_err() {
        // The temporary file is ours; a failure to remove it changes nothing for the reader of the first error.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn set_mode(file: &fs::File, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let bits = match mode {
        Mode::Plain => 0o644,
        Mode::Program => 0o755,
    };
    file.set_permissions(fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn set_mode(_: &fs::File, _: Mode) -> io::Result<()> {
    Ok(())
}

/// Removes a file below `root`, and the folders that it leaves empty, up to `root`.
///
/// # Errors
/// The machine failed.
pub fn remove_output(root: &Path, path: &str) -> Result<(), Failure> {
    let full = root.join(path);
    match fs::remove_file(&full) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(failure("removing", path, error)),
    }
    let above = full
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != root);
    for folder in above {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
