//! `labc set`: the value changes, and not a byte beside it.
//!
//! Every value of every lab is set to itself, to another one, taken out and put back; and the command is run for what it says
//! and how it ends.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its labs from disk and runs the binary"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::diag::Diagnostics;
use labc::guide::set::{Refusal, delete, parse_path, set};
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;
use labc::value::{Node, Path as Way, Step, Value};

/// The name and the text of every lab.
fn labs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let labs = fs::read_dir(root.join("tests/labs")).expect("the folder of labs");
    let mut files: Vec<PathBuf> = labs
        .map(|entry| entry.expect("an entry").path().join("lab.toml"))
        .filter(|file| file.is_file())
        .collect();
    files.push(root.join("lab.toml"));
    files.sort();
    assert!(files.len() > 1, "no lab was found");
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a lab");
        (file.display().to_string(), text)
    };
    files.into_iter().map(read).collect()
}

fn parse(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let tree = toml::read(source, text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "it is not TOML:\n{text}");
    tree
}

fn leaves(tree: &Node) -> Vec<(Way, Node)> {
    let mut leaves = Vec::new();
    tree.each_leaf(&mut |path, leaf| leaves.push((path.clone(), leaf.clone())));
    leaves
}

fn string(text: &str) -> Node {
    Node::new(text, labc::source::Origin::none())
}

#[test]
fn a_value_set_to_itself_changes_nothing() {
    for (name, text) in labs() {
        for (path, leaf) in leaves(&parse(&text)) {
            let said = set(&text, &path, &leaf).expect_err("nothing is to be done");
            assert!(matches!(said, Refusal::Same(_)), "{name}: {path}: {said:?}");
        }
    }
}

#[test]
fn a_value_set_to_another_changes_its_own_bytes() {
    for (name, text) in labs() {
        for (path, leaf) in leaves(&parse(&text)) {
            let edited = set(&text, &path, &string("v9.8.7")).expect("it can be set");
            let span = leaf.origin.first().expect("it is written").range();
            let (before, after) = (&text[..span.start], &text[span.end..]);
            let rest = edited.text.strip_prefix(before);
            let new = rest.and_then(|rest| rest.strip_suffix(after));
            let new = new.unwrap_or_else(|| panic!("{name}: {path}: other bytes changed"));
            assert!(
                ["\"v9.8.7\"", "'v9.8.7'"].contains(&new),
                "{name}: {path}: {new}"
            );
            let line = edited.text.lines().nth(edited.line - 1);
            assert!(
                line.is_some_and(|line| line.contains(new)),
                "{name}: {path}"
            );
        }
    }
}

#[test]
fn a_version_set_changes_exactly_one_line() {
    let mut versions = 0;
    for (name, text) in labs() {
        for (path, leaf) in leaves(&parse(&text)) {
            let is_version =
                matches!(path.0.last(), Some(Step::Key(key)) if key == "version" || key == "talos");
            if leaf.as_str().is_none() || !is_version {
                continue;
            }
            versions += 1;
            let edited = set(&text, &path, &string("v9.8.7"))
                .expect("it can be set")
                .text;
            let differ = text
                .lines()
                .zip(edited.lines())
                .filter(|(old, new)| old != new);
            assert_eq!(differ.count(), 1, "{name}: {path}");
            assert_eq!(
                text.lines().count(),
                edited.lines().count(),
                "{name}: {path}"
            );
        }
    }
    assert!(versions > 50, "hardly any version was found");
}

#[test]
fn what_is_taken_out_and_put_back_is_the_same_data() {
    let (mut done, mut impossible) = (0, Vec::new());
    for (name, text) in labs() {
        let tree = parse(&text);
        for (path, leaf) in leaves(&tree) {
            let is_item = path.0.iter().any(|step| matches!(step, Step::Index(_)));
            let without = match delete(&text, &path) {
                Ok(edited) => edited.text,
                Err(why) => {
                    impossible.push(format!("{name}: {path}: {why:?}"));
                    continue;
                }
            };
            assert_comments_stay(&name, &path, &text, &without);
            done += 1;
            if is_item {
                continue;
            }
            let back = set(&without, &path, &leaf)
                .unwrap_or_else(|why| panic!("{name}: {path}: {why:?}\n{without}"));
            assert_eq!(parse(&back.text), tree, "{name}: {path}");
        }
    }
    assert!(
        impossible.is_empty(),
        "{} of {done}:\n{}",
        impossible.len(),
        impossible.join("\n")
    );
}

/// Of the comments that have a line for themselves, none goes with a value.
fn assert_comments_stay(name: &str, path: &Way, before: &str, after: &str) {
    let comments = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(comments(before), comments(after), "{name}: {path}");
}

#[test]
fn every_component_can_go() {
    for (name, text) in labs() {
        let tree = parse(&text);
        for layer in ["infrastructure", "apps"] {
            let components = tree.get(layer).and_then(Node::as_map).into_iter().flatten();
            for (component, _) in components {
                let path = Way::keys([layer, component]);
                let edited =
                    delete(&text, &path).unwrap_or_else(|why| panic!("{name}: {path}: {why:?}"));
                let rest = parse(&edited.text);
                assert!(rest.at(&path).is_none(), "{name}: {path}");
                let count = |tree: &Node| leaves(tree).len();
                let own = count(tree.at(&path).expect("it was there"));
                let gone = count(&tree) - count(&rest);
                assert!(gone == own || gone + 1 == own, "{name}: {path}");
                assert!(
                    !edited.text.contains("\n\n\n"),
                    "{name}: {path}: {}",
                    edited.text
                );
            }
        }
    }
}

#[test]
fn line_breaks_and_a_missing_last_one_stay() {
    for (name, text) in labs() {
        let windows = text.trim_end().replace('\n', "\r\n");
        let path = parse_path("cluster.kubernetes").expect("a path");
        let edited = set(&windows, &path, &string("v9.8.7"))
            .expect("it can be set")
            .text;
        assert_eq!(
            edited.matches('\n').count(),
            edited.matches("\r\n").count(),
            "{name}"
        );
        assert!(!edited.ends_with('\n'), "{name}");
        let new = parse_path("cluster.endpoint_too").expect("a path");
        let added = set(&windows, &new, &string("x"))
            .expect("it can be added")
            .text;
        assert_eq!(
            added.matches('\n').count(),
            added.matches("\r\n").count(),
            "{name}"
        );
        assert!(!added.ends_with('\n'), "{name}");
    }
}

/// Text, path, value and the text that is expected.
const PLACES: [(&str, &str, i64, &str); 11] = [
    // At the end of the section, before the comment of the next one.
    (
        "[a]\nx = 1 # one\n\n# of b\n[b]\n",
        "a.y",
        2,
        "[a]\nx = 1 # one\ny = 2\n\n# of b\n[b]\n",
    ),
    ("[a]\n\n[b]\n", "a.y", 2, "[a]\ny = 2\n\n[b]\n"),
    // Inside the braces, and the brackets.
    ("a = { x = 1 }\n", "a.y", 2, "a = { x = 1, y = 2 }\n"),
    ("a = {}\n", "a.y.z", 2, "a = { y.z = 2 }\n"),
    ("a = [1]\n", "a[1]", 2, "a = [1, 2]\n"),
    ("a = [\n  1,\n]\n", "a[1]", 2, "a = [\n  1,\n  2,\n]\n"),
    // Behind the keys of the same table.
    (
        "[a]\nb.x = 1\nz = 3\n",
        "a.b.y",
        2,
        "[a]\nb.x = 1\nb.y = 2\nz = 3\n",
    ),
    // Behind the tables of its kind.
    (
        "[apps.a]\nx = 1\n\n# of all\n[vars]\n",
        "apps.b.x",
        2,
        "[apps.a]\nx = 1\n\n[apps.b]\nx = 2\n\n# of all\n[vars]\n",
    ),
    (
        "[apps.a]\nx = 1\n",
        "vars.x",
        2,
        "[apps.a]\nx = 1\n\n[vars]\nx = 2\n",
    ),
    // A key that is not plain.
    ("[a]\n", "a.\"b.c\"", 2, "[a]\n\"b.c\" = 2\n"),
    // The last line has no break, and gets none.
    ("[a]\nx = 1", "a.y", 2, "[a]\nx = 1\ny = 2"),
];

#[test]
fn what_is_missing_comes_where_a_person_would_put_it() {
    for (text, path, value, expected) in PLACES {
        let path = parse_path(path).expect("a path");
        let value = Node::new(value, labc::source::Origin::none());
        let edited = set(text, &path, &value).unwrap_or_else(|why| panic!("{path}: {why:?}"));
        assert_eq!(edited.text, expected, "{path}");
    }
}

/// Text, path and the text that remains.
const GONE: [(&str, &str, &str); 9] = [
    ("[a]\nx = 1 # one\ny = 2\n", "a.x", "[a]\ny = 2\n"),
    ("a = { x = 1, y = 2 }\n", "a.x", "a = { y = 2 }\n"),
    ("a = { x = 1, y = 2 }\n", "a.y", "a = { x = 1 }\n"),
    ("a = { x = 1 }\n", "a.x", "a = { }\n"),
    ("a = [1, 2, 3]\n", "a[1]", "a = [1, 3]\n"),
    ("[a]\nb.x = 1\nb.y = 2\nz = 3\n", "a.b", "[a]\nz = 3\n"),
    (
        "[a]\nx = 1\n\n# of b\n[b]\nx = 1\n\n[b.c]\ny = 1\n\n# of d\n[d]\n",
        "b",
        "[a]\nx = 1\n\n# of d\n[d]\n",
    ),
    ("[a]\nx = 1\n\n[b]\nx = 1\n", "b", "[a]\nx = 1\n"),
    ("[[a]]\nx = 1\n\n[[a]]\nx = 2\n", "a[0]", "[[a]]\nx = 2\n"),
];

#[test]
fn what_goes_takes_its_lines_with_it() {
    for (text, path, expected) in GONE {
        let way = parse_path(path).expect("a path");
        let edited = delete(text, &way).unwrap_or_else(|why| panic!("{path}: {why:?}"));
        assert_eq!(edited.text, expected, "{path}");
    }
}

#[test]
fn a_path_is_read_as_toml_reads_keys() {
    let steps = |text: &str| parse_path(text).map(|path| path.to_string());
    assert_eq!(steps("apps.a-b.x[0].y"), Ok("apps.a-b.x[0].y".to_owned()));
    assert_eq!(
        steps("apps.\"a.b\".'c d'"),
        Ok("apps.\"a.b\".\"c d\"".to_owned())
    );
    for wrong in ["", ".", "a.", ".a", "a..b", "a[x]", "a[0", "a b", "\"a"] {
        assert!(steps(wrong).is_err(), "`{wrong}`");
    }
}

/// A folder with a lab.
struct Lab(PathBuf);

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Lab {
    fn new(test: &str, text: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("set-{test}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the old one goes");
        }
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("lab.toml"), text).expect("a file");
        Lab(folder)
    }

    /// A copy of the lab of this repository.
    fn root(test: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab.toml");
        Lab::new(test, &fs::read_to_string(root).expect("a lab"))
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.join("lab.toml")).expect("the lab")
    }

    fn set(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_labc"))
            .arg("set")
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .expect("labc starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

#[test]
fn the_command_writes_and_says_what() {
    let lab = Lab::root("writes");
    let before = lab.text();
    let said = lab.set(&["cluster.kubernetes", "v1.34.2"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let line = "set cluster.kubernetes = \"v1.34.2\" (was \"v1.34.1\"), lab.toml:21\n";
    assert!(said.err.starts_with(line), "{}", said.err);
    assert_eq!(lab.text(), before.replace("v1.34.1", "v1.34.2"));
    // Once more changes nothing, not even the file's time.
    let file = lab.0.join("lab.toml");
    let time = || {
        fs::metadata(&file)
            .and_then(|data| data.modified())
            .expect("a time")
    };
    let first = time();
    let said = lab.set(&["cluster.kubernetes", "v1.34.2"]);
    assert_eq!(said.code, Some(0));
    assert!(
        said.err.contains("has this value already, lab.toml:21"),
        "{}",
        said.err
    );
    assert_eq!(time(), first);
}

#[test]
fn a_value_is_what_its_place_takes() {
    let lab = Lab::root("types");
    // A number is taken as one, and as text where text stands or is wanted.
    for (path, value, line) in [
        (
            "infrastructure.metrics-server.replicas",
            "3",
            "replicas = 3",
        ),
        ("repository.branch", "1.34", "branch = \"1.34\""),
        ("vars.flag", "true", "flag = true"),
        ("lab.render", "reference", "render = \"reference\""),
        (
            "infrastructure.metrics-server.namespace",
            "12",
            "namespace = \"12\"",
        ),
        (
            "infrastructure.metallb.interfaces",
            "[\"eno1\"]",
            "interfaces = [\"eno1\"]",
        ),
    ] {
        let said = lab.set(&[path, value]);
        assert_eq!(said.code, Some(0), "{path}: {}", said.err);
        assert!(
            lab.text().lines().any(|there| there == line),
            "{path}: {}",
            lab.text()
        );
    }
    let said = lab.set(&["--string", "vars.flag", "true"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(lab.text().contains("flag = \"true\""));
    let said = lab.set(&["--delete", "vars.flag"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!lab.text().contains("flag"));
}

#[test]
fn what_would_make_the_lab_wrong_is_not_written() {
    let lab = Lab::root("refuses");
    let before = lab.text();
    for (arguments, code) in [
        (["cluster.kubernetes", "v1.40.0"], "L0701"),
        (
            ["cluster.kubernets", "v1.34.2"],
            "did you mean `kubernetes`?",
        ),
        (
            ["infrastructure.metrics-server.replicas", "many"],
            "error[L",
        ),
        (["--delete", "cluster.talos"], "error[L"),
        (["--delete", "secrets.cloudflare"], "error[L"),
    ] {
        let said = lab.set(&arguments);
        assert_eq!(said.code, Some(1), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(code), "{arguments:?}: {}", said.err);
        assert_eq!(lab.text(), before, "{arguments:?}");
    }
    let said = lab.set(&["--force", "cluster.kubernetes", "v1.40.0"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("L0701"), "{}", said.err);
    assert_eq!(lab.text(), before.replace("v1.34.1", "v1.40.0"));
    // A lab that is wrong already can be mended one value after the other.
    let said = lab.set(&["infrastructure.metrics-server.replicas", "3"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = lab.set(&["cluster.kubernetes", "v1.34.1"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[test]
fn wrong_use_is_told_apart() {
    let lab = Lab::root("misused");
    for arguments in [
        &["cluster..talos", "v1.11.6"][..],
        &["cluster", "v1.11.6"],
        &["cluster.talos.minor", "11"],
        &["network.load_balancer[7]", "10.0.0.1"],
        &["--delete", "cluster.nothing"],
        &["cluster.talos"],
    ] {
        let said = lab.set(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(
            said.err.starts_with("error: "),
            "{arguments:?}: {}",
            said.err
        );
    }
    let broken = Lab::new("broken", "[lab\n");
    let said = broken.set(&["lab.name", "x"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("is not TOML"), "{}", said.err);
}

#[test]
fn a_script_gets_data() {
    let lab = Lab::root("json");
    let said = lab.set(&["--format", "json", "cluster.kubernetes", "v1.34.2"]);
    let data: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let expected = serde_json::json!({
        "schema": 1, "path": "cluster.kubernetes", "file": "lab.toml", "line": 21, "changed": true,
        "before": "\"v1.34.1\"", "after": "\"v1.34.2\"",
    });
    assert_eq!(data, expected);
    let said = lab.set(&["--format", "json", "cluster.kubernetes", "v1.40.0"]);
    let data: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(data["diagnostics"][0]["code"], "L0701", "{data:#}");
}

/// The empty map and list are values, too.
#[test]
fn an_empty_table_is_a_value() {
    let empty = Node::new(Value::map(), labc::source::Origin::none());
    let edited = set("[a]\n", &parse_path("a.b").expect("a path"), &empty).expect("it can be set");
    assert_eq!(edited.text, "[a]\nb = {}\n");
}
