//! A schematic that has more on disk, to the words of the nodes that are made from it.

use std::collections::BTreeSet;

use super::edit::{Edit, LabText};
use super::proof::bytes;
use super::{Made, read};
use crate::lower::OutFile;
use crate::source::Origin;
use crate::value::{Node, Path};

/// What Image Factory calls a list, and the word of a node for its items.
const LISTS: [(&[&str], &str); 2] = [
    (
        &["customization", "systemExtensions", "officialExtensions"],
        "extensions",
    ),
    (&["customization", "extraKernelArgs"], "kernel_args"),
];

/// The edits that may give a schematic the items that it has on disk; none for another file, or another change.
pub(super) fn edits(made: Made<'_>, file: &OutFile, there: &[u8]) -> Vec<Edit> {
    let schematic = file.path.strip_prefix("out/").unwrap_or_default();
    let (Some(text), Some(before), Some(after)) = (
        LabText::of(made.sources),
        read(&bytes(file).bytes),
        read(there),
    ) else {
        return Vec::new();
    };
    if !schematic.starts_with("talos/schematics/") {
        return Vec::new();
    }
    let tables = tables(made, schematic, &text);
    let mut edits = Vec::new();
    for (list, word) in LISTS {
        let old = items(&before, list);
        let new: Vec<&Node> = items(&after, list)
            .into_iter()
            .filter(|item| !old.contains(item))
            .collect();
        if !new.is_empty() {
            edits.extend(
                tables
                    .iter()
                    .filter_map(|table| more(&text, table, word, &new)),
            );
        }
    }
    edits
}

/// The items of a list of a file's first document.
fn items<'n>(documents: &'n [Node], list: &[&str]) -> Vec<&'n Node> {
    let path = Path::keys(list.iter().copied());
    let node = documents.first().and_then(|document| document.at(&path));
    let items = node.and_then(Node::as_list).unwrap_or_default();
    items.iter().collect()
}

/// The tables of `lab.toml` that speak for the nodes of a schematic, and for no other node.
fn tables(made: Made<'_>, schematic: &str, text: &LabText<'_>) -> Vec<Vec<String>> {
    let all = made.tree.nodes.iter();
    let own = |file: &str| file == schematic;
    let (these, those): (Vec<_>, Vec<_>) = all.partition(|(_, files)| own(&files.schematic_file));
    if those.is_empty() {
        return vec![vec!["talos".to_owned()]];
    }
    let hardware = |name: &str| {
        let way = Path::keys(["nodes", name, "hardware"]);
        Some(text.tree.at(&way)?.as_str()?.to_owned())
    };
    let used: BTreeSet<Option<String>> = these.iter().map(|(name, _)| hardware(&name.0)).collect();
    let shared = those
        .iter()
        .any(|(name, _)| used.contains(&hardware(&name.0)));
    let mut tables: Vec<Vec<String>> = Vec::new();
    if let (false, [Some(hardware)]) = (shared, Vec::from_iter(&used).as_slice()) {
        tables.push(vec!["hardware".to_owned(), hardware.clone()]);
    }
    if let [(name, _)] = these.as_slice() {
        tables.push(vec!["nodes".to_owned(), name.0.clone()]);
    }
    tables
}

/// A list of a table with these items more.
fn more(text: &LabText<'_>, table: &[String], word: &str, new: &[&Node]) -> Option<Edit> {
    let path = [table, &[word.to_owned()]].concat();
    let way = Path::keys(path.iter().map(String::as_str));
    let there = text.tree.at(&way).and_then(Node::as_list);
    let mut items = there.unwrap_or_default().to_vec();
    for item in new {
        let bare = item.as_str()?.trim_start_matches("siderolabs/");
        items.push(Node::new(bare, Origin::none()));
    }
    text.set(&path, &Node::new(items, Origin::none()))
}
