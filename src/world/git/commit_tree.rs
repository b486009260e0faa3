//! The folder of a lab in a commit, as a world of source: read from Git's objects, without a checkout.
//!
//! It reads as the folder of a checkout would: links are followed as long as they stay inside the lab's folder. The
//! bytes are those that were committed; filters, line endings and attributes are a checkout's affair.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryKind;

use super::{Commit, Repository, reason};
use crate::world::folder::failure;
use crate::world::source::{CIRCLE, ESCAPE, IS_FOLDER, NOWHERE, too_large};
use crate::world::{Failure, MAX_FILE, Read, path};

/// Links that are followed on the way to one file: what the Linux kernel follows.
const MAX_LINKS: usize = 40;
/// Bytes of a link: what the Linux kernel takes.
const MAX_LINK: u64 = 4095;
/// Names that one listing looks at: far above any real lab, and few enough for trees that hold themselves many times.
pub(super) const MAX_NAMES: usize = 1 << 18;
/// Folders that are looked through for a lab that is to be named in a message.
const MAX_SEARCHED: usize = 2000;

/// The folder of a lab in a commit.
#[derive(Clone)]
pub struct CommitTree {
    inner: Arc<Inner>,
}

struct Inner {
    /// The tree of the lab's folder.
    root: ObjectId,
    commit: Commit,
    /// Where the folder is in the repository.
    folder: PathBuf,
    /// What messages call the commit.
    called: String,
    shared: gix::ThreadSafeRepository,
    /// Handles that no thread uses now.
    idle: Mutex<Vec<gix::Repository>>,
    /// Every tree that was read.
    trees: Mutex<BTreeMap<ObjectId, Arc<Entries>>>,
}

/// What a tree holds, by name.
pub(super) type Entries = BTreeMap<Vec<u8>, Entry>;

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
}

/// What a path leads to.
enum Found {
    Nothing,
    File(ObjectId),
    Folder(Place),
    /// A link, where the last one is not to be followed.
    Link,
    /// Another repository, of which the commit knows the name alone.
    Submodule,
    /// Something outside the lab's folder.
    Outside,
    /// Links that lead to each other.
    Circle,
}

/// A folder: the names on the way from the lab's own, each with its tree.
#[derive(Clone)]
struct Place {
    root: ObjectId,
    way: Vec<(Vec<u8>, ObjectId)>,
}

impl Place {
    fn tree(&self) -> ObjectId {
        self.way.last().map_or(self.root, |(_, tree)| *tree)
    }

    fn is(&self, other: &Place) -> bool {
        let names = self.way.iter().map(|(name, _)| name);
        names.eq(other.way.iter().map(|(name, _)| name))
    }
}

impl CommitTree {
    /// A folder of a commit; none where it is not there.
    ///
    /// # Errors
    /// The machine failed: objects that are not here, or damaged.
    pub(super) fn open(
        repository: &Repository,
        commit: Commit,
        folder: &Path,
        called: &str,
    ) -> Result<Option<Self>, Failure> {
        let failed = |error| failure("reading", called, io::Error::other(reason(error)));
        let found = repository.git.find_commit(commit.0).map_err(failed)?;
        let root = found.tree_id().map_err(failed)?.detach();
        let top = Inner {
            root,
            commit,
            folder: folder.to_owned(),
            called: called.to_owned(),
            shared: repository.git.clone().into_sync(),
            idle: Mutex::new(Vec::new()),
            trees: Mutex::new(BTreeMap::new()),
        };
        let mut tree = root;
        for part in folder.components() {
            let entries = top.entries(tree)?;
            match entries.get(part.as_os_str().as_encoded_bytes()) {
                Some(entry) if entry.kind == EntryKind::Tree => tree = entry.id,
                _ => return Ok(None),
            }
        }
        let inner = Arc::new(Inner { root: tree, ..top });
        Ok(Some(CommitTree { inner }))
    }

    /// The commit.
    pub fn commit(&self) -> Commit {
        self.inner.commit
    }

    /// What messages call the commit: `main (3f2a1c9)`.
    pub fn called(&self) -> &str {
        &self.inner.called
    }

    /// What messages call the lab's folder in it.
    pub fn name(&self) -> String {
        match self.inner.folder.as_os_str().is_empty() {
            true => self.inner.called.clone(),
            false => format!("{} at {}", self.inner.folder.display(), self.inner.called),
        }
    }

    /// What stands before the path of a file so that Git knows it too: `3f2a1c9:clusters/home/`.
    pub fn prefix(&self) -> String {
        let short = self.repository().short(self.inner.commit);
        let folder = self.inner.folder.display();
        match self.inner.folder.as_os_str().is_empty() {
            true => format!("{short}:"),
            false => format!("{short}:{folder}/"),
        }
    }

    /// The repository, with the lab's folder as its place in it.
    pub fn repository(&self) -> Repository {
        Repository {
            git: self.inner.shared.to_thread_local(),
            below: self.inner.folder.clone(),
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn read(&self, path: &str) -> Result<Read, Failure> {
        let refused = |why: &str| Ok(Read::Refused(why.to_owned()));
        match self.inner.find(path, true)? {
            Found::File(id) => self.inner.blob(id, path),
            Found::Folder(_) => refused(IS_FOLDER),
            Found::Submodule => refused("it lies in a submodule, which is another repository"),
            Found::Outside => refused(ESCAPE),
            Found::Circle => refused(CIRCLE),
            Found::Link | Found::Nothing => match self.inner.find(path, false)? {
                Found::Link => refused(NOWHERE),
                _ => Ok(Read::Missing),
            },
        }
    }

    /// Every file below a folder, sorted; empty if there is no such folder.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn list(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut walk = Walk {
            tree: &self.inner,
            above: Vec::new(),
            seen: 0,
            files: Vec::new(),
        };
        walk.folder(folder)?;
        walk.files.sort();
        Ok(walk.files)
    }

    /// Whether anything has this name at the top of the lab's folder.
    pub(super) fn stands(&self, name: &str) -> Result<bool, Failure> {
        let entries = self.inner.entries(self.inner.root)?;
        Ok(entries.contains_key(name.as_bytes()))
    }

    /// The folders that hold a file of a name, the nearest to the top first, as far as a quick look finds them.
    pub(super) fn folders_with(&self, name: &str) -> Result<Vec<String>, Failure> {
        let mut folders = VecDeque::from([(String::new(), self.inner.root)]);
        let mut found = Vec::new();
        let mut searched = 0;
        while let Some((folder, tree)) = folders.pop_front() {
            searched += 1;
            if searched > MAX_SEARCHED {
                break;
            }
            let entries = self.inner.entries(tree)?;
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

impl CommitTree {
    pub(super) fn root(&self) -> ObjectId {
        self.inner.root
    }

    pub(super) fn entries(&self, id: ObjectId) -> Result<Arc<Entries>, Failure> {
        self.inner.entries(id)
    }

    pub(super) fn object(
        &self,
        id: ObjectId,
        path: &str,
        most: u64,
    ) -> Result<(u64, Vec<u8>), Failure> {
        self.inner.object(id, path, most)
    }

    /// A path of it as failures name it.
    pub(super) fn say(&self, path: &str) -> String {
        self.inner.say(path)
    }
}

impl Inner {
    /// What a path leads to. Links on the way are followed, one at its end if asked for.
    fn find(&self, path: &str, follows_last: bool) -> Result<Found, Failure> {
        let mut place = Place {
            root: self.root,
            way: Vec::new(),
        };
        let mut todo = parts(path.as_bytes());
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == b".." {
                if place.way.pop().is_none() {
                    return Ok(Found::Outside);
                }
                continue;
            }
            if part.is_empty() || part == b"." {
                continue;
            }
            let entries = self.entries(place.tree())?;
            let Some(entry) = entries.get(&part).copied() else {
                return Ok(Found::Nothing);
            };
            match entry.kind {
                EntryKind::Tree => place.way.push((part, entry.id)),
                EntryKind::Commit => return Ok(Found::Submodule),
                EntryKind::Link if todo.is_empty() && !follows_last => return Ok(Found::Link),
                EntryKind::Link => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Ok(Found::Circle);
                    }
                    match self.link(entry.id, path)? {
                        Some(target) if target.starts_with(b"/") => return Ok(Found::Outside),
                        Some(target) => todo.append(&mut parts(&target)),
                        None => return Ok(Found::Nothing),
                    }
                }
                EntryKind::Blob | EntryKind::BlobExecutable if todo.is_empty() => {
                    return Ok(Found::File(entry.id));
                }
                EntryKind::Blob | EntryKind::BlobExecutable => return Ok(Found::Nothing),
            }
        }
        Ok(Found::Folder(place))
    }

    /// Where a link leads; none if no file system takes it.
    fn link(&self, id: ObjectId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let (size, target) = self.object(id, path, MAX_LINK)?;
        let is_link = (1..=MAX_LINK).contains(&size) && !target.contains(&0);
        Ok(is_link.then_some(target))
    }

    fn blob(&self, id: ObjectId, path: &str) -> Result<Read, Failure> {
        let (size, bytes) = self.object(id, path, MAX_FILE)?;
        Ok(match size > MAX_FILE {
            true => Read::Refused(too_large(size)),
            false => Read::Bytes(bytes),
        })
    }

    /// The size of an object, and what it holds if that is no more than `most`.
    fn object(&self, id: ObjectId, path: &str, most: u64) -> Result<(u64, Vec<u8>), Failure> {
        self.with(|git| {
            let size = git.find_header(id)?.size();
            if size > most {
                return Ok((size, Vec::new()));
            }
            Ok((size, git.find_object(id)?.detach().data))
        })
        .map_err(|error| self.failed(path, &error))
    }

    /// What a tree holds.
    fn entries(&self, id: ObjectId) -> Result<Arc<Entries>, Failure> {
        let known = lock(&self.trees).get(&id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let read = self.with(|git| {
            let data = git.find_tree(id)?.detach().data;
            let mut entries = Entries::new();
            for entry in TreeRefIter::from_bytes(&data, id.kind()) {
                let entry = entry?;
                let kind = entry.mode.kind();
                let id = entry.oid.to_owned();
                // Of a name that is there twice the first counts, as it does to Git.
                let name = entry.filename.to_vec();
                entries.entry(name).or_insert(Entry { kind, id });
            }
            Ok(entries)
        });
        let entries = Arc::new(read.map_err(|error| self.failed("a folder", &error))?);
        lock(&self.trees).insert(id, Arc::clone(&entries));
        Ok(entries)
    }

    /// Runs with a handle of the repository that is this thread's alone.
    fn with<T>(&self, run: impl FnOnce(&gix::Repository) -> gix::Result<T>) -> gix::Result<T> {
        let idle = lock(&self.idle).pop();
        let git = idle.unwrap_or_else(|| self.shared.to_thread_local());
        let result = run(&git);
        lock(&self.idle).push(git);
        result
    }

    fn say(&self, path: &str) -> String {
        format!("{path} at {}", self.called)
    }

    fn failed(&self, path: &str, error: &gix::Error) -> Failure {
        failure("reading", self.say(path), io::Error::other(reason(error)))
    }
}

/// What a lock holds, also where a thread died with it: what it protects is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.rsplit(|byte| *byte == b'/')
        .map(<[u8]>::to_vec)
        .collect()
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
    tree: &'t Inner,
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

impl fmt::Debug for CommitTree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CommitTree({})", self.name())
    }
}
