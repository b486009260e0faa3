//! What was called a commit and is none -> what is wrong with it, and what to do.

use gix::revision::spec::parse::Error;

use super::{Reason, Repository, incoming, reason};
use crate::diag::did_you_mean;
use crate::world::Failure;

/// What to do where a commit may lie beyond the end of a shallow clone.
const DEEPEN: &str = "this clone is shallow, its history is cut off: run `git fetch --unshallow`, or let CI clone with \
                      all history (GitHub Actions: `fetch-depth: 0`)";

/// Why what somebody called a commit gives none.
#[derive(Debug)]
pub enum Unresolved {
    /// There is no such commit, or no lab in it.
    Unknown {
        /// What is wrong.
        message: String,
        /// What is known beside it.
        notes: Vec<String>,
        /// What to do.
        help: Option<String>,
    },
    /// The machine failed.
    Failed(Failure),
}

impl From<Failure> for Unresolved {
    fn from(failure: Failure) -> Self {
        Unresolved::Failed(failure)
    }
}

impl Repository {
    /// What to say where the parser found nothing.
    pub(super) fn unresolved(&self, revision: &str, error: &gix::Error) -> Unresolved {
        let recoverable = error
            .iter_errors()
            .find_map(|error| error.downcast_ref::<Error>());
        match recoverable {
            Some(Error::AmbiguousPrefix { candidates, .. }) => {
                let candidates = candidates
                    .iter()
                    .map(|(id, what)| format!("{id} is a {what}"));
                Unresolved::Unknown {
                    message: format!("`{revision}` is the beginning of several ids"),
                    notes: candidates.collect(),
                    help: Some("give more digits of the one that is meant".to_owned()),
                }
            }
            _ => self.absent(revision),
        }
    }

    /// What to say where something is not there.
    pub(super) fn absent(&self, revision: &str) -> Unresolved {
        let end = revision.find(['~', '^', '@', ':']);
        let (word, rest) = revision.split_at(end.unwrap_or(revision.len()));
        let from = if word.is_empty() { "HEAD" } else { word };
        let is_there = self.git.rev_parse_single(from).is_ok();
        let note = match (from, rest) {
            ("HEAD", _) if !is_there => Some(self.why_no_head()),
            ("HEAD", rest) if rest.starts_with("@{u") => {
                Some("the branch that is checked out follows none that is there".to_owned())
            }
            (_, rest) if is_there && rest.starts_with("@{u") => {
                Some(format!("`{from}` follows no branch that is there"))
            }
            _ => is_there
                .then(|| format!("`{from}` is there, and `{rest}` leads from it to nothing")),
        };
        let is_head = from == "HEAD";
        let meant = if is_there || is_head {
            None
        } else {
            self.meant(from)
        };
        Unresolved::Unknown {
            message: format!("there is no revision `{revision}`"),
            notes: note.into_iter().chain(self.kept_elsewhere()).collect(),
            help: meant.or_else(|| self.cut_off()),
        }
    }

    /// What a hook should know whose push is not where labc looks for it.
    fn kept_elsewhere(&self) -> Option<String> {
        let folder = incoming::named().filter(|_| self.incoming.is_none())?;
        Some(format!(
            "what is pushed is kept in {}, and labc takes it from a folder in the repository's own objects alone",
            folder.display()
        ))
    }

    fn why_no_head(&self) -> String {
        match self.git.head() {
            Ok(head) if head.is_unborn() => "the branch has no commit yet".to_owned(),
            Ok(_) => "its commit is not in the repository".to_owned(),
            Err(error) => reason(error),
        }
    }

    /// The branch or tag that a word most probably means.
    fn meant(&self, word: &str) -> Option<String> {
        let names = self.names();
        let remote = names.iter().find(|name| {
            name.strip_suffix(word)
                .is_some_and(|before| before.ends_with('/'))
        });
        match remote {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None => did_you_mean(word, names.iter().map(String::as_str)),
        }
    }

    /// The names of all branches and tags, as far as they can be read.
    fn names(&self) -> Vec<String> {
        let Ok(references) = self.git.references() else {
            return Vec::new();
        };
        let found = references.all().into_iter().flatten().flatten();
        let short = found.map(|found| found.name().shorten().to_string());
        short.chain(["HEAD".to_owned()]).collect()
    }

    pub(super) fn cut_off(&self) -> Option<String> {
        let is_shallow = self.git.is_shallow().unwrap_or(false);
        is_shallow.then(|| DEEPEN.to_owned())
    }
}

pub(super) fn unknown(message: String, help: Option<String>) -> Unresolved {
    Unresolved::Unknown {
        message,
        notes: Vec::new(),
        help,
    }
}

pub(super) fn failed(action: &'static str, why: Reason) -> Unresolved {
    Unresolved::Failed(Failure {
        action,
        path: "the Git repository".to_owned(),
        cause: std::io::Error::other(why),
    })
}
