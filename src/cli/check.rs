//! `labc check`: compile, and say what of the tree on disk, or in a commit, is not what the sources make.

use clap::Args;

use super::compared::{How, compare, verify};
use super::{Common, Exit, revision};
use crate::world::Failure;

/// Compile, and verify that the committed tree is what the sources make
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Verify a commit instead, from Git's objects alone: a branch, a tag, an id, or REV:FOLDER for a lab elsewhere in the
    /// repository
    #[arg(long = "ref", value_name = "REV")]
    revision: Option<String>,
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let world = match &self.revision {
            None => common.world()?.1,
            Some(revision) => match revision::world(common, revision)? {
                Ok(world) => world,
                Err(exit) => return Ok(exit),
            },
        };
        Ok(match compare(common, &world, How::Keep)? {
            Ok(compared) => verify(common, compared),
            Err(exit) => exit,
        })
    }
}
