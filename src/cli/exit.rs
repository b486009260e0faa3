//! Exit codes, and what is said with them.

use super::output;
use crate::world::Failure;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// The lab is wrong.
    Wrong,
    /// Wrong use of the command.
    Usage,
    /// Not up to date, refused, or different.
    Differs,
    /// The machine failed.
    Machine,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Wrong => 1,
            Exit::Usage => 2,
            Exit::Differs => 3,
            Exit::Machine => 4,
        }
    }
}

/// Says what is wrong with the arguments, or prints the help that they asked for.
pub(super) fn usage(error: &clap::Error) -> Exit {
    // Printing can only fail where nobody reads it any more.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Fine
    }
}

/// Says how the machine failed.
pub(super) fn machine(failure: &Failure) -> Exit {
    output::talk(&format!("error: {failure}\n"));
    Exit::Machine
}
