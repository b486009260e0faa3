//! The terminal and the environment, as far as a command may look at them.

use std::env;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::Failure;

/// Whether standard error takes colours: a terminal, and neither `NO_COLOR` nor `CI` set.
pub fn colour_on_stderr() -> bool {
    let quiet = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !quiet("NO_COLOR") && !quiet("CI")
}

/// Whether standard input is a person at a terminal.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The folder that the command was called in.
///
/// # Errors
/// The folder is gone or may not be read.
pub fn current_folder() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|cause| Failure {
        action: "finding",
        path: "the current folder".to_owned(),
        cause,
    })
}
