//! The commands: one file each, thin. They open a world, call the library and print.
//!
//! Standard output is data, standard error is talk.

mod add;
mod build;
mod check;
mod compared;
mod diff;
mod exit;
mod explain;
mod init;
mod lock;
mod module;
mod output;
mod questions;
mod revision;
mod schema;
mod set;
mod shell;
mod show;
mod talos;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use exit::Exit;

use crate::parse::LAB;
use crate::world::{self, Folder, Read, World};

/// A compiler for GitOps repositories: one lab.toml in, the whole committed tree out.
#[derive(Debug, Parser)]
#[command(name = "labc", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Common {
    /// The lab's folder; default: the nearest one at or above this folder that has a lab.toml
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// How messages and results are printed; markdown and html are for `labc diff`
    #[arg(long, value_enum, default_value = "text", global = true)]
    format: Format,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
    Html,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile the lab and write out/ and lab.lock
    Build(build::Build),
    /// Compile, and verify that the committed tree is what the sources make; writes nothing
    Check(check::Check),
    /// Tell what changes in the cluster, object by object, why, and what is dangerous in it
    ///
    /// The base is the tree that is committed there, because that is what the cluster has; the target is what its sources
    /// make. Without a revision, this work is compared with where it left the branch that it goes to.
    Diff(diff::DiffCommand),
    /// After a merge conflict, make lab.lock and out/ right
    Lock(lock::Lock),
    /// Explain a message (L0203), or why something is in the tree (FILE:LINE, FILE:PATH)
    Explain(explain::Explain),
    /// Show the resolved lab: nodes, addresses, components, order, secrets
    Show(show::Show),
    /// Write the lab.toml of a new lab
    Init(Box<init::Init>),
    /// Add a component to lab.toml
    Add(add::Add),
    /// Set a value in lab.toml; comments and layout stay
    Set(set::Set),
    /// The modules that a lab can use: list them, show one, start one
    Module(module::ModuleCommand),
    /// Talos Linux without a cluster: the id of a schematic
    Talos(talos::Talos),
    /// Print a JSON Schema of lab.toml for editors
    Schema(schema::Schema),
    /// Print the completions of a shell
    Completions(shell::Completions),
    /// Print the manual page, or write those of all commands
    Man(shell::Manual),
}

/// Runs the command that the arguments name.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    let common = &arguments.common;
    let is_diff = matches!(arguments.command, Command::Diff(_));
    if !is_diff && [Format::Markdown, Format::Html].contains(&common.format) {
        let help = "this command has `--format text` and `--format json`";
        return output::misused("only `labc diff` has this format", Some(help));
    }
    let result = match &arguments.command {
        Command::Build(build) => build.run(common),
        Command::Check(check) => check.run(common),
        Command::Diff(diff) => diff.run(common),
        Command::Lock(lock) => lock.run(common),
        Command::Explain(explain) => explain.run(common),
        Command::Show(show) => show.run(common),
        Command::Init(init) => init.run(common),
        Command::Add(add) => add.run(common),
        Command::Set(set) => set.run(common),
        Command::Module(module) => module.run(common),
        Command::Talos(talos) => talos.run(common),
        Command::Schema(schema) => schema.run(common),
        Command::Completions(completions) => completions.run(),
        Command::Man(manual) => manual.run(common),
    };
    match result {
        Ok(exit) => exit,
        Err(failure) => exit::machine(&failure),
    }
}

/// What a person needs to know when labc panics, and what they should report.
pub fn bug(arguments: &[std::ffi::OsString]) -> String {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().escape_debug().to_string())
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "\nthis is a bug in labc, not in your lab: please report it\n\
           = version: {version}\n\
           = command: {}\n\
           = message: the lines above\n\
           = the lab.toml that it was run on helps most, or its smallest part that still does this\n\
         no file is half written: whatever a build had begun, the next one finishes\n",
        words.join(" ")
    )
}

impl Common {
    /// The lab's folder.
    fn root(&self) -> Result<PathBuf, world::Failure> {
        let here = world::console::current_folder()?;
        Ok(match &self.directory {
            Some(directory) => here.join(directory),
            None => world::find_lab(&here).unwrap_or(here),
        })
    }

    /// The folder of a lab that does not exist yet.
    fn new_root(&self) -> Result<PathBuf, world::Failure> {
        let here = world::console::current_folder()?;
        Ok(match &self.directory {
            Some(directory) => here.join(directory),
            None => here,
        })
    }

    /// The world whose modules are looked at: the lab's, or where there is no lab the standard library alone.
    fn library(&self) -> Result<(Folder, World), world::Failure> {
        let (folder, world) = self.world()?;
        let has_lab = !matches!(world.read(LAB)?, Read::Missing);
        let world = if has_lab {
            world
        } else {
            World::Memory(BTreeMap::new())
        };
        Ok((folder, world))
    }

    /// The lab's folder, opened once, and its world.
    fn world(&self) -> Result<(Folder, World), world::Failure> {
        let folder = Folder::open(self.root()?)?;
        Ok((folder.clone(), World::Folder(folder)))
    }
}
