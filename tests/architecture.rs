//! Dependencies between the folders of `src/` go one way: down this list.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads the sources from disk"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the crate; each may use itself and those before it.
const ORDER: [&str; 21] = [
    "source", "value", "secret", "diag", "world", "syntax", "template", "mask", "parse", "resolve",
    "render", "link", "lower", "emit", "lock", "explain", "diff", "keep", "overview", "guide",
    "cli",
];

#[test]
fn dependencies_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    walk(&source, &mut files);
    assert!(files.len() > 40, "the sources were not found");
    for file in files {
        let below = file.strip_prefix(&source).expect("it is below");
        let first = below.iter().next().expect("it has a name");
        let own = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        if ["lib", "main", "build"].contains(&own.as_str()) {
            continue;
        }
        let rank = rank(&own).unwrap_or_else(|| panic!("`{own}` is not in the list"));
        let text = fs::read_to_string(&file).expect("it can be read");
        for (number, line) in text.lines().enumerate() {
            for used in paths(line) {
                // The root itself: `compile()` and its result, which only commands may use.
                let used_rank = self::rank(used).unwrap_or(ORDER.len() - 1);
                if used_rank > rank {
                    wrong.push(format!(
                        "{}:{}: `{own}` uses `{used}`",
                        below.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == module)
}

/// The first name behind each `crate::` of a line of code.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("src/diag/code.rs")).expect("the list of codes");
    let mut codes: Vec<String> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const "))
        .filter_map(|line| line.split_once("Code(")?.1.split_once(')'))
        .map(|(number, _)| format!("L{number:0>4}"))
        .collect();
    codes.sort();
    let mut pages = Vec::new();
    let folder = fs::read_dir(root.join("src/diag/codes")).expect("the folder of pages");
    for entry in folder {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().trim_end_matches(".md").to_owned();
        pages.push(name);
    }
    pages.sort();
    assert_eq!(codes, pages);
}

/// What clippy cannot see: addresses printed as text, and formats that ask for the time or a place in the source.
#[test]
fn no_stage_prints_where_or_when_it_runs() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&source, &mut files);
    let forbidden = [
        "{:p}",
        ":p}",
        "file!()",
        "line!()",
        "env!(\"CARGO_MANIFEST_DIR\")",
        "getrandom",
        "rand::",
    ];
    for file in files {
        let below = file.strip_prefix(&source).expect("it is below");
        let text = fs::read_to_string(&file).expect("it can be read");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let found = forbidden.iter().find(|word| code.contains(**word));
            if let Some(word) = found.filter(|_| below != Path::new("build.rs")) {
                panic!("{}:{}: `{word}`", below.display(), number + 1);
            }
        }
    }
}
