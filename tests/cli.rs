//! Runs of the binary: arguments, exit codes, what goes to which stream, and the commands that write.

#![allow(
    clippy::disallowed_methods,
    reason = "a test runs the binary in folders of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A new, empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn labc(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// What a run printed: exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = labc(folder, arguments);
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    let code = output.status.code().expect("it ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// Runs what must work, and returns what it said.
fn works(folder: &Path, arguments: &[&str]) -> String {
    let (code, _, said) = run(folder, arguments);
    assert_eq!(code, 0, "labc {}\n{said}", arguments.join(" "));
    said
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const INIT: [&str; 8] = [
    "init",
    "--yes",
    "--domain",
    "example.org",
    "--repository",
    "https://github.com/example/lab.git",
    "--node",
    "cp-1=controlplane@192.168.1.11",
];

/// A folder with a lab that builds.
fn lab(name: &str) -> PathBuf {
    let folder = folder(name);
    works(&folder, &INIT);
    folder
}

/// Changes a text in a file of the folder.
fn replace(path: &Path, old: &str, new: &str) {
    let text = read(path);
    assert!(text.contains(old), "{} has no `{old}`", path.display());
    fs::write(path, text.replacen(old, new, 1)).expect("it can be written");
}

#[test]
fn help_goes_to_standard_output_and_wrong_use_to_standard_error() {
    let folder = folder("usage");
    let (code, out, said) = run(&folder, &["--help"]);
    assert_eq!((code, said.as_str()), (0, ""));
    for command in [
        "build",
        "check",
        "explain",
        "show",
        "init",
        "add",
        "module",
        "schema",
        "completions",
        "man",
    ] {
        assert!(
            out.contains(&format!("\n  {command} ")),
            "{command} is not in:\n{out}"
        );
    }
    for wrong in [
        vec![],
        vec!["bild"],
        vec!["build", "--fast"],
        vec!["build", "-q", "-v"],
        vec!["explain"],
        vec!["explain", "L9999"],
        vec!["module", "show", "nothing"],
        vec!["init", "--node", "cp-1"],
    ] {
        let (code, out, said) = run(&folder, &wrong);
        assert_eq!((code, out.as_str()), (2, ""), "labc {}", wrong.join(" "));
        assert!(!said.is_empty(), "labc {} says nothing", wrong.join(" "));
    }
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let folder = lab("exits");
    assert_eq!(run(&folder, &["check"]).0, 3, "nothing is built yet");
    assert_eq!(run(&folder, &["build", "--locked"]).0, 3);
    assert!(!folder.join("out").exists(), "`--locked` writes nothing");
    works(&folder, &["build"]);
    works(&folder, &["check"]);
    works(&folder, &["build", "--locked"]);

    let file = folder.join("out/infrastructure/argocd/application.yaml");
    replace(&file, "namespace: argocd", "namespace: elsewhere");
    assert_eq!(run(&folder, &["check"]).0, 3, "a hand edit is found");
    assert_eq!(run(&folder, &["build"]).0, 3, "and kept");
    assert!(read(&file).contains("elsewhere"));
    works(&folder, &["build", "--force"]);
    assert!(!read(&file).contains("elsewhere"));

    let blocked = ["build", "--out", "lab.toml/out"];
    let (code, _, said) = run(&folder, &blocked);
    assert_eq!(code, 4, "{said}");

    replace(&folder.join("lab.toml"), "engine = ", "enginee = ");
    for command in [
        vec!["check"],
        vec!["build"],
        vec!["show"],
        vec!["explain", "out/kustomization.yaml:3"],
    ] {
        let (code, out, said) = run(&folder, &command);
        assert_eq!((code, out.as_str()), (1, ""), "labc {}", command.join(" "));
        assert!(said.contains("did you mean `engine`?"), "{said}");
    }
}

#[test]
fn a_folder_without_a_lab_is_told_how_to_start_one() {
    // Named by `-C`, because a lab may lie above the folder of this test.
    let folder = folder("nothing");
    for command in ["check", "build", "show"] {
        let (code, _, said) = run(&folder, &["-C", ".", command]);
        assert_eq!(code, 1);
        assert!(said.contains("labc init"), "{said}");
    }
    let (code, _, said) = run(&folder, &["-C", ".", "add", "longhorn"]);
    assert_eq!(code, 2);
    assert!(said.contains("labc init"), "{said}");
    // The library is there without a lab.
    let library = |arguments: &[&str]| run(&folder, &[&["-C", "."], arguments].concat()).1;
    assert!(library(&["module", "list"]).contains("longhorn"));
    assert!(library(&["schema"]).contains("longhorn"));
}

#[test]
fn data_goes_to_standard_output_and_talk_to_standard_error() {
    let folder = lab("streams");
    let said = works(&folder, &["build"]);
    assert!(said.contains("compiled `streams`"), "{said}");
    assert_eq!(labc(&folder, &["build"]).stdout, b"");
    assert_eq!(works(&folder, &["build", "-q"]), "");
    assert_eq!(works(&folder, &["check", "--quiet"]), "");

    works(&folder, &["add", "traefik"]);
    let (code, out, said) = run(&folder, &["show"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(said.contains("load-balancer"), "{said}");
    works(&folder, &["add", "metallb"]);
    let (code, out, said) = run(&folder, &["show"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("lab       streams"), "{out}");
    assert!(said.starts_with("note[L0317]"), "{said}");
    assert_eq!(run(&folder, &["-q", "show"]).2, "");
}

#[test]
fn json_is_data_of_schema_1() {
    let folder = lab("json");
    works(&folder, &["build"]);
    let data = |arguments: &[&str]| {
        let (_, out, _) = run(&folder, arguments);
        let data: Value = serde_json::from_str(&out)
            .unwrap_or_else(|error| panic!("labc {}: {error}\n{out}", arguments.join(" ")));
        assert_eq!(data["schema"], 1, "labc {}", arguments.join(" "));
        data
    };
    assert_eq!(
        data(&["check", "--format", "json"])["diagnostics"],
        Value::Array(vec![])
    );
    assert_eq!(data(&["show", "--format", "json"])["lab"]["name"], "json");
    assert_eq!(
        data(&["explain", "L0203", "--format=json"])["code"],
        "L0203"
    );
    let place = "out/infrastructure/argocd/application.yaml:spec.project";
    let story = data(&["--format", "json", "explain", place]);
    assert_eq!(story["value"], "json");
    assert_eq!(story["causes"][0]["kind"], "lab");
    let modules = data(&["module", "list", "--format", "json"]);
    let modules = modules["modules"].as_array().expect("a list").len();
    assert!(modules > 5);
    assert_eq!(
        data(&["module", "show", "metallb", "--format", "json"])["name"],
        "metallb"
    );

    replace(&folder.join("lab.toml"), "engine = ", "enginee = ");
    let wrong = data(&["build", "--format", "json"]);
    let codes = wrong["diagnostics"].as_array().expect("a list").iter();
    assert!(
        codes.map(|one| &one["code"]).any(|code| code == "L0103"),
        "{wrong}"
    );
    let wrong = data(&["show", "--format", "json"]);
    assert_eq!(wrong["diagnostics"][0]["file"], "lab.toml");
}

#[test]
fn the_lab_is_found_above_and_named_by_its_folder() {
    let folder = lab("found");
    works(&folder, &["build"]);
    let below = folder.join("out/infrastructure/argocd");
    works(&below, &["check"]);
    let (code, out, _) = run(&below, &["explain", "application.yaml:kind"]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("out/infrastructure/argocd/application.yaml:3:"),
        "{out}"
    );
    let elsewhere = self::folder("elsewhere");
    let named = folder.to_str().expect("a path of UTF-8");
    works(&elsewhere, &["-C", named, "check"]);
    works(&elsewhere, &["check", "--directory", "../found"]);
    let whole = format!("{named}/out/kustomization.yaml:kind");
    assert_eq!(run(&elsewhere, &["-C", "../found", "explain", &whole]).0, 0);
    assert_eq!(
        run(
            &elsewhere,
            &["-C", "../found", "explain", "kustomization.yaml:kind"]
        )
        .0,
        0
    );
}

#[test]
fn explain_says_when_the_tree_on_disk_is_another_one() {
    let folder = lab("stale");
    works(&folder, &["build"]);
    let place = "out/infrastructure/argocd/application.yaml:spec.project";
    assert_eq!(run(&folder, &["explain", place]).2, "");
    replace(
        &folder.join("lab.toml"),
        "name = \"stale\"",
        "name = \"fresh\"",
    );
    let (code, out, said) = run(&folder, &["explain", place]);
    assert_eq!(code, 0);
    assert!(out.contains("`fresh`"), "{out}");
    assert!(said.contains("is not what the sources make"), "{said}");
}

#[test]
fn nothing_is_coloured_but_for_a_terminal() {
    let folder = lab("colour");
    replace(&folder.join("lab.toml"), "engine = ", "enginee = ");
    for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("CI", "true")] {
        let output = Command::new(env!("CARGO_BIN_EXE_labc"))
            .arg("check")
            .current_dir(&folder)
            .env(name, value)
            .output()
            .expect("the binary runs");
        assert!(!output.stderr.contains(&0x1b), "{name} brings colour");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder("pipe");
    for arguments in [
        vec!["schema"],
        vec!["module", "show", "workload"],
        vec!["man"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_labc"))
            .args(&arguments)
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn init_writes_a_lab_that_builds() {
    let folder = folder("first");
    fs::write(folder.join(".gitignore"), "target\n").expect("it can be written");
    works(
        &folder,
        &[
            "init",
            "--name",
            "home",
            "--domain",
            "example.org",
            "--timezone",
            "Europe/Berlin",
            "--engine",
            "argocd",
            "--repository",
            "ssh://git@github.com/example/lab.git",
            "--talos",
            "v1.11.5",
            "--kubernetes",
            "v1.34.2",
            "--node",
            "cp-1=controlplane@10.0.0.11",
            "--node",
            "cp-2=control-plane@10.0.0.12",
            "--node",
            "cp-3=c@10.0.0.13",
            "--node",
            "worker-1=worker@10.0.0.21",
            "--network",
            "10.0.0.0/16",
            "--gateway",
            "10.0.0.254",
            "--vip",
            "10.0.0.10",
            "--load-balancer",
            "10.0.1.0-10.0.1.99",
        ],
    );
    assert_eq!(read(&folder.join(".gitignore")), "target\n.labc/\n");
    works(&folder, &["build"]);
    works(&folder, &["check"]);
    let (_, out, _) = run(&folder, &["show", "--format", "json"]);
    let shown: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(shown["lab"]["name"], "home");
    assert_eq!(shown["cluster"]["contract"], "v1.11");
    assert_eq!(shown["cluster"]["endpoint"], "https://10.0.0.10:6443");
    assert_eq!(shown["nodes"].as_array().expect("nodes").len(), 4);
    assert_eq!(shown["components"][0]["name"], "argocd");
}

#[test]
fn init_overwrites_nothing_and_names_all_that_is_missing() {
    let folder = lab("again");
    let before = read(&folder.join("lab.toml"));
    let (code, _, said) = run(&folder, &INIT);
    assert_eq!(code, 2);
    assert!(said.contains("has a lab.toml already"), "{said}");
    assert_eq!(read(&folder.join("lab.toml")), before);

    let empty = self::folder("empty");
    let (code, _, said) = run(&empty, &["init", "--talos", "new"]);
    assert_eq!(code, 2);
    for missing in [
        "--domain",
        "--repository",
        "--node",
        "`--talos` cannot be `new`",
    ] {
        assert!(said.contains(missing), "{missing} is not in:\n{said}");
    }
    let three = ["--node", "b=c@192.168.1.12", "--node", "c=c@192.168.1.13"];
    let (code, _, said) = run(&empty, &[&INIT[..], &three].concat());
    assert_eq!(code, 2);
    assert!(said.contains("--vip"), "{said}");
    assert!(!empty.join("lab.toml").exists());
}

#[test]
fn add_changes_nothing_but_what_it_adds() {
    let folder = lab("add");
    let path = folder.join("lab.toml");
    let mut text = read(&path);
    text.push_str("\n# about photos\n[apps.photos]\nmodule = \"workload\"\nimage = \"a/b:1\"\n\n[vars] # mine\nx = 1\n");
    fs::write(&path, &text).expect("it can be written");

    let said = works(&folder, &["add", "longhorn"]);
    assert!(said.contains("added [infrastructure.longhorn]"), "{said}");
    let added = "\n[infrastructure.longhorn]\nversion = \"1.10.2\"\n";
    let with = read(&path);
    assert_eq!(with.replacen(added, "", 1), text);
    assert!(
        with.find(added) < with.find("# about photos"),
        "it stands with its like:\n{with}"
    );

    let said = works(&folder, &["add", "music", "--module", "workload"]);
    assert!(said.contains("`apps.music.image` is missing"), "{said}");
    let added = "\n[apps.music]\nmodule = \"workload\"\n# The image, with a tag that does not move or a digest. (image)\n\
                 # image = \"ghcr.io/owner/name:1.0.0\"\n";
    let after = read(&path);
    assert_eq!(after.replacen(added, "", 1), with);
    assert!(after.find(added) < after.find("[vars] # mine"), "{after}");

    let both = ["add", "store", "--module", "longhorn", "--layer", "apps"];
    works(&folder, &both);
    assert!(read(&path).contains("\n[apps.store]\nmodule = \"longhorn\"\nversion = \"1.10.2\"\n"));

    let before = read(&path);
    for (arguments, why) in [
        (vec!["add", "longhorn"], "`infrastructure.longhorn` already"),
        (
            vec!["add", "photos", "--module", "workload"],
            "`apps.photos` already",
        ),
        (vec!["add", "longhron"], "did you mean `longhorn`?"),
        (
            vec!["add", "root", "--module", "workload"],
            "a unit of that name",
        ),
        (
            vec!["add", "My_App", "--module", "workload"],
            "cannot be named",
        ),
    ] {
        let (code, _, said) = run(&folder, &arguments);
        assert_eq!(code, 2, "labc {}", arguments.join(" "));
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(read(&path), before);

    fs::write(&path, "apps = {}\n").expect("it can be written");
    let (code, _, said) = run(&folder, &["add", "longhorn", "--layer", "apps"]);
    assert_eq!(code, 2);
    assert!(said.contains("takes no other table"), "{said}");
    assert_eq!(read(&path), "apps = {}\n");
}

#[test]
fn a_new_module_compiles_and_hides_none() {
    let folder = lab("module");
    works(&folder, &["module", "new", "my-app"]);
    works(&folder, &["add", "my-app"]);
    works(&folder, &["build"]);
    let manifests = folder.join("out/apps/my-app/manifests");
    let settings = read(&manifests.join("configmap-my-app-settings.yaml"));
    assert!(settings.contains("LOG_LEVEL: info"), "{settings}");
    let values = read(&folder.join("out/apps/my-app/values.yaml"));
    assert!(values.contains("replicaCount: 1"), "{values}");
    let (_, page, _) = run(&folder, &["module", "show", "my-app"]);
    assert!(page.contains("This lab's own."), "{page}");
    assert!(
        page.contains("- `log_level`: `debug` or `info` or `warn`; default `\"info\"`"),
        "{page}"
    );
    assert!(run(&folder, &["module", "list"]).1.contains("my-app"));

    let file = folder.join("modules/my-app/module.toml");
    let before = read(&file);
    let (code, _, said) = run(&folder, &["module", "new", "my-app"]);
    assert_eq!(code, 2);
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(read(&file), before);
    for wrong in ["traits", "My_App", "../up", ""] {
        assert_eq!(run(&folder, &["module", "new", wrong]).0, 2, "{wrong}");
    }
    let said = works(&folder, &["module", "new", "longhorn"]);
    assert!(said.contains("stands in for the standard module"), "{said}");

    replace(&file, "type = \"enum\"", "type = \"enumm\"");
    for command in [["module", "list"].as_slice(), &["schema"]] {
        let (code, out, said) = run(&folder, command);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(said.contains("modules/my-app/module.toml"), "{said}");
    }
}

#[test]
fn shells_and_manual_readers_know_the_commands() {
    let folder = folder("shells");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(&folder, &["completions", shell]);
        assert_eq!(code, 0);
        assert!(out.contains("explain"), "{shell} does not know explain");
    }
    assert_eq!(run(&folder, &["completions", "cmd"]).0, 2);
    let (code, page, _) = run(&folder, &["man"]);
    assert_eq!(code, 0);
    assert!(page.contains(".TH labc 1"), "{page}");
    works(&folder, &["man", "pages"]);
    for (name, about) in [
        ("labc", "labc\\-build"),
        ("labc-build", "\\-\\-locked"),
        ("labc-module-show", "NAME"),
    ] {
        let page = read(&folder.join(format!("pages/{name}.1")));
        assert!(page.contains(about), "{about} is not in {name}.1:\n{page}");
    }
}
