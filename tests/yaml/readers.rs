//! The other readers of YAML, and what they read compared with labc's own trees.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use labc::source::Origin;
use labc::value::{Entry, Node, Value};
use serde_json::{Value as Json, json};

/// All of them.
pub(crate) const READERS: [&str; 5] = ["v2", "v3", "sigs", "pyyaml", "ruamel"];

/// What a reader finds in a text: a value a document, or what it complains of.
pub(crate) type Outcome = Result<Vec<Json>, String>;

/// How numbers are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// A float is not an integer.
    Exact,
    /// Only the size counts: JSON knows no other difference.
    AsJson,
}

/// What a reader finds in each of `texts`; nothing, and a line that says so, where it is not installed.
pub(crate) fn run(reader: &str, texts: &[String]) -> Option<Vec<Outcome>> {
    let Some(mut command) = command(reader) else {
        eprintln!("skipped: the YAML reader `{reader}` (to install it: tests/tools.sh yaml)");
        return None;
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reader runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let lines: String = texts
        .iter()
        .map(|text| format!("{}\n", json!(text)))
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("the reader ends");
    writer
        .join()
        .expect("no panic")
        .expect("the reader takes its input");
    assert!(output.status.success(), "{reader} failed");
    let printed = String::from_utf8(output.stdout).expect("the reader prints UTF-8");
    let outcomes: Vec<Outcome> = printed.lines().map(outcome).collect();
    assert_eq!(outcomes.len(), texts.len(), "{reader} ended early");
    Some(outcomes)
}

fn command(reader: &str) -> Option<Command> {
    let tools = tools()?;
    let program = match reader {
        "pyyaml" | "ruamel" => tools.join("yaml/venv/bin/python"),
        _ => tools.join("yaml/readers"),
    };
    if !program.exists() {
        return None;
    }
    let mut command = Command::new(program);
    if matches!(reader, "pyyaml" | "ruamel") {
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/read.py"));
    }
    command.arg(reader);
    Some(command)
}

/// The folder of `tests/tools.sh`.
fn tools() -> Option<PathBuf> {
    let given = env::var_os("LABC_TOOLS").map(PathBuf::from);
    given.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/labc-tools")))
}

fn outcome(line: &str) -> Outcome {
    let line: Json = serde_json::from_str(line).expect("the reader prints JSON");
    match &line["error"] {
        Json::String(problem) => Err(problem.clone()),
        _ => Ok(line["documents"].as_array().cloned().unwrap_or_default()),
    }
}

/// Whether labc's documents are those of another reader.
pub(crate) fn same_all(ours: &[Node], theirs: &[Json], numbers: Numbers) -> bool {
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .all(|(ours, theirs)| same(ours, theirs, numbers))
}

fn same(ours: &Node, theirs: &Json, numbers: Numbers) -> bool {
    match (&ours.value, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(ours), Json::Bool(theirs)) => ours == theirs,
        (Value::Str(ours), Json::String(theirs)) => ours == theirs,
        (Value::List(ours), Json::Array(theirs)) => same_all(ours, theirs, numbers),
        (Value::Int(ours), Json::Number(theirs)) if theirs.is_i64() => {
            theirs.as_i64() == Some(*ours)
        }
        (Value::Uint(ours), Json::Number(theirs)) => theirs.as_u64() == Some(*ours),
        (Value::Float(ours), Json::Number(theirs)) => {
            numbers == Numbers::AsJson && theirs.as_f64() == Some(*ours)
        }
        (Value::Float(ours), theirs) => match tagged_float(theirs) {
            Some(theirs) => *ours == theirs || (ours.is_nan() && theirs.is_nan()),
            None => false,
        },
        (Value::Map(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, entry)| {
                    theirs
                        .get(key.as_str())
                        .is_some_and(|theirs| same(&entry.node, theirs, numbers))
                })
        }
        _ => false,
    }
}

fn tagged_float(value: &Json) -> Option<f64> {
    let digits = value.get("!float")?.as_str()?;
    digits.parse().ok()
}

/// A tree as the other readers print it: `{"!float": "1"}` is a float.
pub(crate) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Uint(value) => json!(value),
        Value::Float(value) => json!({ "!float": value.to_string() }),
        Value::Str(text) => json!(text.as_str()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, entry)| (key.to_string(), to_json(&entry.node)));
            Json::Object(entries.collect())
        }
    }
}

/// The tree that [`to_json`] prints so.
pub(crate) fn from_json(value: &Json) -> Node {
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Value::Int(value),
            None => Value::from(number.as_u64().expect("floats are tagged")),
        },
        Json::Object(_) if tagged_float(value).is_some() => {
            Value::Float(tagged_float(value).unwrap_or_default())
        }
        Json::Object(map) => {
            let entry = |value| Entry {
                key: None,
                node: from_json(value),
            };
            Value::Map(
                map.iter()
                    .map(|(key, value)| (key.as_str().into(), entry(value)))
                    .collect(),
            )
        }
    };
    Node::new(value, Origin::none())
}
