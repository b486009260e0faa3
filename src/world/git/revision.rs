//! What people call a commit -> the commit, and the lab's folder in it.
//!
//! The words are Git's own: `HEAD~3`, `main@{upstream}`, `v1.2`, `3f2a1c9`, and `main:clusters/home` for a folder.

use std::path::{Path, PathBuf};

use gix::objs::Kind;
use gix::revision::Spec;
use gix::revision::plumbing::Spec::Include;
use gix::revision::spec::parse::{ObjectKindHint, Options};

use super::unresolved::{failed, unknown};
use super::{Commit, CommitTree, Incoming, Repository, Unresolved, reason};
use crate::world::{Failure, LAB};

/// Where a work goes to if its branch does not say so: the first of these that is there.
const UPSTREAMS: [&str; 5] = [
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
];

/// Where a commit's lab is looked for, beginning with the folder that the repository was found from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// That folder itself: somebody named it.
    Here,
    /// That folder, or else the nearest one above it that has a lab.
    HereOrAbove,
}

impl Repository {
    /// The commit that a revision names: any of Git's ways to name one, but for the index and searches for a message.
    /// A tag gives the commit that it is of.
    ///
    /// # Errors
    /// It names none, several, or something else.
    pub fn resolve(&self, revision: &str) -> Result<Commit, Unresolved> {
        if revision.is_empty() {
            return Err(unknown("a revision has no name".to_owned(), None));
        }
        if revision.starts_with(':') || revision.contains("^{/") {
            let message =
                format!("`{revision}` is the index or a search, and a commit is asked for");
            let help = "name a branch, a tag or a commit: `HEAD~1`, `main`, `v1.2`";
            return Err(unknown(message, Some(help.to_owned())));
        }
        let options = Options {
            object_kind_hint: Some(ObjectKindHint::Committish),
            ..Options::default()
        };
        let followed = self.of_local_upstream(revision);
        let asked = followed.as_deref().unwrap_or(revision);
        let spec = Spec::from_bstr(asked, &self.git, options).map(Spec::detach);
        let spec = spec.or_else(|error| {
            // An id of what is pushed is not among those of the repository.
            let incoming = self.incoming.as_ref().map(Incoming::repository);
            let spec = incoming.map(|git| Spec::from_bstr(asked, &git, options).map(Spec::detach));
            spec.and_then(Result::ok).ok_or(error)
        });
        let spec = spec.map_err(|error| self.unresolved(revision, &error))?;
        let Include(id) = spec else {
            let message = format!("`{revision}` names several commits, and one is asked for");
            return Err(unknown(message, None));
        };
        let object = self.git.find_object(id);
        let object = object.map_err(|_| self.absent(revision))?;
        let kind = object.kind;
        match object.peel_to_kind(Kind::Commit) {
            Ok(commit) => Ok(Commit(commit.id)),
            Err(_) => Err(unknown(
                format!("`{revision}` is no commit: it is a {kind}"),
                None,
            )),
        }
    }

    /// The lab at a revision. `REVISION:FOLDER` names its folder as Git does, from the top of the repository or, with `./`
    /// before it, from where it was found; else the folder is where `start` says.
    ///
    /// # Errors
    /// There is no such commit, or no lab in that folder of it.
    pub fn lab(&self, revision: &str, start: Start) -> Result<CommitTree, Unresolved> {
        let (name, named) = match split(revision) {
            Some((name, folder)) => (name, Some(self.folder(folder))),
            None => (revision, None),
        };
        let commit = self.resolve(name)?;
        let called = self.called(name, commit);
        let above = if start == Start::Here { 1 } else { usize::MAX };
        let folders = match &named {
            Some(folder) => folder.ancestors().take(1),
            None => self.below.ancestors().take(above),
        };
        for folder in folders {
            if let Some(tree) = CommitTree::open(self, commit, folder, &called)?
                && tree.stands(LAB)?
            {
                return Ok(tree);
            }
        }
        Err(self.no_lab(commit, named.as_ref().unwrap_or(&self.below), name)?)
    }

    /// A folder as it is written behind a revision.
    fn folder(&self, written: &str) -> PathBuf {
        let is_relative = [".", ".."].contains(&written.split('/').next().unwrap_or_default());
        let mut folder = match is_relative {
            true => self.below.clone(),
            false => PathBuf::new(),
        };
        for part in written.split('/') {
            match part {
                "" | "." => {}
                ".." => _ = folder.pop(),
                _ => folder.push(part),
            }
        }
        folder
    }

    /// What to say of a commit that has no lab in a folder.
    fn no_lab(&self, commit: Commit, folder: &Path, name: &str) -> Result<Unresolved, Failure> {
        let called = self.called(name, commit);
        let top = CommitTree::open(self, commit, Path::new(""), &called)?;
        let labs = top.map_or(Ok(Vec::new()), |top| top.folders_with(LAB))?;
        let place = match folder.as_os_str().is_empty() {
            true => called,
            false => format!("`{}` at {called}", folder.display()),
        };
        let help = match labs.first() {
            Some(lab) => format!("name its folder after the revision: `{name}:{lab}`"),
            None => "name a commit that has a lab".to_owned(),
        };
        let message = format!("there is no {LAB} in {place}");
        Ok(unknown(message, Some(help)))
    }

    /// What messages call a commit: as it was asked for, with the first digits of its id.
    fn called(&self, revision: &str, commit: Commit) -> String {
        let short = self.short(commit);
        match revision.starts_with(&short) {
            true => short,
            false => format!("{revision} ({short})"),
        }
    }

    /// The best commit that two have in their histories both.
    ///
    /// # Errors
    /// There is none, or the history is cut off before it.
    pub fn merge_base(&self, one: Commit, other: Commit) -> Result<Commit, Unresolved> {
        let base = self.git.merge_base(one.0, other.0);
        match base.map_err(|error| failed("comparing histories", reason(error)))? {
            Some(base) => Ok(Commit(base.detach())),
            None => {
                let (one, other) = (self.short(one), self.short(other));
                let message = format!("{one} and {other} have no commit in common");
                Err(unknown(message, self.cut_off()))
            }
        }
    }

    /// The branch that the work goes to, with its name: what the configuration of the current branch says it follows;
    /// else `origin/HEAD`, `origin/main`, `origin/master`, `main` or `master`, the first that is there.
    ///
    /// # Errors
    /// There is none of them.
    pub fn upstream(&self) -> Result<(String, Commit), Unresolved> {
        if let Some(name) = self.followed()
            && let Ok(commit) = self.resolve(&name)
        {
            return Ok((name, commit));
        }
        for name in UPSTREAMS {
            if let Ok(Some(found)) = self.git.try_find_reference(name) {
                // What `origin/HEAD` is another name of says more.
                let target = found.target();
                let name = target.try_name().unwrap_or(found.name());
                let name = name.shorten().to_string();
                return self.resolve(&name).map(|commit| (name, commit));
            }
        }
        Err(unknown(
            "it is not known which branch this work goes to".to_owned(),
            Some(
                "name a revision, or say it once: `git branch --set-upstream-to origin/main`"
                    .to_owned(),
            ),
        ))
    }

    /// A revision that names what a branch follows by the name of that, where it is a branch of the same repository.
    fn of_local_upstream(&self, revision: &str) -> Option<String> {
        let words = ["@{u}", "@{upstream}"];
        let (at, word) = words
            .iter()
            .find_map(|word| Some((revision.find(word)?, word)))?;
        let head = self.git.head_name().ok().flatten();
        let head = head.map(|name| name.shorten().to_string());
        let branch = match &revision[..at] {
            "" | "@" | "HEAD" => head?,
            name => name.to_owned(),
        };
        let config = self.git.config_snapshot();
        let value = |key: &str| config.string(&format!("branch.{branch}.{key}"));
        let is_local = value("remote").is_some_and(|remote| remote == ".");
        let name = value("merge").filter(|_| is_local)?;
        Some(format!("{name}{}", &revision[at + word.len()..]))
    }

    /// The branch that the current one follows.
    fn followed(&self) -> Option<String> {
        if let Some(name) = self.of_local_upstream("@{upstream}") {
            return Some(name.trim_start_matches("refs/heads/").to_owned());
        }
        let spec = self.git.rev_parse("@{upstream}").ok()?;
        let name = spec.first_reference()?.name.shorten().to_string();
        Some(name)
    }
}

/// `REVISION:FOLDER` in its parts; a colon in braces belongs to the revision (`main@{10:30}`).
fn split(revision: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let colon = revision.char_indices().find(|(_, letter)| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *letter == ':' && depth == 0
    })?;
    let (name, folder) = revision.split_at(colon.0);
    (!name.is_empty()).then_some((name, &folder[1..]))
}
