//! Merges, rebases and cherry-picks of built labs with the real git: what the merge made of labc's own files is written
//! anew without `--force`, and no hand edit is lost. Without a git, the tests say so and pass.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the binary and git in folders of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A resource that both branches change, and one that no branch does.
const WHOAMI: &str = "out/apps/whoami/manifests/deployment-whoami.yaml";
const BROKER: &str = "out/apps/broker/manifests/service-broker.yaml";

/// A repository with a built lab in it.
struct Repository {
    root: PathBuf,
    lab: PathBuf,
}

impl Repository {
    /// A new one with the lab in the folder `below` of it; none without git.
    fn new(name: &str, below: &str) -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            println!("skipped: no git is installed");
            return None;
        }
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("merge-{name}"));
        if root.exists() {
            fs::remove_dir_all(&root).expect("an old folder can be removed");
        }
        let lab = root.join(below);
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs/workload");
        copy(&from, &lab);
        let repository = Repository { root, lab };
        repository.git(&["init", "--quiet", "-b", "main"]);
        repository.git(&["config", "user.name", "A Person"]);
        repository.git(&["config", "user.email", "person@example.org"]);
        repository.build(0);
        repository.commit("the lab");
        Some(repository)
    }

    fn run_git(&self, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(arguments)
            .current_dir(&self.root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_EDITOR", "true")
            .stdin(Stdio::null())
            .output()
            .expect("git runs")
    }

    /// Runs git, which must succeed.
    fn git(&self, arguments: &[&str]) {
        let output = self.run_git(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {said}");
    }

    /// Runs git, which must stop with a conflict.
    fn conflicts(&self, arguments: &[&str]) {
        let output = self.run_git(arguments);
        assert!(
            !output.status.success(),
            "git {arguments:?} has no conflict"
        );
        let status = self.run_git(&["status", "--porcelain"]);
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        let unmerged = ["UU ", "AA ", "DU ", "UD "];
        let has = |line: &str| unmerged.iter().any(|mark| line.starts_with(mark));
        assert!(status.lines().any(has), "{status}");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    /// Builds with this exit, and returns what was said.
    fn build(&self, exit: i32) -> String {
        let (code, said) = labc(&self.lab, &["build", "--verbose"]);
        assert_eq!(code, exit, "{said}");
        said
    }

    /// Another branch from `from`, where `lab.toml` has `new` for `old` and the tree is built.
    fn branch(&self, name: &str, from: &str, old: &str, new: &str) {
        self.git(&["checkout", "--quiet", "-b", name, from]);
        replace(&self.lab.join("lab.toml"), old, new);
        self.build(0);
        self.commit(name);
    }

    /// The branches `left` and `right`, which change one line of the lab each in its own way; `left` is checked out.
    fn two_branches(&self) {
        self.branch("right", "main", "whoami:v1.11.0", "whoami:v1.13.0");
        self.branch("left", "main", "whoami:v1.11.0", "whoami:v1.12.0");
    }

    /// Says what `lab.toml` is after a conflict.
    fn resolve(&self) {
        let text =
            read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs/workload/lab.toml"));
        let text = text.replace("whoami:v1.11.0", "whoami:v1.14.0");
        fs::write(self.lab.join("lab.toml"), text).expect("it can be written");
    }

    /// Builds without `--force`, and looks whether all is as it should be then.
    fn heals(&self) {
        self.build(0);
        let (code, said) = labc(&self.lab, &["check"]);
        assert_eq!(code, 0, "{said}");
        assert!(read(&self.lab.join(WHOAMI)).contains("whoami:v1.14.0"));
        self.no_marks();
    }

    /// No file that labc wrote has the marks of a conflict.
    fn no_marks(&self) {
        let found = self.run_git(&["grep", "-l", "--untracked", "-e", "^<<<<<<< "]);
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        assert_eq!(found, "", "marks of a conflict");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be listed") {
        let path = entry.expect("an entry").path();
        let below = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &below);
        } else {
            fs::copy(&path, &below).expect("it can be copied");
        }
    }
}

fn labc(lab: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_labc"))
        .arg("-C")
        .arg(lab)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("it ends by itself"), said)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn replace(path: &Path, old: &str, new: &str) {
    let text = read(path);
    assert!(text.contains(old), "{} has no `{old}`", path.display());
    fs::write(path, text.replace(old, new)).expect("it can be written");
}

#[test]
fn a_conflict_in_the_tree_and_the_lock_heals() {
    for below in ["", "clusters/home"] {
        let name = format!("conflict{}", below.len());
        let Some(repository) = Repository::new(&name, below) else {
            return;
        };
        repository.two_branches();
        repository.conflicts(&["merge", "right"]);
        for file in ["lab.lock", WHOAMI] {
            assert!(
                read(&repository.lab.join(file)).contains("<<<<<<< "),
                "{file}"
            );
        }
        repository.resolve();
        repository.heals();
        repository.commit("merged");
        repository.heals();
    }
}

#[test]
fn a_clean_merge_is_up_to_date_at_once() {
    let Some(repository) = Repository::new("clean", "") else {
        return;
    };
    repository.branch("right", "main", "port = 1883\n", "port = 1884\n");
    repository.branch(
        "left",
        "main",
        "run_as_root = true\n",
        "run_as_root = true\nuid = 7\n",
    );
    repository.git(&["merge", "--quiet", "--no-edit", "right"]);
    repository.no_marks();
    let (code, said) = labc(&repository.lab, &["check"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_hand_edit_at_one_side_is_refused_and_named() {
    let Some(repository) = Repository::new("hand-edit", "") else {
        return;
    };
    repository.branch("right", "main", "whoami:v1.11.0", "whoami:v1.13.0");
    repository.branch("left", "main", "replicas = 1\n", "replicas = 2\n");
    replace(
        &repository.lab.join(WHOAMI),
        "whoami:v1.11.0",
        "whoami:mine",
    );
    repository.commit("by hand");
    repository.conflicts(&["merge", "right"]);
    let before = read(&repository.lab.join(WHOAMI));
    assert!(before.contains("whoami:mine"));
    let said = repository.build(3);
    assert!(
        said.contains(&format!("`{WHOAMI}` was edited by hand")),
        "{said}"
    );
    assert_eq!(said.matches("error[L1001]").count(), 1, "{said}");
    assert_eq!(
        read(&repository.lab.join(WHOAMI)),
        before,
        "it is as it was"
    );
}

#[test]
fn a_hand_edit_beside_the_merge_is_refused() {
    let Some(repository) = Repository::new("beside", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    repository.resolve();
    replace(&repository.lab.join(BROKER), "ClusterIP", "NodePort");
    let said = repository.build(3);
    assert!(
        said.contains(&format!("`{BROKER}` was edited by hand")),
        "{said}"
    );
    assert_eq!(said.matches("error[L1001]").count(), 1, "{said}");
}

#[test]
fn a_hand_edit_of_what_one_side_changed_is_refused() {
    let Some(repository) = Repository::new("one-side", "") else {
        return;
    };
    repository.branch("right", "main", "port = 1883\n", "port = 1884\n");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.branch("left", "main", "whoami:v1.11.0", "whoami:v1.12.0");
    repository.git(&["merge", "--quiet", "--no-commit", "right"]);
    replace(&repository.lab.join(BROKER), "ClusterIP", "NodePort");
    let said = repository.build(3);
    assert!(
        said.contains(&format!("`{BROKER}` was edited by hand")),
        "{said}"
    );
}

#[test]
fn a_rebase_in_progress_heals() {
    for backend in ["--merge", "--apply"] {
        let Some(repository) = Repository::new(&format!("rebase{backend}"), "") else {
            return;
        };
        repository.two_branches();
        repository.conflicts(&["rebase", backend, "right"]);
        repository.resolve();
        repository.heals();
        repository.git(&["add", "--all"]);
        repository.git(&["rebase", "--continue"]);
        repository.heals();
    }
}

#[test]
fn a_cherry_pick_in_progress_heals() {
    let Some(repository) = Repository::new("cherry-pick", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["cherry-pick", "right"]);
    repository.resolve();
    repository.heals();
}

#[test]
fn a_revert_in_progress_heals() {
    let Some(repository) = Repository::new("revert", "") else {
        return;
    };
    repository.branch("one", "main", "whoami:v1.11.0", "whoami:v1.12.0");
    repository.branch("two", "one", "whoami:v1.12.0", "whoami:v1.13.0");
    repository.conflicts(&["revert", "--no-edit", "one"]);
    repository.resolve();
    repository.heals();
}

#[test]
fn a_conflict_committed_with_its_marks_heals_and_a_later_edit_is_refused() {
    let Some(repository) = Repository::new("committed", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    repository.resolve();
    repository.commit("merged without a look");
    let lock = read(&repository.lab.join("lab.lock"));
    assert!(
        lock.contains("<<<<<<< "),
        "the lock is committed with marks"
    );
    let merged = read(&repository.lab.join(WHOAMI));
    replace(&repository.lab.join(WHOAMI), "replicas: 1", "replicas: 5");
    let said = repository.build(3);
    assert!(
        said.contains(&format!("`{WHOAMI}` was edited by hand")),
        "{said}"
    );
    fs::write(repository.lab.join(WHOAMI), merged).expect("it can be written");
    repository.heals();
}

#[test]
fn a_merge_that_took_the_lock_of_one_side_and_the_tree_of_the_other_heals() {
    let Some(repository) = Repository::new("mixed", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    repository.git(&["checkout", "--quiet", "--ours", "lab.lock"]);
    repository.git(&["checkout", "--quiet", "--theirs", "out"]);
    repository.resolve();
    repository.heals();
    repository.git(&["checkout", "--quiet", "--theirs", "lab.lock"]);
    repository.git(&["checkout", "--quiet", "--ours", "out"]);
    repository.commit("merged");
    repository.heals();
}

#[test]
fn a_lock_that_was_merged_without_marks_heals() {
    let Some(repository) = Repository::new("union", "") else {
        return;
    };
    let attributes = repository.root.join(".gitattributes");
    fs::write(attributes, "lab.lock merge=union\n").expect("it can be written");
    repository.commit("both sides of a conflict in the lock");
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    assert!(!read(&repository.lab.join("lab.lock")).contains("<<<<<<< "));
    let (code, said) = labc(&repository.lab, &["check"]);
    assert_eq!(code, 1, "lab.toml has marks: {said}");
    repository.resolve();
    repository.heals();
}

#[test]
fn a_newer_lock_is_refused_in_a_merge_too() {
    let Some(repository) = Repository::new("newer", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    repository.git(&["checkout", "--quiet", "--ours", "lab.lock"]);
    repository.resolve();
    replace(
        &repository.lab.join("lab.lock"),
        "version = 2\n",
        "version = 99\n",
    );
    let said = repository.build(1);
    assert!(said.contains("L1003"), "{said}");
}

#[test]
fn a_linked_worktree_has_its_own_merge() {
    let Some(repository) = Repository::new("linked", "lab") else {
        return;
    };
    repository.two_branches();
    repository.git(&["checkout", "--quiet", "main"]);
    let linked = repository.root.join("../merge-linked-tree");
    if linked.exists() {
        fs::remove_dir_all(&linked).expect("an old folder can be removed");
    }
    let path = linked.to_str().expect("UTF-8");
    repository.git(&["worktree", "add", "--quiet", path, "left"]);
    let there = Repository {
        lab: linked.join("lab"),
        root: linked,
    };
    there.conflicts(&["merge", "right"]);
    there.resolve();
    there.heals();
    repository.build(0);
}

#[test]
fn a_shallow_clone_knows_as_much_as_it_has() {
    let Some(repository) = Repository::new("shallow", "") else {
        return;
    };
    repository.two_branches();
    let clone = |name: &str, depth: &str| {
        let root = repository.root.join(format!("../merge-shallow-{name}"));
        if root.exists() {
            fs::remove_dir_all(&root).expect("an old folder can be removed");
        }
        let from = format!("file://{}", repository.root.display());
        let to = root.to_str().expect("UTF-8");
        let options = [
            "clone",
            "--quiet",
            "--no-single-branch",
            "--depth",
            depth,
            "-b",
            "left",
        ];
        repository.git(&[options.as_slice(), &[&from, to]].concat());
        let clone = Repository {
            lab: root.clone(),
            root,
        };
        clone.git(&["config", "user.name", "A Person"]);
        clone.git(&["config", "user.email", "person@example.org"]);
        clone
    };
    let deep = clone("deep", "2");
    deep.conflicts(&["merge", "origin/right"]);
    deep.resolve();
    deep.heals();

    // The two ends alone: no commit is known that both come from.
    let ends = clone("ends", "1");
    ends.conflicts(&["merge", "--allow-unrelated-histories", "origin/right"]);
    ends.resolve();
    ends.heals();
    ends.commit("merged");
    ends.git(&["push", "--quiet", "origin", "HEAD:merged"]);

    // A merge whose sides are cut off: nothing is known, and nothing is wrong.
    repository.git(&["checkout", "--quiet", "merged"]);
    let cut = Repository::cut(&repository);
    cut.heals();
    replace(&cut.lab.join(WHOAMI), "replicas: 1", "replicas: 5");
    let said = cut.build(3);
    assert!(said.contains("Git cannot tell what was merged"), "{said}");
}

impl Repository {
    /// A clone of the checked-out commit alone.
    fn cut(&self) -> Self {
        let root = self.root.join("../merge-shallow-cut");
        if root.exists() {
            fs::remove_dir_all(&root).expect("an old folder can be removed");
        }
        let from = format!("file://{}", self.root.display());
        let to = root.to_str().expect("UTF-8");
        self.git(&["clone", "--quiet", "--depth", "1", &from, to]);
        Repository {
            lab: root.clone(),
            root,
        }
    }
}

#[test]
fn a_broken_repository_is_no_failure() {
    let Some(repository) = Repository::new("broken", "") else {
        return;
    };
    repository.two_branches();
    fs::write(repository.root.join(".git/HEAD"), "nonsense\n").expect("it can be written");
    repository.build(0);
    replace(&repository.lab.join(BROKER), "ClusterIP", "NodePort");
    let said = repository.build(3);
    assert!(said.contains("Git cannot tell what was merged"), "{said}");
    fs::remove_dir_all(repository.root.join(".git")).expect("it can be removed");
    fs::write(repository.root.join(".git"), "gitdir: /nowhere\n").expect("it can be written");
    let said = repository.build(3);
    assert!(said.contains("Git cannot tell what was merged"), "{said}");
}

#[test]
fn nothing_that_the_repository_names_is_run() {
    let Some(repository) = Repository::new("programs", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    let canary = repository.root.join("canary");
    let run = format!("touch {}", canary.display());
    for key in [
        "filter.x.clean",
        "filter.x.smudge",
        "core.fsmonitor",
        "core.sshCommand",
    ] {
        repository.git(&["config", key, &run]);
    }
    let included = repository.root.join(".git/more");
    fs::write(&included, "[core]\n\tworktree = /\n").expect("it can be written");
    repository.git(&["config", "include.path", "more"]);
    fs::write(repository.root.join(".gitattributes"), "* filter=x\n").expect("it can be written");
    repository.resolve();
    let (code, said) = labc(&repository.lab, &["build"]);
    assert_eq!(code, 0, "{said}");
    assert!(!canary.exists(), "a program of the repository was run");
}

impl Repository {
    /// What Git has in its index, and which paths it takes for unmerged.
    fn index(&self) -> String {
        let staged = self.run_git(&["ls-files", "--stage"]);
        String::from_utf8_lossy(&staged.stdout).into_owned()
    }

    fn resolves(&self) -> String {
        let index = self.index();
        let (code, said) = labc(&self.lab, &["lock", "--resolve"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(self.index(), index, "something was staged");
        let (code, checked) = labc(&self.lab, &["check"]);
        assert_eq!(code, 0, "{checked}");
        self.no_marks();
        said
    }

    /// Changes the lab on `left` without committing, and takes the change to `right`, which has another.
    fn stash(&self) {
        self.branch("right", "main", "whoami:v1.11.0", "whoami:v1.13.0");
        self.git(&["checkout", "--quiet", "main"]);
        replace(
            &self.lab.join("lab.toml"),
            "whoami:v1.11.0",
            "whoami:v1.12.0",
        );
        self.build(0);
        self.git(&["stash", "--quiet"]);
        self.git(&["checkout", "--quiet", "right"]);
        self.conflicts(&["stash", "pop"]);
    }
}

#[test]
fn lock_resolve_makes_a_merge_right_and_stages_nothing() {
    let Some(repository) = Repository::new("resolve", "clusters/home") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "right"]);
    let lock = read(&repository.lab.join("lab.lock"));
    let (code, said) = labc(&repository.lab, &["lock", "--resolve"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("error[L0101]: a merge conflict is not resolved")
            && said.contains("<<<<<<< HEAD"),
        "{said}"
    );
    assert_eq!(read(&repository.lab.join("lab.lock")), lock);
    repository.resolve();
    let said = repository.resolves();
    assert!(said.contains("lab.lock is right: wrote "), "{said}");
    assert!(said.contains("git add lab.lock out"), "{said}");
    repository.commit("merged");
    repository.heals();
}

#[test]
fn lock_resolve_knows_a_conflict_that_git_does_not() {
    for (name, kind) in [("stash", "merge"), ("stash-diff3", "diff3")] {
        let Some(repository) = Repository::new(name, "") else {
            return;
        };
        repository.git(&["config", "merge.conflictStyle", kind]);
        repository.stash();
        repository.resolve();
        let said = repository.build(1);
        assert!(
            said.contains("error[L1004]") && said.contains("labc lock --resolve"),
            "{said}"
        );
        replace(&repository.lab.join(BROKER), "ClusterIP", "NodePort");
        let (code, said) = labc(&repository.lab, &["lock", "--resolve"]);
        assert_eq!(code, 3, "{said}");
        assert!(
            said.contains(&format!("`{BROKER}` was edited by hand"))
                && said.contains("nothing was written"),
            "{said}"
        );
        replace(&repository.lab.join(BROKER), "NodePort", "ClusterIP");
        // A hand in a file that has marks is a hand, too.
        let torn = read(&repository.lab.join(WHOAMI));
        replace(&repository.lab.join(WHOAMI), "replicas: 1", "replicas: 5");
        let (code, said) = labc(&repository.lab, &["lock", "--resolve"]);
        assert_eq!(code, 3, "{said}");
        fs::write(repository.lab.join(WHOAMI), torn).expect("it can be written");
        repository.resolves();
        repository.heals();
    }
}

#[test]
fn lock_resolve_makes_a_squashed_merge_right() {
    let Some(repository) = Repository::new("squash", "") else {
        return;
    };
    repository.two_branches();
    repository.conflicts(&["merge", "--squash", "right"]);
    repository.resolve();
    repository.build(1);
    repository.resolves();
}

#[test]
fn lock_resolve_leaves_alone_what_has_no_conflict() {
    let Some(repository) = Repository::new("no-conflict", "") else {
        return;
    };
    repository.resolve();
    let before = repository.run_git(&["status", "--porcelain"]);
    let (code, said) = labc(&repository.lab, &["lock", "--resolve"]);
    assert_eq!((code, said.as_str()), (0, "lab.lock has no conflict\n"));
    let after = repository.run_git(&["status", "--porcelain"]);
    assert_eq!(after.stdout, before.stdout);
    let (code, said) = labc(&repository.lab, &["lock"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--resolve"), "{said}");
    let broken = read(&repository.lab.join("lab.lock")) + "<<<<<<< HEAD\n";
    fs::write(repository.lab.join("lab.lock"), broken).expect("it can be written");
    let (code, said) = labc(&repository.lab, &["lock", "--resolve"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("error[L1004]") && said.contains("labc build --force"),
        "{said}"
    );
}
