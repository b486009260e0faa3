//! The folder of a lab in a commit, as a world of source: read from Git's objects, without a checkout.
//!
//! It reads as the folder of a checkout would: links are followed as long as they stay inside the lab's folder. The
//! bytes are those that were committed; filters, line endings and attributes are a checkout's affair.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryKind;

use super::{Commit, Incoming, Repository, reason};
use crate::world::folder::failure;
use crate::world::source::{CIRCLE, ESCAPE, IS_FOLDER, NOWHERE, too_large};
use crate::world::{Failure, MAX_FILE, Read};

/// Links that are followed on the way to one file: what the Linux kernel follows.
const MAX_LINKS: usize = 40;
/// Bytes of a link: what the Linux kernel takes.
const MAX_LINK: u64 = 4095;
/// Bytes of a tree: some hundred thousand names.
const MAX_TREE: u64 = 16 << 20;

/// The folder of a lab in a commit.
#[derive(Clone)]
pub struct CommitTree {
    /// The tree of the lab's folder.
    root: ObjectId,
    inner: Arc<Inner>,
}

struct Inner {
    commit: Commit,
    /// Where the folder is in the repository.
    folder: PathBuf,
    /// What messages call the commit.
    called: String,
    shared: gix::ThreadSafeRepository,
    /// The push that it may lie in.
    incoming: Option<Incoming>,
    /// Handles that no thread uses now.
    idle: Mutex<Vec<Handles>>,
    /// Every tree that was read.
    trees: Mutex<BTreeMap<ObjectId, Arc<Entries>>>,
}

/// A thread's own ways to the objects.
struct Handles {
    git: gix::Repository,
    incoming: Option<gix::Repository>,
}

/// What a tree holds, by name.
pub(super) type Entries = BTreeMap<Vec<u8>, Entry>;

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
}

/// What a path leads to.
pub(super) enum Found {
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
pub(super) struct Place {
    root: ObjectId,
    way: Vec<(Vec<u8>, ObjectId)>,
}

impl Place {
    pub(super) fn tree(&self) -> ObjectId {
        self.way.last().map_or(self.root, |(_, tree)| *tree)
    }

    pub(super) fn is(&self, other: &Place) -> bool {
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
        let inner = Arc::new(Inner {
            commit,
            folder: folder.to_owned(),
            called: called.to_owned(),
            shared: repository.git.clone().into_sync(),
            incoming: repository.incoming.clone(),
            idle: Mutex::new(Vec::new()),
            trees: Mutex::new(BTreeMap::new()),
        });
        let mut tree = CommitTree { root, inner };
        for part in folder.components() {
            let entries = tree.entries(tree.root)?;
            match entries.get(part.as_os_str().as_encoded_bytes()) {
                Some(entry) if entry.kind == EntryKind::Tree => tree.root = entry.id,
                _ => return Ok(None),
            }
        }
        Ok(Some(tree))
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
        let git = self.inner.shared.to_thread_local();
        Repository::new(git, self.inner.incoming.clone(), self.inner.folder.clone())
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// The machine failed.
    pub(in crate::world) fn read(&self, path: &str) -> Result<Read, Failure> {
        let refused = |why: &str| Ok(Read::Refused(why.to_owned()));
        match self.find(path, true)? {
            Found::File(id) => self.blob(id, path),
            Found::Folder(_) => refused(IS_FOLDER),
            Found::Submodule => refused("it lies in a submodule, which is another repository"),
            Found::Outside => refused(ESCAPE),
            Found::Circle => refused(CIRCLE),
            Found::Link | Found::Nothing => match self.find(path, false)? {
                Found::Link => refused(NOWHERE),
                _ => Ok(Read::Missing),
            },
        }
    }

    /// What a file holds; none where there is none, or a link. One that is larger than any file of a lab is a failure.
    pub(super) fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Found::File(id) = self.find(path, false)? else {
            return Ok(None);
        };
        let (size, bytes) = self.object(id, path, MAX_FILE)?;
        match size > MAX_FILE {
            true => Err(failure(
                "reading",
                self.say(path),
                io::Error::other(too_large(size)),
            )),
            false => Ok(Some(bytes)),
        }
    }

    /// Whether anything has this name at the top of the lab's folder.
    pub(super) fn stands(&self, name: &str) -> Result<bool, Failure> {
        let entries = self.entries(self.root)?;
        Ok(entries.contains_key(name.as_bytes()))
    }

    /// The tree of the lab's folder.
    pub(super) fn root(&self) -> ObjectId {
        self.root
    }

    /// What a path leads to. Links on the way are followed, one at its end if asked for.
    pub(super) fn find(&self, path: &str, follows_last: bool) -> Result<Found, Failure> {
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
    pub(super) fn object(
        &self,
        id: ObjectId,
        path: &str,
        most: u64,
    ) -> Result<(u64, Vec<u8>), Failure> {
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
    pub(super) fn entries(&self, id: ObjectId) -> Result<Arc<Entries>, Failure> {
        if let Some(known) = lock(&self.inner.trees).get(&id) {
            return Ok(Arc::clone(known));
        }
        let (size, data) = self.object(id, "a folder", MAX_TREE)?;
        if size > MAX_TREE {
            let why = io::Error::other("it has too many files");
            return Err(failure("reading", self.say("a folder"), why));
        }
        let mut entries = Entries::new();
        for entry in TreeRefIter::from_bytes(&data, id.kind()) {
            let entry = entry.map_err(|error| self.failed("a folder", &error))?;
            let (kind, id) = (entry.mode.kind(), entry.oid.to_owned());
            // Of a name that is there twice the first counts, as it does to Git.
            let name = entry.filename.to_vec();
            entries.entry(name).or_insert(Entry { kind, id });
        }
        let entries = Arc::new(entries);
        lock(&self.inner.trees).insert(id, Arc::clone(&entries));
        Ok(entries)
    }

    /// Runs with a handle of the repository that is this thread's alone: first with what is pushed, if anything is.
    fn with<T>(&self, run: impl Fn(&gix::Repository) -> gix::Result<T>) -> gix::Result<T> {
        let idle = lock(&self.inner.idle).pop();
        let handles = idle.unwrap_or_else(|| self.handles());
        let incoming = handles.incoming.as_ref();
        let result = match incoming.and_then(|incoming| run(incoming).ok()) {
            Some(result) => Ok(result),
            None => run(&handles.git),
        };
        lock(&self.inner.idle).push(handles);
        result
    }

    fn handles(&self) -> Handles {
        let incoming = self.inner.incoming.as_ref();
        Handles {
            git: self.inner.shared.to_thread_local(),
            incoming: incoming.map(Incoming::repository),
        }
    }

    /// A path of it as failures name it.
    pub(super) fn say(&self, path: &str) -> String {
        format!("{path} at {}", self.inner.called)
    }

    fn failed(&self, path: &str, error: &gix::Error) -> Failure {
        let mut why = reason(error);
        let is_partial = |git: &gix::Repository| {
            let names = git.remote_names();
            let promises = |name| {
                let key = format!("remote.{name}.promisor");
                git.config_snapshot().boolean(&key) == Some(true)
            };
            Ok(names.into_iter().any(promises))
        };
        if self.with(is_partial).unwrap_or(false) {
            why.push_str(
                "; this clone is partial, and labc fetches nothing: run `git fetch --refetch --no-filter`, or clone \
                 without `--filter`",
            );
        }
        failure("reading", self.say(path), io::Error::other(why))
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

impl fmt::Debug for CommitTree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CommitTree({})", self.name())
    }
}
