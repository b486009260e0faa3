//! `labc build` and `labc check`: compile, compare with the tree on disk, and write it or say what is not right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{count, diagnostics, say};
use super::{Common, Exit};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::emit::{Output, emit};
use crate::keep::{self, Advice};
use crate::lock::{self, Lock, Merged, State, Verdict};
use crate::source::{SourceKind, Sources};
use crate::world::{Failure, Mode, Read, World, remove_output, write_output};
use crate::{Product, compile};

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

/// Compile, and verify that the committed tree is what the sources make
#[derive(Debug, Args)]
pub(super) struct Check {}

/// A lab that compiled, beside what is on disk.
struct Compared {
    sources: Sources,
    diagnostics: Diagnostics,
    product: Product,
    outputs: Vec<Output>,
    disk: BTreeMap<String, Vec<u8>>,
    verdicts: Vec<Verdict>,
    old: Option<Lock>,
    lock: String,
    lock_differs: bool,
}

impl Build {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (root, world) = common.world()?;
        if let Some(folder) = &self.out {
            return self.elsewhere(common, &world, folder);
        }
        let compared = match compare(common, &world, self.force)? {
            Ok(compared) => compared,
            Err(exit) => return Ok(exit),
        };
        if self.locked {
            return Ok(verify(common, compared));
        }
        let refused: Vec<Verdict> = compared
            .verdicts
            .iter()
            .filter(|verdict| verdict.state.is_refused())
            .cloned()
            .collect();
        if !refused.is_empty() && !self.force {
            print_with_differences(common, compared, &refused, false);
            say(common, "nothing was written");
            return Ok(Exit::Differs);
        }
        diagnostics(common, &compared.diagnostics, &compared.sources);
        write(common, &root, &compared)?;
        Ok(Exit::Fine)
    }

    fn elsewhere(&self, common: &Common, world: &World, folder: &Path) -> Result<Exit, Failure> {
        let compiled = compile(world)?;
        diagnostics(common, &compiled.diagnostics, &compiled.sources);
        let Some(product) = compiled
            .product
            .filter(|_| !compiled.diagnostics.has_errors())
        else {
            return Ok(Exit::Wrong);
        };
        let outputs = emit(&product.tree);
        for output in &outputs {
            let path = output.path.strip_prefix("out/").unwrap_or(&output.path);
            write_output(folder, path, &output.bytes, mode(output))?;
        }
        say(
            common,
            &format!(
                "wrote {} below {}",
                count(outputs.len(), "file"),
                folder.display()
            ),
        );
        Ok(Exit::Fine)
    }
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (_, world) = common.world()?;
        Ok(match compare(common, &world, false)? {
            Ok(compared) => verify(common, compared),
            Err(exit) => exit,
        })
    }
}

fn mode(output: &Output) -> Mode {
    if output.executable {
        Mode::Program
    } else {
        Mode::Plain
    }
}

/// Compiles the lab and reads what is on disk. A lab that is wrong has been reported and gives its exit.
fn compare(common: &Common, world: &World, force: bool) -> Result<Result<Compared, Exit>, Failure> {
    let mut compiled = compile(world)?;
    let mut found = Diagnostics::default();
    let (mut old, old_text) = read_lock(world, force, &mut compiled.sources, &mut found)?;
    let mut merged = None;
    let is_torn =
        |found: &Diagnostic| [Code::LOCK_CONFLICT, Code::LOCK_DAMAGED].contains(&found.code);
    if old.is_none() && old_text.is_some() && found.iter().all(is_torn) {
        merged = merge_around(common, world);
        old = merged.as_ref().map(of_sides);
    }
    if merged.is_none() {
        compiled.diagnostics.append(found);
    }
    let wrong = compiled.diagnostics.has_errors();
    let Some(product) = compiled.product.filter(|_| !wrong) else {
        diagnostics(common, &compiled.diagnostics, &compiled.sources);
        let errors = compiled.diagnostics.count(Severity::Error);
        say(
            common,
            &format!("\n{}: nothing was written", count(errors, "error")),
        );
        return Ok(Err(Exit::Wrong));
    };
    let outputs = emit(&product.tree);
    let lock = lock::encode(&lock::lock(&product.lab, &product.tree, &outputs));
    let disk = read_disk(world, &outputs, old.as_ref())?;
    let mut verdicts = lock::compare(&outputs, old.as_ref(), &disk);
    if verdicts.iter().any(|verdict| verdict.state.is_refused()) {
        let merged = merged.or_else(|| merge_around(common, world));
        settle(&mut verdicts, &disk, merged.as_ref());
    }
    Ok(Ok(Compared {
        sources: compiled.sources,
        diagnostics: compiled.diagnostics,
        product,
        lock_differs: old_text.as_deref() != Some(lock.as_str()),
        outputs,
        disk,
        verdicts,
        old,
        lock,
    }))
}

/// The Git merge that the lab is in or just had. Without Git, nothing is known of it.
fn merge_around(common: &Common, world: &World) -> Option<Merged> {
    let World::Folder(folder) = world else {
        return None;
    };
    match Merged::of(folder) {
        Ok(merged) => merged,
        Err(why) => {
            if common.verbose {
                say(
                    common,
                    &format!("note: Git cannot tell what was merged: {why}"),
                );
            }
            None
        }
    }
}

/// What the locks at the sides of a merge say, as one lock: where the one on disk is what a merge left of two.
fn of_sides(merged: &Merged) -> Lock {
    let mut outputs = BTreeMap::new();
    for side in merged.outputs() {
        for (path, sha256) in side {
            outputs
                .entry(path.clone())
                .or_insert_with(|| sha256.clone());
        }
    }
    Lock {
        epoch: lock::EPOCH,
        charts: BTreeMap::new(),
        modules: BTreeMap::new(),
        schematics: BTreeMap::new(),
        outputs,
    }
}

/// Takes what a merge made of labc's own files for its own.
fn settle(verdicts: &mut [Verdict], disk: &BTreeMap<String, Vec<u8>>, merged: Option<&Merged>) {
    for verdict in verdicts
        .iter_mut()
        .filter(|verdict| verdict.state.is_refused())
    {
        let bytes = disk.get(&verdict.path);
        let is_own = bytes
            .zip(merged)
            .is_some_and(|(bytes, merged)| merged.is_own(&verdict.path, bytes));
        verdict.state = match verdict.state {
            State::HandEdited | State::Foreign if is_own => State::Stale,
            State::HandEditedObsolete if is_own => State::Obsolete,
            other => other,
        };
    }
}

/// The lock on disk and its text. A broken one is an error, unless all is to be overwritten anyway.
fn read_lock(
    world: &World,
    force: bool,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<(Option<Lock>, Option<String>), Failure> {
    let Read::Bytes(bytes) = world.read(lock::FILE)? else {
        return Ok((None, None));
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let source = sources.add(lock::FILE.to_owned(), text.as_str().into(), SourceKind::Lab);
    let mut found = Diagnostics::default();
    let lock = lock::decode(source, &text, &mut found);
    if !force {
        diagnostics.append(found);
    }
    Ok((lock, Some(text)))
}

fn read_disk(
    world: &World,
    outputs: &[Output],
    lock: Option<&Lock>,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let made = outputs.iter().map(|output| output.path.as_str());
    let locked = lock.into_iter().flat_map(|lock| lock.outputs.keys());
    let paths: BTreeSet<&str> = made.chain(locked.map(String::as_str)).collect();
    let mut disk = BTreeMap::new();
    for path in paths {
        if let Read::Bytes(bytes) = world.read(path)? {
            disk.insert(path.to_owned(), bytes);
        }
    }
    Ok(disk)
}

/// Says what is not as the sources make it.
fn verify(common: &Common, compared: Compared) -> Exit {
    if !compared.verdicts.is_empty() || compared.lock_differs {
        let verdicts = compared.verdicts.clone();
        let lock_differs = compared.lock_differs;
        print_with_differences(common, compared, &verdicts, lock_differs);
        return Exit::Differs;
    }
    diagnostics(common, &compared.diagnostics, &compared.sources);
    let files = count(compared.outputs.len(), "file");
    say(
        common,
        &format!("{files} and {} are up to date", lock::FILE),
    );
    Exit::Fine
}

fn print_with_differences(
    common: &Common,
    mut compared: Compared,
    verdicts: &[Verdict],
    lock_differs: bool,
) {
    let old = compared.old.as_ref();
    let found = lock::report(
        verdicts,
        lock_differs,
        old,
        &compared.outputs,
        &compared.disk,
    );
    let advice = advise(&compared, verdicts);
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
fn advise(compared: &Compared, verdicts: &[Verdict]) -> BTreeMap<String, Advice> {
    let edited = verdicts
        .iter()
        .filter(|verdict| verdict.state == State::HandEdited);
    let disk = edited.filter_map(|verdict| {
        let bytes = compared.disk.get(&verdict.path)?;
        Some((verdict.path.as_str(), bytes.as_slice()))
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

/// Writes what changed, removes what is obsolete, and the lock last.
fn write(common: &Common, root: &Path, compared: &Compared) -> Result<(), Failure> {
    let outputs: BTreeMap<&str, &Output> = compared
        .outputs
        .iter()
        .map(|output| (output.path.as_str(), output))
        .collect();
    let mut written = 0;
    let mut removed = 0;
    for verdict in &compared.verdicts {
        match outputs.get(verdict.path.as_str()) {
            Some(output) => {
                write_output(root, &output.path, &output.bytes, mode(output))?;
                written += 1;
                if verdict.state == State::Missing {
                    say(common, &format!("restored {}", verdict.path));
                } else if common.verbose {
                    say(common, &format!("wrote {}", verdict.path));
                }
            }
            None => {
                remove_output(root, &verdict.path)?;
                removed += 1;
                if common.verbose {
                    say(common, &format!("removed {}", verdict.path));
                }
            }
        }
    }
    if compared.lock_differs {
        write_output(root, lock::FILE, compared.lock.as_bytes(), Mode::Plain)?;
    }
    summary(common, compared, written, removed);
    Ok(())
}

fn summary(common: &Common, compared: &Compared, written: usize, removed: usize) {
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
    let line = match (written, removed) {
        (0, 0) => "nothing changed".to_owned(),
        (written, 0) => format!("wrote {}", count(written, "file")),
        (0, removed) => format!("removed {}", count(removed, "file")),
        (written, removed) => {
            format!("wrote {}, removed {removed}", count(written, "file"))
        }
    };
    say(common, &line);
}
