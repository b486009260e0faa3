//! The objects of a push that a hook of the server is asked about: Git keeps them apart from all others until the hook
//! has agreed.
//!
//! Where they are, only the environment says; it is believed where it names a folder in the repository's own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::objs::Kind;
use gix::odb::Store;
use gix::odb::memory::Storage;

use super::{Commit, Reason, reason};

/// How Git calls the folder of a push in the environment of a hook.
const FOLDER: &str = "GIT_QUARANTINE_PATH";

/// Bytes of commits and tags of a push that are held in memory: some hundred thousand of them.
const MAX_HISTORY: u64 = 128 << 20;

/// The objects of a push.
#[derive(Clone)]
pub(super) struct Incoming {
    /// The repository, with these objects and no others.
    shared: gix::ThreadSafeRepository,
    /// Its commits and tags.
    history: Arc<Storage>,
}

impl Incoming {
    /// The push to a repository that a hook is asked about; none outside of such a hook.
    ///
    /// # Errors
    /// Its objects cannot be read, or its history is larger than any of a lab.
    pub(super) fn to(git: &gix::Repository) -> Result<Option<Self>, Reason> {
        let objects = git.common_dir().join("objects");
        let Some(folder) = named().and_then(|folder| folder_in(&objects, &folder)) else {
            return Ok(None);
        };
        let store = Store::at_opts(
            folder,
            git.object_hash(),
            &mut std::iter::empty(),
            gix::odb::store::init::Options::default(),
        );
        let mut shared = git.clone().into_sync();
        shared.objects = Arc::new(store.map_err(reason)?);
        let mut incoming = Incoming {
            shared,
            history: Arc::default(),
        };
        incoming.history = Arc::new(history(&incoming.repository())?);
        Ok(Some(incoming))
    }

    /// The repository with nothing but the objects of the push, for one thread. They do not become more.
    pub(super) fn repository(&self) -> gix::Repository {
        let mut git = self.shared.to_thread_local();
        git.objects.refresh_never();
        git
    }

    /// Lets a repository know the history of the push, beside its own.
    pub(super) fn add_history(&self, git: &mut gix::Repository) {
        git.objects.set_object_memory(Storage::clone(&self.history));
    }

    /// The first digits of a commit's id, as many as name it alone here and in the repository; none if it is not here.
    pub(super) fn short(&self, commit: Commit, git: &gix::Repository) -> Option<String> {
        use gix::prelude::ObjectIdExt as _;
        let prefix = commit.0.attach(&self.repository()).shorten().ok()?;
        let other = git.objects.lookup_prefix(prefix, None).ok()?;
        other.is_none().then(|| prefix.to_string())
    }
}

/// Where the environment says that a push is kept.
pub(super) fn named() -> Option<PathBuf> {
    let folder = env::var_os(FOLDER).map(PathBuf::from);
    folder.filter(|folder| !folder.as_os_str().is_empty())
}

/// The folder of a push, if it lies in the objects of a repository.
fn folder_in(objects: &Path, folder: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let objects = fs::canonicalize(objects).ok()?;
    (folder.parent() == Some(objects.as_path())).then_some(folder)
}

/// All commits and tags of a repository.
fn history(git: &gix::Repository) -> Result<Storage, Reason> {
    let mut history = Storage::default();
    let mut bytes = 0;
    for id in git.objects.iter().map_err(reason)? {
        let id = id.map_err(reason)?;
        let header = git.find_header(id).map_err(reason)?;
        if !matches!(header.kind(), Kind::Commit | Kind::Tag) {
            continue;
        }
        bytes += header.size();
        if bytes > MAX_HISTORY {
            return Err(format!(
                "what is pushed has more than {MAX_HISTORY} bytes of commits: push it in parts"
            ));
        }
        let object = git.find_object(id).map_err(reason)?.detach();
        history.insert(id, (object.kind, object.data));
    }
    Ok(history)
}
