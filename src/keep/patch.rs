//! Changes of a resource to a patch that a person can paste.

use super::change::{Change, What};
use super::print;
use crate::source::Origin;
use crate::value::{Map, Node, Path, Step, Value};

/// The bodies of patches that make these changes of one resource, the plainest first.
pub(super) fn bodies(document: &Node, changes: &[&Change]) -> Vec<String> {
    let is_secret = document.get("kind").and_then(Node::as_str) == Some("Secret");
    // What identifies a resource is no patch's to change, and what is secret stands in no source.
    if is_secret || changes.is_empty() {
        return Vec::new();
    }
    [merge(changes), json(changes)]
        .into_iter()
        .flatten()
        .collect()
}

/// A whole `[[...patches]]` block.
pub(super) fn block(table: &[String], document: &Node, body: &str) -> String {
    let text = |path: &[&str]| {
        let node = document.at(&Path::keys(path.iter().copied()));
        node.and_then(print::value).unwrap_or_default()
    };
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    format!(
        "[[{}.patches]]\ntarget = {{ kind = {kind}, name = {name} }}\n{body}\n",
        print::keys(table)
    )
}

/// A merge patch; none where a change is inside a list.
fn merge(changes: &[&Change]) -> Option<String> {
    let mut root = Map::new();
    for change in changes {
        let value = match &change.what {
            What::Set(value) | What::Added(value) => value.clone(),
            What::Removed => Node::default(),
        };
        let keys: Option<Vec<&str>> = change
            .path
            .0
            .iter()
            .map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                Step::Index(_) => None,
            })
            .collect();
        put(&mut root, &keys?, value);
    }
    let root = Node::new(root, Origin::none());
    Some(format!("merge = {}", print::value(&root)?))
}

fn put(map: &mut Map, keys: &[&str], value: Node) {
    let Some((first, rest)) = keys.split_first() else {
        return;
    };
    let entry = map.entry((*first).into()).or_default();
    if rest.is_empty() {
        entry.node = value;
        return;
    }
    if entry.node.as_map().is_none() {
        entry.node.value = Value::map();
    }
    if let Value::Map(below) = &mut entry.node.value {
        put(below, rest, value);
    }
}

/// A JSON patch.
fn json(changes: &[&Change]) -> Option<String> {
    let operations = changes.iter().map(|change| {
        let path = print::value(&Node::new(pointer(&change.path), Origin::none()))?;
        Some(match &change.what {
            What::Removed => format!("{{ op = \"remove\", path = {path} }}"),
            What::Set(value) => {
                format!(
                    "{{ op = \"replace\", path = {path}, value = {} }}",
                    print::value(value)?
                )
            }
            What::Added(value) => {
                format!(
                    "{{ op = \"add\", path = {path}, value = {} }}",
                    print::value(value)?
                )
            }
        })
    });
    let operations = operations.collect::<Option<Vec<_>>>()?;
    Some(match operations.as_slice() {
        [only] => format!("json = [{only}]"),
        several => format!("json = [\n  {},\n]", several.join(",\n  ")),
    })
}

/// A JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let parts = path.0.iter().map(|step| match step {
        Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("/{index}"),
    });
    parts.collect()
}
