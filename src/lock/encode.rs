//! The lock as text. Every entry stands on lines of its own with a blank line behind it, so that Git merges changes
//! of different entries; there is no sum over all and no date.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Lock, VERSION};

/// The first line of every lock.
pub(super) const HEADER: &str =
    "# Written by labc; nothing here is edited by hand. After a conflict, run: labc build\n";

/// The text of a lock.
pub fn encode(lock: &Lock) -> String {
    // An output's entry takes some 100 bytes and its path.
    let mut text = String::with_capacity(4096 + lock.outputs.len() * 160);
    text.push_str(HEADER);
    text.push_str(&format!("version = {VERSION}\nepoch = {}\n", lock.epoch));
    for (component, chart) in &lock.charts {
        text.push_str("\n[[chart]]\n");
        pair(&mut text, "component", component);
        pair(&mut text, "repository", &chart.repository);
        pair(&mut text, "name", &chart.name);
        pair(&mut text, "version", &chart.version);
    }
    pairs_of(&mut text, MODULE, &lock.modules);
    pairs_of(&mut text, SCHEMATIC, &lock.schematics);
    for (path, digest) in &lock.outputs {
        text.push_str("\n[[output]]\n");
        pair(&mut text, "path", path);
        match lock.lines.get(path) {
            Some(lines) => list(&mut text, LINES, lines),
            None => pair(&mut text, "sha256", digest),
        }
    }
    text
}

/// The table of an entry that has two keys, and those.
pub(super) type Keys = (&'static str, &'static str, &'static str);
pub(super) const MODULE: Keys = ("module", "name", "sha256");
pub(super) const SCHEMATIC: Keys = ("schematic", "name", "id");
/// The key of the digests of an output's lines.
pub(super) const LINES: &str = "lines";

fn pairs_of(text: &mut String, (table, name, value): Keys, entries: &BTreeMap<String, String>) {
    for (key, content) in entries {
        text.push_str("\n[[");
        text.push_str(table);
        text.push_str("]]\n");
        pair(text, name, key);
        pair(text, value, content);
    }
}

/// A list with an item a line.
fn list(text: &mut String, key: &str, items: &[String]) {
    text.push_str(key);
    text.push_str(" = [\n");
    for item in items {
        text.push_str("  \"");
        text.push_str(item);
        text.push_str("\",\n");
    }
    text.push_str("]\n");
}

fn pair(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push_str(" = \"");
    if value.contains(needs_escape) {
        escape(text, value);
    } else {
        text.push_str(value);
    }
    text.push_str("\"\n");
}

/// Whether a letter cannot stand in a quoted text as it is.
pub(super) fn needs_escape(letter: char) -> bool {
    letter == '"' || letter == '\\' || letter.is_control()
}

fn escape(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '"' | '\\' => {
                text.push('\\');
                text.push(letter);
            }
            letter if letter.is_control() => {
                write!(text, "\\u{:04X}", u32::from(letter)).expect("a string takes it");
            }
            letter => text.push(letter),
        }
    }
}
