//! What earlier builds, and Git, left behind in a lab -> which files of its tree are labc's own, and what is not right.

use std::collections::BTreeMap;

use super::torn::Torn;
use super::{Journal, Known, Lock, Merged, State, Verdict, decode, state};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::emit::Output;
use crate::source::{SourceKind, Sources};
use crate::world::git::Reason;
use crate::world::{Failure, JOURNAL, Mode, Modes, Stamp, Standing, World, has};

/// What is believed about a lock with conflict marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// What Git knows of the merge.
    Git,
    /// Also what stands between the marks.
    GitOrMarks,
}

/// The sides of a conflict in the lock.
enum Sides {
    Merged(Box<Merged>),
    Torn(Torn),
}

impl Sides {
    fn outputs(&self) -> Vec<&BTreeMap<String, String>> {
        match self {
            Sides::Merged(merged) => merged.outputs().collect(),
            Sides::Torn(torn) => torn.outputs().collect(),
        }
    }

    fn is_own(&self, path: &str, bytes: &[u8]) -> bool {
        match self {
            Sides::Merged(merged) => merged.is_own(path, bytes),
            Sides::Torn(torn) => torn.is_own(path, bytes),
        }
    }
}

/// What earlier builds left behind.
#[derive(Default)]
pub struct Before {
    /// The lock, if it can be read.
    pub lock: Option<Lock>,
    /// Its text.
    pub text: Option<Vec<u8>>,
    /// Which file it is.
    pub stamp: Option<Stamp>,
    /// The sides of a conflict, where the lock is what was left of two.
    sides: Option<Sides>,
    /// Why Git cannot tell what was merged, where it was asked.
    pub untold: Option<Reason>,
    /// A build was interrupted.
    pub has_journal: bool,
    /// Its journal, if it can be read.
    pub journal: Option<Journal>,
    /// What is wrong with how they stand there: something else is in their place, or a mode.
    wrong: Vec<Verdict>,
}

impl Before {
    /// Reads the lock and the journal. A broken one is reported, but for a lock whose two sides Git can tell.
    ///
    /// # Errors
    /// The machine failed.
    pub fn read(
        world: &World,
        evidence: Evidence,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failure> {
        let mut before = Before::default();
        let mut found = Diagnostics::default();
        before.read_lock(world, sources, &mut found)?;
        let is_torn =
            |found: &Diagnostic| [Code::LOCK_CONFLICT, Code::LOCK_DAMAGED].contains(&found.code);
        if before.lock.is_none() && before.text.is_some() && found.iter().all(is_torn) {
            before.sides = before.sides_of(world, evidence);
        }
        if before.sides.is_none() {
            diagnostics.append(found);
        }
        // A build that was interrupted is an affair of the disk that it wrote to.
        if !matches!(world, World::Commit(_)) {
            before.read_journal(world, diagnostics)?;
        }
        Ok(before)
    }

    /// Whether the lock is what a conflict left of two.
    pub fn is_torn(&self) -> bool {
        self.sides.is_some()
    }

    /// The sides of a conflict in the lock, as far as they can be told.
    fn sides_of(&mut self, world: &World, evidence: Evidence) -> Option<Sides> {
        if let Some(merged) = self.merge_around(world) {
            return Some(Sides::Merged(Box::new(merged)));
        }
        let text = self
            .text
            .as_deref()
            .filter(|_| evidence == Evidence::GitOrMarks);
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(Torn::of).map(Sides::Torn)
    }

    fn read_lock(
        &mut self,
        world: &World,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failure> {
        match world.look(super::FILE)? {
            Standing::Nothing => {}
            Standing::Obstacle { path, what } => {
                self.wrong.push(Verdict::blocked(&path, what));
            }
            Standing::File(there) => {
                if !has(&there, Mode::Plain) {
                    let verdict = Verdict::bare(super::FILE, State::Executable);
                    self.wrong.push(verdict);
                }
                let text = String::from_utf8_lossy(&there.bytes);
                let name = super::FILE.to_owned();
                let source = sources.add(name, text.as_ref().into(), SourceKind::Lab);
                self.lock = decode(source, &text, diagnostics);
                self.stamp = there.stamp;
                self.text = Some(there.bytes);
            }
        }
        Ok(())
    }

    fn read_journal(
        &mut self,
        world: &World,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failure> {
        match world.look(JOURNAL)? {
            Standing::Nothing => {}
            Standing::Obstacle { path, what } => {
                self.wrong.push(Verdict::blocked(&path, what));
            }
            Standing::File(there) => {
                self.has_journal = true;
                match Journal::decode(&there.bytes) {
                    Ok(journal) => self.journal = Some(journal),
                    Err(broken) => diagnostics.push(*broken),
                }
            }
        }
        Ok(())
    }

    /// All that tells what is labc's own.
    pub fn known(&self) -> Known<'_> {
        let mut known = Known::new(self.lock.as_ref(), self.journal.as_ref());
        for side in self.sides.iter().flat_map(Sides::outputs) {
            for (path, sha256) in side {
                known.add(path, sha256);
            }
        }
        known
    }

    /// The state of every path of a world that is not as a build makes it, sorted. For a commit: the outputs that are not
    /// its own compile.
    ///
    /// # Errors
    /// The machine failed.
    pub fn compare(&mut self, world: &World, outputs: &[Output]) -> Result<Vec<Verdict>, Failure> {
        let mut verdicts = state::compare(world, outputs, &self.known())?;
        self.settle(world, &mut verdicts);
        verdicts.splice(0..0, self.wrong.iter().cloned());
        settle_modes(world, &mut verdicts);
        Ok(verdicts)
    }

    /// Takes what a Git merge made of labc's own files for its own.
    fn settle(&mut self, world: &World, verdicts: &mut [Verdict]) {
        if !verdicts.iter().any(|verdict| verdict.refused.is_some()) {
            return;
        }
        let around = match self.sides {
            Some(_) => None,
            None => self
                .merge_around(world)
                .map(|merged| Sides::Merged(Box::new(merged))),
        };
        let Some(sides) = self.sides.as_ref().or(around.as_ref()) else {
            return;
        };
        for verdict in verdicts {
            let bytes = verdict.refused.as_deref();
            if !bytes.is_some_and(|bytes| sides.is_own(&verdict.path, bytes)) {
                continue;
            }
            verdict.state = match verdict.state {
                State::HandEditedObsolete => State::Obsolete,
                _ => State::Stale,
            };
            verdict.refused = None;
        }
    }

    /// The Git merge that a world is in or just had. Without Git, nothing is known of it.
    fn merge_around(&mut self, world: &World) -> Option<Merged> {
        match Merged::of(world) {
            Ok(merged) => merged,
            Err(why) => {
                self.untold = Some(why);
                None
            }
        }
    }
}

/// Drops what is wrong with modes that count for nothing. Where nobody knows, a file that may be run and need not is left
/// as it is: there are file systems that know no other.
fn settle_modes(world: &World, verdicts: &mut Vec<Verdict>) {
    let is_of_mode = |state| matches!(state, State::NotExecutable | State::Executable);
    if !verdicts.iter().any(|verdict| is_of_mode(verdict.state)) {
        return;
    }
    let modes = world.modes();
    verdicts.retain(|verdict| match verdict.state {
        State::NotExecutable => modes != Modes::Unrecorded,
        State::Executable => modes == Modes::Recorded,
        _ => true,
    });
}
