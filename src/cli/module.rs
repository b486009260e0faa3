//! `labc module`: the modules that a lab can use, and a new one.

use clap::{Args, Subcommand};

use super::output::{self, misused, say};
use super::{Common, Exit, Format};
use crate::diag::Diagnostics;
use crate::guide::{Shelf, component, list, module, page, shelf, traits};
use crate::parse::domain::check_label;
use crate::world::{Failure, Mode, World};

/// The modules that a lab can use
#[derive(Debug, Args)]
pub(super) struct ModuleCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all modules: the standard library's, and the lab's own
    List,
    /// Print all that a person needs to write a component of a module, or an entry of a trait
    Show {
        /// The module, or the trait
        name: String,
    },
    /// Write the first files of a module of the lab's own
    New {
        /// The module
        name: String,
    },
}

impl ModuleCommand {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match &self.action {
            Action::List => print_list(common),
            Action::Show { name } => show(common, name),
            Action::New { name } => new(common, name),
        }
    }
}

/// The library as this lab sees it; none where something in it is broken, which has been said.
fn read(common: &Common) -> Result<Option<Shelf>, Failure> {
    let (_, world) = common.library()?;
    let mut diagnostics = Diagnostics::default();
    let shelf = shelf(&world, &mut diagnostics)?;
    output::messages(common, &diagnostics, &shelf.sources);
    Ok(Some(shelf).filter(|_| !diagnostics.has_errors()))
}

fn print_list(common: &Common) -> Result<Exit, Failure> {
    let Some(shelf) = read(common)? else {
        return Ok(Exit::Wrong);
    };
    match common.format {
        Format::Json => output::json(&list::all_json(&shelf))?,
        _ => output::print(&list::list(&shelf))?,
    }
    Ok(Exit::Fine)
}

fn show(common: &Common, name: &str) -> Result<Exit, Failure> {
    let Some(shelf) = read(common)? else {
        return Ok(Exit::Wrong);
    };
    let Some(book) = shelf.modules.get(name) else {
        if let Some(known) = traits::find(&shelf, name) {
            match common.format {
                Format::Json => output::json(&traits::as_json(&shelf, known))?,
                _ => output::print(&traits::page(&shelf, known))?,
            }
            return Ok(Exit::Fine);
        }
        let help = component::find(&shelf, name).err();
        let message = format!("there is no module `{name}`");
        return Ok(misused(&message, help.as_deref()));
    };
    match common.format {
        Format::Json => output::json(&list::one_json(&shelf, book))?,
        _ => output::print(&page::page(&shelf, book))?,
    }
    Ok(Exit::Fine)
}

fn new(common: &Common, name: &str) -> Result<Exit, Failure> {
    let (root, world) = common.library()?;
    if matches!(world, World::Memory(_)) {
        let message = "a module belongs to a lab, and there is no lab.toml here";
        return Ok(misused(message, Some("run `labc init` to start a lab")));
    }
    if let Err(why) = check_label(name) {
        let message = format!("a module cannot be called `{name}`: {why}");
        return Ok(misused(&message, None));
    }
    let folder = format!("modules/{name}");
    if name == "traits" || !world.list(&folder)?.is_empty() {
        let message = format!("{folder}/ is there already");
        return Ok(misused(&message, Some("choose another name")));
    }
    let mut diagnostics = Diagnostics::default();
    let hides = shelf(&world, &mut diagnostics)?.modules.contains_key(name);
    for (file, text) in module::scaffold(name) {
        let path = format!("{folder}/{file}");
        root.put(&path, text.as_bytes(), Mode::Plain)?;
        say(common, &format!("wrote {path}"));
    }
    if hides {
        say(
            common,
            &format!("note: it stands in for the standard module `{name}` in this lab"),
        );
    }
    say(common, &format!("use it: labc add {name}"));
    Ok(Exit::Fine)
}
