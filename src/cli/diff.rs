//! `labc diff`: what changes in the cluster between two commits, or between a commit and the work tree.

use clap::{Args, ValueEnum};

use super::output::{self, colour, misused, say};
use super::{Common, Exit, Format};
use crate::diag::Diagnostics;
use crate::diag::report::{self, Colour};
use crate::diff::show::{self, Options, Report, Side};
use crate::diff::{self, Base, Committed, Danger, Diff, Drift, Made};
use crate::emit::{Output, emit};
use crate::lock::{Before, EPOCH, Evidence, Lock, State};
use crate::parse::LAB;
use crate::source::Sources;
use crate::world::git::{Commit, Repository, Start, Unresolved};
use crate::world::{Failure, Folder, Read, World, console};
use crate::{Compiled, compile};

/// Tell what changes in the cluster, object by object, why, and what is dangerous in it
///
/// The base is the tree that is committed there, because that is what the cluster has; the target is what its sources
/// make. Without a revision, this work is compared with where it left the branch that it goes to.
#[derive(Debug, Args)]
pub(super) struct DiffCommand {
    /// BASE (against the work tree), BASE..TARGET, or BASE...TARGET (from where TARGET left BASE); REVISION:FOLDER names
    /// a lab in another folder
    #[arg(value_name = "BASE[..TARGET]")]
    range: Option<String>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    /// End with 3 where something must be looked at
    #[arg(long, value_name = "WHEN", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "unexplained")]
    exit_code: Option<When>,
    /// Acknowledge the dangers of an object, as the diff calls it: 'PersistentVolumeClaim media/data'
    #[arg(long, value_name = "OBJECT")]
    allow: Vec<String>,
    /// Bytes that `--format markdown` may have; default: 60000, which fits a comment of GitHub, GitLab and Forgejo
    #[arg(long, value_name = "N")]
    max_bytes: Option<usize>,
    /// Where the whole diff is, for a markdown that is shortened
    #[arg(long, value_name = "URL")]
    artifact: Option<String>,
    /// Print all at once on a terminal
    #[arg(long)]
    no_pager: bool,
}

/// What ends `labc diff --exit-code` with 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// An object goes, and no change of the sources explains it
    Unexplained,
    /// There is any danger that is not acknowledged
    Danger,
    /// Anything changes
    Any,
}

/// One side, compiled.
struct Half {
    side: Side,
    compiled: Compiled,
    outputs: Vec<Output>,
    committed: Option<Committed>,
}

impl DiffCommand {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (base, target) = match self.worlds(common) {
            Ok(worlds) => worlds,
            Err(Unresolved::Failed(failure)) => return Err(failure),
            Err(Unresolved::Unknown {
                message,
                notes,
                help,
            }) => {
                let notes: String = notes.iter().map(|note| format!("\nnote: {note}")).collect();
                return Ok(misused(&format!("{message}{notes}"), help.as_deref()));
            }
        };
        let base = Half::new(base)?;
        let target = Half::new(target)?;
        let compared = compared(&base, &target);
        let acknowledged = compared
            .as_ref()
            .map(|diff| self.acknowledged(common, diff));
        let report = Report {
            base: base.side.clone(),
            target: target.side.clone(),
            diff: compared.as_ref(),
            acknowledged: acknowledged.unwrap_or_default(),
        };
        self.print(common, &report)?;
        let exit = self.exit(&report);
        // The process ends next: to free two labs piece by piece takes its time.
        std::mem::forget((base, target));
        Ok(exit)
    }

    /// The two sides, each with its name.
    fn worlds(&self, common: &Common) -> Result<(Place, Place), Unresolved> {
        let root = common.root()?;
        let around = Repository::around(&root).map_err(|why| failed(&root, why))?;
        let Some(repository) = around else {
            return Err(unknown(
                format!("{} lies in no Git repository", root.display()),
                "a diff compares what is committed: run `git init`, and commit the lab",
            ));
        };
        let start = match common.directory {
            Some(_) => Start::Here,
            None => Start::HereOrAbove,
        };
        let at = |revision: &str| Place::at(&repository, revision, start);
        let work = || Place::work_tree(&root);
        match self.range.as_deref().map(Range::parse) {
            None => {
                let (upstream, goal) = repository.upstream()?;
                let left = repository.merge_base(repository.resolve("HEAD")?, goal)?;
                let mut base = at(&left.to_string())?;
                base.name = format!("{upstream} ({})", repository.short(left));
                Ok((base, work()?))
            }
            Some(Range::Base(base)) => Ok((at(base)?, work()?)),
            Some(Range::Two(base, target)) => Ok((at(base)?, at(target)?)),
            Some(Range::Left(base, target)) => {
                let name = |revision| repository.resolve(revision);
                let left = repository.merge_base(name(base)?, name(target)?)?;
                let mut place = at(&left.to_string())?;
                place.name = format!("{base} ({})", repository.short(left));
                Ok((place, at(target)?))
            }
        }
    }

    /// The dangers that were acknowledged, by their place.
    fn acknowledged(&self, common: &Common, diff: &Diff) -> Vec<usize> {
        let is = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other);
        let is_about = |danger: &Danger, allowed: &str| {
            let mut changes = std::iter::once(&danger.change).chain(&danger.others);
            changes.any(|change| is(allowed, &diff.changes[*change].subject.to_string()))
        };
        for allowed in &self.allow {
            if !diff.dangers.iter().any(|danger| is_about(danger, allowed)) {
                say(
                    common,
                    &format!("note: nothing is dangerous about `{allowed}`"),
                );
            }
        }
        let is_allowed =
            |danger: &Danger| self.allow.iter().any(|allowed| is_about(danger, allowed));
        let dangers = diff.dangers.iter().enumerate();
        dangers
            .filter(|(_, danger)| is_allowed(danger))
            .map(|(index, _)| index)
            .collect()
    }

    fn print(&self, common: &Common, report: &Report<'_>) -> Result<(), Failure> {
        let to_terminal = self.output.is_none();
        let text = match common.format {
            Format::Text => {
                let welcome = to_terminal && console::colour_on_stdout();
                show::text(report, colour(welcome))
            }
            Format::Json => crate::diag::report::data(&show::json(report)),
            Format::Markdown => show::markdown(report, self.options()),
            Format::Html => show::html(report),
        };
        match &self.output {
            Some(file) => console::write_file(file, text.as_bytes()),
            None if common.format == Format::Text && !self.no_pager => console::page(&text),
            None => output::print(&text),
        }
    }

    fn options(&self) -> Options<'_> {
        let own = Options::default();
        Options {
            max_bytes: self.max_bytes.unwrap_or(own.max_bytes),
            artifact: self.artifact.as_deref(),
        }
    }

    fn exit(&self, report: &Report<'_>) -> Exit {
        let Some(diff) = report.diff.filter(|_| report.target.wrong.is_none()) else {
            return Exit::Wrong;
        };
        let is_open = |(index, _): &(usize, &Danger)| !report.acknowledged.contains(index);
        let mut open = diff.dangers.iter().enumerate().filter(is_open);
        let differs = match self.exit_code {
            None => false,
            Some(When::Any) => !diff.changes.is_empty(),
            Some(When::Danger) => open.next().is_some(),
            Some(When::Unexplained) => open.any(|(_, danger)| danger.is_unexplained()),
        };
        if differs { Exit::Differs } else { Exit::Fine }
    }
}

/// What a range of revisions says.
#[derive(Debug, PartialEq, Eq)]
enum Range<'t> {
    /// A base, against the work tree.
    Base(&'t str),
    /// Two commits.
    Two(&'t str, &'t str),
    /// From where the second left the first.
    Left(&'t str, &'t str),
}

impl<'t> Range<'t> {
    fn parse(text: &'t str) -> Self {
        let or_head = |name: &'t str| if name.is_empty() { "HEAD" } else { name };
        if let Some((base, target)) = text.split_once("...") {
            return Range::Left(or_head(base), or_head(target));
        }
        match text.split_once("..") {
            Some((base, target)) => Range::Two(or_head(base), or_head(target)),
            None => Range::Base(text),
        }
    }
}

/// Where a side comes from.
struct Place {
    name: String,
    commit: Option<Commit>,
    world: World,
}

impl Place {
    fn at(repository: &Repository, revision: &str, start: Start) -> Result<Self, Unresolved> {
        let tree = repository.lab(revision, start)?;
        Ok(Place {
            name: tree.name(),
            commit: Some(tree.commit()),
            world: World::Commit(tree),
        })
    }

    fn work_tree(root: &std::path::Path) -> Result<Self, Unresolved> {
        let world = World::Folder(Folder::open(root)?);
        if matches!(world.read(LAB)?, Read::Missing) {
            return Err(unknown(
                format!("there is no {LAB} in {}", root.display()),
                "name both sides: `labc diff BASE..TARGET`",
            ));
        }
        Ok(Place {
            name: "the work tree".to_owned(),
            commit: None,
            world,
        })
    }
}

impl Half {
    fn new(place: Place) -> Result<Self, Failure> {
        let compiled = compile(&place.world)?;
        let is_wrong = compiled.diagnostics.has_errors() || compiled.product.is_none();
        let outputs = match &compiled.product {
            Some(product) if !is_wrong => emit(&product.tree),
            _ => Vec::new(),
        };
        let wrong = is_wrong.then(|| {
            let found = compiled.diagnostics.at_least(crate::diag::Severity::Error);
            let text = report::text(&found, &compiled.sources, Colour::No);
            (text, report::json(&found, &compiled.sources))
        });
        let committed = committed(&place.world, &outputs)?;
        let drift = committed.iter().filter(|_| !is_wrong);
        let drift = drift.flat_map(|committed| &committed.drift);
        Ok(Half {
            side: Side {
                name: place.name,
                commit: place.commit.map(|commit| commit.to_string()),
                drift: drift.map(|(path, drift)| (path.clone(), *drift)).collect(),
                wrong,
            },
            compiled,
            outputs,
            committed,
        })
    }

    fn made(&self) -> Option<Made<'_>> {
        let product = self.compiled.product.as_ref();
        let product = product.filter(|_| self.side.wrong.is_none())?;
        Some(Made {
            lab: &product.lab,
            sources: &self.compiled.sources,
            tree: &product.tree,
            outputs: &self.outputs,
        })
    }
}

/// What changes; none where the target does not compile, or nothing stands for the base.
fn compared(base: &Half, target: &Half) -> Option<Diff> {
    let made = target.made()?;
    let base = Base {
        made: base.made(),
        committed: base.committed.clone(),
    };
    let has_base = base.made.is_some() || base.committed.is_some();
    has_base.then(|| diff::diff(&base, made))
}

/// The files of a tree that are not what its sources make; none where there is no tree.
fn committed(world: &World, outputs: &[Output]) -> Result<Option<Committed>, Failure> {
    let mut found = Diagnostics::default();
    let evidence = Evidence::Git;
    let mut before = Before::read(world, evidence, &mut Sources::default(), &mut found)?;
    if before.text.is_none() && world.list("out")?.is_empty() {
        return Ok(None);
    }
    if outputs.is_empty() {
        return as_it_is(world, before.lock.as_ref()).map(Some);
    }
    let is_older = before.lock.as_ref().is_some_and(|lock| lock.epoch != EPOCH);
    let mut committed = Committed::default();
    for verdict in before.compare(world, outputs)? {
        let drift = match verdict.state {
            State::Same | State::NotExecutable | State::Executable => continue,
            State::New | State::Stale | State::Obsolete if is_older => Drift::Epoch,
            State::New | State::Stale | State::Obsolete => Drift::Stale,
            State::Missing
            | State::HandEdited
            | State::Foreign
            | State::HandEditedObsolete
            | State::Blocked(_) => Drift::HandEdit,
        };
        let bytes = match world.read(&verdict.path)? {
            Read::Bytes(bytes) => Some(bytes),
            _ => None,
        };
        committed.drift.insert(verdict.path.clone(), drift);
        committed.other.insert(verdict.path, bytes);
    }
    Ok(Some(committed))
}

/// A tree whose sources do not compile, as it is: by its lock, or where that cannot be read all that lies there.
fn as_it_is(world: &World, lock: Option<&Lock>) -> Result<Committed, Failure> {
    let paths = match lock {
        Some(lock) => lock.outputs.keys().cloned().collect(),
        None => world.list("out")?,
    };
    let mut committed = Committed::default();
    for path in paths {
        if let Read::Bytes(bytes) = world.read(&path)? {
            committed.other.insert(path, Some(bytes));
        }
    }
    Ok(committed)
}

fn unknown(message: String, help: &str) -> Unresolved {
    Unresolved::Unknown {
        message,
        notes: Vec::new(),
        help: Some(help.to_owned()),
    }
}

fn failed(root: &std::path::Path, why: String) -> Failure {
    Failure {
        action: "opening the Git repository around",
        path: root.display().to_string(),
        cause: std::io::Error::other(why),
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges_are_those_of_git() {
        assert_eq!(Range::parse("main"), Range::Base("main"));
        assert_eq!(Range::parse("main..x"), Range::Two("main", "x"));
        assert_eq!(Range::parse("main.."), Range::Two("main", "HEAD"));
        assert_eq!(Range::parse("..x"), Range::Two("HEAD", "x"));
        assert_eq!(Range::parse("main...x"), Range::Left("main", "x"));
    }
}
