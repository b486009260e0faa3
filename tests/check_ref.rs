//! `labc check --ref`: a commit's tree and lock, proven from Git's objects alone. Repositories are made by the real git;
//! without one, the tests say so and pass.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and git in folders of its own"
)]

#[allow(dead_code, reason = "each test uses a part of it")]
mod repository;
#[allow(dead_code, reason = "each test uses a part of it")]
mod tree;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use repository::Git;
use tree::{Run, builds, labc, ran};

const DEPLOYMENT: &str = "out/apps/one/manifests/deployment-one.yaml";
const SERVICE: &str = "out/apps/one/manifests/service-one.yaml";
const PROGRAM: &str = "out/bootstrap/provision.sh";

/// A repository with a built and committed lab in `clusters/home`.
fn repository(name: &str) -> Option<Git> {
    let git = Git::new(&format!("check-{name}"))?;
    git.write("clusters/home/lab.toml", &tree::lab(&[("one", 80)]));
    builds(&git.root.join("clusters/home"));
    git.commit("the lab").run(&["tag", "good"]);
    Some(git)
}

impl Git {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join("clusters/home").join(path)
    }

    fn check(&self, revision: &str) -> Run {
        labc(&self.at(""), &["check", "--ref", revision])
    }

    /// What is said of the commit that a change makes, and of its checkout.
    fn changed(&self, change: impl FnOnce(&Git)) -> (Run, Run) {
        self.run(&["reset", "--quiet", "--hard", "good"]);
        change(self);
        self.commit("a change");
        let commit = self.check("HEAD");
        (commit, labc(&self.at(""), &["check"]))
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.at(path)).expect("a file");
        assert!(text.contains(old), "{path} has no {old:?}");
        tree::write(&self.at(path), text.replace(old, new));
    }
}

/// The codes and paths of what was said.
fn said(run: &Run) -> Vec<&str> {
    let heads = run.said.lines();
    heads
        .filter(|line| line.starts_with("error[") || line.starts_with("warning["))
        .collect()
}

#[test]
fn a_commit_that_is_its_own_compile_is_fine() {
    let Some(git) = repository("fine") else {
        return;
    };
    let short = git.run(&["rev-parse", "--short", "HEAD"]);
    let run = git.check("main");
    assert_eq!(run.code, 0, "{}", run.said);
    let end = format!("and lab.lock are up to date at main ({short})\n");
    assert!(run.said.ends_with(&end), "{}", run.said);
    // What the work tree holds does not matter, and where in the lab one stands neither.
    fs::remove_dir_all(git.at("out")).expect("it can be removed");
    fs::create_dir_all(git.at("modules/new")).expect("a folder");
    tree::write(&git.at("lab.toml"), "nonsense");
    let inside = labc(&git.at("modules/new"), &["check", "--ref", "good"]);
    assert_eq!(inside.code, 0, "{}", inside.said);
    let named = labc(
        &git.root,
        &["-C", "clusters/home", "check", "--ref", "HEAD"],
    );
    assert_eq!(named.code, 0, "{}", named.said);
    let exact = labc(
        &git.root,
        &["-C", "clusters/home/modules", "check", "--ref", "HEAD"],
    );
    assert_eq!(exact.code, 2, "{}", exact.said);
    assert!(
        exact.said.contains("`HEAD:clusters/home`"),
        "{}",
        exact.said
    );
}

#[test]
fn every_mismatch_is_named_as_on_disk() {
    let Some(git) = repository("kinds") else {
        return;
    };
    let edited = |git: &Git| git.replace(DEPLOYMENT, "replicas: 1", "replicas: 7");
    let gone = |git: &Git| fs::remove_file(git.at(SERVICE)).expect("a file");
    let stale = |git: &Git| git.replace("lab.toml", "one:1.0.0", "one:1.0.1");
    let unbuilt = |git: &Git| {
        git.replace("lab.toml", "[apps.one]", "[apps.two]\nmodule = \"workload\"\nimage = \"example.org/two:1.0.0\"\nport = 81\n\n[apps.one]")
    };
    let dropped = |git: &Git| {
        let text = fs::read_to_string(git.at("lab.toml")).expect("a file");
        tree::write(
            &git.at("lab.toml"),
            text.split("\n[apps.one]").next().expect("the rest"),
        );
    };
    let foreign = |git: &Git| tree::write(&git.at("out/apps/one/manifests/mine.yaml"), "a: 1\n");
    let no_lock = |git: &Git| fs::remove_file(git.at("lab.lock")).expect("a file");
    let conflict = |git: &Git| {
        let lock = fs::read_to_string(git.at("lab.lock")).expect("a file");
        let marks = lock.replacen("\n\n", "\n\n<<<<<<< HEAD\n=======\n>>>>>>> other\n", 1);
        tree::write(&git.at("lab.lock"), marks);
    };
    let older = |git: &Git| {
        git.replace("lab.lock", "epoch = 1", "epoch = 0");
        git.replace("lab.toml", "one:1.0.0", "one:1.0.1");
    };
    let link = |git: &Git| {
        fs::rename(git.at(DEPLOYMENT), git.at("elsewhere")).expect("a file");
        symlink("../../../../elsewhere", git.at(DEPLOYMENT)).expect("a link");
    };
    let folder_link = |git: &Git| {
        fs::rename(git.at("out/apps"), git.at("apps")).expect("a folder");
        symlink("../apps", git.at("out/apps")).expect("a link");
    };
    let folder = |git: &Git| {
        fs::remove_file(git.at(SERVICE)).expect("a file");
        fs::create_dir(git.at(SERVICE)).expect("a folder");
        tree::write(&git.at(SERVICE).join("a"), "text");
    };
    let file = |git: &Git| {
        fs::remove_dir_all(git.at("out/apps/one/manifests")).expect("a folder");
        tree::write(&git.at("out/apps/one/manifests"), "text");
    };
    let lock_link = |git: &Git| {
        fs::rename(git.at("lab.lock"), git.at("lock")).expect("a file");
        symlink("lock", git.at("lab.lock")).expect("a link");
    };
    type Case<'a> = (&'a dyn Fn(&Git), &'a [&'a str]);
    let cases: [Case<'_>; 14] = [
        (
            &edited,
            &["error[L1001]: `out/apps/one/manifests/deployment-one.yaml` was edited by hand"],
        ),
        (
            &gone,
            &[
                "error[L1005]: `out/apps/one/manifests/service-one.yaml` is missing: it was removed by hand",
            ],
        ),
        (
            &stale,
            &[
                "error[L1005]: `out/apps/one/manifests/deployment-one.yaml` is stale",
                "error[L1005]: lab.lock is not what the sources make",
            ],
        ),
        (
            &unbuilt,
            &[
                "error[L1005]: `out/apps/two/manifests/deployment-two.yaml` is missing: the sources make it now",
            ],
        ),
        (
            &dropped,
            &["error[L1005]: `out/apps/one/manifests/deployment-one.yaml` is obsolete"],
        ),
        (
            &foreign,
            &["warning[L0606]: `out/apps/one/manifests/mine.yaml` is not labc's"],
        ),
        (
            &no_lock,
            &["error[L1005]: lab.lock is not what the sources make"],
        ),
        (
            &conflict,
            &["error[L1004]: lab.lock holds the marks of a merge conflict"],
        ),
        (
            &older,
            &["error[L1006]: the tree was made by an older labc"],
        ),
        (
            &link,
            &[
                "error[L1007]: `out/apps/one/manifests/deployment-one.yaml` is in the way: it is a link",
            ],
        ),
        (
            &folder_link,
            &["error[L1007]: `out/apps` is in the way: it is a link"],
        ),
        (
            &folder,
            &[
                "error[L1007]: `out/apps/one/manifests/service-one.yaml` is in the way: it is a folder",
            ],
        ),
        (
            &file,
            &["error[L1007]: `out/apps/one/manifests` is in the way: it is a file"],
        ),
        (
            &lock_link,
            &["error[L1007]: `lab.lock` is in the way: it is a link"],
        ),
    ];
    for (change, expected) in cases {
        let (commit, disk) = git.changed(change);
        assert_eq!(commit.code, disk.code, "{}{}", commit.said, disk.said);
        for line in expected {
            assert!(
                said(&commit).iter().any(|said| said.starts_with(line)),
                "{line}\n{}",
                commit.said
            );
        }
        let plain = |line: &str| line.replace(", or never added", "");
        let there: Vec<String> = said(&commit).into_iter().map(plain).collect();
        assert_eq!(there, said(&disk), "{}", commit.said);
    }
}

/// What only a commit can hold: a program without its mode on a machine that knows no modes, and a submodule.
#[test]
fn what_no_checkout_shows_is_named_with_what_mends_it() {
    let Some(git) = repository("modes") else {
        return;
    };
    let program = format!("clusters/home/{PROGRAM}");
    git.run(&["update-index", "--chmod=-x", &program]);
    git.run(&["commit", "--quiet", "-m", "no program"]);
    let run = git.check("main");
    assert_eq!(run.code, 3, "{}", run.said);
    assert!(
        run.said
            .contains("`out/bootstrap/provision.sh` is a program and may not be run"),
        "{}",
        run.said
    );
    assert!(run.said.contains("check out main ("), "{}", run.said);
    // The remedy is what it says it is.
    assert!(
        run.said
            .contains("run `git update-index --chmod=+x out/bootstrap/provision.sh` and commit"),
        "{}",
        run.said
    );
    git.run(&["-C", "clusters/home", "update-index", "--chmod=+x", PROGRAM]);
    git.run(&["commit", "--quiet", "-m", "a program"]);
    assert_eq!(git.check("HEAD").code, 0);

    let head = git.run(&["rev-parse", "HEAD"]);
    git.run(&["rm", "--quiet", "-r", "--cached", "clusters/home/out/apps"]);
    git.run(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{head},clusters/home/out/apps"),
    ]);
    git.run(&["commit", "--quiet", "-m", "a submodule"]);
    let run = git.check("HEAD");
    assert_eq!(run.code, 3, "{}", run.said);
    assert!(
        run.said
            .contains("`out/apps` is in the way: it is a submodule"),
        "{}",
        run.said
    );
}

/// A mode is named in a commit and in its checkout, and `labc build` mends it, also the lock's.
#[test]
fn a_wrong_mode_is_named_and_mended() {
    let Some(git) = repository("modes-mended") else {
        return;
    };
    for (path, mode, what, note) in MODES {
        let (commit, disk) = git.changed(|git| change_mode(&git.at(path), mode));
        let head = format!("error[L1009]: `{path}` {what}");
        for run in [&commit, &disk] {
            assert_eq!(run.code, 3, "{}", run.said);
            assert_eq!(said(run), [head.as_str()], "{}", run.said);
        }
        assert!(commit.said.contains(note), "{}", commit.said);
        let help = "help: run `labc build` and commit what it writes";
        assert!(commit.said.contains(help), "{}", commit.said);
        builds(&git.at(""));
        git.commit("built");
        assert_eq!(git.check("HEAD").code, 0, "{path}");
        let again = builds(&git.at(""));
        assert!(again.ends_with("nothing changed\n"), "{again}");
    }
}

/// Paths, the mode that somebody gives them, and what is said then.
const MODES: [(&str, u32, &str, &str); 3] = [
    (
        PROGRAM,
        0o644,
        "is a program and may not be run",
        "its mode is 100644 and should be 100755",
    ),
    (
        DEPLOYMENT,
        0o755,
        "may be run and is no program",
        "its mode is 100755 and should be 100644",
    ),
    (
        "lab.lock",
        0o755,
        "may be run and is no program",
        "its mode is 100755 and should be 100644",
    ),
];

fn change_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// On a file system that knows no modes Git is told to record none, and so is labc: every file is a program there, or
/// none. A commit still has its modes, and what is said mends them in the index.
#[test]
fn modes_that_git_does_not_record_count_in_commits_alone() {
    let Some(git) = repository("modes-unrecorded") else {
        return;
    };
    git.run(&["config", "core.fileMode", "false"]);
    for (path, mode, what, _) in MODES {
        change_mode(&git.at(path), mode);
        let disk = labc(&git.at(""), &["check"]);
        assert_eq!(disk.code, 0, "{}", disk.said);
        let built = builds(&git.at(""));
        assert!(built.ends_with("nothing changed\n"), "{built}");

        let [wrong, right] = match mode {
            0o755 => ["+x", "-x"],
            _ => ["-x", "+x"],
        };
        let place = format!("clusters/home/{path}");
        git.run(&["update-index", &format!("--chmod={wrong}"), &place]);
        git.run(&["commit", "--quiet", "-m", "a mode"]);
        let run = git.check("main");
        assert_eq!(run.code, 3, "{}", run.said);
        let head = format!("error[L1009]: `{path}` {what}");
        assert_eq!(said(&run), [head.as_str()], "{}", run.said);
        let command = format!("git update-index --chmod={right} {path}");
        assert!(run.said.contains(&format!("`{command}`")), "{}", run.said);
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        git.run(&[["-C", "clusters/home"].as_slice(), &words].concat());
        git.run(&["commit", "--quiet", "-m", "mended"]);
        assert_eq!(git.check("HEAD").code, 0, "{path}");
    }
    // Outside of Git nobody says what a mode counts for: a script that cannot be called is wrong, and no more.
    let alone = tree::folder("check-modes-alone", &tree::lab(&[("one", 80)]));
    builds(&alone);
    change_mode(&alone.join(DEPLOYMENT), 0o755);
    assert_eq!(labc(&alone, &["check"]).code, 0);
    change_mode(&alone.join(PROGRAM), 0o644);
    assert_eq!(labc(&alone, &["check"]).code, 3);
}

/// A link or a submodule where a file must be, and what is said to mend it.
#[test]
fn what_is_no_file_is_named_and_mended() {
    let Some(git) = repository("no-file") else {
        return;
    };
    git.write(".git/target", "elsewhere");
    let target = git.run(&["hash-object", "-w", ".git/target"]);
    let head = git.run(&["rev-parse", "HEAD"]);
    let kinds = [
        ("120000", &target, "a link"),
        ("160000", &head, "a submodule"),
    ];
    for path in [PROGRAM, DEPLOYMENT, "lab.lock"] {
        for (mode, id, what) in kinds {
            git.run(&["reset", "--quiet", "--hard", "good"]);
            let entry = format!("{mode},{id},clusters/home/{path}");
            git.run(&["update-index", "--cacheinfo", &entry]);
            git.run(&["commit", "--quiet", "-m", "no file"]);
            git.run(&["reset", "--quiet", "--hard"]);
            let run = git.check("HEAD");
            assert_eq!(run.code, 3, "{}", run.said);
            let message = format!("error[L1007]: `{path}` is in the way: it is {what}");
            assert!(said(&run).contains(&message.as_str()), "{}", run.said);
            let help =
                format!("run `git rm {path}` and `labc build`, add what it writes and commit");
            assert!(run.said.contains(&help), "{}", run.said);
            git.run(&["-C", "clusters/home", "rm", "--quiet", path]);
            builds(&git.at(""));
            git.commit("mended");
            assert_eq!(git.check("HEAD").code, 0, "{path}: {what}");
        }
    }
}

/// What a `.gitignore` hides is on disk and in no commit.
#[test]
fn what_git_ignores_is_missing() {
    let Some(git) = repository("ignored") else {
        return;
    };
    let (commit, disk) = git.changed(|git| {
        git.write(".gitignore", "*.sh\n");
        git.run(&[
            "rm",
            "--quiet",
            "--cached",
            &format!("clusters/home/{PROGRAM}"),
        ]);
    });
    assert_eq!(disk.code, 0, "{}", disk.said);
    assert_eq!(commit.code, 3, "{}", commit.said);
    let help = format!("`git check-ignore -v {PROGRAM}` says whether Git was told to ignore it");
    assert!(commit.said.contains(&help), "{}", commit.said);
    git.run(&["-C", "clusters/home", "check-ignore", "-v", PROGRAM]);
}

#[test]
fn a_wrong_lab_is_shown_as_git_names_it() {
    let Some(git) = repository("wrong") else {
        return;
    };
    git.replace("lab.toml", "port = 80", "port = \"eighty\"");
    git.commit("wrong");
    let short = git.run(&["rev-parse", "--short", "HEAD"]);
    git.run(&["checkout", "--quiet", "good"]);
    let run = git.check("main");
    assert_eq!(run.code, 1, "{}", run.said);
    assert!(
        run.said
            .contains(&format!("--> {short}:clusters/home/lab.toml:")),
        "{}",
        run.said
    );
    assert!(
        run.said.ends_with(&format!("1 error at main ({short})\n")),
        "{}",
        run.said
    );
    let path = format!("{short}:clusters/home/lab.toml");
    assert!(git.run(&["show", &path]).contains("eighty"));
    let output = Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(["check", "--ref", "main", "--format", "json"])
        .current_dir(git.at(""))
        .output()
        .expect("it runs");
    let data: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(data["at"], format!("{short}:clusters/home/"));
    assert_eq!(data["diagnostics"][0]["file"], "lab.toml");
}

#[test]
fn a_revision_that_is_not_there_is_wrong_use() {
    let Some(git) = repository("usage") else {
        return;
    };
    let run = git.check("mian");
    assert_eq!(run.code, 2);
    assert_eq!(
        run.said,
        "error: there is no revision `mian`\nhelp: did you mean `main`?\n"
    );
    let nowhere = tree::folder("check-nowhere", &tree::lab(&[]));
    let run = labc(&nowhere, &["check", "--ref", "HEAD"]);
    assert_eq!(run.code, 2, "{}", run.said);
    assert!(
        run.said.contains("lies in no Git repository"),
        "{}",
        run.said
    );
}

#[test]
fn a_bare_repository_is_checked() {
    let Some(git) = repository("bare") else {
        return;
    };
    let from = git.root.to_str().expect("UTF-8");
    let bare = Git::with("check-bare.git", &["clone", "--quiet", "--bare", from, "."])
        .expect("git is there");
    let run = labc(&bare.root, &["check", "--ref", "main:clusters/home"]);
    assert_eq!(run.code, 0, "{}", run.said);
    let run = labc(
        Path::new("/"),
        &[
            "-C",
            bare.root.to_str().expect("UTF-8"),
            "check",
            "--ref",
            "good",
        ],
    );
    assert_eq!(run.code, 2, "{}", run.said);
    assert!(
        run.said
            .contains("name its folder after the revision: `good:clusters/home`"),
        "{}",
        run.said
    );
}

/// Outputs are proven by ids that are SHA-256, too.
#[test]
fn a_repository_of_long_ids_is_checked() {
    let init = ["init", "--quiet", "-b", "main", "--object-format=sha256"];
    let Some(git) = Git::with("check-sha256", &init) else {
        return;
    };
    git.write("clusters/home/lab.toml", &tree::lab(&[("one", 80)]));
    builds(&git.at(""));
    git.commit("the lab");
    assert_eq!(git.run(&["rev-parse", "HEAD"]).len(), 64);
    let run = git.check("HEAD");
    assert_eq!(run.code, 0, "{}", run.said);
    git.replace(DEPLOYMENT, "replicas: 1", "replicas: 7");
    git.commit("an edit");
    let run = git.check("HEAD");
    assert_eq!(run.code, 3, "{}", run.said);
    assert!(run.said.contains("was edited by hand"), "{}", run.said);
}

/// The merge of two builds, committed as Git made it: stale, as on disk, and not a hand's.
#[test]
fn what_a_merge_made_is_stale_and_not_edited() {
    let Some(git) = repository("merge") else {
        return;
    };
    for (branch, old, new) in [
        ("left", "one:1.0.0", "one:1.0.1"),
        ("right", "port = 80", "port = 81"),
    ] {
        git.run(&["checkout", "--quiet", "-b", branch, "good"]);
        git.replace("lab.toml", old, new);
        builds(&git.at(""));
        git.commit(branch);
    }
    git.output(&["merge", "--no-edit", "left"]);
    let text = fs::read_to_string(git.at("lab.toml")).expect("a file");
    let lines = text.lines().filter(|line| {
        !["<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| line.starts_with(mark))
    });
    let resolved: Vec<&str> = lines
        .filter(|line| !line.contains("one:1.0.0") && *line != "port = 80")
        .collect();
    tree::write(&git.at("lab.toml"), resolved.join("\n") + "\n");
    git.run(&["add", "--all"]);
    git.run(&["commit", "--quiet", "-m", "merged with its marks"]);
    let (commit, disk) = (git.check("HEAD"), labc(&git.at(""), &["check"]));
    assert_eq!(commit.code, 3, "{}", commit.said);
    assert_eq!(said(&commit), said(&disk));
    assert!(
        !commit.said.contains("L1001") && !commit.said.contains("L1004"),
        "{}",
        commit.said
    );
}

/// Every file of a folder with what tells whether it was touched.
fn marks(folder: &Path) -> Vec<(PathBuf, u64, i64, i64)> {
    let mut marks = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let metadata = entry.path().symlink_metadata().expect("it is there");
            marks.push((
                entry.path(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    marks.sort();
    marks
}

/// All that Git lets a repository name to be run, and files elsewhere that its configuration points to.
fn hostile(git: &Git) {
    let canary = git.root.join("canary");
    let run = format!("touch {}", canary.display());
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "core.pager",
        "core.askPass",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.x.textconv",
        "diff.x.command",
        "diff.external",
        "merge.x.driver",
        "credential.helper",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "remote.origin.uploadpack",
        "extensions.partialClone",
        "alias.status",
        "sequence.editor",
        "init.templateDir",
    ] {
        git.run(&["config", key, &run]);
    }
    git.run(&["config", "remote.origin.url", &format!("ext::{run}")]);
    git.run(&["config", "remote.origin.promisor", "true"]);
    git.run(&["config", "core.hooksPath", ".git/evil"]);
    git.run(&["config", "include.path", "more"]);
    git.run(&["config", "core.worktree", "/"]);
    fs::write(git.root.join(".git/more"), "[core]\n\tbare = true\n").expect("a file");
    fs::create_dir(git.root.join(".git/evil")).expect("a folder");
    for hook in [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ] {
        for folder in [".git/evil", ".git/hooks"] {
            fs::create_dir_all(git.root.join(folder)).expect("a folder");
            let hook = git.root.join(folder).join(hook);
            fs::write(&hook, format!("#!/bin/sh\n{run}\n")).expect("a file");
            ran(Command::new("chmod").arg("+x").arg(hook));
        }
    }
}

#[test]
fn nothing_is_run_nothing_is_written_and_nobody_is_called() {
    let Some(git) = repository("hostile") else {
        return;
    };
    git.write(".gitattributes", "* filter=x diff=x merge=x\n");
    git.commit("attributes");
    hostile(&git);
    let before = marks(&git.root);
    let run = git.check("HEAD");
    assert_eq!(run.code, 0, "{}", run.said);
    assert_eq!(marks(&git.root), before);

    let trace = tree::folder("check-trace", "").join("trace");
    let traced = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=execve,execveat,connect,socket,openat",
            "-o",
        ])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_labc"))
        .args(["check", "--ref", "HEAD"])
        .current_dir(git.at(""))
        .env("HOME", git.at(""))
        .output();
    let Ok(traced) = traced else {
        println!("skipped in part: no strace is installed");
        return;
    };
    let Ok(calls) = fs::read_to_string(&trace) else {
        println!(
            "skipped in part: {}",
            String::from_utf8_lossy(&traced.stderr)
        );
        return;
    };
    let count = |what: &str| calls.lines().filter(|line| line.contains(what)).count();
    assert_eq!(count("execve("), 1, "{calls}");
    assert_eq!(
        count("execveat(") + count("connect(") + count("socket("),
        0,
        "{calls}"
    );
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"];
    let written: Vec<&str> = calls
        .lines()
        .filter(|line| writes.iter().any(|flag| line.contains(flag)))
        .collect();
    assert!(written.is_empty(), "{written:#?}");
    for elsewhere in [
        "/etc/gitconfig",
        ".gitconfig",
        ".config/git",
        ".git/more",
        ".git/index",
    ] {
        assert_eq!(count(&format!("{elsewhere}\"")), 0, "{elsewhere}: {calls}");
    }
}

/// What Git cannot be read for is said with its reason, and is no panic.
#[test]
fn a_repository_that_cannot_be_read_says_why() {
    let Some(git) = repository("damaged") else {
        return;
    };
    let from = format!("file://{}", git.root.display());
    git.run(&["config", "uploadpack.allowFilter", "true"]);
    let partial = [
        "clone",
        "--quiet",
        "--no-checkout",
        "--filter=blob:none",
        &from,
        ".",
    ];
    let partial = Git::with("check-partial", &partial).expect("git is there");
    let run = labc(&partial.root, &["check", "--ref", "HEAD:clusters/home"]);
    assert_eq!(run.code, 4, "{}", run.said);
    assert!(
        run.said.contains("clone without `--filter`"),
        "{}",
        run.said
    );

    let said = |change: &dyn Fn(&Path), code: i32, expected: &str| {
        let broken = Git::with("check-broken", &["clone", "--quiet", &from, "."]);
        let broken = broken.expect("git is there");
        change(&broken.root.join(".git"));
        let run = labc(&broken.root, &["check", "--ref", "HEAD:clusters/home"]);
        assert_eq!(run.code, code, "{}", run.said);
        assert!(run.said.contains(expected), "{}", run.said);
    };
    let config = |git: &Path, text: &str| {
        let config = fs::read_to_string(git.join("config")).expect("a file");
        let newer = config.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
        tree::write(&git.join("config"), newer + text);
    };
    let unborn = |git: &Path| tree::write(&git.join("HEAD"), "ref: refs/heads/none\n");
    let nonsense = |git: &Path| tree::write(&git.join("HEAD"), "nonsense\n");
    let tables = |git: &Path| config(git, "[extensions]\n\trefstorage = reftable\n");
    let hash = |git: &Path| config(git, "[extensions]\n\tobjectformat = sha3\n");
    let no_objects = |git: &Path| {
        fs::remove_dir_all(git.join("objects")).expect("a folder");
        fs::create_dir(git.join("objects")).expect("a folder");
    };
    said(&unborn, 2, "note: the branch has no commit yet");
    said(&nonsense, 2, "there is no revision `HEAD`");
    said(&tables, 4, "its branches are stored as `reftable`");
    said(&hash, 4, "opening the Git repository around");
    said(&no_objects, 2, "note: its commit is not in the repository");
}

/// Neither the environment nor whose repository it is makes a difference.
#[test]
fn nobody_elses_word_counts() {
    let Some(git) = repository("environment") else {
        return;
    };
    // Only root can give files away; others check the environment alone.
    Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(git.root.join(".git"))
        .output()
        .expect("chown runs");
    let run = ran(Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(["check", "--ref", "HEAD"])
        .current_dir(git.at(""))
        .env("GIT_DIR", "/nowhere")
        .env("GIT_WORK_TREE", "/")
        .env("GIT_OBJECT_DIRECTORY", "/nowhere")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "extensions.refStorage")
        .env("GIT_CONFIG_VALUE_0", "reftable"));
    assert_eq!(run.code, 0, "{}", run.said);
}
