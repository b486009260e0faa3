//! Repositories that the real git makes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A repository in a folder of its own.
pub(crate) struct Git {
    pub(crate) root: PathBuf,
}

impl Git {
    /// A new and empty one; none without git.
    pub(crate) fn new(name: &str) -> Option<Self> {
        Git::with(name, &["init", "--quiet", "-b", "main"])
    }

    /// What a command of git makes in a folder that is empty; none without git.
    pub(crate) fn with(name: &str, arguments: &[&str]) -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            println!("skipped: no git is installed");
            return None;
        }
        let root = super::tree::folder(&format!("git-{name}"), "");
        fs::remove_file(root.join("lab.toml")).expect("the folder is empty");
        let git = Git { root };
        git.run(arguments);
        Some(git)
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        Command::new("git")
            .args([
                "-c",
                "user.name=A Person",
                "-c",
                "user.email=person@example.org",
            ])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(&self.root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .stdin(Stdio::null())
            .output()
            .expect("git runs")
    }

    /// Runs git, which must succeed, and returns what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    pub(crate) fn commit(&self, message: &str) -> &Self {
        self.run(&["add", "--all"]);
        self.run(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self
    }

    /// A tree of these entries, written as `git ls-tree` prints them.
    pub(crate) fn tree(&self, entries: &str) -> String {
        let file = self.root.join("entries");
        fs::write(&file, entries).expect("a file");
        let made = Command::new("git")
            .arg("mktree")
            .current_dir(&self.root)
            .stdin(fs::File::open(file).expect("a file"))
            .output()
            .expect("git runs");
        let id = String::from_utf8(made.stdout).expect("an id");
        id.trim().to_owned()
    }
}
