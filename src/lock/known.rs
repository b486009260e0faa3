//! Which bytes are labc's own, from all who can tell: the lock, the journal of a build that was interrupted.

use std::collections::BTreeMap;
use std::iter;

use super::{Journal, Lock};

/// The bytes that labc wrote itself, by path. Each source of knowledge adds to it; none takes anything away.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    paths: BTreeMap<&'a str, Own<'a>>,
}

/// What is known of one path.
#[derive(Clone, Debug)]
struct Own<'a> {
    sha256: &'a str,
    /// Other bytes that were labc's own, too: with no build interrupted and nothing merged, there are none.
    others: Vec<&'a str>,
    /// The lock says that the file is there, and no interrupted build had its hands on it.
    is_expected: bool,
}

impl<'a> Known<'a> {
    /// What a lock and the journal of an interrupted build tell.
    pub fn new(lock: Option<&'a Lock>, journal: Option<&'a Journal>) -> Self {
        let mut known = Known::default();
        if let Some(lock) = lock {
            known.add_lock(lock);
        }
        if let Some(journal) = journal {
            known.add_journal(journal);
        }
        known
    }

    fn add_lock(&mut self, lock: &'a Lock) {
        if self.paths.is_empty() {
            let own = |sha256: &'a String| Own {
                sha256,
                others: Vec::new(),
                is_expected: true,
            };
            let outputs = lock.outputs.iter();
            self.paths = outputs
                .map(|(path, sha256)| (path.as_str(), own(sha256)))
                .collect();
            return;
        }
        for (path, sha256) in &lock.outputs {
            self.add(path, sha256);
        }
    }

    fn add_journal(&mut self, journal: &'a Journal) {
        for (path, hashes) in &journal.paths {
            for sha256 in hashes {
                self.add(path, sha256);
            }
            if let Some(own) = self.paths.get_mut(path.as_str()) {
                own.is_expected = false;
            }
        }
    }

    /// Adds bytes that are labc's own at a path.
    pub fn add(&mut self, path: &'a str, sha256: &'a str) {
        let known = self.paths.entry(path);
        let known = known.and_modify(|own| own.others.push(sha256));
        known.or_insert(Own {
            sha256,
            others: Vec::new(),
            is_expected: false,
        });
    }

    /// The hashes of all that labc wrote at a path.
    pub fn hashes(&self, path: &str) -> impl Iterator<Item = &'a str> {
        let own = self.paths.get(path).into_iter();
        own.flat_map(|own| iter::once(own.sha256).chain(own.others.iter().copied()))
    }

    /// Whether labc wrote something at a path.
    pub fn contains(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// Whether a file must be at a path that nobody removed.
    pub fn expects(&self, path: &str) -> bool {
        self.paths.get(path).is_some_and(|own| own.is_expected)
    }

    /// Every path that labc wrote something at, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &'a str> {
        self.paths.keys().copied()
    }
}
