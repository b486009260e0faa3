//! Damaged input: whatever is done to a lab, a module, a template, a patch, a lock or a journal, labc neither panics
//! nor hangs, and what it prints it can read.
//!
//! Inputs are the files of this repository and of `tests/fuzz/corpus/`, with pieces cut, doubled, swapped and replaced
//! by what parsers stumble over. A few seconds a target by default; `LABC_FUZZ_SECONDS` makes it as long as asked, and
//! `LABC_FUZZ_SEED` another run. What fails is written below the target folder, by its target and seed; once it is
//! fixed, it belongs into the corpus.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its corpus, and has a clock"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use labc::diag::Diagnostics;
use labc::diag::report::{Colour, json, text};
use labc::emit::{emit, yaml as printer};
use labc::source::{SourceKind, Sources};
use labc::syntax::{toml, yaml};
use labc::value::Node;
use labc::world::{World, on_deep_stack};
use labc::{compile, lock};

/// Seconds that one input may take.
const MOST_SECONDS: f64 = if cfg!(debug_assertions) { 30.0 } else { 3.0 };

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % end
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What parsers stumble over.
const PIECES: &[&str] = &[
    "",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "é",
    "e\u{301}",
    "😀",
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "${{",
    "}}",
    "{%",
    "%}",
    "{{",
    "=",
    ".",
    ",",
    ":",
    ": ",
    "- ",
    "? ",
    "# ",
    "#",
    "|",
    ">",
    "|-\n",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!!float ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "~",
    "null",
    "true",
    "no",
    "0x1F",
    "0o17",
    "1_000",
    "1e999",
    "-0",
    ".inf",
    ".nan",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0",
    "-1",
    "1970-01-01",
    "\\",
    "\\u0000",
    "\\uD800",
    "..",
    "../",
    "/",
    "~1",
    "~0",
    "/-",
    "0.0.0.0/0",
    "::/0",
    "::1",
    "255.255.255.255",
    "10.0.0.0-10.0.0.255",
    "a*",
    "**",
    "(",
    ")",
    "+",
    "~",
    "|",
    "| items",
    "| join",
    " if ",
    " else ",
    " in ",
    "not ",
    " is none",
    "range(9)",
    "[0]",
    "[-1]",
    "[1:]",
    "$if",
    "$for",
    "$do",
    "$merge",
    "$then",
    "$text",
    "x in inputs",
    "enabled = false",
    "needs = [\"x\"]",
    "[apps.x]",
    "[nodes]",
    "[vars]",
    "<<<<<<< ",
    ">>>>>>> ",
    "=======",
    "sops:",
    "kind: Secret",
    "metadata: {}",
    "apiVersion: v1\nkind: List\nitems: []\n",
];

/// An input with some damage.
fn damage(input: &str, others: &[String], chance: &mut Chance) -> String {
    let mut text: Vec<char> = input.chars().collect();
    for _ in 0..=chance.below(4) {
        let at = chance.below(text.len() + 1);
        let end = (at + chance.below(24)).min(text.len());
        match chance.below(8) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, chance.one_of(PIECES).chars())),
            2 => drop(text.splice(at..end, chance.one_of(PIECES).chars())),
            3 => {
                let doubled: Vec<char> = text[at..end].to_vec();
                drop(text.splice(at..at, doubled));
            }
            4 => {
                let other: Vec<char> = chance.one_of(others).chars().collect();
                let from = chance.below(other.len() + 1);
                let to = (from + chance.below(80)).min(other.len());
                drop(text.splice(at..end, other[from..to].iter().copied()));
            }
            5 => text.truncate(at),
            6 => swap_lines(&mut text, chance),
            _ => {
                let letter = char::from_u32(u32::try_from(chance.below(0x300)).expect("small"));
                text.insert(at, letter.unwrap_or('x'));
            }
        }
    }
    text.into_iter().collect()
}

fn swap_lines(text: &mut Vec<char>, chance: &mut Chance) {
    let whole: String = text.iter().collect();
    let mut lines: Vec<&str> = whole.split_inclusive('\n').collect();
    if lines.len() > 1 {
        let (left, right) = (chance.below(lines.len()), chance.below(lines.len()));
        lines.swap(left, right);
        *text = lines.concat().chars().collect();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of all files below folders of the repository that have this ending.
fn corpus(folders: &[&str], ending: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for folder in folders {
        let mut open = vec![root().join(folder)];
        while let Some(folder) = open.pop() {
            let mut entries: Vec<PathBuf> = fs::read_dir(&folder)
                .map(|entries| {
                    entries
                        .filter_map(|entry| Some(entry.ok()?.path()))
                        .collect()
                })
                .unwrap_or_default();
            entries.sort();
            for path in entries {
                if path.is_dir() {
                    open.push(path);
                } else if path.to_string_lossy().ends_with(ending) {
                    texts.extend(fs::read_to_string(path));
                }
            }
        }
    }
    assert!(!texts.is_empty(), "{folders:?} has no {ending}");
    texts
}

/// Runs one target over damaged inputs until its time is over.
fn fuzz(target: &str, mut seeds: Vec<String>, share: f64, check: impl Fn(&str) + Send + Sync) {
    let known = known(target);
    seeds.extend(known.iter().cloned());
    let seconds: f64 = std::env::var("LABC_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10.0 * share);
    let seed: u64 = std::env::var("LABC_FUZZ_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let run = || {
        let start = Instant::now();
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut inputs = 0u64;
        for input in &known {
            one(target, input, &check);
        }
        while start.elapsed() < Duration::from_secs_f64(seconds) {
            let input = damage(chance.one_of(&seeds).as_str(), &seeds, &mut chance);
            one(target, &input, &check);
            inputs += 1;
        }
        println!(
            "fuzz {target}: {inputs} damaged inputs of {} seeds, none stopped labc",
            seeds.len()
        );
    };
    let done = on_deep_stack(run);
    assert!(done.is_some(), "{target} fails: see above");
}

fn one(target: &str, input: &str, check: impl Fn(&str)) {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| check(input)));
    let seconds = start.elapsed().as_secs_f64();
    if outcome.is_err() || seconds > MOST_SECONDS {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
        fs::create_dir_all(&folder).expect("a folder");
        let kept = folder.join(target);
        fs::write(&kept, input).expect("a file");
        panic!(
            "{target}: an input took {seconds:.1} s or panicked; it is {}",
            kept.display()
        );
    }
}

/// What a target failed on once: `tests/fuzz/corpus/<target>-*`.
fn known(target: &str) -> Vec<String> {
    let folder = root().join("tests/fuzz/corpus");
    let entries = fs::read_dir(folder).expect("the corpus");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&format!("{target}-"))
        })
        .collect();
    paths.sort();
    let read = |path: PathBuf| fs::read_to_string(path).expect("a text");
    paths.into_iter().map(read).collect()
}

/// A lab of one file.
const MINIMAL: &str = include_str!("messages/minimal.toml");

/// Compiles a lab and does with it what commands do; nothing of it may panic.
fn compiles(files: &[(&str, &str)]) {
    let world = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let compiled = compile(&World::Memory(world)).expect("memory does not fail");
    let said = text(&compiled.diagnostics, &compiled.sources, Colour::No);
    let steers = |letter: char| {
        (letter.is_control() && letter != '\n' && letter != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&letter)
    };
    assert!(
        !said.contains(steers),
        "a message steers a terminal: {said:?}"
    );
    json(&compiled.diagnostics, &compiled.sources);
    let Some(product) = compiled.product else {
        return;
    };
    if compiled.diagnostics.has_errors() {
        return;
    }
    let outputs = emit(&product.tree);
    for output in &outputs {
        assert!(
            labc::world::path::check(&output.path).is_ok(),
            "{}",
            output.path
        );
    }
    let locked = lock::lock(&product.lab, &product.tree, &outputs);
    let text = lock::encode(&locked);
    assert_eq!(
        decode(&text).as_ref(),
        Some(&locked),
        "a lock is not read as it was written"
    );
}

fn decode(text: &str) -> Option<lock::Lock> {
    let mut sources = Sources::default();
    let source = sources.add("lab.lock".to_owned(), text.into(), SourceKind::Lab);
    lock::decode(source, text, &mut Diagnostics::default())
}

fn read_yaml(text: &str) -> Option<Vec<Node>> {
    let mut sources = Sources::default();
    let source = sources.add("x.yaml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let documents = yaml::read(source, text, &mut diagnostics);
    labc::diag::report::text(&diagnostics, &sources, Colour::No);
    (!diagnostics.has_errors()).then_some(documents)
}

#[test]
fn lab_toml() {
    let mut seeds = corpus(&["tests/labs"], "lab.toml");
    seeds.push(fs::read_to_string(root().join("lab.toml")).expect("the root lab"));
    seeds.extend(corpus(&["tests/messages"], ".toml"));
    fuzz("lab", seeds, 0.25, |input| compiles(&[("lab.toml", input)]));
}

#[test]
fn toml_text() {
    let seeds = corpus(&["tests/labs", "tests/messages", "modules"], ".toml");
    fuzz("toml", seeds, 0.05, |input| {
        let mut sources = Sources::default();
        let source = sources.add("x.toml".to_owned(), input.into(), SourceKind::Lab);
        let mut diagnostics = Diagnostics::default();
        toml::read(source, input, &mut diagnostics);
        text(&diagnostics, &sources, Colour::No);
    });
}

#[test]
fn module_toml() {
    let seeds = corpus(&["modules", "tests/labs"], "module.toml");
    let lab = format!("{MINIMAL}\n[apps.demo]\nversion = \"1.0.0\"\n");
    fuzz("module", seeds, 0.15, |input| {
        let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { a: \"${{ inputs }}\" }\n";
        compiles(&[
            ("lab.toml", lab.as_str()),
            ("modules/demo/module.toml", input),
            ("modules/demo/manifests/x.yaml", manifest),
        ]);
    });
}

#[test]
fn yaml_text() {
    let seeds = corpus(&["modules", "tests/labs", "tests/yaml"], ".yaml");
    fuzz("yaml", seeds, 0.15, |input| {
        let Some(documents) = read_yaml(input) else {
            return;
        };
        let printed = printer::print(&documents);
        let again = read_yaml(&printed).unwrap_or_else(|| panic!("not YAML:\n{printed}"));
        let same = |documents: &[Node]| format!("{:?}", plain(documents));
        assert_eq!(same(&documents), same(&again), "{printed}");
    });
}

/// Documents without their origins; a number that is not one is equal to itself.
fn plain(documents: &[Node]) -> Vec<String> {
    documents
        .iter()
        .filter(|node| !matches!(node.value, labc::value::Value::Null))
        .map(|node| {
            let mut leaves = Vec::new();
            node.each_leaf(&mut |path, leaf| leaves.push(format!("{path} {:?}", leaf.value)));
            leaves.join("\n")
        })
        .collect()
}

#[test]
fn templates() {
    let mut seeds = corpus(&["modules"], ".yaml");
    seeds.retain(|text| text.contains("${{") || text.contains("$for"));
    seeds.extend(corpus(&["tests/labs"], ".conf"));
    let lab = format!("{MINIMAL}\n[apps.demo]\n");
    fuzz("template", seeds, 0.2, |input| {
        compiles(&[
            ("lab.toml", lab.as_str()),
            (
                "modules/demo/module.toml",
                "[module]\nsummary = \"x\"\n[inputs]\nnames = { type = \"list\", default = [\"a\", \"b\"] }\n",
            ),
            ("modules/demo/manifests/x.yaml", input),
            (
                "modules/demo/manifests/y.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: y }\ndata: { a: \"${{ file('text') }}\" }\n",
            ),
            ("modules/demo/files/text", input),
        ]);
    });
}

#[test]
fn patches() {
    let patches = [
        "json = [{ op = \"add\", path = \"/spec/ports/-\", value = { port = 1 } }, { op = \"copy\", from = \"/spec\", path = \"/metadata/x\" }]\n",
        "json = [{ op = \"test\", path = \"/kind\", value = \"Service\" }, { op = \"move\", from = \"/spec/ports/0\", path = \"/spec/x\" }, { op = \"remove\", path = \"/spec/selector\" }]\n",
        "strategic = { spec = { ports = [{ port = 80, \"$patch\" = \"delete\" }], \"$retainKeys\" = [\"ports\"] } }\n",
        "merge = { metadata = { labels = { a = \"${{ lab.name }}\" }, annotations = \"${{ none }}\" } }\n",
        "strategic = { spec = { template = { spec = { containers = [{ name = \"web\", env = [{ name = \"A\", value = \"b\" }], \"$setElementOrder/env\" = [{ name = \"A\" }] }] } } } }\n",
    ];
    let seeds = patches.iter().map(|text| (*text).to_owned()).collect();
    let head = format!(
        "{MINIMAL}\n[apps.web]\nmodule = \"workload\"\nimage = \"nginx:1.29.3\"\nport = 8080\n[[apps.web.patches]]\ntarget = {{ kind = \"Service\" }}\n"
    );
    fuzz("patch", seeds, 0.1, |input| {
        compiles(&[("lab.toml", &format!("{head}{input}"))]);
    });
}

#[test]
fn locks() {
    let mut seeds = corpus(&["tests/labs"], "lab.lock");
    seeds.push(
        "version = 2\nepoch = 1\n\n[[output]]\npath = \"out/a\"\nsha256 = \"00\"\n".to_owned(),
    );
    fuzz("lock", seeds, 0.1, |input| {
        if let Some(read) = decode(input) {
            let again = decode(&lock::encode(&read));
            assert_eq!(
                again.as_ref(),
                Some(&read),
                "a lock is not read as it was written"
            );
        }
    });
}

#[test]
fn journals() {
    let mut journal = lock::Journal::default();
    journal.add("out/README.md", &"0".repeat(64));
    journal.add("lab.lock", &"f".repeat(64));
    let seeds = vec![journal.encode(), lock::Journal::default().encode()];
    fuzz("journal", seeds, 0.05, |input| {
        if let Ok(read) = lock::Journal::decode(input.as_bytes()) {
            let again = lock::Journal::decode(read.encode().as_bytes());
            assert_eq!(again.ok().map(|again| again.encode()), Some(read.encode()));
        }
    });
}

#[test]
fn talos_patches() {
    let seeds = corpus(&["out/talos/schematics", "tests/labs"], ".yaml");
    let mut by_text: BTreeMap<String, ()> = BTreeMap::new();
    by_text.extend(seeds.into_iter().map(|text| (text, ())));
    fuzz("talos", by_text.into_keys().collect(), 0.05, |input| {
        compiles(&[
            (
                "lab.toml",
                &format!("{MINIMAL}\n[talos]\npatches = [\"patch.yaml\"]\n"),
            ),
            ("patch.yaml", input),
        ]);
    });
}
