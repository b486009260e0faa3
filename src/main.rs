//! The binary: a screen around the library.

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

/// Exit code of a bug in labc, as Rust's own.
const BUG: u8 = 101;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (report, said) = (panic::take_hook(), arguments.clone());
    panic::set_hook(Box::new(move |bug| {
        report(bug);
        labc::world::console::talk(&labc::cli::bug(&said));
    }));
    match labc::world::on_deep_stack(|| labc::cli::run(arguments)) {
        Some(exit) => ExitCode::from(exit.code()),
        None => ExitCode::from(BUG),
    }
}
