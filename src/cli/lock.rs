//! `labc lock --resolve`: after a conflict, the lock and the tree anew from what both sides say.

use clap::Args;

use super::build::{apply, guard, tell};
use super::compared::{How, compare, leave};
use super::output::{diagnostics, say};
use super::{Common, Exit};
use crate::lock::{self, Merged};
use crate::world::Failure;

/// Make lab.lock right after a merge conflict
///
/// Resolve lab.toml first: what it says after the merge decides. Then this writes lab.lock and what is labc's own in out/
/// anew, with or without conflict marks in them, and nothing else; a file that was edited by hand at either side is refused
/// and named. Within a merge, rebase, cherry-pick or revert `labc build` does the same; this also does it where Git knows
/// of no merge any more (a stash, a patch, a squashed merge): it takes both sides from the marks. It stages nothing.
#[derive(Debug, Args)]
pub(super) struct Lock {
    /// Make the lock and the tree anew from both sides of the conflict
    #[arg(long, required = true)]
    resolve: bool,
}

impl Lock {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let (folder, world) = common.world()?;
        let guard = guard(common, &folder, How::Resolve);
        let compared = match compare(common, &world, How::Resolve)? {
            Ok(compared) => compared,
            Err(exit) => return Ok(exit),
        };
        let is_merging = || matches!(Merged::of(&world), Ok(Some(merge)) if merge.goes_on());
        if !compared.before.is_torn() && !is_merging() {
            diagnostics(common, &compared.diagnostics, &compared.sources);
            say(common, &format!("{} has no conflict", lock::FILE));
            leave(compared);
            return Ok(Exit::Fine);
        }
        let compared = match apply(common, &folder, Some(guard), compared, How::Resolve)? {
            Ok(compared) => compared,
            Err(exit) => return Ok(exit),
        };
        let sum = tell(common, &compared);
        say(common, &format!("{} is right: {sum}", lock::FILE));
        if compared.before.is_torn() {
            say(common, "tell Git with `git add lab.lock out`");
        }
        leave(compared);
        Ok(Exit::Fine)
    }
}
