//! `labc talos schematic`: the id of any Image Factory schematic, offline.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{self, misused};
use super::{Common, Exit, Format};
use crate::diag::Diagnostics;
use crate::render::machine::schematic_file::identify;
use crate::source::{SourceKind, Sources};
use crate::world::{Failure, Read, World, console};

/// Talos Linux without a cluster
#[derive(Debug, Args)]
pub(super) struct Talos {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the id that the Image Factory gives a schematic, and its canonical bytes with --verbose
    Schematic {
        /// A file with a schematic
        file: PathBuf,
    },
}

impl Talos {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let Action::Schematic { file } = &self.action;
        let full = console::current_folder()?.join(file);
        let shown = file.display().to_string();
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
            return Ok(misused(&format!("`{shown}` is no file"), None));
        };
        let world = World::open(folder)?;
        let bytes = match world.read(&name.to_string_lossy())? {
            Read::Bytes(bytes) => bytes,
            Read::Missing => return Ok(misused(&format!("there is no file `{shown}`"), None)),
            Read::Refused(why) => {
                return Ok(misused(&format!("`{shown}` is not read: {why}"), None));
            }
        };
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let source = sources.add(shown, text.as_str().into(), SourceKind::Lab);
        let Some((canonical, id)) = identify(source, &text, &mut diagnostics) else {
            output::diagnostics(common, &diagnostics, &sources);
            return Ok(Exit::Wrong);
        };
        match common.format {
            Format::Json => output::json(&json!({
                "schema": 1,
                "id": id,
                "canonical": canonical,
            }))?,
            _ if common.verbose => output::print(&format!("{id}\n{canonical}"))?,
            _ => output::print(&format!("{id}\n"))?,
        }
        Ok(Exit::Fine)
    }
}
