//! What the tree on disk, or in a commit, says to a build: which files are labc's own, which a hand has changed.

use std::collections::BTreeSet;

use super::Known;
use super::gathered::stands_for;
use crate::emit::Output;
use crate::world::{Failure, Obstacle, Stamp, Standing, There, World, has};

/// What a file on disk is, seen from what labc knows as its own and from what the build makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As the build makes it.
    Same,
    /// It is not there, and labc never wrote such a file.
    New,
    /// It is not there, but the lock says that it should be.
    Missing,
    /// As labc wrote it, and the build makes something else.
    Stale,
    /// As the build makes it, but it is a program and may not be run.
    NotExecutable,
    /// As the build makes it, but it may be run and is no program.
    Executable,
    /// Neither as labc wrote it nor as the build makes it.
    HandEdited,
    /// labc never wrote it, and the build would put its own there.
    Foreign,
    /// As labc wrote it, and the build makes it no more.
    Obsolete,
    /// Not as labc wrote it, and the build makes it no more.
    HandEditedObsolete,
    /// Something that labc cannot have written, where a file or a folder must be.
    Blocked(Obstacle),
}

/// One path and its state, where it is not simply the same.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Relative to the lab's folder.
    pub path: String,
    /// What the file is.
    pub state: State,
    /// Which file it is, if one is there.
    pub stamp: Option<Stamp>,
    /// What a file holds that must not be touched.
    pub refused: Option<Vec<u8>>,
}

impl State {
    /// Whether a build must not touch the file without `--force`.
    pub fn is_refused(self) -> bool {
        matches!(
            self,
            State::HandEdited | State::Foreign | State::HandEditedObsolete | State::Blocked(_)
        )
    }
}

/// The state of every path that is not as the build makes it, sorted.
///
/// # Errors
/// The machine failed.
pub fn compare(
    world: &World,
    outputs: &[Output],
    known: &Known<'_>,
) -> Result<Vec<Verdict>, Failure> {
    let subjects = subjects(outputs, known);
    let paths: Vec<&str> = subjects.iter().map(|subject| subject.path).collect();
    let subject = |path: &str| {
        let at = subjects.binary_search_by(|subject| subject.path.cmp(path));
        at.ok().map(|at| &subjects[at])
    };
    let expected = |path: &str| Some(subject(path)?.made?.bytes.as_slice());
    let judged = world.look_at_all(&paths, expected, |path, standing| {
        subject(path).map_or_else(Vec::new, |subject| subject.judge(standing, known))
    })?;
    let mut verdicts: Vec<Verdict> = judged.into_iter().flatten().collect();
    verdicts.sort_by(|left, right| (&left.path, left.state).cmp(&(&right.path, right.state)));
    verdicts.dedup_by(|left, right| (&left.path, left.state) == (&right.path, right.state));
    unblock(world, verdicts, known)
}

/// A path that the build makes, or that labc wrote once.
struct Subject<'a> {
    path: &'a str,
    made: Option<&'a Output>,
}

/// Both sorted lists as one.
fn subjects<'a>(outputs: &'a [Output], known: &Known<'a>) -> Vec<Subject<'a>> {
    let mut subjects: Vec<Subject<'a>> = outputs
        .iter()
        .map(|output| Subject {
            path: &output.path,
            made: Some(output),
        })
        .collect();
    subjects.sort_by(|left, right| left.path.cmp(right.path));
    let mut made = subjects.iter().map(|subject| subject.path).peekable();
    let is_gone = |path: &&str| {
        while made.next_if(|made| made < path).is_some() {}
        made.peek() != Some(path)
    };
    let gone: Vec<&str> = known.paths().filter(is_gone).collect();
    let gone = gone.into_iter();
    subjects.extend(gone.map(|path| Subject { path, made: None }));
    subjects.sort_by(|left, right| left.path.cmp(right.path));
    subjects
}

impl Subject<'_> {
    /// What stands at the path, and what stands in its way.
    fn judge(&self, standing: Standing, known: &Known<'_>) -> Vec<Verdict> {
        match standing {
            Standing::File(there) => self.judge_file(there, known).into_iter().collect(),
            Standing::Nothing => self.judge_nothing(known).into_iter().collect(),
            Standing::Obstacle { path, what } => self.judge_obstacle(path, what, known),
        }
    }

    fn judge_file(&self, there: There, known: &Known<'_>) -> Option<Verdict> {
        let is_own = |there: &There| {
            let mut known = known.hashes(self.path);
            known.any(|known| stands_for(known, self.path, &there.bytes))
        };
        let state = match self.made {
            Some(made) if there.bytes == made.bytes && has(&there, made.mode()) => return None,
            Some(made) if there.bytes == made.bytes && made.executable => State::NotExecutable,
            Some(made) if there.bytes == made.bytes => State::Executable,
            Some(_) if !known.contains(self.path) => State::Foreign,
            Some(_) if is_own(&there) => State::Stale,
            Some(_) => State::HandEdited,
            None if is_own(&there) => State::Obsolete,
            None => State::HandEditedObsolete,
        };
        Some(Verdict {
            path: self.path.to_owned(),
            state,
            stamp: there.stamp,
            refused: state.is_refused().then_some(there.bytes),
        })
    }

    /// The file is to be made; what is made no more may well be gone.
    fn judge_nothing(&self, known: &Known<'_>) -> Option<Verdict> {
        self.made?;
        let expected = known.expects(self.path);
        let state = if expected { State::Missing } else { State::New };
        Some(Verdict::bare(self.path, state))
    }

    /// A folder where a file stood once that is made no more, and whatever is in the way of such a file, is nothing to
    /// labc any longer; a link in its place may be somebody's.
    fn judge_obstacle(&self, path: String, what: Obstacle, known: &Known<'_>) -> Vec<Verdict> {
        let is_here = path == self.path && what != Obstacle::Folder;
        if self.made.is_none() && !is_here {
            return Vec::new();
        }
        let blocked = Verdict::blocked(&path, what);
        let below = self.judge_nothing(known).into_iter();
        below.chain([blocked]).collect()
    }
}

impl Verdict {
    /// Something in the way.
    pub fn blocked(path: &str, what: Obstacle) -> Self {
        Verdict::bare(path, State::Blocked(what))
    }

    /// A state with no file to it.
    pub(super) fn bare(path: &str, state: State) -> Self {
        Verdict {
            path: path.to_owned(),
            state,
            stamp: None,
            refused: None,
        }
    }
}

/// Drops the obstacles that go anyway: a file of labc's own that the build makes no more, where now a folder must be, and
/// a folder of nothing but such files, where now a file must be.
fn unblock(
    world: &World,
    verdicts: Vec<Verdict>,
    known: &Known<'_>,
) -> Result<Vec<Verdict>, Failure> {
    let obsolete: BTreeSet<String> = verdicts
        .iter()
        .filter(|verdict| verdict.state == State::Obsolete)
        .map(|verdict| verdict.path.clone())
        .collect();
    let mut kept = Vec::with_capacity(verdicts.len());
    for verdict in verdicts {
        let goes = match verdict.state {
            State::Blocked(Obstacle::File) => known.contains(&verdict.path),
            State::Blocked(Obstacle::Folder) => {
                let inside = world.files_below(&verdict.path)?;
                !inside.is_empty() && inside.iter().all(|path| obsolete.contains(path))
            }
            _ => false,
        };
        if !goes {
            kept.push(verdict);
        }
    }
    Ok(kept)
}
