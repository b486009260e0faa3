//! Builds that are killed at any system call, or whose system calls fail: every file is old or new, nothing that a hand
//! wrote is lost, and the next build heals without `--force`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary in folders of its own"
)]

mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use tree::{Files, builds, copy, folders, identity, lab, labc, read, write};

/// The whole tree that a lab compiles to, `lab.lock` among it, from a folder where nothing was before.
fn clean(name: &str, lab: &str) -> Files {
    let folder = tree::folder(name, lab);
    builds(&folder);
    tree::tree(&folder)
}

/// Whether the system lets one process look at another's system calls.
fn has_strace(test: &str) -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync", "-o", "/dev/null", "true"])
        .status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        println!("{test}: skipped, strace is not there or may not trace");
    }
    works
}

/// System calls that a build changes the disk with, or opens what it reads by.
const CALLS: [&str; 9] = [
    "openat2",
    "write",
    "fchmod",
    "fsync",
    "syncfs",
    "mkdirat",
    "renameat",
    "renameat2",
    "unlinkat",
];

/// Three labs that share some files, change others, and each have some of their own.
struct Labs {
    texts: [String; 3],
    trees: [Files; 3],
    /// The first lab, built, with a file of somebody's in a folder that the second has not.
    base: PathBuf,
}

/// Somebody's own file in a folder of the tree.
const OWN: &str = "out/apps/two/notes.txt";

/// A file that no build of these labs changes.
const UNTOUCHED: &str = "out/talos/README.md";

/// A file that the second lab makes in another way.
const TOUCHED: &str = "out/apps/one/manifests/deployment-one.yaml";

impl Labs {
    fn new(test: &str) -> Self {
        let texts = [
            lab(&[
                ("one", 80),
                ("two", 80),
                ("five", 80),
                ("six", 80),
                ("seven", 80),
            ]),
            lab(&[
                ("one", 81),
                ("three", 80),
                ("five", 81),
                ("six", 82),
                ("seven", 83),
            ]),
            lab(&[("two", 82), ("three", 80), ("four", 80)]),
        ];
        let trees = [0, 1, 2].map(|which| clean(&format!("{test}-clean-{which}"), &texts[which]));
        let base = tree::folder(&format!("{test}-base"), &texts[0]);
        builds(&base);
        write(&base.join(OWN), "mine");
        assert_eq!(trees[0][UNTOUCHED], trees[1][UNTOUCHED]);
        assert_eq!(trees[0][UNTOUCHED], trees[2][UNTOUCHED]);
        assert_ne!(trees[0][TOUCHED], trees[1][TOUCHED]);
        Labs { texts, trees, base }
    }

    /// A copy of the base whose `lab.toml` is another lab.
    fn start(&self, name: &str, which: usize) -> PathBuf {
        let folder = copy(&self.base, name);
        write(&folder.join("lab.toml"), &self.texts[which]);
        folder
    }

    /// Every file is as one of the labs makes it or, where one makes none, not there; nothing else is there.
    fn is_old_or_new(&self, folder: &Path, which: &[usize], case: &str) {
        let there = tree::tree(folder);
        for (path, bytes) in &there {
            let known = which
                .iter()
                .any(|&lab| self.trees[lab].get(path) == Some(bytes));
            assert!(
                known || path == OWN,
                "{case}: {path} is neither old nor new"
            );
        }
        for path in which.iter().flat_map(|&lab| self.trees[lab].keys()) {
            let everywhere = which.iter().all(|&lab| self.trees[lab].contains_key(path));
            let missing = everywhere && !there.contains_key(path);
            assert!(!missing, "{case}: {path} is gone");
        }
        assert_eq!(there[OWN], b"mine", "{case}");
    }

    /// The next build heals, and leaves what a build leaves that nothing interrupted.
    fn heals(&self, folder: &Path, which: usize, case: &str) {
        let run = labc(folder, &["build", "-q"]);
        assert_eq!(run.code, 0, "{case}: the next build says\n{}", run.said);
        let mut there = tree::tree(folder);
        assert_eq!(
            there.remove(OWN).as_deref(),
            Some(b"mine".as_slice()),
            "{case}"
        );
        let differs: Vec<&String> = there
            .keys()
            .chain(self.trees[which].keys())
            .filter(|path| there.get(*path) != self.trees[which].get(*path))
            .collect();
        assert!(
            differs.is_empty(),
            "{case}: {differs:?} are not as they should be"
        );
        let left: Vec<String> = names(&folder.join(".labc"));
        assert_eq!(left, [".gitignore", "lock"], "{case}");
        for path in folders(folder) {
            let full = folder.join(&path);
            assert!(
                fs::read_dir(full).expect("a folder").count() > 0,
                "{case}: {path} is empty"
            );
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Runs a build under strace; one thread of work, so that the calls are counted the same each time.
fn traced(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("strace")
        .args(["-f", "-qq"])
        .args(arguments)
        .arg(env!("CARGO_BIN_EXE_labc"))
        .args(["build", "-q"])
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .output()
        .expect("strace runs")
}

/// A system call of a build: its name, and how many of that name its thread made before, and itself.
type Point = (&'static str, usize);

/// Every system call of a build of this folder, by the longest count of any of its threads.
fn points(folder: &Path) -> Vec<Point> {
    let log = folder.join("calls");
    let trace = format!("trace={}", CALLS.join(","));
    let output = traced(folder, &["-e", &trace, "-o", &log.to_string_lossy()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for line in String::from_utf8_lossy(&read(&log)).lines() {
        let (thread, rest) = line.split_once(' ').expect("a thread");
        let call = rest.trim_start().split('(').next().expect("a call");
        if let Some(call) = CALLS.iter().find(|known| **known == call) {
            *counts.entry((thread.to_owned(), call)).or_default() += 1;
        }
    }
    let longest = |call: &str| {
        let of_call = counts.iter().filter(|((_, name), _)| *name == call);
        of_call.map(|(_, count)| *count).max().unwrap_or_default()
    };
    let each = |call: &&'static str| {
        let call = *call;
        (1..=longest(call)).map(move |number| (call, number))
    };
    CALLS.iter().flat_map(each).collect()
}

/// Runs a build that is killed as it makes a system call; whether it was.
fn killed(folder: &Path, (call, number): Point) -> bool {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let output = traced(folder, &["-e", &trace, "-o", "/dev/null", "-e", &inject]);
    output.status.signal() == Some(9)
}

/// Calls `case` with each item and its index on two threads, and counts where it says yes.
fn on_two_threads<T: Sync>(items: &[T], case: impl Fn(usize, &T) -> bool + Sync) -> usize {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut count = 0;
        while let Some((index, item)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            items.get(index).map(|item| (index, item))
        } {
            count += usize::from(case(index, item));
        }
        count
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let own = work();
        own + other.join().expect("the other thread's cases hold")
    })
}

#[test]
fn a_killed_build_is_healed_by_the_next() {
    if !has_strace("kill") {
        return;
    }
    let labs = Labs::new("kill");
    let points = points(&labs.start("kill-points", 1));
    let edits = AtomicUsize::new(0);
    let hands = AtomicUsize::new(0);
    let count = on_two_threads(&points, |index, point| {
        let case = format!("killed at {} {}", point.0, point.1);
        let folder = labs.start(&format!("kill-{}", index % 64 + 1000 * (index / 64)), 1);
        let own = identity(&folder.join(OWN));
        let was_killed = killed(&folder, *point);
        labs.is_old_or_new(&folder, &[0, 1], &case);
        assert_eq!(identity(&folder.join(OWN)), own, "{case}");
        // In half of the cases lab.toml is another one by then.
        let next = 1 + index % 2;
        if next == 2 {
            write(&folder.join("lab.toml"), &labs.texts[next]);
            edits.fetch_add(1, Ordering::Relaxed);
        }
        if index % 4 < 2 {
            let path = [UNTOUCHED, TOUCHED][index / 4 % 2];
            keeps_hand_edit(&folder, path, &case);
            hands.fetch_add(1, Ordering::Relaxed);
        }
        labs.heals(&folder, next, &case);
        fs::remove_dir_all(&folder).expect("it can be removed");
        was_killed
    });
    println!(
        "kill: {count} builds killed at {} points, lab.toml edited after {}, files edited by hand after {}: \
         0 torn, 0 of labc's own refused, 0 edits lost",
        points.len(),
        edits.into_inner(),
        hands.into_inner()
    );
    assert!(count >= 200, "only {count} builds were killed");
}

/// A file that was edited after the kill is refused, named and left as it is; then the edit is taken back.
fn keeps_hand_edit(folder: &Path, path: &str, case: &str) {
    let full = folder.join(path);
    let Ok(before) = fs::read(&full) else {
        return;
    };
    let edited = [before.as_slice(), b"# by hand\n"].concat();
    write(&full, &edited);
    let run = labc(folder, &["build"]);
    assert_eq!(run.code, 3, "{case}: {}", run.said);
    assert!(
        run.said.contains(&format!("`{path}` was edited by hand")),
        "{case}: {}",
        run.said
    );
    assert_eq!(
        run.said.matches("error[").count(),
        1,
        "{case}: {}",
        run.said
    );
    assert_eq!(read(&full), edited, "{case}");
    write(&full, before);
}

#[test]
fn builds_killed_one_after_another_are_healed_by_the_next() {
    if !has_strace("kill again") {
        return;
    }
    let labs = Labs::new("again");
    let points = points(&labs.start("again-points", 1));
    let late = |point: &&Point| {
        matches!(
            point.0,
            "renameat" | "renameat2" | "unlinkat" | "mkdirat" | "fsync"
        )
    };
    let late: Vec<Point> = points.iter().filter(late).copied().collect();
    let count = on_two_threads(&late, |index, point| {
        let folder = labs.start(&format!("again-{index}"), 1);
        let mut kills = usize::from(killed(&folder, *point));
        let mut seen = vec![0, 1];
        let mut case = format!("killed at {point:?}");
        for (step, which) in [(7, 2), (11, 0), (13, 1)] {
            write(&folder.join("lab.toml"), &labs.texts[which]);
            let point = late[(index * step + step) % late.len()];
            kills += usize::from(killed(&folder, point));
            seen.push(which);
            case.push_str(&format!(", lab {which} at {point:?}"));
            labs.is_old_or_new(&folder, &seen, &case);
        }
        let next = index % 3;
        write(&folder.join("lab.toml"), &labs.texts[next]);
        labs.heals(&folder, next, &case);
        fs::remove_dir_all(&folder).expect("it can be removed");
        kills >= 2
    });
    println!(
        "kill again: {count} labs with two to four builds killed in a row: 0 torn, all healed"
    );
    assert!(count >= 40, "only {count} labs were killed twice");
}

/// Errors of the machine, as strace and as the system call them.
const ERRORS: [(&str, &str); 5] = [
    ("EIO", "os error 5"),
    ("ENOSPC", "os error 28"),
    ("EACCES", "os error 13"),
    ("EROFS", "os error 30"),
    ("EMFILE", "os error 24"),
];

#[test]
fn an_error_of_the_machine_leaves_the_tree_old_or_new() {
    if !has_strace("errors") {
        return;
    }
    let labs = Labs::new("errors");
    let points = points(&labs.start("errors-points", 1));
    let old_folders = folders(&labs.base);
    let each = |point: &Point| {
        let all = ["renameat", "renameat2", "syncfs"].contains(&point.0);
        let errors = ERRORS.len();
        let first = if all { 0 } else { point.1 % errors };
        let number = if all { errors } else { 1 };
        let point = *point;
        (first..first + number).map(move |error| (point, ERRORS[error]))
    };
    let cases: Vec<(Point, (&str, &str))> = points.iter().flat_map(each).collect();
    let stopped = on_two_threads(&cases, |index, ((call, number), (error, words))| {
        let case = format!("{error} from {call} {number}");
        let folder = labs.start(&format!("errors-{index}"), 1);
        let trace = format!("trace={call}");
        let inject = format!("inject={call}:error={error}:when={number}");
        let output = traced(&folder, &["-e", &trace, "-o", "/dev/null", "-e", &inject]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let there = tree::tree(&folder);
        labs.is_old_or_new(&folder, &[0, 1], &case);
        let code = output.status.code();
        match code {
            // What only tidies up may fail without a word, once the tree is the new one.
            Some(0) => assert_eq!(there["lab.lock"], labs.trees[1]["lab.lock"], "{case}"),
            // The calls of each thread are counted for itself, so the words of the error may be lost like the first ones.
            Some(4) if *call == "write" && said.is_empty() => {}
            Some(4) => {
                assert!(
                    said.starts_with("error: ") && said.contains(words),
                    "{case}: {said}"
                );
                assert_eq!(said.lines().count(), 1, "{case}: {said}");
                assert!(names_a_path(&said, &folder), "{case} names no path: {said}");
            }
            _ => panic!("{case}: {code:?} {said}"),
        }
        let is_old = labs.trees[0]
            .iter()
            .all(|(path, bytes)| there.get(path) == Some(bytes));
        if is_old && there.len() == labs.trees[0].len() + 1 {
            assert_eq!(
                folders(&folder),
                old_folders,
                "{case}: folders were left behind"
            );
        }
        let next = 1 + index % 2;
        write(&folder.join("lab.toml"), &labs.texts[next]);
        labs.heals(&folder, next, &case);
        fs::remove_dir_all(&folder).expect("it can be removed");
        code == Some(4)
    });
    println!(
        "errors: {} injected, {stopped} ended a build with exit 4, its path and its cause; all trees old or new, all healed",
        cases.len()
    );
    assert!(stopped >= 150, "only {stopped} builds were stopped");
}

/// Whether a message names the lab's folder or something in it: `error: ACTION PATH: CAUSE`.
fn names_a_path(said: &str, folder: &Path) -> bool {
    let before_cause = said.rsplit_once(": ").map_or("", |(before, _)| before);
    let path = before_cause.rsplit(' ').next().unwrap_or_default();
    let below = [
        "out", "lab.", ".labc", "modules", ".", "secrets", "talos", "values",
    ];
    below.iter().any(|start| path.starts_with(start)) || path == folder.display().to_string()
}

#[test]
fn a_large_first_build_that_is_killed_is_healed_by_the_next() {
    if !has_strace("kill large") {
        return;
    }
    // More files than are synced one by one.
    let names: Vec<String> = (0..16).map(|number| format!("app-{number}")).collect();
    let apps: Vec<(&str, u16)> = names.iter().map(|name| (name.as_str(), 80)).collect();
    let (all, fewer) = (lab(&apps), lab(&apps[8..]));
    let trees = [clean("large-clean", &all), clean("large-fewer", &fewer)];
    assert!(trees[0].len() > 64, "{} files are few", trees[0].len());
    let points = points(&tree::folder("large-points", &all));
    assert!(
        points.iter().any(|(call, _)| *call == "syncfs"),
        "it is synced at once"
    );
    let some: Vec<Point> = points
        .iter()
        .filter(|(call, number)| number % 12 == 1 || *call == "syncfs")
        .copied()
        .collect();
    let count = on_two_threads(&some, |index, point| {
        let folder = tree::folder(&format!("large-{index}"), &all);
        let was_killed = killed(&folder, *point);
        for (path, bytes) in tree::tree(&folder) {
            assert_eq!(trees[0].get(&path), Some(&bytes), "{point:?}: {path}");
        }
        let next = index % 2;
        write(&folder.join("lab.toml"), [&all, &fewer][next]);
        builds(&folder);
        assert!(
            tree::tree(&folder) == trees[next],
            "{point:?}: it is not healed"
        );
        fs::remove_dir_all(&folder).expect("it can be removed");
        was_killed
    });
    println!(
        "kill large: {count} first builds of {} files killed, all healed",
        trees[0].len()
    );
    assert!(count >= 40, "only {count} builds were killed");
}

#[test]
fn nothing_has_its_name_before_it_is_on_the_disk() {
    if !has_strace("order") {
        return;
    }
    let names: Vec<String> = (0..16).map(|number| format!("app-{number}")).collect();
    let apps: Vec<(&str, u16)> = names.iter().map(|name| (name.as_str(), 80)).collect();
    for apps in [&apps[..2], &apps] {
        let folder = tree::folder("order", &lab(apps));
        let log = folder.join("calls");
        let trace = "trace=fsync,syncfs,renameat,renameat2,unlinkat";
        let output = traced(&folder, &["-y", "-e", trace, "-o", &log.to_string_lossy()]);
        assert!(output.status.success());
        let log = String::from_utf8_lossy(&read(&log)).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        let at = |words: &[&str]| {
            let found = lines
                .iter()
                .position(|line| words.iter().all(|word| line.contains(word)));
            found.unwrap_or_else(|| panic!("{words:?} is not in\n{log}"))
        };
        let last = |words: &[&str]| {
            let is_it = |line: &&str| words.iter().all(|word| line.contains(word));
            lines.iter().rposition(is_it).unwrap_or_default()
        };
        let journal = at(&["renameat", "\"journal\""]);
        let (first, renamed) = (at(&["renameat", "/out"]), last(&["renameat", "/out"]));
        let lock = at(&["renameat", "\"lab.lock\""]);
        let forgotten = at(&["unlinkat", "\"journal\""]);
        assert!(
            journal < first && renamed < lock && lock < forgotten,
            "{log}"
        );
        // The bytes are on the disk before the first name, the names before the lock, the lock before it is all forgotten.
        let files = lines
            .iter()
            .filter(|line| line.contains("renameat") && line.contains("/out"))
            .count();
        let synced = lines[..first]
            .iter()
            .filter(|line| line.contains("fsync("))
            .count();
        let at_once = lines[..first].iter().any(|line| line.contains("syncfs("));
        assert!(at_once || synced >= files, "{log}");
        assert_eq!(at_once, files >= 48, "{files} files");
        let between =
            |from: usize, to: usize| lines[from..to].iter().any(|line| line.contains("sync"));
        assert!(between(journal, first), "the journal is not synced\n{log}");
        assert!(between(renamed, lock), "the folders are not synced\n{log}");
        assert!(between(lock, forgotten), "the lock is not synced\n{log}");
    }
}

#[test]
fn a_file_system_without_locks_is_no_obstacle() {
    if !has_strace("no locks") {
        return;
    }
    for error in ["EOPNOTSUPP", "ENOLCK", "ENOSYS"] {
        let folder = tree::folder("no-locks", &lab(&[]));
        let inject = format!("inject=flock:error={error}");
        let run = tree::ran(
            Command::new("strace")
                .args([
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    "trace=flock",
                    "-e",
                    &inject,
                ])
                .args([env!("CARGO_BIN_EXE_labc"), "build", "--verbose"])
                .current_dir(&folder),
        );
        assert_eq!(run.code, 0, "{error}: {}", run.said);
        assert!(
            run.said.contains("are not kept away"),
            "{error}: {}",
            run.said
        );
    }
}

#[test]
fn two_builds_at_once_leave_one_tree() {
    let labs = Labs::new("both");
    let mut waited = 0;
    for round in 0..100 {
        let folder = labs.start("both", 1 + round % 2);
        let start = || {
            Command::new(env!("CARGO_BIN_EXE_labc"))
                .arg("build")
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs")
        };
        let both = [start(), start()];
        for child in both {
            let output = child.wait_with_output().expect("it ends");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "round {round}: {said}");
            waited += said
                .matches("waiting for another build of this lab")
                .count();
        }
        labs.heals(&folder, 1 + round % 2, &format!("round {round}"));
    }
    println!("two at once: 100 rounds, {waited} builds waited, 0 broken trees");
    assert!(waited > 0, "no build ever waited");
}
