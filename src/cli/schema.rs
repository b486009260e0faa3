//! `labc schema`: a JSON Schema of `lab.toml` for editors.

use clap::Args;

use super::output;
use super::{Common, Exit};
use crate::diag::Diagnostics;
use crate::guide::{schema, shelf};
use crate::world::Failure;

/// Print a JSON Schema of lab.toml, with all modules that this lab can use
///
/// For Even Better TOML or taplo: write it to a file beside lab.toml, and begin lab.toml with `#:schema FILE`.
#[derive(Debug, Args)]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (_, world) = common.library()?;
        let mut diagnostics = Diagnostics::default();
        let shelf = shelf(&world, &mut diagnostics)?;
        output::messages(common, &diagnostics, &shelf.sources);
        if diagnostics.has_errors() {
            return Ok(Exit::Wrong);
        }
        output::json(&schema::schema(&shelf))?;
        Ok(Exit::Fine)
    }
}
