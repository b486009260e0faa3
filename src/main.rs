//! The binary: a screen around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        eprintln!(
            "this is a bug in labc, and nothing was written: please report it with the lines above and the lab.toml"
        );
    }));
    let exit = labc::cli::run(std::env::args_os());
    ExitCode::from(exit.code())
}
