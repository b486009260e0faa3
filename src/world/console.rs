//! The terminal and the environment, as far as a command may look at them.

use std::env;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Failure;

/// Whether standard error takes colours: a terminal, and neither `NO_COLOR` nor `CI` set.
pub fn colour_on_stderr() -> bool {
    io::stderr().is_terminal() && colour_is_welcome()
}

/// Whether standard output takes colours: as [`colour_on_stderr`].
pub fn colour_on_stdout() -> bool {
    io::stdout().is_terminal() && colour_is_welcome()
}

fn colour_is_welcome() -> bool {
    let quiet = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !quiet("NO_COLOR") && !quiet("CI")
}

/// Writes data to standard output. Where nobody reads it any more, that is fine.
///
/// # Errors
/// The machine failed: a full disk behind a redirection.
pub fn print(data: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Failure {
            action: "writing",
            path: "standard output".to_owned(),
            cause,
        }),
        _ => Ok(()),
    }
}

/// Says something to the person on standard error. Where nobody listens, that is fine.
pub fn talk(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// What a person types after a question; none at the end of the input.
///
/// # Errors
/// The machine failed.
pub fn ask(question: &str) -> Result<Option<String>, Failure> {
    talk(question);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let read = read.map_err(|cause| Failure {
        action: "reading",
        path: "standard input".to_owned(),
        cause,
    })?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

/// Whether standard input is a person at a terminal.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
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

/// Writes data to a file of the caller's own choice, `-` for standard output.
///
/// # Errors
/// The machine failed.
pub fn write_file(path: &str, data: &[u8]) -> Result<(), Failure> {
    if path == "-" {
        return print(data);
    }
    std::fs::write(path, data).map_err(|cause| Failure {
        action: "writing",
        path: path.to_owned(),
        cause,
    })
}

/// Shows text a page at a time where standard output is a terminal: through `LABC_PAGER`, else `PAGER`, else `less`; an
/// empty one or `cat` is none. Where none can be started, all is printed.
///
/// # Errors
/// The machine failed.
pub fn page(text: &str) -> Result<(), Failure> {
    let pager = ["LABC_PAGER", "PAGER"].into_iter().find_map(env::var_os);
    let pager = pager.map_or_else(
        || "less".to_owned(),
        |pager| pager.to_string_lossy().into_owned(),
    );
    let mut words = pager.split_whitespace();
    let program = words.next().filter(|program| *program != "cat");
    let Some(program) = program.filter(|_| io::stdout().is_terminal()) else {
        return print(text.as_bytes());
    };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        // As Git does: leave where one screen is enough, show colours, leave the screen as it is.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else {
        return print(text.as_bytes());
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever leaves the pager early has seen enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    let _ = child.wait();
    Ok(())
}
