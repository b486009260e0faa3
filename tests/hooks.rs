//! Hooks of a server: a push is judged before its objects are the repository's. Repositories, hooks and pushes are the
//! real git's; without one, the tests say so and pass.

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
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use repository::Git;
use tree::{builds, ran};

const README: &str = include_str!("../README.md");

/// A server's bare repository, and a person's clone with a lab in it that was pushed.
struct Team {
    server: Git,
    person: Git,
}

impl Team {
    fn new(name: &str, init: &[&str]) -> Option<Self> {
        let init = [&["init", "--quiet", "-b", "main"], init].concat();
        let bare = [init.as_slice(), &["--bare"]].concat();
        let server = Git::with(&format!("hook-{name}.git"), &bare)?;
        let person = Git::with(&format!("hook-{name}"), &init)?;
        let url = server.root.to_str().expect("UTF-8");
        person.run(&["remote", "add", "origin", url]);
        person.write("lab.toml", &tree::lab(&[("one", 80)]));
        person.write(".gitignore", ".labc/\n");
        builds(&person.root);
        person.commit("the lab");
        person.run(&["push", "--quiet", "origin", "main"]);
        Some(Team { server, person })
    }

    /// Installs a hook of the server, which finds labc.
    fn hook(&self, name: &str, script: &str) {
        let labc = Path::new(env!("CARGO_BIN_EXE_labc"));
        let tools = labc.parent().expect("a folder").display();
        let path = format!("#!/bin/sh\nPATH='{tools}':$PATH\n");
        let script = script.replacen("#!/bin/sh\n", &path, 1);
        assert!(script.starts_with(&path), "{script}");
        let hook = self.server.root.join("hooks").join(name);
        tree::write(&hook, script);
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// Another image in the lab, with its tree or without, and in several commits.
    fn bumps(&self, from: &str, to: &str, is_built: bool) {
        let text = fs::read_to_string(self.person.root.join("lab.toml")).expect("a file");
        assert!(text.contains(from), "{text}");
        self.person.commit("nothing yet");
        self.person.write("lab.toml", &text.replace(from, to));
        if is_built {
            builds(&self.person.root);
        }
        self.person.commit("a version");
    }

    /// Pushes the branch; what the server said if it refused.
    fn push(&self) -> Result<String, String> {
        let push = self.person.output(&["push", "origin", "main"]);
        let said = String::from_utf8_lossy(&push.stderr).into_owned();
        let is_there = self.server.run(&["rev-parse", "main"]);
        let is_taken = is_there == self.person.run(&["rev-parse", "main"]);
        assert_eq!(is_taken, push.status.success(), "{said}");
        match push.status.success() {
            true => Ok(said),
            false => Err(said),
        }
    }
}

/// The hook that the README shows.
fn hook_of_readme() -> &'static str {
    let section = README.split("### In a hook of the server").nth(1);
    let block = section.and_then(|section| section.split("```sh\n").nth(1));
    let script = block.and_then(|block| block.split("```").next());
    script.expect("the README has a hook")
}

/// Few objects of a push are kept one by one, many as a pack: either way they are read where they are.
#[test]
fn a_push_is_taken_if_its_tree_is_what_its_sources_make() {
    for (name, init, limit) in [
        ("loose", [].as_slice(), "1000"),
        ("packed", &[], "1"),
        ("sha256", &["--object-format=sha256"], "1"),
    ] {
        let Some(team) = Team::new(name, init) else {
            return;
        };
        team.server.run(&["config", "receive.unpackLimit", limit]);
        team.hook("pre-receive", hook_of_readme());
        team.bumps("one:1.0.0", "one:1.0.1", false);
        let short = team.person.run(&["rev-parse", "--short", "main"]);
        let said = team.push().expect_err("a stale tree");
        let stale = "remote: error[L1005]: `out/apps/one/manifests/deployment-one.yaml` is stale";
        assert!(said.contains(stale), "{name}: {said}");
        let help = format!("help: check out {short}, run `labc build` and commit what it writes");
        assert!(said.contains(&help), "{name}: {said}");
        builds(&team.person.root);
        team.person.commit("built");
        let said = team.push().unwrap_or_else(|said| panic!("{name}: {said}"));
        assert!(said.contains("are up to date at "), "{name}: {said}");
        assert!(said.contains("remote: "), "{name}: {said}");
        team.server.run(&["fsck", "--strict"]);

        // Other branches are nobody's concern, and a branch may go.
        team.person.run(&["checkout", "--quiet", "-b", "draft"]);
        team.bumps("one:1.0.1", "one:1.0.2", false);
        team.person.run(&["push", "--quiet", "origin", "draft"]);
        team.server
            .run(&["config", "receive.denyDeleteCurrent", "ignore"]);
        team.person
            .run(&["push", "--quiet", "origin", ":main", ":draft"]);
    }
}

/// All that a hook may want to know of a push: where it comes from, and what it changes.
#[test]
fn a_push_is_compared_with_what_is_there() {
    let Some(team) = Team::new("diff", &[]) else {
        return;
    };
    let script = "#!/bin/sh\nread -r old new branch\nlabc check --ref \"$new^\" && labc diff \"$old..$new\" && \
                  labc diff \"main...$new\" --quiet\n";
    team.hook("pre-receive", script);
    team.bumps("one:1.0.0", "one:1.0.1", true);
    let said = team.push().unwrap_or_else(|said| panic!("{said}"));
    let change = "apps.one.image example.org/one:1.0.0 -> example.org/one:1.0.1 (lab.toml:";
    assert!(said.contains(change), "{said}");
}

/// A merge and both its sides in one push: what Git made of them is stale, and no hand's.
#[test]
fn a_pushed_merge_is_told_from_a_hand_edit() {
    let Some(team) = Team::new("merge", &[]) else {
        return;
    };
    team.hook("pre-receive", hook_of_readme());
    let person = &team.person;
    person.run(&["checkout", "--quiet", "-b", "other"]);
    team.bumps("one:1.0.0", "one:1.0.1", true);
    person.run(&["checkout", "--quiet", "main"]);
    team.bumps("port = 80", "port = 81", true);
    person.output(&["merge", "--quiet", "other"]);
    let lab = tree::lab(&[("one", 81)]).replace("one:1.0.0", "one:1.0.1");
    person.write("lab.toml", &lab);
    let lock = fs::read_to_string(person.root.join("lab.lock")).expect("a lock");
    assert!(lock.contains("<<<<<<<"), "{lock}");
    person.commit("merged with its marks");
    let said = team.push().expect_err("marks");
    assert!(
        said.contains("lab.lock is not what the sources make"),
        "{said}"
    );
    assert!(!said.contains("L1001") && !said.contains("L1004"), "{said}");
    builds(&person.root);
    person.commit("built");
    team.push().unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn an_update_hook_refuses_one_branch() {
    let Some(team) = Team::new("update", &[]) else {
        return;
    };
    team.hook("update", "#!/bin/sh\nexec labc check --ref \"$3\"\n");
    team.bumps("one:1.0.0", "one:1.0.1", false);
    let said = team.push().expect_err("a stale tree");
    assert!(said.contains("is stale"), "{said}");
}

/// A folder elsewhere is nobody's push, whoever says so: what lies in it is not there.
#[test]
fn only_a_folder_among_the_repositorys_own_objects_is_a_push() {
    let Some(team) = Team::new("elsewhere", &[]) else {
        return;
    };
    let id = team.person.commit("not pushed").run(&["rev-parse", "main"]);
    let check = |place: &Path| {
        ran(Command::new(env!("CARGO_BIN_EXE_labc"))
            .args(["check", "--ref", &id])
            .current_dir(&team.server.root)
            .env("GIT_QUARANTINE_PATH", place)
            .env("GIT_OBJECT_DIRECTORY", place))
    };
    let objects = team.person.root.join(".git/objects");
    for place in [Path::new("/nowhere"), Path::new(""), &objects] {
        let run = check(place);
        assert_eq!(run.code, 2, "{}", run.said);
        assert!(run.said.contains("there is no revision"), "{}", run.said);
        let note = format!("note: what is pushed is kept in {}, and", place.display());
        let is_said = !place.as_os_str().is_empty();
        assert_eq!(run.said.contains(&note), is_said, "{}", run.said);
    }
    // The same objects where a push would have them.
    let place = team.server.root.join("objects/tmp_objdir-incoming-test");
    ran(Command::new("cp").arg("-r").args([&objects, &place]));
    let run = check(&place);
    assert_eq!(run.code, 0, "{}", run.said);
}
