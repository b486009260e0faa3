//! The way to a node as a person types it: `spec.sources[0].targetRevision`.

use crate::value::{Node, Path, Step};

/// Where a typed path stops to lead anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost {
    /// The way so far.
    pub(super) path: Path,
    /// What was typed behind it.
    pub(super) rest: String,
    /// The keys that are there instead.
    pub(super) known: Vec<String>,
    /// How many items are there, where it is a list.
    pub(super) items: Option<usize>,
}

/// The node that `text` leads to. Keys with dots may be quoted, and need not be: the longest key that fits is taken.
pub(super) fn resolve(root: &Node, text: &str) -> Result<Path, Lost> {
    let mut lost = Lost::default();
    let path = walk(root, text, Path::default(), &mut lost);
    path.ok_or(lost)
}

fn walk(node: &Node, text: &str, path: Path, lost: &mut Lost) -> Option<Path> {
    let rest = text.strip_prefix('.').unwrap_or(text);
    if rest.is_empty() {
        return Some(path);
    }
    for (step, left) in steps(node, rest) {
        let mut next = path.clone();
        let child = match &step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.as_list().and_then(|items| items.get(*index)),
        };
        next.0.push(step);
        if let Some(found) = child.and_then(|child| walk(child, left, next, lost)) {
            return Some(found);
        }
    }
    if lost.rest.is_empty() || path.0.len() > lost.path.0.len() {
        *lost = Lost {
            known: known(node),
            items: node.as_list().map(<[Node]>::len),
            rest: rest.to_owned(),
            path,
        };
    }
    None
}

/// The steps that `text` may begin with at `node`, and what is left behind each; the longest first.
fn steps<'a>(node: &Node, text: &'a str) -> Vec<(Step, &'a str)> {
    if let Some(inside) = text.strip_prefix('[') {
        let Some((index, left)) = inside.split_once(']') else {
            return Vec::new();
        };
        return match index.parse() {
            Ok(index) => vec![(Step::Index(index), left)],
            Err(_) => Vec::new(),
        };
    }
    if let Some((key, left)) = quoted(text) {
        return vec![(Step::Key(key.into()), left)];
    }
    if node.as_list().is_some() {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let index = text[..end].parse().ok();
        return index
            .map(|index| (Step::Index(index), &text[end..]))
            .into_iter()
            .collect();
    }
    let keys = node.as_map().into_iter().flatten().map(|(key, _)| key);
    let mut fitting: Vec<(Step, &str)> = keys
        .filter_map(|key| {
            let left = text.strip_prefix(key.as_str())?;
            let ends = left.is_empty() || left.starts_with(['.', '[']);
            ends.then(|| (Step::Key(key.clone()), left))
        })
        .collect();
    fitting.sort_by_key(|(_, left)| left.len());
    fitting
}

/// A key in double quotes, in which a backslash stands before a quote or a backslash.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut key = String::new();
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((key, &inside[at + 1..])),
            '\\' => key.push(letters.next()?.1),
            other => key.push(other),
        }
    }
    None
}

fn known(node: &Node) -> Vec<String> {
    let keys = node.as_map().into_iter().flatten();
    keys.map(|(key, _)| Path::keys([key.as_str()]).to_string())
        .collect()
}
