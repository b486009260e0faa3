//! What earlier builds, and Git, left behind to tell which files of a tree are labc's own.

use super::Common;
use super::output::say;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::lock::{self, Journal, Known, Lock, Merged, State, Verdict};
use crate::source::{SourceKind, Sources};
use crate::world::{Failure, Folder, JOURNAL, Stamp, Standing};

/// What earlier builds left behind.
#[derive(Default)]
pub(super) struct Before {
    /// The lock, if it can be read.
    pub(super) lock: Option<Lock>,
    /// Its text.
    pub(super) text: Option<Vec<u8>>,
    /// Which file it is.
    pub(super) stamp: Option<Stamp>,
    /// The sides of a Git merge, where the lock is what it left of two.
    sides: Option<Merged>,
    /// A build was interrupted.
    pub(super) has_journal: bool,
    /// Its journal, if it can be read.
    pub(super) journal: Option<Journal>,
    /// What stands where one of them must be.
    pub(super) blocked: Vec<Verdict>,
}

impl Before {
    /// Reads the lock and the journal. A broken one is reported, but for a lock whose two sides Git can tell.
    pub(super) fn read(
        common: &Common,
        folder: &Folder,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failure> {
        let mut before = Before::default();
        let mut found = Diagnostics::default();
        before.read_lock(folder, sources, &mut found)?;
        let is_torn =
            |found: &Diagnostic| [Code::LOCK_CONFLICT, Code::LOCK_DAMAGED].contains(&found.code);
        if before.lock.is_none() && before.text.is_some() && found.iter().all(is_torn) {
            before.sides = merge_around(common, folder);
        }
        if before.sides.is_none() {
            diagnostics.append(found);
        }
        before.read_journal(folder, diagnostics)?;
        Ok(before)
    }

    fn read_lock(
        &mut self,
        folder: &Folder,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failure> {
        match folder.look(lock::FILE)? {
            Standing::Nothing => {}
            Standing::Obstacle { path, what } => {
                self.blocked.push(Verdict::blocked(&path, what));
            }
            Standing::File(there) => {
                let text = String::from_utf8_lossy(&there.bytes);
                let source =
                    sources.add(lock::FILE.to_owned(), text.as_ref().into(), SourceKind::Lab);
                self.lock = lock::decode(source, &text, diagnostics);
                self.stamp = Some(there.stamp);
                self.text = Some(there.bytes);
            }
        }
        Ok(())
    }

    fn read_journal(
        &mut self,
        folder: &Folder,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failure> {
        match folder.look(JOURNAL)? {
            Standing::Nothing => {}
            Standing::Obstacle { path, what } => {
                self.blocked.push(Verdict::blocked(&path, what));
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
    pub(super) fn known(&self) -> Known<'_> {
        let mut known = Known::new(self.lock.as_ref(), self.journal.as_ref());
        for side in self.sides.iter().flat_map(Merged::outputs) {
            for (path, sha256) in side {
                known.add(path, sha256);
            }
        }
        known
    }

    /// Takes what a Git merge made of labc's own files for its own.
    pub(super) fn settle(&self, common: &Common, folder: &Folder, verdicts: &mut [Verdict]) {
        if !verdicts.iter().any(|verdict| verdict.refused.is_some()) {
            return;
        }
        let around = match self.sides {
            Some(_) => None,
            None => merge_around(common, folder),
        };
        let Some(merged) = self.sides.as_ref().or(around.as_ref()) else {
            return;
        };
        for verdict in verdicts {
            let bytes = verdict.refused.as_deref();
            if !bytes.is_some_and(|bytes| merged.is_own(&verdict.path, bytes)) {
                continue;
            }
            verdict.state = match verdict.state {
                State::HandEditedObsolete => State::Obsolete,
                _ => State::Stale,
            };
            verdict.refused = None;
        }
    }
}

/// The Git merge that the lab is in or just had. Without Git, nothing is known of it.
fn merge_around(common: &Common, folder: &Folder) -> Option<Merged> {
    match Merged::of(folder.name()) {
        Ok(merged) => merged,
        Err(why) => {
            if common.verbose {
                let note = format!("note: Git cannot tell what was merged: {why}");
                say(common, &note);
            }
            None
        }
    }
}
