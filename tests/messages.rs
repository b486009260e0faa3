//! Runs every page of a code and every file of `tests/messages/`: a lab, or an edit of one, and all that is said
//! about it. `LABC_BLESS=1` writes what is said now into the files.
//!
//! A page holds a ```` ```toml lab.toml ```` block, to which the tables of `minimal.toml` are added that it lacks, and
//! a ```` ```text ```` block. A file of `tests/messages/` begins with `base: NAME`, or shows a lab of its own as a page does,
//! before its first `##`; each of its cases, under a `##`, has ```` ```diff ```` blocks that change `NAME.toml` or the
//! file whose path stands behind `diff`, whole files, and a ```` ```text ```` block. Where nothing is to be said the title
//! begins with `quiet`.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

mod pages;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use labc::compile;
use labc::diag::Code;
use labc::diag::report::{Colour, text};
use labc::world::{Read, World};
use pages::{Files, Page, completed, pages, read, root};

/// Everything that is said about a lab, with the modules of `tests/messages/modules/` as its own and `files` beside.
fn check(lab: &str, files: &[(String, String)]) -> String {
    let mut world: BTreeMap<String, Vec<u8>> = modules().clone();
    world.retain(|path, _| !path.starts_with("talos/") || lab.contains(path));
    world.insert("lab.toml".to_owned(), lab.as_bytes().to_vec());
    for (path, text) in files {
        world.insert(path.clone(), text.as_bytes().to_vec());
    }
    let compiled = compile(&World::Memory(world)).expect("memory does not fail");
    text(&compiled.diagnostics, &compiled.sources, Colour::No)
}

/// Everything that is said about a lab of files, `lab.toml` among them.
fn check_files(files: &Files) -> String {
    let lab = files.get("lab.toml").expect("a lab");
    let others: Vec<(String, String)> = files
        .iter()
        .filter(|(path, _)| *path != "lab.toml")
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    check(lab, &others)
}

/// The modules that the base labs use and the standard library has not, and their machine-config patches.
fn modules() -> &'static BTreeMap<String, Vec<u8>> {
    static MODULES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    MODULES.get_or_init(|| {
        let world = World::open(root().join("tests/messages")).expect("the folder is there");
        let list = |folder| world.list(folder).expect("the folder is there");
        let paths = [list("modules"), list("talos")].concat();
        let bytes = |path: &String| match world.read(path).expect("it can be read") {
            Read::Bytes(bytes) => bytes,
            other => panic!("{path}: {other:?}"),
        };
        paths
            .into_iter()
            .map(|path| (path.clone(), bytes(&path)))
            .collect()
    })
}

/// Codes that are about the tree on disk, or a lab too large for a page: their pages are run by other tests.
const ELSEWHERE: [&str; 11] = [
    "L0113", "L0606", "L1001", "L1002", "L1003", "L1004", "L1005", "L1006", "L1007", "L1008",
    "L1009",
];

/// The group of codes that a diff tells, whose pages are run with those of `tests/diff/`.
const DANGER: u16 = 11;

#[test]
fn every_page_shows_its_message() {
    let mut run = 0;
    let mut wrong = Vec::new();
    for code in Code::all() {
        if code.group() == DANGER {
            continue;
        }
        let path = root().join(format!("src/diag/codes/{code}.md"));
        let page = Page::read(&path);
        let files = page.files();
        let Some(lab) = page.block("toml lab.toml", 0) else {
            assert!(
                ELSEWHERE.contains(&code.to_string().as_str()),
                "{code} shows no wrong lab"
            );
            continue;
        };
        let said = check(&completed(&lab), &files);
        assert!(
            said.contains(&format!("[{code}]")),
            "{code} is not said:\n{said}"
        );
        wrong.extend(page.compare(&[said]));
        run += 1;
    }
    assert!(run > 0, "no page was run");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_edit_has_its_message() {
    let mut wrong = Vec::new();
    let cases = pages("tests/messages");
    assert!(!cases.is_empty(), "no case was found");
    for path in cases {
        let page = Page::read(&path);
        let base = page.base(&|name| {
            let text = read(&root().join(format!("tests/messages/{name}.toml")));
            Files::from([("lab.toml".to_owned(), text)])
        });
        assert_eq!(
            check_files(&base),
            "",
            "the base of {} is wrong",
            path.display()
        );
        let mut said = Vec::new();
        for (title, files) in page.edits(&base) {
            let messages = check_files(&files);
            let quiet = title.starts_with("quiet");
            if messages.is_empty() != quiet {
                let path = path.display();
                wrong.push(format!("{path}: {title}: quiet or not?\n{messages}"));
            }
            said.push(messages);
        }
        wrong.extend(page.compare(&said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_damage_to_a_lab_stops_the_checker() {
    let damage = [
        "",
        "[",
        "{",
        "\"",
        "é",
        "\\",
        "=",
        "\n",
        "'''",
        "0.0.0.0/0",
        "::/0",
    ];
    let lab = read(&root().join("tests/messages/minimal.toml"));
    for (at, letter) in lab.char_indices() {
        for text in damage {
            let damaged = format!("{}{text}{}", &lab[..at], &lab[at + letter.len_utf8()..]);
            check(&damaged, &[]);
        }
    }
    for (at, quoted) in lab.match_indices('"').step_by(2) {
        let end = at + 2 + lab[at + 1..].find(quoted).expect("a text is closed");
        for text in [
            "",
            "é",
            "-",
            "/",
            "0.0.0.0/0",
            "::/0",
            "::",
            "255.255.255.255/32",
            "fe80::1",
        ] {
            check(&format!("{}\"{text}\"{}", &lab[..at], &lab[end..]), &[]);
        }
    }
}
