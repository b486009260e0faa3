//! YAML is read as Kubernetes reads it, and printed so that every reader reads the same.
//!
//! The other readers (Go's yaml.v2, yaml.v3 and sigs.k8s.io/yaml, PyYAML, ruamel.yaml) come from
//! `tests/tools.sh yaml`; without them the tests hold labc to its own golden files alone, and say so.
//! `LABC_BLESS=1` accepts what labc does now.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read their cases, run other readers and keep an eye on the clock"
)]

#[path = "yaml/readers.rs"]
mod readers;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, Instant};

use labc::diag::{Code, Diagnostics, report};
use labc::emit::yaml as emit;
use labc::source::{Origin, SourceId, SourceKind, Sources};
use labc::syntax::yaml::{self, Meaning, Place, Syntax, SyntaxKind};
use labc::value::{Entry, Node, Path, Step, Value};
use serde_json::Value as Json;

use readers::{Numbers, READERS, from_json, run, same_all, to_json};

/// What no input of these tests may take, also where nothing is optimised.
const LIMIT: Duration = Duration::from_secs(10);

// What labc prints, others read.

#[test]
fn awkward_strings_are_the_same_to_every_reader() {
    let texts = strings();
    assert!(texts.len() >= 300, "only {} strings", texts.len());
    compare(texts.iter().map(|text| everywhere(text)).collect());
}

#[test]
fn random_strings_are_the_same_to_every_reader() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let texts = (0..1000).map(|_| random.text());
    compare(texts.map(|text| everywhere(&text)).collect());
}

#[test]
fn numbers_are_the_same_to_every_reader() {
    let integers = [0, 1, -1, 420, 1_000_000, i64::MAX, i64::MIN].map(Value::Int);
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e6,
        1e15,
        1e16,
        1e21,
        1.5e300,
        1e-5,
        1e-7,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        0.30000000000000004,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ]
    .map(Value::Float);
    let others = [
        Value::Uint(u64::MAX),
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
    ];
    let all = integers.into_iter().chain(floats).chain(others);
    compare(all.map(|value| map([("value", value)])).collect());
}

#[test]
fn nested_values_are_the_same_to_every_reader() {
    let text = fs::read_to_string(folder().join("nested.json")).expect("it is there");
    let cases: Vec<Json> = serde_json::from_str(&text).expect("it is JSON");
    compare(cases.iter().map(from_json).collect());
}

#[test]
fn the_layout_is_that_of_kubectl() {
    let text = fs::read_to_string(folder().join("nested.json")).expect("it is there");
    let cases: Vec<Json> = serde_json::from_str(&text).expect("it is JSON");
    let nested: Vec<Node> = cases.iter().map(from_json).collect();
    golden("nested.yaml", &emit::print(&nested));
    let strings: Vec<Node> = strings().into_iter().map(node).collect();
    golden("strings.yaml", &emit::print(&[node(strings)]));
}

#[test]
fn a_float_always_shows_that_it_is_one() {
    let printed = |value: f64| emit::print(&[node(value)]);
    assert_eq!(printed(1.0), "1.0\n");
    assert_eq!(printed(1e21), "1.0e+21\n");
    assert_eq!(printed(1.5e-7), "1.5e-7\n");
    assert_eq!(printed(f64::NEG_INFINITY), "-.inf\n");
}

#[test]
fn no_document_prints_nothing() {
    assert_eq!(emit::print::<Node>(&[]), "");
    assert_eq!(emit::lines::<Node>(&[]), []);
}

#[test]
fn each_line_knows_what_it_shows() {
    for (name, text) in cases("read") {
        let documents = read(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        check_lines(&name, &documents);
    }
    check_lines(
        "strings",
        &strings()
            .iter()
            .map(|text| everywhere(text))
            .collect::<Vec<_>>(),
    );
    check_lines("nothing", &[node(Value::Null), node(Value::map())]);
}

/// Every leaf that is read back from the printed text stands in the lines that the line map gives it.
fn check_lines(name: &str, documents: &[Node]) {
    let printed = emit::print(documents);
    let lines = emit::lines(documents);
    assert_eq!(lines.len(), printed.lines().count(), "{name}");
    for line in &lines {
        let node = documents[line.document].at(&line.path);
        assert!(node.is_some(), "{name}: nothing at `{}`", line.path);
    }
    let mut sources = Sources::default();
    let source = add(&mut sources, &printed);
    let again = yaml::read(source, &printed, &mut Diagnostics::default());
    let written = documents
        .iter()
        .enumerate()
        .filter(|(_, document)| document.value != Value::Null);
    for ((index, _), document) in written.zip(&again) {
        document.each_leaf(&mut |path, leaf| {
            let span = leaf.origin.first().expect("it was read");
            let (line, _) = sources.file(source).place(span.start as usize);
            let shown = &lines[line - 1];
            assert_eq!(
                (shown.document, &shown.path),
                (index, path),
                "{name}: line {line}\n{printed}"
            );
        });
    }
}

// What others read, labc reads.

#[test]
fn documents_are_read_as_kubernetes_reads_them() {
    let cases = cases("read");
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let texts: Vec<String> = cases.values().cloned().collect();
    let v2 = run("v2", &texts);
    let sigs = run("sigs", &texts);
    for (index, (name, text)) in cases.iter().enumerate() {
        let documents = read(text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let found: Vec<Json> = documents.iter().map(to_json).collect();
        let pretty = serde_json::to_string_pretty(&found).expect("it is JSON");
        golden(&format!("read/{name}.json"), &format!("{pretty}\n"));
        if let Some(v2) = &v2 {
            let theirs = not_null(
                v2[index]
                    .as_ref()
                    .unwrap_or_else(|problem| panic!("{name}: v2: {problem}")),
            );
            assert!(
                same_all(&documents, &theirs, Numbers::Exact),
                "{name}: v2 reads {theirs:?}, labc {pretty}"
            );
        }
        match sigs.as_ref().map(|sigs| &sigs[index]) {
            Some(Ok(theirs)) if theirs != &[Json::Null] => {
                let first = &documents[..documents.len().min(1)];
                assert!(
                    same_all(first, theirs, Numbers::AsJson),
                    "{name}: sigs reads {theirs:?}, labc {pretty}"
                );
            }
            Some(Err(problem)) => assert!(
                problem.contains("unsupported value"),
                "{name}: sigs: {problem}"
            ),
            _ => {}
        }
    }
}

#[test]
fn random_scalars_are_read_as_kubernetes_reads_them() {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    let texts: Vec<String> = (0..5000).map(|_| random.scalar_document()).collect();
    let Some(v2) = run("v2", &texts) else { return };
    for (text, theirs) in texts.iter().zip(v2) {
        if let (Ok(documents), Ok(theirs)) = (read(text), theirs) {
            let theirs = not_null(&theirs);
            assert!(
                same_all(&documents, &theirs, Numbers::Exact),
                "{text:?}: v2 reads {theirs:?}, labc {documents:?}"
            );
        }
    }
}

#[test]
fn problems_are_shown_where_they_are() {
    let cases = cases("problems");
    for (name, text) in &cases {
        let mut sources = Sources::default();
        let source = sources.add(
            format!("{name}.yaml"),
            text.as_str().into(),
            SourceKind::Lab,
        );
        let mut diagnostics = Diagnostics::default();
        yaml::read_syntax(source, text, &mut diagnostics);
        assert!(!codes(&diagnostics).is_empty(), "{name} is fine");
        golden(
            &format!("problems/{name}.txt"),
            &report::text(&diagnostics, &sources, report::Colour::No),
        );
    }
}

#[test]
fn only_templates_refuse_what_yaml_cut_in_two() {
    for text in ["- ${{ a: b }}\n", "key: ${{ a #b }}\n"] {
        assert!(read(text).is_ok(), "{text}");
        let (_, diagnostics) = read_syntax(text);
        assert_eq!(codes(&diagnostics), [Code::YAML_SYNTAX], "{text}");
    }
    let (_, diagnostics) = read_syntax("${{ a }}-x: ${{ b }}\n\"${{ c: d }}\": '${{ e #f }}'\n");
    assert_eq!(codes(&diagnostics), []);
}

// Limits.

#[test]
fn what_grows_without_bound_is_refused_in_time() {
    let bomb: String = (1..10)
        .map(|level| {
            format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{}", level - 1); 10].join(", ")
            )
        })
        .collect();
    let chain: String = (1..20_000)
        .map(|link| format!("a{link}: &a{link} [*a{}]\n", link - 1))
        .collect();
    let copies = format!("- &a {}\n{}", "x".repeat(1 << 20), "- *a\n".repeat(1000));
    let merges: String = (0..1000).map(|key| format!("k{key}: 1, ")).collect();
    let merges = format!("a: &a {{{merges}}}\nb:\n{}", "  <<: *a\n".repeat(2000));
    let deep: String = (0..1000)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    for (name, text) in [
        ("aliases of aliases", format!("a0: &a0 [x, x, x]\n{bomb}")),
        ("a chain of aliases", format!("a0: &a0 [x]\n{chain}")),
        ("copies of a large text", copies),
        ("many merges", merges),
        ("open lists", "[".repeat(100_000)),
        ("open maps", "{a: ".repeat(100_000)),
        ("lists in one line", "- ".repeat(20_000)),
        ("nested maps", deep),
        ("many values", format!("[{}]", "a,".repeat(2_000_000))),
        ("a large file", "a".repeat(yaml::MAX_SIZE + 1)),
    ] {
        let start = Instant::now();
        let (_, diagnostics) = read_syntax(&text);
        assert!(start.elapsed() < LIMIT, "{name} took {:?}", start.elapsed());
        assert_eq!(codes(&diagnostics), [Code::YAML_LIMIT], "{name}");
    }
}

#[test]
fn what_is_within_the_limits_is_read() {
    let depth = yaml::MAX_DEPTH;
    let flow = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let block: String = (0..depth)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    for text in [flow, block] {
        let documents = read(&text).expect("it is within the limit");
        assert_eq!(
            read(&emit::print(&documents)).expect("it was printed"),
            documents
        );
    }
}

#[test]
fn long_inputs_take_no_more_than_their_length() {
    let many = 50_000;
    for text in [
        "k: 1\n".repeat(many),
        "--- a\n".repeat(many),
        format!("a: |\n{}", "\n".repeat(many)),
        format!("a: \"{}\"", "\n x".repeat(many)),
        format!("a: {}", "x\n ".repeat(many)),
        "# x\n".repeat(many),
        format!("{}: 1", "x".repeat(many)),
        "!a ".repeat(many),
        "- ${{ a: b\n".repeat(many),
    ] {
        let start = Instant::now();
        let (_, diagnostics) = read_syntax(&text);
        assert!(
            start.elapsed() < LIMIT,
            "{:?} took {:?}",
            &text[..10],
            start.elapsed()
        );
        assert!(codes(&diagnostics).len() <= 100, "{:?}", &text[..10]);
    }
}

// Syntax.

#[test]
fn syntax_tells_quoted_from_plain() {
    let (documents, _) = read_syntax("- 8080\n- \"8080\"\n- '8080'\n- |-\n  8080\n- !!str 8080\n");
    let scalars: Vec<(bool, Meaning)> = items(&documents[0])
        .iter()
        .map(|item| match &item.kind {
            SyntaxKind::Scalar(scalar) => (scalar.plain, scalar.meaning),
            _ => panic!("not a scalar"),
        })
        .collect();
    let quoted = (false, Meaning::Text);
    assert_eq!(
        scalars,
        [
            (true, Meaning::Int(8080)),
            quoted,
            quoted,
            quoted,
            (true, Meaning::Text)
        ]
    );
}

#[test]
fn keys_keep_their_order_and_their_place() {
    let text = "z: 1\n\"a b\": 2\n1.50: 3\n'it''s': 4\n";
    let (documents, _) = read_syntax(text);
    let SyntaxKind::Map(entries) = &documents[0].kind else {
        panic!("not a map");
    };
    let keys: Vec<(&str, &str)> = entries
        .iter()
        .map(|(key, _)| (key.name.as_str(), &text[key.place.span().range()]))
        .collect();
    assert_eq!(
        keys,
        [
            ("z", "z"),
            ("a b", "\"a b\""),
            ("1.5", "1.50"),
            ("it's", "'it''s'")
        ]
    );
}

#[test]
fn a_part_of_a_text_has_its_place_in_the_file() {
    for (text, is_exact) in [
        ("plain: a ${{ x }} b\n", true),
        ("quoted: \"a ${{ x }} b\"\n", true),
        ("single: 'ä ${{ x }} b'\n", true),
        ("block: |\n\n  first\n\n    second ${{ x }}\n", true),
        ("block: |4-\n      first\r\n    ${{ x }}\r\n", true),
        ("escaped: \"\\t ${{ x }}\"\n", false),
        ("folded: >-\n  first\n  ${{ x }}\n", false),
        ("several: a\n  ${{ x }}\n", false),
    ] {
        let (documents, diagnostics) = read_syntax(text);
        assert_eq!(codes(&diagnostics), [], "{text}");
        let SyntaxKind::Map(entries) = &documents[0].kind else {
            panic!("not a map");
        };
        let SyntaxKind::Scalar(scalar) = &entries[0].1.kind else {
            panic!("not a scalar");
        };
        let start = scalar.text.find("${{ x }}").expect("it is in the text");
        let part = scalar.part(text, start..start + 8);
        if is_exact {
            assert_eq!(&text[part.range()], "${{ x }}", "{text}");
        } else {
            assert_eq!(scalar.place, Place::Within(part), "{text}");
        }
    }
}

#[test]
fn aliases_and_merges_know_both_of_their_places() {
    let text = "a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n";
    let documents = read(text).expect("it is right");
    let places = |keys: &[&str]| -> Vec<&str> {
        let node = documents[0]
            .at(&Path::keys(keys.iter().copied()))
            .expect("it is there");
        node.origin
            .spans()
            .iter()
            .map(|span| &text[span.range()])
            .collect()
    };
    assert_eq!(places(&["a"]), ["{x: 1}"]);
    assert_eq!(places(&["b"]), ["*a", "{x: 1}"]);
    assert_eq!(places(&["b", "x"]), ["1"]);
    assert_eq!(places(&["c", "x"]), ["1", "*a"]);
}

#[test]
fn spans_cover_what_is_written() {
    let text = "a:\n  - b: [1, {c: d}]\n    e: |\n      text\n\n# end\nf: g\n";
    let documents = read(text).expect("it is right");
    let at = |path: &[Step]| {
        let node = documents[0].at(&Path(path.to_vec())).expect("it is there");
        &text[node.origin.first().expect("it was read").range()]
    };
    let (a, b) = (Step::Key("a".into()), Step::Key("b".into()));
    assert_eq!(at(&[a.clone(), Step::Index(0), b.clone()]), "[1, {c: d}]");
    assert_eq!(
        at(&[a.clone(), Step::Index(0), b, Step::Index(1)]),
        "{c: d}"
    );
    assert!(at(&[a]).starts_with("- b"));
    let key = documents[0]
        .as_map()
        .and_then(|map| map.get("f")?.key)
        .expect("it was read");
    assert_eq!(&text[key.range()], "f");
}

// Cases.

fn folder() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml")
}

/// The YAML files of a folder by name.
fn cases(folder_name: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder().join(folder_name)).expect("it is there");
    let paths = files.map(|file| file.expect("it can be read").path());
    let yaml = paths.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    yaml.map(|path| {
        let name = path
            .file_stem()
            .expect("it has a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read_to_string(path).expect("it is text"))
    })
    .collect()
}

/// Compares with a file of the folder, or writes it with `LABC_BLESS`.
fn golden(name: &str, found: &str) {
    let path = folder().join(name);
    if env::var_os("LABC_BLESS").is_some() {
        fs::write(&path, found).expect("it can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == found,
        "{name} (LABC_BLESS=1 accepts it) is now:\n{found}"
    );
}

/// The strings of `strings.txt`, a JSON string a line.
fn strings() -> Vec<String> {
    let text = fs::read_to_string(folder().join("strings.txt")).expect("it is there");
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|problem| panic!("{line}: {problem}"))
        })
        .collect()
}

fn node(value: impl Into<Value>) -> Node {
    Node::new(value, Origin::none())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Node {
    let entries = entries.into_iter().map(|(key, value)| {
        let entry = Entry {
            key: None,
            node: node(value),
        };
        (key.into(), entry)
    });
    node(Value::Map(entries.collect()))
}

/// A text as value, as item of lists, and as key of a scalar, a list and a map.
fn everywhere(text: &str) -> Node {
    let list = vec![
        node(text),
        node(vec![node(text), node(text)]),
        map([(text, Value::from(text))]),
    ];
    map([
        ("value", Value::from(text)),
        ("list", Value::List(list)),
        ("key", map([(text, Value::Int(1))]).value),
        (
            "key of list",
            map([(text, Value::List(vec![node(text)]))]).value,
        ),
        (
            "key of map",
            map([(text, map([(text, Value::from(text))]).value)]).value,
        ),
        (text, Value::from(text)),
    ])
}

/// Prints each node as a file of its own, and has every reader read it: labc, too.
fn compare(nodes: Vec<Node>) {
    let texts: Vec<String> = nodes
        .iter()
        .map(|node| emit::print(std::slice::from_ref(node)))
        .collect();
    for (node, text) in nodes.iter().zip(&texts) {
        let again = read(text).unwrap_or_else(|problem| panic!("{text}{problem}"));
        let again: Vec<Json> = again.iter().map(to_json).collect();
        assert_eq!(
            again,
            [to_json(node)],
            "labc does not read what it prints:\n{text}"
        );
    }
    for reader in READERS {
        let Some(outcomes) = run(reader, &texts) else {
            continue;
        };
        let numbers = if reader == "sigs" {
            Numbers::AsJson
        } else {
            Numbers::Exact
        };
        for ((node, text), outcome) in nodes.iter().zip(&texts).zip(outcomes) {
            match outcome {
                Err(problem) if reader == "sigs" && problem.contains("unsupported value") => {}
                Err(problem) => panic!("{reader}: {problem}\n{text}"),
                Ok(theirs) => {
                    let same = same_all(std::slice::from_ref(node), &theirs, numbers);
                    assert!(same, "{reader} reads {theirs:?}\n{text}");
                }
            }
        }
    }
}

fn not_null(documents: &[Json]) -> Vec<Json> {
    documents
        .iter()
        .filter(|document| !document.is_null())
        .cloned()
        .collect()
}

fn add(sources: &mut Sources, text: &str) -> SourceId {
    sources.add("case.yaml".to_owned(), text.into(), SourceKind::Lab)
}

/// The documents of a text, or its problems.
fn read(text: &str) -> Result<Vec<Node>, String> {
    let mut sources = Sources::default();
    let source = add(&mut sources, text);
    let mut diagnostics = Diagnostics::default();
    let documents = yaml::read(source, text, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(report::text(&diagnostics, &sources, report::Colour::No));
    }
    Ok(documents)
}

fn read_syntax(text: &str) -> (Vec<Syntax>, Diagnostics) {
    let source = add(&mut Sources::default(), text);
    let mut diagnostics = Diagnostics::default();
    let documents = yaml::read_syntax(source, text, &mut diagnostics);
    (documents, diagnostics)
}

fn codes(diagnostics: &Diagnostics) -> Vec<Code> {
    let mut sources = Sources::default();
    add(&mut sources, "");
    diagnostics
        .sorted(&sources)
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

fn items(syntax: &Syntax) -> &[Syntax] {
    match &syntax.kind {
        SyntaxKind::List(items) => items,
        _ => panic!("not a list"),
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below a usize")
    }

    fn letters(&mut self, alphabet: &str, most: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let length = 1 + self.below(most);
        (0..length)
            .map(|_| letters[self.below(letters.len())])
            .collect()
    }

    /// A text of letters that mean something to YAML.
    fn text(&mut self) -> String {
        match self.below(5) {
            0 => self.letters("0123456789_.+-eExXoObB:", 8),
            1 => self.letters("0123456789_.+-:TtZz ", 22),
            2 => self.letters("yYnNtTfFoOeEsSuUlLrRaA~<=.iI", 5),
            3 => self.letters(" \ta-:#\n", 12),
            _ => self.letters(
                "0aé:~=<>-?#'\"\\,[]{}&*!|%@` \t\n\r\u{a0}\u{85}\u{2028}\u{feff}\u{1f600}\u{0}\u{7f}",
                12,
            ),
        }
    }

    /// A document around a scalar that may be a number.
    fn scalar_document(&mut self) -> String {
        let scalar = match self.below(4) {
            0 => self.letters("0123456789_.+-eExXoObB", 7),
            1 => format!("0{}", self.letters("xXoObB01_-+7", 9)),
            2 => self.letters("yYnNtTfFoOeEsSuUlLrRaA~.", 5),
            _ => self.letters("0123456789", 24),
        };
        match self.below(4) {
            0 => format!("key: {scalar}\n"),
            1 => format!("{scalar}: value\n"),
            2 => format!(
                "key: !!{} {scalar}\n",
                ["int", "float", "str", "bool"][self.below(4)]
            ),
            _ => format!("- [{scalar}, \"{scalar}\"]\n"),
        }
    }
}
