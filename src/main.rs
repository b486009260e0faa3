//! The binary: a screen around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = labc::cli::run(std::env::args_os());
    ExitCode::from(exit.code())
}
