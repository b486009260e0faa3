//! Runs every command of `tests/explain/`, `tests/show/` and `tests/module/`, and compares what it prints.
//!
//! A file begins with `lab: FOLDER`, the folder to run in. Each `console` block, fenced by four backticks because a page
//! has fences of its own, begins with `$ labc ...`;
//! behind it stands what goes to standard output, then what goes to standard error, and last `(exit N)` where N is not
//! 0. `LABC_BLESS=1` writes what is printed now into the files; Git shows the change.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk and runs the binary"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_command_prints_what_its_transcript_says() {
    let is_blessed = std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    let files = files();
    assert!(files.len() > 3, "the transcripts were not found");
    for path in files {
        let before = fs::read_to_string(&path).expect("it can be read");
        let now = replayed(&before);
        if is_blessed {
            fs::write(&path, now).expect("it can be written");
        } else if before != now {
            let diff = similar::TextDiff::from_lines(&before, &now);
            let diff = diff
                .unified_diff()
                .header("expected", "printed")
                .to_string();
            wrong.push(format!("{}\n{diff}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["explain", "show", "module"] {
        let entries = fs::read_dir(root().join("tests").join(folder)).expect("a folder of cases");
        files.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    files.sort();
    files
}

/// How a block begins and ends.
const OPEN: &str = "````console\n";
const CLOSE: &str = "\n````\n";

/// The file with what its commands print now.
fn replayed(file: &str) -> String {
    let lab = file
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("lab: "));
    let folder = root().join(lab.expect("it begins with its lab"));
    let mut now = String::new();
    let mut rest = file;
    while let Some(open) = rest.find(OPEN) {
        let body = open + OPEN.len();
        let close = rest[body..].find(CLOSE).expect("a block is closed") + body + 1;
        let command = rest[body..close]
            .lines()
            .next()
            .expect("a block has a command");
        now.push_str(&rest[..body]);
        now.push_str(&format!("{command}\n{}", run(command, &folder)));
        rest = &rest[close..];
    }
    now + rest
}

fn run(command: &str, folder: &Path) -> String {
    let arguments = command
        .strip_prefix("$ labc ")
        .expect("a command begins with `$ labc `");
    let output = Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary runs");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => text,
        code => format!("{text}(exit {})\n", code.unwrap_or(-1)),
    }
}
