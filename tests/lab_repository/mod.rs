//! A Git repository with a built lab in a folder of its own, driven by the real git and the real labc.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The compiler.
pub(crate) const LABC: &str = env!("CARGO_BIN_EXE_labc");

/// A repository.
pub(crate) struct Repository {
    /// Its work tree, or the repository itself where it is bare.
    pub(crate) root: PathBuf,
}

/// What a program did.
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) said: String,
}

/// Whether there is a git; says so where there is none.
pub(crate) fn has_git() -> bool {
    let has = Command::new("git").arg("--version").output().is_ok();
    if !has {
        println!("skipped: no git is installed");
    }
    has
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("an old folder can be removed");
    }
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

impl Repository {
    /// A repository of these files with the branch `main`, on which the lab is built and committed.
    pub(crate) fn new(root: PathBuf, files: &[(&str, &str)]) -> Self {
        fs::create_dir_all(&root).expect("a folder can be made");
        let repository = Repository { root };
        repository.git(&["init", "--quiet", "-b", "main"]);
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.build();
        repository.commit("the lab");
        repository
    }

    /// A bare repository that has what this one has; it is this one's `origin`.
    pub(crate) fn publish(&self, root: PathBuf) -> Repository {
        fs::create_dir_all(&root).expect("a folder can be made");
        let bare = Repository { root };
        bare.git(&["init", "--quiet", "--bare", "-b", "main"]);
        let place = bare.root.display().to_string();
        self.git(&["remote", "add", "origin", &place]);
        self.git(&["push", "--quiet", "-u", "origin", "main"]);
        bare
    }

    /// A clone of this one.
    pub(crate) fn clone_to(&self, root: PathBuf, options: &[&str]) -> Repository {
        let from = self.root.display().to_string();
        let to = root.display().to_string();
        let clone = [&["clone", "--quiet"], options, &[&from, &to]].concat();
        self.git(&clone);
        Repository { root }
    }

    /// Runs git, whatever comes of it.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Ran {
        run(git(&self.root).args(arguments))
    }

    /// Runs git, which must succeed; what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let ran = self.try_git(arguments);
        assert_eq!(ran.code, 0, "git {arguments:?}: {}{}", ran.out, ran.said);
        ran.out.trim_end().to_owned()
    }

    /// Commits all that is there.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    /// Checks a new branch out, from another one.
    pub(crate) fn branch(&self, name: &str, from: &str) {
        self.git(&["checkout", "--quiet", "-B", name, from]);
    }

    /// Runs labc.
    pub(crate) fn labc(&self, arguments: &[&str]) -> Ran {
        run(Command::new(LABC).arg("-C").arg(&self.root).args(arguments))
    }

    /// Runs labc, which must end with this exit; what it said.
    pub(crate) fn labc_ends(&self, arguments: &[&str], code: i32) -> String {
        let ran = self.labc(arguments);
        assert_eq!(
            ran.code, code,
            "labc {arguments:?}: {}{}",
            ran.out, ran.said
        );
        ran.said
    }

    /// Builds the lab.
    pub(crate) fn build(&self) {
        self.labc_ends(&["build", "--quiet"], 0);
    }

    /// A file's text.
    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.root.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a file, and the folders that it is in.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        let above = path.parent().expect("it is in a folder");
        fs::create_dir_all(above).expect("a folder can be made");
        fs::write(&path, text).expect("it can be written");
    }

    /// Puts one text for another in a file, which must have it.
    pub(crate) fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no `{old}`");
        self.write(path, &text.replace(old, new));
    }
}

/// git in a folder, without anybody's configuration.
pub(crate) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_EDITOR", "true")
        .envs([
            ("GIT_AUTHOR_NAME", "A Person"),
            ("GIT_COMMITTER_NAME", "A Person"),
        ])
        .env("GIT_AUTHOR_EMAIL", "person@example.org")
        .env("GIT_COMMITTER_EMAIL", "person@example.org");
    git
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Ran {
        code: status.code().expect("it ends by itself"),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        said: String::from_utf8_lossy(&stderr).into_owned(),
    }
}
