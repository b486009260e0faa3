//! `labc build`: compile, compare with the tree on disk, and write it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::compared::{Compared, How, compare, leave, print_with_differences, verify};
use super::output::{count, diagnostics, say};
use super::{Common, Exit};
use crate::compile;
use crate::diag::{Diagnostic, Diagnostics};
use crate::emit::emit;
use crate::lock::{self, Plan, State, Verdict};
use crate::parse::LAB;
use crate::source::Sources;
use crate::world::{Failure, Folder, Guard, Read, Stop, World};

/// Compile the lab and write out/ and lab.lock
#[derive(Debug, Args)]
pub(super) struct Build {
    /// Write the same bytes below DIR instead: touches no lock, removes nothing
    #[arg(long, value_name = "DIR", conflicts_with = "locked")]
    out: Option<PathBuf>,
    /// Fail where anything would change, instead of writing it
    #[arg(long)]
    locked: bool,
    /// Overwrite files that were edited by hand
    #[arg(long, conflicts_with = "locked")]
    force: bool,
}

impl Build {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (folder, world) = common.world()?;
        if let Some(elsewhere) = &self.out {
            return self.elsewhere(common, &world, elsewhere);
        }
        let how = if self.force { How::Force } else { How::Keep };
        let has_lab = !matches!(world.read(LAB)?, Read::Missing);
        let guard = (has_lab && !self.locked).then(|| guard(common, &folder, how));
        let compared = match compare(common, &world, how)? {
            Ok(compared) => compared,
            Err(exit) => return Ok(exit),
        };
        if self.locked {
            return Ok(verify(common, compared));
        }
        Ok(match apply(common, &folder, guard, compared, how)? {
            Ok(compared) => {
                summary(common, &compared);
                leave(compared);
                Exit::Fine
            }
            Err(exit) => exit,
        })
    }

    fn elsewhere(&self, common: &Common, world: &World, folder: &PathBuf) -> Result<Exit, Failure> {
        let compiled = compile(world)?;
        diagnostics(common, &compiled.diagnostics, &compiled.sources);
        let Some(product) = compiled
            .product
            .filter(|_| !compiled.diagnostics.has_errors())
        else {
            return Ok(Exit::Wrong);
        };
        let outputs = emit(&product.tree);
        let tree = Folder::create(folder)?;
        for output in &outputs {
            let path = output.path.strip_prefix("out/").unwrap_or(&output.path);
            tree.put(path, &output.bytes, output.mode())?;
        }
        let files = count(outputs.len(), "file");
        say(common, &format!("wrote {files} below {}", folder.display()));
        Ok(Exit::Fine)
    }
}

/// Keeps other builds of the lab away. That it cannot matters only to a build that has something to write.
pub(super) fn guard(common: &Common, folder: &Folder, how: How) -> Result<Guard, Stop> {
    if how == How::Force {
        folder.clear_scratch()?;
    }
    let guard = folder.guard(|| say(common, "waiting for another build of this lab"))?;
    if let (true, Some(why)) = (common.verbose, &guard.unlocked) {
        say(
            common,
            &format!("other builds of this lab are not kept away: {why}"),
        );
    }
    Ok(guard)
}

/// Writes the tree and the lock, unless something is in the way that must not be touched: that has been said then.
pub(super) fn apply(
    common: &Common,
    folder: &Folder,
    guard: Option<Result<Guard, Stop>>,
    compared: Compared,
    how: How,
) -> Result<Result<Compared, Exit>, Failure> {
    let is_refused = |verdict: &Verdict| verdict.state.is_refused();
    if how != How::Force && compared.verdicts.iter().any(is_refused) {
        print_with_differences(common, compared, |state| state.is_refused(), false);
        say(common, "nothing was written");
        return Ok(Err(Exit::Differs));
    }
    diagnostics(common, &compared.diagnostics, &compared.sources);
    match guard.map_or(Ok(()), |guard| write(folder, guard, &compared)) {
        Ok(()) => Ok(Ok(compared)),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Obstacle { path, what }) => {
            Ok(Err(stopped(common, lock::stopped(&path, Some(what)))))
        }
        Err(Stop::Changed { path }) => Ok(Err(stopped(common, lock::stopped(&path, None)))),
    }
}

/// Writes what changed, removes what is obsolete, and the lock last. Where nothing is to be done, that no other build
/// can be kept away is no failure.
fn write(folder: &Folder, guard: Result<Guard, Stop>, compared: &Compared) -> Result<(), Stop> {
    let before = &compared.before;
    let known = before.known();
    let plan = Plan {
        outputs: &compared.outputs,
        verdicts: &compared.verdicts,
        known: &known,
        old: before.lock.as_ref(),
        journal: before.journal.as_ref(),
        lock: compared
            .writes_lock()
            .then_some((compared.lock.as_str(), before.stamp)),
    };
    if !plan.is_empty() {
        return folder.commit(&guard?, &plan.transaction());
    }
    if let (Ok(guard), true) = (&guard, before.has_journal) {
        folder.forget_journal(guard)?;
    }
    Ok(())
}

/// Says what came in the way of a build that was writing already.
fn stopped(common: &Common, diagnostic: Diagnostic) -> Exit {
    let mut found = Diagnostics::default();
    found.push(diagnostic);
    diagnostics(common, &found, &Sources::default());
    Exit::Differs
}

/// Says what became of each file that a person may look for, and returns the sum of it all.
pub(super) fn tell(common: &Common, compared: &Compared) -> String {
    let made: BTreeSet<&str> = compared
        .outputs
        .iter()
        .map(|output| output.path.as_str())
        .collect();
    let (mut written, mut removed) = (0, 0);
    for verdict in &compared.verdicts {
        let path = verdict.path.as_str();
        let is_made = made.contains(path) && !matches!(verdict.state, State::Blocked(_));
        let is_removed = !is_made && verdict.stamp.is_some();
        written += usize::from(is_made);
        removed += usize::from(is_removed);
        match verdict.state {
            State::Missing => say(common, &format!("restored {path}")),
            State::HandEdited | State::Foreign => say(common, &format!("overwrote {path}")),
            State::HandEditedObsolete => say(common, &format!("removed {path}")),
            State::Blocked(what) => say(common, &format!("removed {path}, which was {what}")),
            _ if is_made && common.verbose => say(common, &format!("wrote {path}")),
            _ if is_removed && common.verbose => say(common, &format!("removed {path}")),
            _ => {}
        }
    }
    sum(written, removed)
}

fn summary(common: &Common, compared: &Compared) {
    let sum = tell(common, compared);
    let lab = &compared.product.lab;
    let name = &lab.sections.identity.name.value;
    let components = count(lab.components.len(), "component");
    let nodes = count(lab.sections.machines.len(), "node");
    say(
        common,
        &format!(
            "compiled `{name}`: {components}, {nodes}, {}",
            count(compared.outputs.len(), "file")
        ),
    );
    say(common, &sum);
}

/// "wrote 3 files, removed 1".
fn sum(written: usize, removed: usize) -> String {
    match (written, removed) {
        (0, 0) => "nothing changed".to_owned(),
        (written, 0) => format!("wrote {}", count(written, "file")),
        (0, removed) => format!("removed {}", count(removed, "file")),
        (written, removed) => {
            format!("wrote {}, removed {removed}", count(written, "file"))
        }
    }
}
