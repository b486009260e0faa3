//! The whole loop of a lab in a team, with a bare repository and no network: a bump on a branch, its regeneration by the
//! action's own script, the diff, the check, the merge; and what must not be merged.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary, scripts and git in folders of its own"
)]

mod lab_repository;

use std::path::{Path, PathBuf};
use std::process::Command;

use lab_repository::{LABC, Ran, Repository, folder, git, has_git, run};

const LAB: &str = include_str!("labs/workload/lab.toml");
const WHOAMI: &str = "out/apps/whoami/manifests/deployment-whoami.yaml";
const BOT: &str = "41898282+github-actions[bot]@users.noreply.github.com";

/// The server's repository, and a person's clone.
struct Team {
    server: Repository,
    person: Repository,
    base: PathBuf,
}

impl Team {
    /// None without git.
    fn new(name: &str) -> Option<Self> {
        if !has_git() {
            return None;
        }
        let base = folder(&format!("loop-{name}"));
        let files = [("lab.toml", LAB), (".gitignore", ".labc/\n")];
        let person = Repository::new(base.join("person"), &files);
        let server = person.publish(base.join("server.git"));
        Some(Team {
            server,
            person,
            base,
        })
    }

    /// Pushes a branch on which only `lab.toml` is changed, as a bot does that knows no labc.
    fn bump(&self, branch: &str, old: &str, new: &str) {
        self.person.git(&["fetch", "--quiet", "origin"]);
        self.person.branch(branch, "origin/main");
        self.person.replace("lab.toml", old, new);
        self.person.commit(branch);
        self.push(branch);
    }

    fn push(&self, branch: &str) {
        self.person
            .git(&["push", "--quiet", "--force", "origin", branch]);
    }

    /// A fresh clone of a branch: what a job of the CI has.
    fn job(&self, branch: &str, options: &[&str]) -> Repository {
        let place = self.base.join(format!("job-{}", branch.replace('/', "-")));
        if place.exists() {
            std::fs::remove_dir_all(&place).expect("an old clone can be removed");
        }
        let options = [&["--branch", branch], options].concat();
        self.server.clone_to(place, &options)
    }

    /// The action's regeneration in a fresh clone of a branch.
    fn regenerate(&self, branch: &str) -> Ran {
        let job = self.job(branch, &[]);
        self.regenerate_in(&job, branch)
    }

    fn regenerate_in(&self, job: &Repository, branch: &str) -> Ran {
        let action =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/labc/regenerate.sh");
        let tools = Path::new(LABC).parent().expect("a folder").to_owned();
        let path = std::env::var("PATH").expect("a path");
        let outputs = self.base.join("outputs");
        std::fs::write(&outputs, "").expect("it can be written");
        let mut ran = run(Command::new("bash")
            .arg(action)
            .current_dir(&job.root)
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GITHUB_REF_TYPE", "branch")
            .env("GITHUB_REF_NAME", branch)
            .env("GITHUB_OUTPUT", &outputs)
            .env("LABC_DIRECTORY", ".")
            .env("LABC_TOKEN", "unused")
            .env("LABC_AUTHOR", format!("github-actions[bot] <{BOT}>")));
        ran.out
            .push_str(&std::fs::read_to_string(&outputs).expect("it can be read"));
        ran
    }

    /// Regenerates a branch, which must commit and push.
    fn regenerates(&self, branch: &str) {
        let ran = self.regenerate(branch);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.said);
        assert!(ran.out.contains("committed=true"), "{}", ran.out);
        let author = self.server.git(&["log", "-1", "--format=%ae", branch]);
        assert_eq!(author, BOT);
    }

    /// Regenerates a branch, where nothing is to be done.
    fn rests(&self, branch: &str, why: &str) {
        let before = self.server.git(&["rev-parse", branch]);
        let ran = self.regenerate(branch);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.said);
        assert!(ran.out.contains(why), "{}", ran.out);
        assert!(ran.out.contains("committed=false"), "{}", ran.out);
        assert_eq!(self.server.git(&["rev-parse", branch]), before);
    }

    /// What the job of a pull request judges: the merge of the branch into the main branch, with its base and no more.
    fn merge_job(&self, branch: &str) -> Repository {
        let merge = self.job(branch, &[]);
        merge.git(&["checkout", "--quiet", "--detach", "origin/main"]);
        merge.git(&["merge", "--quiet", "--no-ff", "--no-edit", branch]);
        let id = merge.git(&["rev-parse", "HEAD"]);
        merge.git(&[
            "push",
            "--quiet",
            "--force",
            "origin",
            "HEAD:refs/heads/the-merge",
        ]);
        let shallow = self.base.join("shallow");
        if shallow.exists() {
            std::fs::remove_dir_all(&shallow).expect("an old clone can be removed");
        }
        let url = format!("file://{}", self.server.root.display());
        let to = shallow.display().to_string();
        let ran = run(git(&self.base).args([
            "clone",
            "--quiet",
            "--depth=2",
            "--branch=the-merge",
            &url,
            &to,
        ]));
        assert_eq!(ran.code, 0, "{}", ran.said);
        let job = Repository { root: shallow };
        assert_eq!(job.git(&["rev-parse", "HEAD"]), id);
        job
    }

    /// Merges a branch into the main branch, as the server does where all is well.
    fn merge(&self, branch: &str) {
        self.person.git(&["fetch", "--quiet", "origin"]);
        self.person.branch("main", "origin/main");
        let origin = format!("origin/{branch}");
        self.person
            .git(&["merge", "--quiet", "--no-ff", "--no-edit", &origin]);
        self.push("main");
    }
}

#[test]
fn a_bump_is_regenerated_told_checked_and_merged() {
    let Some(team) = Team::new("bump") else {
        return;
    };
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.12.0");
    let stale = team.merge_job("renovate/whoami");
    let said = stale.labc_ends(&["check"], 3);
    assert!(said.contains(&format!("`{WHOAMI}` is stale")), "{said}");
    team.regenerates("renovate/whoami");
    let job = team.merge_job("renovate/whoami");
    job.labc_ends(&["check"], 0);
    let told = job.labc(&["diff", "HEAD^1..HEAD", "--exit-code=unexplained"]);
    assert_eq!(told.code, 0, "{}", told.said);
    for part in ["apps.whoami.image", "v1.11.0", "v1.12.0", "lab.toml:"] {
        assert!(told.out.contains(part), "`{part}` is not in:\n{}", told.out);
    }
    team.merge("renovate/whoami");
    let main = team.job("main", &[]);
    main.labc_ends(&["check"], 0);
    assert!(main.read(WHOAMI).contains("whoami:v1.12.0"));
}

#[test]
fn two_bumps_are_merged_one_after_the_other() {
    let Some(team) = Team::new("two") else { return };
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.12.0");
    team.bump(
        "renovate/longhorn",
        "version = \"1.10.2\"",
        "version = \"1.10.3\"",
    );
    for branch in ["renovate/whoami", "renovate/longhorn"] {
        team.regenerates(branch);
    }
    for branch in ["renovate/whoami", "renovate/longhorn"] {
        team.merge_job(branch).labc_ends(&["check"], 0);
        team.merge(branch);
        team.job("main", &[]).labc_ends(&["check"], 0);
    }
    let main = team.job("main", &[]);
    for version in ["whoami:v1.12.0", "1.10.3"] {
        assert!(main.read("out/README.md").contains(version), "{version}");
    }
}

#[test]
fn a_regeneration_ends_by_itself() {
    let Some(team) = Team::new("ends") else {
        return;
    };
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.12.0");
    team.regenerates("renovate/whoami");
    team.rests("renovate/whoami", "the last commit is this workflow's own");
    team.bump(
        "renovate/comment",
        "# Containers without",
        "# Containers, without",
    );
    team.rests("renovate/comment", "nothing to commit");
    // The bot makes its branch anew on the main branch: the commit is made anew, too.
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.13.0");
    team.regenerates("renovate/whoami");
}

#[test]
fn a_branch_that_moved_is_left_to_its_own_run() {
    let Some(team) = Team::new("moved") else {
        return;
    };
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.12.0");
    let job = team.job("renovate/whoami", &[]);
    team.bump("renovate/whoami", "whoami:v1.11.0", "whoami:v1.13.0");
    let moved = team.server.git(&["rev-parse", "renovate/whoami"]);
    let ran = team.regenerate_in(&job, "renovate/whoami");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.said);
    assert!(ran.out.contains("the branch has moved"), "{}", ran.out);
    assert_eq!(team.server.git(&["rev-parse", "renovate/whoami"]), moved);
}

#[test]
fn a_lab_that_is_wrong_is_not_pushed() {
    let Some(team) = Team::new("wrong") else {
        return;
    };
    team.bump("renovate/kubernetes", "\"v1.35.0\"", "\"v1.99.0\"");
    let before = team.server.git(&["rev-parse", "renovate/kubernetes"]);
    let ran = team.regenerate("renovate/kubernetes");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.said);
    assert!(ran.said.contains("v1.99.0"), "{}", ran.said);
    assert_eq!(
        team.server.git(&["rev-parse", "renovate/kubernetes"]),
        before
    );
}

#[test]
fn a_hand_edit_on_a_branch_is_refused() {
    let Some(team) = Team::new("hand") else {
        return;
    };
    team.bump("renovate/edit", "whoami:v1.11.0", "whoami:v1.12.0");
    team.person.build();
    team.person.replace(WHOAMI, "replicas: 1", "replicas: 5");
    team.person.commit("by hand");
    team.push("renovate/edit");
    let said = team.merge_job("renovate/edit").labc_ends(&["check"], 3);
    assert!(
        said.contains(&format!("`{WHOAMI}` was edited by hand")),
        "{said}"
    );
    let ran = team.regenerate("renovate/edit");
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.said);
    assert!(ran.said.contains("nothing was written"), "{}", ran.said);
    assert!(
        team.server
            .git(&["show", &format!("renovate/edit:{WHOAMI}")])
            .contains("replicas: 5")
    );
}

#[test]
fn a_branch_that_the_main_branch_left_behind_is_refused() {
    let Some(team) = Team::new("behind") else {
        return;
    };
    // Both are up to date by themselves, and Git merges them; what one takes away is what the other begins to need.
    let broker = LAB.find("[apps.broker]").expect("a component");
    let end = broker + LAB[broker..].find("[secrets.jellyfin]").expect("a section");
    let changes = [
        ("without", &LAB[broker..end], ""),
        (
            "needs",
            "expose = \"whoami\"",
            "expose = \"whoami\"\nneeds = [\"broker\"]",
        ),
    ];
    for (branch, old, new) in changes {
        team.bump(branch, old, new);
        team.person.build();
        team.person.commit("built");
        team.push(branch);
        team.merge_job(branch).labc_ends(&["check"], 0);
    }
    team.merge("without");
    let said = team.merge_job("needs").labc_ends(&["check"], 1);
    assert!(said.contains("`broker`"), "{said}");
}

#[test]
fn a_stale_tree_is_refused_also_where_only_the_lock_tells() {
    let Some(team) = Team::new("stale") else {
        return;
    };
    team.bump("stale", "whoami:v1.11.0", "whoami:v1.12.0");
    team.person.build();
    team.person
        .git(&["checkout", "--quiet", "HEAD", "--", "lab.lock"]);
    team.person.commit("without the lock");
    team.push("stale");
    let said = team.merge_job("stale").labc_ends(&["check"], 3);
    assert!(
        said.contains("lab.lock is not what the sources make"),
        "{said}"
    );
}
