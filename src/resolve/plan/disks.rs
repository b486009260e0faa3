//! The disk that Talos is installed on: a path, or what selects it.

use super::read::{choice, invalid};
use crate::diag::Diagnostics;
use crate::parse::table::{Decode, join, list, parse_string, unknown_key};
use crate::resolve::lab::Disk;
use crate::source::Spanned;
use crate::value::{Map, Node};

/// What Talos selects an install disk by, as Talos spells it; from 1.9 on it refuses `name`, which older ones knew.
const SELECTORS: [&str; 8] = [
    "busPath", "modalias", "model", "serial", "size", "type", "uuid", "wwid",
];

impl Decode for Disk {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Some(map) = node.as_map() {
            return selector(node, map, path, diagnostics);
        }
        let text = parse_string(node, path, diagnostics, |text| {
            if text.len() > "/dev/".len() && text.starts_with("/dev/") {
                return Ok(text.to_owned());
            }
            Err(
                "a disk is a path like `/dev/nvme0n1`, or a table like `{ size = \">= 90GB\" }`"
                    .to_owned(),
            )
        })?;
        Some(Disk::Path(Spanned::new(text, node.origin.first()?)))
    }
}

fn selector(node: &Node, map: &Map, path: &str, diagnostics: &mut Diagnostics) -> Option<Disk> {
    if map.is_empty() {
        let message = format!("`{path}` selects every disk");
        let help = format!("it has at least one of {}", list(&SELECTORS));
        diagnostics.push(invalid(node.origin.first(), message, help));
        return None;
    }
    for (key, entry) in map {
        let path = join(path, key);
        let node = &entry.node;
        match key.as_str() {
            "size" => {
                parse_string(node, &path, diagnostics, check_size);
            }
            "type" => {
                let types = ["ssd", "hdd", "nvme", "sd"].map(|word| (word, ()));
                choice(node, &path, &types, diagnostics);
            }
            key if SELECTORS.contains(&key) => {
                String::decode(node, &path, diagnostics);
            }
            key => {
                let span = entry.key.or_else(|| node.origin.first());
                diagnostics.push(unknown_key(&path, key, span, &SELECTORS));
            }
        }
    }
    Some(Disk::Selector(node.clone()))
}

/// Checks a size as Talos compares one: an operator or none, a number, a unit.
fn check_size(text: &str) -> Result<(), String> {
    let operators = [">=", "<=", "==", ">", "<"];
    let rest = operators
        .iter()
        .find_map(|operator| text.trim().strip_prefix(operator));
    let rest = rest.unwrap_or(text).trim();
    let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = rest.split_at(digits.unwrap_or(rest.len()));
    let units = [
        "", "b", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib", "pib", "k", "m", "g",
        "t", "p", "ki", "mi", "gi", "ti", "pi",
    ];
    let unit = unit.trim().to_ascii_lowercase();
    if number.parse::<f64>().is_ok() && units.contains(&unit.as_str()) {
        return Ok(());
    }
    Err("a size is like `>= 90GB` or `< 1TB`".to_owned())
}
