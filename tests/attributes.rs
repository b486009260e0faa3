//! What `labc init` tells Git about a lab, judged by the real git: a checkout on a system that likes other line ends is
//! as up to date as the one that was committed.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and git in folders of its own"
)]

mod lab_repository;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab_repository::{LABC, Ran, Repository, folder, has_git, run};

/// Settings under which git writes other line ends than are committed.
const WINDOWS: [&[&str]; 2] = [
    &["--config", "core.autocrlf=true"],
    &[
        "--config",
        "core.eol=crlf",
        "--config",
        "core.autocrlf=false",
    ],
];

fn init(folder: &Path) -> Ran {
    let mut labc = Command::new(LABC);
    let about = [
        "--name",
        "home",
        "--domain",
        "example.org",
        "--repository",
        "https://git.example.org/lab.git",
    ];
    run(labc
        .arg("-C")
        .arg(folder)
        .arg("init")
        .args(about)
        .args(["--node", "cp-1=controlplane@10.0.0.10"]))
}

/// What a new lab's file of attributes holds, where `before` stood in it.
fn attributes(name: &str, before: Option<&str>) -> String {
    let folder = folder(name);
    if let Some(before) = before {
        fs::write(folder.join(".gitattributes"), before).expect("it can be written");
    }
    let ran = init(&folder);
    assert_eq!(ran.code, 0, "{}", ran.said);
    fs::read_to_string(folder.join(".gitattributes")).expect("it is there")
}

/// A lab with a SOPS file of other line ends, and a module and values of its own.
fn lab(root: PathBuf, attributes: Option<&str>) -> Repository {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs/flux");
    copy(&from, &root);
    let repository = Repository { root };
    repository.git(&["init", "--quiet", "-b", "main"]);
    let sops = first_below(&repository.root.join("secrets"));
    let text = fs::read_to_string(&sops).expect("a SOPS file");
    fs::write(&sops, text.replace('\n', "\r\n")).expect("it can be written");
    repository.write(
        "modules/own/module.toml",
        "[module]\nsummary = \"Something of the lab's own\"\n",
    );
    repository.write("modules/own/manifests/note.yaml", NOTE);
    repository.write("modules/own/files/note.txt", "one\ntwo\n");
    let text = repository.read("lab.toml");
    repository.write("lab.toml", &format!("{text}\n[apps.own]\n"));
    repository.write(".gitignore", ".labc/\n");
    if let Some(attributes) = attributes {
        repository.write(".gitattributes", attributes);
    }
    repository.labc_ends(&["build", "--quiet", "--force"], 0);
    repository.commit("the lab");
    repository
}

const NOTE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: note\ndata:\n  note: ${{ file(\"note.txt\") }}\n";

fn first_below(folder: &Path) -> PathBuf {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    match entries.into_iter().next() {
        Some(path) if path.is_dir() => first_below(&path),
        Some(path) => path,
        None => panic!("{} is empty", folder.display()),
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

#[test]
fn a_checkout_with_other_line_ends_is_up_to_date() {
    if !has_git() {
        return;
    }
    let base = folder("attributes-clone");
    let told = attributes("attributes-new", None);
    let repository = lab(base.join("lab"), Some(&told));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    for (number, settings) in WINDOWS.into_iter().enumerate() {
        let clone = repository.clone_to(base.join(format!("clone-{number}")), settings);
        clone.labc_ends(&["check"], 0);
        // What is written there and committed is the same again.
        clone.labc_ends(&["build", "--quiet"], 0);
        clone.git(&["add", "--all", "--renormalize", "."]);
        assert_eq!(clone.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn without_the_attributes_it_is_not() {
    if !has_git() {
        return;
    }
    let base = folder("attributes-without");
    let repository = lab(base.join("lab"), None);
    let clone = repository.clone_to(base.join("clone"), WINDOWS[0]);
    let checked = clone.labc(&["check"]);
    assert_ne!(
        checked.code, 0,
        "line ends do not matter any more: the attributes can go"
    );
}

#[test]
fn attributes_that_are_there_stay() {
    let whole = attributes("attributes-whole", None);
    assert!(
        whole.starts_with("* text=auto eol=lf\nout/** -text linguist-generated\n"),
        "{whole}"
    );
    assert_eq!(attributes("attributes-again", Some(&whole)), whole);
    let before = "*.png binary\nout/** text";
    let after = attributes("attributes-before", Some(before));
    let added = "\nlab.lock -text linguist-generated\nsecrets/** -text\n";
    assert_eq!(after, format!("{before}{added}"));
}
