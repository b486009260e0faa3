//! Hostile labs end in a message: in time, in bounded memory, with nothing written, and nothing outside touched.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test makes folders, runs the binary and measures it"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "hostile/cases.rs"]
mod cases;

use cases::{Case, cases};

/// Seconds that a refusal may take: two where the compiler is optimized, as users have it.
const MOST_SECONDS: f64 = if cfg!(debug_assertions) { 30.0 } else { 2.0 };
/// Bytes that it may hold at its peak.
const MOST_MEMORY: u64 = 500 << 20;

/// How a run ended.
struct Ran {
    code: Option<i32>,
    said: String,
    seconds: f64,
    memory: u64,
}

fn temporary() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile")
}

/// The folder of a case with its lab, and a canary beside it.
fn prepare(case: &Case) -> PathBuf {
    let folder = temporary().join(case.name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("lab")).expect("a folder");
    fs::create_dir_all(folder.join("canary")).expect("a folder");
    fs::write(folder.join("canary/values.yaml"), "secret: canary-7f3a\n").expect("a file");
    for (path, bytes) in (case.files)() {
        let path = folder.join("lab").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    for (link, target) in case.links {
        let link = folder.join("lab").join(link);
        fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(target, link).expect("a link");
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let said = folder.join("said");
    let output = fs::File::create(&said).expect("a file");
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(arguments)
        .current_dir(folder.join("lab"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a handle"))
        .stderr(output)
        .spawn()
        .expect("it runs");
    let mut memory = 0;
    let status = loop {
        memory = peak(child.id()).unwrap_or(memory).max(memory);
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if start.elapsed().as_secs_f64() > 2.0 * MOST_SECONDS || memory > 4 * MOST_MEMORY {
            child.kill().expect("it can be ended");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    Ran {
        code: status.code(),
        seconds: start.elapsed().as_secs_f64(),
        said: String::from_utf8_lossy(&fs::read(said).expect("what it said")).into_owned(),
        memory,
    }
}

/// The most memory that a process ever held, in bytes, as far as the system tells.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

/// Every file below a folder with its bytes, links as what they point to.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = fs::symlink_metadata(&path)
                .expect("it is there")
                .file_type();
            if kind.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                files.insert(path, target.into_os_string().into_encoded_bytes());
            } else if kind.is_dir() {
                // Where a build keeps its lock on the lab: no part of it, and ignored by Git.
                if !path.ends_with(".labc") {
                    folders.push(path);
                }
            } else {
                files.insert(path.clone(), fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// What is wrong with how a case ended; empty if nothing is.
fn judge(case: &Case, ran: &Ran, before: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    match ran.code {
        Some(1 | 2) => {}
        Some(code) => wrong.push(format!("exit {code}")),
        None => wrong.push("it was killed".to_owned()),
    }
    if !ran.said.contains(case.expected) {
        wrong.push(format!("it does not say `{}`", case.expected));
    }
    if ran.said.contains("canary-7f3a") {
        wrong.push("it shows what is outside".to_owned());
    }
    if ran.said.lines().count() > 3000 {
        wrong.push(format!("it says {} lines", ran.said.lines().count()));
    }
    if !before {
        wrong.push("something was written".to_owned());
    }
    if ran.seconds > MOST_SECONDS {
        wrong.push(format!("it takes {:.1} s", ran.seconds));
    }
    if ran.memory > MOST_MEMORY {
        wrong.push(format!("it takes {} MB", ran.memory >> 20));
    }
    wrong
}

#[test]
fn hostile_labs_end_in_a_message() {
    let only = std::env::var("LABC_HOSTILE").unwrap_or_default();
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.name.contains(&only))
        .collect();
    let mut failures = Vec::new();
    let (mut slowest, mut largest) = (0.0f64, 0);
    for case in &cases {
        let folder = prepare(case);
        let (lab, canary) = (folder.join("lab"), folder.join("canary"));
        let before = (snapshot(&lab), snapshot(&canary));
        let ran = run(&folder, case.arguments);
        let same = before == (snapshot(&lab), snapshot(&canary));
        let wrong = judge(case, &ran, same);
        if !only.is_empty() {
            let (seconds, memory) = (ran.seconds, ran.memory >> 20);
            println!(
                "{}: {seconds:.2} s, {memory} MB\n{}",
                case.name,
                head(&ran.said)
            );
        }
        if !wrong.is_empty() {
            let wrong = wrong.join(", ");
            failures.push(format!("{}: {wrong}\n{}", case.name, head(&ran.said)));
        }
        slowest = slowest.max(ran.seconds);
        largest = largest.max(ran.memory);
        fs::remove_dir_all(folder).expect("the folder is ours");
    }
    println!(
        "hostile trees: {} refused of {}, slowest {slowest:.2} s, largest {} MB",
        cases.len() - failures.len(),
        cases.len(),
        largest >> 20
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        !only.is_empty() || cases.len() >= 45,
        "{} cases",
        cases.len()
    );
}

fn head(said: &str) -> String {
    let lines: Vec<String> = said
        .lines()
        .take(8)
        .map(|line| line.chars().take(160).collect())
        .collect();
    lines.join("\n")
}

/// What is said after a panic has all that a report needs, and steers no terminal.
#[test]
fn a_bug_says_what_to_report() {
    let arguments = ["labc", "build", "--out", "\u{1b}[2J"].map(Into::into);
    let said = labc::cli::bug(&arguments);
    for needed in [
        "bug in labc",
        env!("CARGO_PKG_VERSION"),
        "labc build --out",
        "lab.toml",
        "half written",
    ] {
        assert!(said.contains(needed), "{needed}: {said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
