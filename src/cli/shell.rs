//! `labc completions` and `labc man`: what a shell and a manual reader want to know of the commands.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::output::{self, say};
use super::{Arguments, Common, Exit};
use crate::world::{Failure, Folder, Mode, console};

/// Print the completions of a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "labc", &mut script);
        console::print(&script)?;
        Ok(Exit::Fine)
    }
}

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// Write a page for each command below DIR
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let mut command = Arguments::command();
        command.build();
        let Some(folder) = &self.folder else {
            output::print(&render(&command)?)?;
            return Ok(Exit::Fine);
        };
        let folder = console::current_folder()?.join(folder);
        let pages_folder = Folder::create(&folder)?;
        let mut pages = Vec::new();
        each(&command, "labc", &mut pages);
        for (name, command) in &pages {
            let path = format!("{name}.1");
            pages_folder.put(&path, render(command)?.as_bytes(), Mode::Plain)?;
        }
        let pages = output::count(pages.len(), "page");
        say(common, &format!("wrote {pages} below {}", folder.display()));
        Ok(Exit::Fine)
    }
}

/// A command and all below it that are shown, each named as its page is: `labc-module-list`.
fn each(command: &Command, name: &str, pages: &mut Vec<(String, Command)>) {
    pages.push((name.to_owned(), command.clone()));
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            each(below, &format!("{name}-{}", below.get_name()), pages);
        }
    }
}

fn render(command: &Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    let rendered = Man::new(command.clone()).render(&mut page);
    rendered.map_err(|cause| Failure {
        action: "making",
        path: "the manual page".to_owned(),
        cause,
    })?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
