//! The actions, workflows and hooks: what linters say of them, what the scripts do with a labc and a GitHub that this test
//! makes, and whether what the page for users says is what this repository runs itself.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs tools, scripts and git in folders of its own"
)]

mod lab_repository;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use lab_repository::{LABC, Ran, Repository, folder, git, has_git, run};

const PAGE: &str = include_str!("../.github/actions/README.md");
const LAB: &str = include_str!("labs/workload/lab.toml");
/// A commit for the places where users put one.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A tool of `tests/tools.sh ci`; says so where it is not there.
fn tool(name: &str) -> Option<PathBuf> {
    let tools = std::env::var("LABC_TOOLS")
        .map(PathBuf::from)
        .unwrap_or_else(|_| {
            let home = std::env::var("HOME").expect("a home");
            Path::new(&home).join(".cache/labc-tools")
        });
    let path = tools.join("ci").join(name);
    let is_there = path.exists();
    if !is_there {
        println!("skipped: no {name}; `tests/tools.sh ci` installs it");
    }
    is_there.then_some(path)
}

/// Runs a tool, which must find nothing.
fn passes(command: &mut Command) {
    let ran = run(command);
    assert_eq!(ran.code, 0, "{command:?}\n{}{}", ran.out, ran.said);
}

/// The files of the page for users: the code blocks that have a file's name.
fn files_of_page() -> Vec<(&'static str, String)> {
    let blocks = PAGE.split("\n```yaml ").skip(1);
    let file = |block: &'static str| {
        let (name, rest) = block.split_once('\n').expect("a name");
        let (text, _) = rest.split_once("\n```").expect("an end");
        let mut text = format!("{text}\n");
        for place in ["@COMMIT", " COMMIT\n"] {
            text = text.replace(place, &place.replace("COMMIT", COMMIT));
        }
        (name, text)
    };
    blocks.map(file).collect()
}

/// A repository of a user who has copied the page's files.
fn user() -> Repository {
    let user = Repository {
        root: folder("ci-user"),
    };
    user.git(&["init", "--quiet"]);
    for (name, text) in files_of_page() {
        user.write(name, &text);
    }
    user
}

fn workflows(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of.join(".github/workflows")).expect("the folder can be listed");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn workflows_pass_actionlint() {
    let Some(actionlint) = tool("actionlint") else {
        return;
    };
    for place in [root(), &user().root] {
        passes(
            Command::new(&actionlint)
                .args(workflows(place))
                .current_dir(place),
        );
    }
}

#[test]
fn workflows_actions_and_hooks_pass_zizmor() {
    let Some(zizmor) = tool("venv/bin/zizmor") else {
        return;
    };
    for place in [root(), &user().root] {
        passes(
            Command::new(&zizmor)
                .args(["--offline", "--quiet", ".github"])
                .current_dir(place),
        );
    }
}

#[test]
fn every_file_is_as_its_schema_says() {
    let Some(check) = tool("venv/bin/check-jsonschema") else {
        return;
    };
    let judge = |schema: &str, place: &Path, files: &[&str]| {
        let schema = format!("vendor.{schema}");
        passes(
            Command::new(&check)
                .args(["--builtin-schema", &schema])
                .args(files)
                .current_dir(place),
        );
    };
    let user = user().root;
    judge(
        "github-actions",
        root(),
        &[
            ".github/actions/labc/action.yml",
            ".github/actions/comment/action.yml",
        ],
    );
    let own = workflows(root());
    let own: Vec<&str> = own
        .iter()
        .map(|path| path.to_str().expect("a name"))
        .collect();
    judge("github-workflows", root(), &own);
    judge("gitlab-ci", &user, &[".gitlab-ci.yml"]);
}

#[test]
fn scripts_pass_shellcheck() {
    if Command::new("shellcheck")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("skipped: no shellcheck; `tests/tools.sh programs` installs it");
        return;
    }
    let scripts = ["install.sh", "run.sh", "regenerate.sh", "hook.sh"];
    passes(
        Command::new("shellcheck")
            .args(scripts)
            .current_dir(root().join(".github/actions/labc")),
    );
    let gitlab = files_of_page()
        .into_iter()
        .find(|(name, _)| *name == ".gitlab-ci.yml");
    let (_, gitlab) = gitlab.expect("the page has it");
    let lines = gitlab
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- "));
    let commands = lines.filter(|line| !line.starts_with("if: "));
    let script: String = commands.map(|line| format!("{line}\n")).collect();
    let file = folder("ci-gitlab").join("gitlab.sh");
    fs::write(&file, format!("#!/bin/sh\n{script}")).expect("it can be written");
    passes(Command::new("shellcheck").arg(file));
}

/// What users copy is what this repository runs, with its own actions in place of pinned ones.
#[test]
fn the_page_has_the_workflows_of_this_repository() {
    for (name, text) in files_of_page() {
        if !name.starts_with(".github/workflows/") {
            continue;
        }
        let text = text
            .replace("OWNER/labc/", "./")
            .replace(&format!("@{COMMIT}"), "");
        let own = fs::read_to_string(root().join(name)).expect("this repository has it");
        let mut lines = own.lines();
        for line in text.lines() {
            assert!(
                lines.any(|own| own == line),
                "{name} has no line `{line}` there"
            );
        }
    }
}

#[test]
fn every_action_is_pinned_by_one_commit() {
    let mut pins: Vec<(String, String)> = Vec::new();
    let mut texts: Vec<String> = workflows(root())
        .iter()
        .map(|path| fs::read_to_string(path).expect("it can be read"))
        .collect();
    texts.push(PAGE.to_owned());
    for action in ["labc", "comment"] {
        let path = root().join(format!(".github/actions/{action}/action.yml"));
        texts.push(fs::read_to_string(path).expect("it can be read"));
    }
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some((_, used)) = line.split_once("uses: actions/") else {
            continue;
        };
        let (name, pin) = used.split_once('@').expect("a pin");
        let (commit, version) = pin.split_once(" # v").expect("a version");
        assert!(
            commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{line}"
        );
        pins.push((name.to_owned(), format!("{commit} {version}")));
    }
    assert!(pins.len() > 5, "{pins:?}");
    let older = ("checkout", "5.0.0");
    pins.retain(|(name, pin)| name != older.0 || !pin.ends_with(older.1));
    for (name, pin) in &pins {
        let other = pins
            .iter()
            .find(|(other, pinned)| other == name && pinned != pin);
        assert_eq!(other, None, "{name} is pinned twice");
    }
}

#[test]
fn the_comment_keeps_its_rules() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: no python3 is installed");
        return;
    }
    passes(
        Command::new("python3")
            .args(["-B", "tests/ci/comment.py"])
            .current_dir(root()),
    );
}

#[test]
fn hostile_markdown_does_nothing_in_a_comment_and_a_diff_reads_as_before() {
    let Some(python) = tool("venv/bin/python") else {
        return;
    };
    let mut hostile = Command::new(python);
    hostile
        .args(["-B", "tests/ci/hostile.py"])
        .current_dir(root());
    if has_git() {
        let lab = Repository::new(folder("ci-diff"), &[("lab.toml", LAB)]);
        let broker = LAB.find("[apps.broker]").expect("a component");
        let end = LAB.find("[secrets.jellyfin]").expect("a section");
        lab.replace("lab.toml", &LAB[broker..end], "");
        lab.replace("lab.toml", "whoami:v1.11.0", "whoami:v1.12.0");
        let diff = lab.root.join("diff.md");
        let to = diff.to_str().expect("a name");
        let arguments = ["--format", "markdown", "diff", "HEAD", "--output", to];
        lab.labc_ends(&arguments, 0);
        hostile.env("LABC_DIFF", &diff);
    }
    passes(&mut hostile);
}

/// A job of the action: its folders and files.
struct Job {
    base: PathBuf,
}

impl Job {
    fn new(name: &str) -> Self {
        let base = folder(&format!("ci-{name}"));
        for folder in ["tools", "temp"] {
            fs::create_dir_all(base.join(folder)).expect("a folder can be made");
        }
        Job { base }
    }

    /// A program on the PATH of the job.
    fn program(&self, name: &str, text: &str) {
        let path = self.base.join("tools").join(name);
        fs::write(&path, text).expect("it can be written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be changed");
    }

    /// Runs a script of the action in a folder.
    fn script(&self, name: &str, argument: &str, at: &Path, variables: &[(&str, &str)]) -> Ran {
        let action = root().join(".github/actions/labc");
        self.script_in(&action, name, argument, at, variables)
    }

    /// The same with the action of another checkout.
    fn script_in(
        &self,
        action: &Path,
        name: &str,
        argument: &str,
        at: &Path,
        variables: &[(&str, &str)],
    ) -> Ran {
        let path = std::env::var("PATH").expect("a path");
        let tools = self.base.join("tools");
        run(Command::new("bash")
            .arg(action.join(name))
            .arg(argument)
            .current_dir(at)
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("RUNNER_TEMP", self.base.join("temp"))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("GITHUB_OUTPUT", self.base.join("outputs"))
            .env("GITHUB_PATH", self.base.join("path"))
            .env("GITHUB_STEP_SUMMARY", self.base.join("summary"))
            .env("LABC_DIRECTORY", ".")
            .env("LABC_BASE", "HEAD^1")
            .env("LABC_FAIL_ON", "")
            .env("LABC_ALLOW", "")
            .env("LABC_BINARY", "")
            .envs(variables.iter().copied()))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.base.join(path)).unwrap_or_default()
    }

    /// The real compiler on the PATH.
    fn with_labc(self) -> Self {
        self.program("labc", &format!("#!/bin/sh\nexec '{LABC}' \"$@\"\n"));
        self
    }
}

/// The lines that a runner would take for its own commands, by its rules: none between `::stop-commands::TOKEN` and
/// `::TOKEN::`, and else whatever begins with `::`, or has `##[`.
fn commands(log: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut stopped: Option<String> = None;
    for line in log.lines() {
        let line = line.trim_start();
        match &stopped {
            Some(token) if line.starts_with(&format!("::{token}::")) => stopped = None,
            Some(_) => {}
            None => match line.strip_prefix("::stop-commands::") {
                Some(token) => stopped = Some(token.to_owned()),
                None if line.starts_with("::") || line.contains("##[") => found.push(line),
                None => {}
            },
        }
    }
    assert_eq!(stopped, None, "the runner never listens again");
    found
}

/// A compiler that prints what it was called with, and lines that a runner might obey; the last has no line break.
const LOUD: &str = r##"#!/bin/sh
printf 'called:'; printf ' <%s>' "$@"; echo
echo '::error::from a lab'
echo '  ::add-mask::a' >&2
echo '##[set-env name=PATH]x'
for argument in "$@"; do
  case $argument in */diff.*) echo "$LABC_TEXT" > "$argument" ;; esac
done
printf '::set-output name=x::y'
exit "${LABC_ENDS-0}"
"##;

#[test]
fn what_labc_prints_is_no_command_of_the_runner() {
    let job = Job::new("commands");
    job.program("labc", LOUD);
    for (ends, command) in [("0", "check"), ("3", "check"), ("0", "diff"), ("3", "diff")] {
        let variables = [("LABC_ENDS", ends), ("LABC_TEXT", "::error::x")];
        let ran = job.script("run.sh", command, &job.base, &variables);
        assert_eq!(commands(&ran.out), Vec::<&str>::new(), "{}", ran.out);
        assert_eq!(ran.said, "", "the two streams are one");
        assert!(ran.out.contains("::error::from a lab"), "{}", ran.out);
    }
    let token = |log: &str| log.lines().next().expect("a line").to_owned();
    let one = job.script("run.sh", "check", &job.base, &[]);
    let other = job.script("run.sh", "check", &job.base, &[]);
    assert_ne!(
        token(&one.out),
        token(&other.out),
        "a lab cannot know the word"
    );
}

#[test]
fn the_judge_of_logs_sees_commands() {
    assert_eq!(commands("a\n::error::b\n ##[x]\n"), ["::error::b", "##[x]"]);
    assert_eq!(
        commands("::stop-commands::t\n::error::b\n::t::\n::c::"),
        ["::c::"]
    );
}

#[test]
fn a_diff_is_left_in_three_forms_and_its_end_is_told() {
    for (ends, fails_on, allow) in [
        ("0", "", ""),
        (
            "3",
            "unexplained",
            "PersistentVolumeClaim a/b\nNamespace c\n",
        ),
        ("1", "any", ""),
    ] {
        let job = Job::new("diff-forms");
        job.program("labc", LOUD);
        let variables = [
            ("LABC_ENDS", ends),
            ("LABC_TEXT", "the diff"),
            ("LABC_FAIL_ON", fails_on),
            ("LABC_ALLOW", allow),
            ("LABC_BASE", "$(touch x); `y`"),
        ];
        let ran = job.script("run.sh", "diff", &job.base, &variables);
        assert_eq!(ran.code, 0, "{}", ran.out);
        assert_eq!(job.read("outputs"), format!("exit-code={ends}\n"));
        assert_eq!(job.read("summary"), "the diff\n");
        for form in ["md", "html", "json"] {
            assert_eq!(
                job.read(&format!("temp/labc/diff/diff.{form}")),
                "the diff\n"
            );
        }
        assert!(ran.out.contains("<$(touch x); `y`..HEAD>"), "{}", ran.out);
        for object in allow.lines() {
            assert!(
                ran.out.contains(&format!("<--allow={object}>")),
                "{}",
                ran.out
            );
        }
        let has = ran.out.contains(&format!("<--exit-code={fails_on}>"));
        assert_eq!(has, !fails_on.is_empty(), "{}", ran.out);
    }
}

#[test]
fn a_diff_that_cannot_be_made_fails() {
    let job = Job::new("no-diff");
    job.program("labc", "#!/bin/sh\nexit 4\n");
    assert_eq!(job.script("run.sh", "diff", &job.base, &[]).code, 4);
    job.program("labc", "#!/bin/sh\nexit 0\n");
    assert_eq!(
        job.script("run.sh", "diff", &job.base, &[]).code,
        4,
        "it made none"
    );
    let wrong = [("LABC_FAIL_ON", "x\n::error::y")];
    assert_eq!(job.script("run.sh", "diff", &job.base, &wrong).code, 2);
    assert_eq!(job.script("run.sh", "::error::", &job.base, &[]).code, 2);
}

#[test]
fn a_check_ends_as_labc_does() {
    if !has_git() {
        return;
    }
    let job = Job::new("check").with_labc();
    let lab = Repository::new(job.base.join("lab"), &[("lab.toml", LAB)]);
    let ran = job.script("run.sh", "check", &lab.root, &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("up to date"), "{}", ran.out);
    lab.replace("lab.toml", "whoami:v1.11.0", "whoami:v1.12.0");
    assert_eq!(job.script("run.sh", "check", &lab.root, &[]).code, 3);
    lab.replace("lab.toml", "\"v1.35.0\"", "\"latest\"");
    assert_eq!(job.script("run.sh", "check", &lab.root, &[]).code, 1);
    assert_eq!(
        job.read("outputs"),
        "exit-code=0\nexit-code=3\nexit-code=1\n"
    );
}

#[test]
fn a_ready_labc_is_put_on_the_path() {
    let job = Job::new("binary");
    let ran = job.script("install.sh", "install", &job.base, &[("LABC_BINARY", LABC)]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    let folder = job.read("path");
    assert_eq!(Path::new(folder.trim_end()), job.base.join("temp/labc/bin"));
    let version = run(Command::new(Path::new(folder.trim_end()).join("labc")).arg("--version"));
    assert_eq!(version.code, 0, "{}", version.said);
}

#[test]
fn the_cache_is_of_these_sources() {
    let base = folder("ci-key");
    let action = base.join(".github/actions/labc");
    fs::create_dir_all(&action).expect("a folder can be made");
    for folder in ["src", "modules/x"] {
        fs::create_dir_all(base.join(folder)).expect("a folder can be made");
    }
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "src/main.rs",
        "modules/x/module.toml",
    ] {
        fs::write(base.join(file), file).expect("it can be written");
    }
    let script = action.join("install.sh");
    fs::copy(root().join(".github/actions/labc/install.sh"), &script).expect("it can be copied");
    let key = || {
        let variables = [
            ("RUNNER_TEMP", "/nowhere"),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_ARCH", "X64"),
        ];
        let ran = run(Command::new("bash").arg(&script).arg("key").envs(variables));
        assert_eq!(ran.code, 0, "{}", ran.said);
        ran.out
    };
    let before = key();
    assert!(
        before.starts_with("key=labc-Linux-X64-") && before.len() == 19 + 64 + 1,
        "{before}"
    );
    fs::write(base.join("README.md"), "not compiled").expect("it can be written");
    assert_eq!(key(), before);
    fs::write(base.join("modules/x/module.toml"), "other").expect("it can be written");
    assert_ne!(key(), before);
}

/// A cargo that compiles nothing: it puts a ready labc where the real one would put its own.
const CARGO: &str = r#"#!/bin/sh
echo "$@" >> "$CALLS"
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin"
cp "$READY" "$2/bin/labc"
"#;

/// The real pre-commit, with this repository's hooks. Compiling takes minutes and a registry: that is left out, and all
/// else is as it is.
#[test]
fn hooks_stop_a_stale_commit_and_a_stale_push() {
    let Some(pre_commit) = tool("venv/bin/pre-commit") else {
        return;
    };
    if !has_git() {
        return;
    }
    let job = Job::new("hooks");
    let calls = job.base.join("calls");
    let calls_to = format!("#!/bin/sh\nCALLS='{}' READY='{LABC}'\n", calls.display());
    job.program("cargo", &CARGO.replacen("#!/bin/sh\n", &calls_to, 1));
    let source = source(&job);
    for file in [".pre-commit-hooks.yaml", ".github/actions/labc/hook.sh"] {
        let from = root().join(file);
        let to = source.root.join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
        fs::copy(from, to).expect("it can be copied");
    }
    source.commit("hooks");
    hooks_stop(&job, &pre_commit, &source);
    // Once for all runs, and with the versions that are locked.
    let calls = fs::read_to_string(calls).expect("cargo was called");
    assert_eq!(calls.lines().count(), 1, "{calls}");
    assert!(calls.contains(" --locked "), "{calls}");
}

/// What hooks and jobs do on a machine that has no labc, to its end. `LABC_INSTALL=1 cargo test --test ci compiled --
/// --nocapture` compiles labc twice as others do who use it, which takes some minutes, and tells how long.
#[test]
fn a_labc_that_is_compiled_for_hooks_and_for_jobs_works() {
    if std::env::var_os("LABC_INSTALL").is_none() || !has_git() {
        println!("skipped: LABC_INSTALL=1 asks for it");
        return;
    }
    let job = Job::new("compiled");
    let source = source(&job);
    let files = run(git(root()).args(["ls-files", "-z"]));
    for file in files.out.split_terminator('\0') {
        let to = source.root.join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
        // One that is removed and not yet committed is none.
        if root().join(file).exists() {
            fs::copy(root().join(file), to).expect("it can be copied");
        }
    }
    source.commit("labc");

    let begin = Instant::now();
    let lab = Repository::new(job.base.join("lab"), &[("lab.toml", LAB)]);
    let action = source.root.join(".github/actions/labc");
    let ran = job.script_in(&action, "install.sh", "install", &lab.root, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.said);
    println!("install.sh: {:?}", begin.elapsed());
    let folder = job.read("path");
    let path = format!(
        "{}:{}",
        folder.trim_end(),
        std::env::var("PATH").expect("a path")
    );
    let variables = [("PATH", path.as_str())];
    let ran = job.script_in(&action, "run.sh", "check", &lab.root, &variables);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert_eq!(job.read("outputs"), "exit-code=0\n");
    // What the cache gives back is not compiled again.
    job.program("cargo", "#!/bin/sh\nexit 1\n");
    let again = job.script_in(&action, "install.sh", "install", &lab.root, &[]);
    assert_eq!(again.code, 0, "{}", again.said);
    fs::remove_file(job.base.join("tools/cargo")).expect("it can be removed");

    let Some(pre_commit) = tool("venv/bin/pre-commit") else {
        return;
    };
    let begin = Instant::now();
    hooks_stop(&job, &pre_commit, &source);
    println!("hook.sh, and all that the hooks do: {:?}", begin.elapsed());
}

/// The repository that hooks come from, as yet without anything.
fn source(job: &Job) -> Repository {
    let source = Repository {
        root: job.base.join("source"),
    };
    fs::create_dir_all(&source.root).expect("a folder can be made");
    source.git(&["init", "--quiet", "-b", "main"]);
    source
}

/// A person commits and pushes with the hooks of a repository.
fn hooks_stop(job: &Job, pre_commit: &Path, source: &Repository) {
    let commit = source.git(&["rev-parse", "HEAD"]);
    let person = Repository::new(
        job.base.join("person"),
        &[("lab.toml", LAB), (".gitignore", ".labc/\n")],
    );
    person.publish(job.base.join("server.git"));
    let (_, page) = files_of_page()
        .into_iter()
        .find(|(name, _)| *name == ".pre-commit-config.yaml")
        .expect("the page has it");
    let url = source.root.display().to_string();
    let page = page
        .replace("https://github.com/OWNER/labc", &url)
        .replace(COMMIT, &commit);
    person.write(".pre-commit-config.yaml", &page);
    let in_person = |program: &Path, arguments: &[&str]| {
        let mut command = git(&person.root);
        let path = std::env::var("PATH").expect("a path");
        let environment: Vec<_> = command
            .get_envs()
            .map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        command = Command::new(program);
        for (key, value) in environment {
            command.env(key, value.expect("a value"));
        }
        run(command
            .args(arguments)
            .current_dir(&person.root)
            .env(
                "PATH",
                format!("{}:{path}", job.base.join("tools").display()),
            )
            .env("PRE_COMMIT_HOME", job.base.join("home")))
    };
    let with_git = |arguments: &[&str]| in_person(Path::new("git"), arguments);
    let installed = in_person(pre_commit, &["install"]);
    assert_eq!(installed.code, 0, "{}{}", installed.out, installed.said);
    person.git(&["add", "--all"]);
    let fine = with_git(&["commit", "-m", "hooks"]);
    assert_eq!(fine.code, 0, "{}{}", fine.out, fine.said);
    assert_eq!(with_git(&["push", "--quiet"]).code, 0);

    // The build changes files: the commit stops, and goes through with them.
    person.replace("lab.toml", "whoami:v1.11.0", "whoami:v1.12.0");
    person.git(&["add", "--all"]);
    let stopped = with_git(&["commit", "-m", "bump"]);
    assert_eq!(stopped.code, 1, "{}{}", stopped.out, stopped.said);
    assert!(
        stopped.said.contains("files were modified by this hook"),
        "{}",
        stopped.said
    );
    person.git(&["add", "--all"]);
    assert_eq!(with_git(&["commit", "-m", "bump"]).code, 0);

    // A new file that nobody added: the commit cannot know, the push does.
    person.replace("lab.toml", "\n[secrets.jellyfin]", "\n[apps.other]\nmodule = \"workload\"\nimage = \"example.org/other:1\"\n\n[secrets.jellyfin]");
    person.build();
    person.git(&["add", "--update"]);
    let commit = with_git(&["commit", "-m", "another"]);
    assert_eq!(commit.code, 0, "{}{}", commit.out, commit.said);
    let push = with_git(&["push"]);
    assert_eq!(push.code, 1, "{}{}", push.out, push.said);
    assert!(
        push.out
            .contains("`out/apps/other/application.yaml` is missing"),
        "{}{}",
        push.out,
        push.said
    );
    person.git(&["add", "--all"]);
    assert_eq!(with_git(&["commit", "--amend", "--no-edit"]).code, 0);
    assert_eq!(with_git(&["push", "--quiet"]).code, 0);
}
