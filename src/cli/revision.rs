//! What a command line calls a commit -> its world, or what is said where there is none.

use std::io;

use super::output::misused;
use super::{Common, Exit};
use crate::world::git::{Repository, Start, Unresolved};
use crate::world::{Failure, World, console};

/// The repository around the lab, and where in it the lab of a commit is looked for.
pub(super) fn repository(common: &Common) -> Result<Result<(Repository, Start), Exit>, Failure> {
    let (folder, start) = match &common.directory {
        Some(_) => (common.root()?, Start::Here),
        None => (console::current_folder()?, Start::HereOrAbove),
    };
    let around = Repository::around(&folder).map_err(|why| Failure {
        action: "opening",
        path: format!("the Git repository around {}", folder.display()),
        cause: io::Error::other(why),
    })?;
    let Some(repository) = around else {
        let message = format!("{} lies in no Git repository", folder.display());
        let help = "name a folder of one with `-C DIR`";
        return Ok(Err(misused(&message, Some(help))));
    };
    Ok(Ok((repository, start)))
}

/// The lab at a revision.
pub(super) fn world(common: &Common, revision: &str) -> Result<Result<World, Exit>, Failure> {
    let (repository, start) = match repository(common)? {
        Ok(found) => found,
        Err(exit) => return Ok(Err(exit)),
    };
    match repository.lab(revision, start) {
        Ok(tree) => Ok(Ok(World::Commit(tree))),
        Err(why) => unresolved(why).map(Err),
    }
}

/// Says why what somebody called a commit gives none.
pub(super) fn unresolved(why: Unresolved) -> Result<Exit, Failure> {
    match why {
        Unresolved::Failed(failure) => Err(failure),
        Unresolved::Unknown {
            message,
            notes,
            help,
        } => {
            let notes = notes.iter().map(|note| format!("\nnote: {note}"));
            let message = message + &notes.collect::<String>();
            Ok(misused(&message, help.as_deref()))
        }
    }
}
