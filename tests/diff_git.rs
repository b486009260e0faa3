//! Runs every file of `tests/diff/git/`: a lab in a repository of the real git, what is done to it, and what `labc diff`
//! and its friends say then. `LABC_BLESS=1` writes what is printed now into the files. Without a git or a bash, the test
//! says so and passes.
//!
//! A file begins with `lab: NAME`, a lab of `tests/labs/` that is committed as the first commit of `main`. A `sh` block is
//! run as it is; a `console` block has one command `$ labc ...`, its output as in `tests/transcripts.rs`. Ids of commits
//! are printed as `COMMIT`.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the binary and git in folders of its own"
)]

mod pages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pages::{Page, pages, root};

#[test]
fn every_history_is_told() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("git") || !has("bash") {
        println!("skipped: no git or no bash is installed");
        return;
    }
    let mut wrong = Vec::new();
    let files = pages("tests/diff/git");
    assert!(files.len() > 3, "the cases were not found");
    for path in files {
        wrong.extend(replay(&path));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs in a file from what is printed now.
fn replay(path: &Path) -> Vec<String> {
    let page = Page::read(path);
    let lab = page.lines[0]
        .strip_prefix("lab: ")
        .expect("it begins with its lab");
    let name = path.file_stem().expect("a name").to_string_lossy();
    let repository = repository(&name, lab);
    let mut lines = page.lines.clone();
    let mut printed = Vec::new();
    for (kind, start, end) in &page.blocks {
        let body = page.body(*start, *end);
        match kind.as_str() {
            "sh" => script(&repository, &body),
            "console" => {
                let command = body.lines().next().expect("a command");
                let now = format!("{command}\n{}", run(&repository, command));
                printed.push((*start, *end, body.clone(), now));
            }
            other => panic!("{}: a block of `{other}`", path.display()),
        }
    }
    if std::env::var_os("LABC_BLESS").is_some_and(|value| value == "1") {
        for (start, end, _, now) in printed.iter().rev() {
            lines.splice(start + 1..*end, now.lines().map(str::to_owned));
        }
        fs::write(path, lines.join("\n") + "\n").expect("it can be written");
        return Vec::new();
    }
    let differ = printed
        .into_iter()
        .filter(|(_, _, before, now)| before != now);
    differ
        .map(|(start, _, before, now)| {
            let path = path.display();
            format!(
                "{path}:{}: expected\n{before}\nbut it prints\n{now}",
                start + 1
            )
        })
        .collect()
}

/// A new repository with a lab in its first commit.
fn repository(name: &str, lab: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("diff-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    let repository = folder.join("repository");
    copy(&root().join("tests/labs").join(lab), &repository);
    fs::write(repository.join("lab.lock"), "").expect("a lock can be written");
    fs::remove_file(repository.join("lab.lock")).expect("and removed");
    script(&repository, "git init --quiet -b main");
    run(&repository, "$ labc build --quiet --force");
    script(
        &repository,
        "git add --all\ngit commit --quiet -m 'the lab'",
    );
    repository
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be listed") {
        let entry = entry.expect("an entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

fn command(repository: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([
            ("GIT_AUTHOR_NAME", "A Person"),
            ("GIT_AUTHOR_EMAIL", "person@example.org"),
            ("GIT_COMMITTER_NAME", "A Person"),
            ("GIT_COMMITTER_EMAIL", "person@example.org"),
            ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
            ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
            ("LABC", env!("CARGO_BIN_EXE_labc")),
            ("NO_COLOR", "1"),
        ])
        .stdin(Stdio::null());
    command
}

fn script(repository: &Path, text: &str) {
    let output = command(repository, "bash")
        .args(["-euc", &format!("labc() {{ \"$LABC\" \"$@\"; }}\n{text}")])
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{said}");
}

/// What a command prints: standard output, standard error, the exit where it is not 0.
fn run(repository: &Path, line: &str) -> String {
    let words = line.strip_prefix("$ labc").expect("`$ labc ...`");
    let output = command(repository, "bash")
        .args(["-c", &format!("\"$LABC\"{words}")])
        .output()
        .expect("the binary runs");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if let Some(code) = output.status.code().filter(|code| *code != 0) {
        text.push_str(&format!("(exit {code})\n"));
    }
    let place = repository.parent().expect("a folder").display().to_string();
    without_ids(&text.replace(&place, "PLACE"))
}

/// The text with every id of a commit, short or whole, by a word of its own.
fn without_ids(text: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..]
            .find(|letter| !is_part(letter))
            .map_or(rest.len(), |end| start + end);
        let word = &rest[start..end];
        let is_hex = word
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_id = is_hex
            && [7, 8, 40].contains(&word.len())
            && word.bytes().any(|byte| byte.is_ascii_digit());
        result.push_str(&rest[..start]);
        result.push_str(if is_id { "COMMIT" } else { word });
        rest = &rest[end..];
    }
    result + rest
}
