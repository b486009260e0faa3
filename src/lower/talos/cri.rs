//! What everybody says about containerd, as the one file that Talos merges into its own configuration of it.
//!
//! Knows no setting of containerd: it prints the tables as TOML.

use super::Target;
use super::patch::{Patch, push, put, table};
use crate::diag::Diagnostics;
use crate::parse::table::wrong_type;
use crate::render::machine::CRI_CUSTOMIZATION;
use crate::render::machine::facts::{Facts, Said, keys};
use crate::source::Origin;
use crate::value::{Map, Node, Value};

/// Adds the configuration of containerd to `patch`.
pub(super) fn lower(
    facts: &Facts,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let mut root = Node::new(Value::map(), Origin::none());
    for (path, said) in &facts.said {
        let keys = keys(path);
        let ["cri", rest @ ..] = keys.as_slice() else {
            continue;
        };
        for fact in said.facts() {
            root.add_origin(&fact.node.origin);
            check(&fact.node, &path.to_string(), diagnostics);
        }
        match said {
            Said::One(fact) if !rest.is_empty() => put(&mut root, rest, fact.node.clone()),
            Said::One(_) => {}
            Said::Each(facts) => facts
                .iter()
                .for_each(|fact| push(&mut root, rest, fact.node.clone())),
        }
    }
    let origin = root.origin.clone();
    let text = root.as_map().map(print).unwrap_or_default();
    if text.is_empty() {
        return;
    }
    let content = Node::new(text, origin.clone());
    if target.contract_has(14) {
        let document = patch.document("CRICustomizationConfig", Some("labc"), &origin);
        document.insert("content", content);
        return;
    }
    let own = |value: Value| Node::new(value, origin.clone());
    let file = table([
        ("path", own(CRI_CUSTOMIZATION.into())),
        ("op", own("create".into())),
        ("permissions", own(0o644_i64.into())),
        ("content", content),
    ]);
    patch.push(&["machine", "files"], file);
}

/// Reports what TOML has no word for.
fn check(node: &Node, path: &str, diagnostics: &mut Diagnostics) {
    node.each_leaf(&mut |_, leaf| {
        if leaf.value == Value::Null {
            let expected = "a value that TOML has";
            diagnostics.push(wrong_type(leaf, path, expected));
        }
    });
}

/// The tables as TOML.
fn print(root: &Map) -> String {
    let mut text = String::new();
    print_table(root, "", &mut text);
    text
}

fn print_table(map: &Map, path: &str, text: &mut String) {
    let is_table = |node: &Node| node.as_map().is_some();
    let indent = if path.is_empty() { "" } else { "  " };
    let values = map.iter().filter(|(_, entry)| !is_table(&entry.node));
    let lines: Vec<String> = values
        .map(|(key, entry)| format!("{indent}{} = {}\n", quoted(key), value(&entry.node)))
        .collect();
    if !path.is_empty() && (!lines.is_empty() || map.is_empty()) {
        text.push_str(&format!("[{path}]\n"));
    }
    text.extend(lines);
    for (key, entry) in map {
        if let Some(below) = entry.node.as_map() {
            let dot = if path.is_empty() { "" } else { "." };
            print_table(below, &format!("{path}{dot}{}", quoted(key)), text);
        }
    }
}

fn value(node: &Node) -> String {
    match &node.value {
        Value::Null => "\"\"".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Str(text) => basic(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, entry)| format!("{} = {}", quoted(key), value(&entry.node)));
            let entries: Vec<String> = entries.collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A key, in quotes where it needs them.
fn quoted(key: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        basic(key)
    }
}

/// A text in double quotes: TOML escapes as JSON does, and the last control character as well.
fn basic(text: &str) -> String {
    let text = serde_json::Value::from(text).to_string();
    text.replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::diag::Diagnostics;
    use crate::source::{SourceKind, Sources};
    use crate::syntax::toml;

    #[test]
    fn what_is_printed_is_what_was_read() {
        let text = "version = 3\n\
                    [plugins.\"io.containerd.cri.v1.images\"]\n  discard_unpacked_layers = false\n  \
                    sandbox = \"a\\\"b\\n\\u007f\"\n\
                    [plugins.\"io.containerd.cri.v1.runtime\".containerd.\"x y\"]\n  \
                    args = [\"a\", 1, 1.5, { b = true }]\n\
                    [streams]\n";
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let source = sources.add("cri.toml".to_owned(), text.into(), SourceKind::Lab);
        let tree = toml::read(source, text, &mut diagnostics);
        assert!(diagnostics.is_empty());
        assert_eq!(print(tree.as_map().expect("a table")), text);
    }
}
