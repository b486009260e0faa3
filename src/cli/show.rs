//! `labc show`: the resolved lab, for people and for scripts.

use clap::Args;

use super::output;
use super::{Common, Exit, Format};
use crate::compile;
use crate::overview::{self, overview};
use crate::world::Failure;

/// Show the resolved lab: nodes, addresses, components, order, secrets
#[derive(Debug, Args)]
pub(super) struct Show {}

impl Show {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (_, world) = common.world()?;
        let compiled = compile(&world)?;
        let wrong = compiled.diagnostics.has_errors();
        let Some(product) = compiled.product.filter(|_| !wrong) else {
            output::diagnostics(common, &compiled.diagnostics, &compiled.sources);
            return Ok(Exit::Wrong);
        };
        output::messages(common, &compiled.diagnostics, &compiled.sources);
        let facts = overview(&product.lab, &product.linked, &product.tree.nodes);
        match common.format {
            Format::Json => output::json(&overview::json(&facts))?,
            _ => output::print(&overview::text(&facts))?,
        }
        Ok(Exit::Fine)
    }
}
