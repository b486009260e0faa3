//! A lab that compiled, beside the tree that is there: what `labc build` acts on and `labc check` tells.

use std::collections::BTreeMap;

use super::output::{count, diagnostics, say};
use super::{Common, Exit};
use crate::diag::{Code, Diagnostics, Severity};
use crate::emit::{Output, emit};
use crate::keep::{self, Advice};
use crate::lock::{self, Before, Evidence, Place, State, Verdict};
use crate::source::Sources;
use crate::world::{Failure, World};
use crate::{Product, compile};

/// A lab that compiled, beside what is there of it.
pub(super) struct Compared {
    pub(super) sources: Sources,
    pub(super) diagnostics: Diagnostics,
    pub(super) product: Product,
    pub(super) outputs: Vec<Output>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) before: Before,
    /// The lock that the sources make.
    pub(super) lock: String,
    /// What messages call the commit, where the tree is in one.
    commit: Option<String>,
}

impl Compared {
    /// Whether the lock holds something else than the sources make.
    pub(super) fn lock_differs(&self) -> bool {
        self.before.text.as_deref() != Some(self.lock.as_bytes())
    }

    /// Whether the lock is to be written.
    pub(super) fn writes_lock(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        self.lock_differs() || verdicts.any(|verdict| verdict.path == lock::FILE)
    }

    fn place(&self) -> Place<'_> {
        self.commit.as_deref().map_or(Place::Disk, Place::Commit)
    }
}

/// What becomes of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// What is not labc's own stays.
    Keep,
    /// The same, and both sides of a conflict in the lock are believed.
    Resolve,
    /// All is to be overwritten.
    Force,
}

/// Compiles the lab and looks at what is there of it. A lab that is wrong has been reported and gives its exit.
pub(super) fn compare(
    common: &Common,
    world: &World,
    how: How,
) -> Result<Result<Compared, Exit>, Failure> {
    let mut compiled = compile(world)?;
    let mut found = Diagnostics::default();
    let evidence = match how {
        How::Resolve => Evidence::GitOrMarks,
        How::Keep | How::Force => Evidence::Git,
    };
    let is_fine = !compiled.diagnostics.has_errors();
    let product = compiled.product.filter(|_| is_fine);
    let mut outputs = None;
    let mut before = rayon::in_place_scope(|scope| {
        scope.spawn(|_| outputs = product.as_ref().map(|product| emit(&product.tree)));
        Before::read(world, evidence, &mut compiled.sources, &mut found)
    })?;
    // What cannot be read is no obstacle where all is to be overwritten.
    if how != How::Force {
        compiled.diagnostics.append(found);
    }
    let wrong = compiled.diagnostics.has_errors();
    let Some((product, outputs)) = product.zip(outputs).filter(|_| !wrong) else {
        diagnostics(common, &compiled.diagnostics, &compiled.sources);
        let errors = compiled.diagnostics.count(Severity::Error);
        let errors = count(errors, "error");
        let where_to = match world {
            World::Commit(tree) => format!("\n{errors} at {}", tree.called()),
            _ => format!("\n{errors}: nothing was written"),
        };
        say(common, &where_to);
        return Ok(Err(Exit::Wrong));
    };
    let (lock, verdicts) = rayon::join(
        || lock::encode(&lock::lock(&product.lab, &product.tree, &outputs)),
        || before.compare(world, &outputs),
    );
    let verdicts = verdicts?;
    if let (true, Some(why)) = (common.verbose, &before.untold) {
        say(
            common,
            &format!("note: Git cannot tell what was merged: {why}"),
        );
    }
    let foreign = lock::foreign(world, &outputs, &before.known(), &verdicts)?;
    compiled.diagnostics.append(foreign);
    Ok(Ok(Compared {
        sources: compiled.sources,
        diagnostics: compiled.diagnostics,
        product,
        outputs,
        verdicts,
        before,
        lock,
        commit: match world {
            World::Commit(tree) => Some(tree.called().to_owned()),
            _ => None,
        },
    }))
}

/// The process ends next: to free a large lab piece by piece would take a tenth of all the time.
pub(super) fn leave(compared: Compared) {
    std::mem::forget(compared);
}

/// Says what is not as the sources make it.
pub(super) fn verify(common: &Common, compared: Compared) -> Exit {
    let lock_differs = compared.lock_differs();
    if !compared.verdicts.is_empty() || lock_differs {
        print_with_differences(common, compared, |_| true, lock_differs);
        return Exit::Differs;
    }
    diagnostics(common, &compared.diagnostics, &compared.sources);
    let files = count(compared.outputs.len(), "file");
    let at = match compared.place() {
        Place::Disk => String::new(),
        Place::Commit(name) => format!(" at {name}"),
    };
    say(
        common,
        &format!("{files} and {} are up to date{at}", lock::FILE),
    );
    leave(compared);
    Exit::Fine
}

/// Prints what is said about the paths whose state is of the kind asked for.
pub(super) fn print_with_differences(
    common: &Common,
    mut compared: Compared,
    of_kind: impl Fn(State) -> bool,
    lock_differs: bool,
) {
    let found = lock::report(
        compared.place(),
        compared
            .verdicts
            .iter()
            .filter(|verdict| of_kind(verdict.state)),
        lock_differs,
        compared.before.lock.as_ref(),
        &compared.outputs,
    );
    let advice = advise(&compared);
    for diagnostic in found.iter() {
        let about = |(path, _): &(&String, &Advice)| {
            diagnostic.code == Code::HAND_EDIT
                && diagnostic.message.starts_with(&format!("`{path}` "))
        };
        let diagnostic = match advice.iter().find(about) {
            Some((_, advice)) => advice.instead(diagnostic.clone()),
            None => diagnostic.clone(),
        };
        compared.diagnostics.push(diagnostic);
    }
    diagnostics(common, &compared.diagnostics, &compared.sources);
}

/// What the lab would have to say for each file that was edited by hand.
fn advise(compared: &Compared) -> BTreeMap<String, Advice> {
    let edited = compared
        .verdicts
        .iter()
        .filter(|verdict| verdict.state == State::HandEdited);
    let disk = edited.filter_map(|verdict| {
        let bytes = verdict.refused.as_deref()?;
        Some((verdict.path.as_str(), bytes))
    });
    let made = keep::Made {
        lab: &compared.product.lab,
        tree: &compared.product.tree,
        sources: &compared.sources,
        compile: &|world| {
            let compiled = compile(world).map_err(|_| None)?;
            let mut found = compiled.diagnostics.iter();
            let wrong = found.find(|found| found.severity == Severity::Error);
            match (wrong, compiled.product) {
                (None, Some(product)) => Ok(product.tree),
                (wrong, _) => Err(wrong.map(|wrong| wrong.message.clone())),
            }
        },
    };
    keep::advise(made, &disk.collect())
}
