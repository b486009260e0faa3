//! A disk as the lab describes it: to an expression of Talos' own that picks it.
//!
//! Knows no node and no document.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::invalid;
use crate::render::machine::facts::{Facts, keys};
use crate::render::machine::parse_size;
use crate::source::Origin;
use crate::value::{Node, Value};

use super::Target;

/// The words of a disk that are said below `prefix`, each with its value; a path alone is the word `path`.
pub(super) fn words<'a>(facts: &'a Facts, prefix: &[&str]) -> Vec<(&'a str, &'a Node)> {
    let mut found = Vec::new();
    for (path, said) in &facts.said {
        let keys = keys(path);
        let Some(fact) = said.first().filter(|_| keys.starts_with(prefix)) else {
            continue;
        };
        match keys[prefix.len()..] {
            [] => found.push(("path", &fact.node)),
            [word] => found.push((word, &fact.node)),
            _ => {}
        }
    }
    found
}

/// The expression that picks a disk, in Talos' expression language; messages call the disk `place`.
pub(super) fn expression(
    words: &[(&str, &Node)],
    place: &str,
    target: Target,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let mut terms = Vec::new();
    let mut origin = Origin::none();
    for (word, node) in words {
        origin = origin.with(&node.origin);
        terms.push(term(word, node, place, target, diagnostics)?);
    }
    (!terms.is_empty()).then(|| Node::new(terms.join(" && "), origin))
}

fn term(
    word: &str,
    node: &Node,
    place: &str,
    target: Target,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let text = node.as_str()?;
    let field = match word {
        "path" => return path(text, node, target, diagnostics),
        "match" => return Some(text.to_owned()),
        "size" => return size(node, place, diagnostics),
        "type" => {
            return Some(match text {
                "nvme" => "disk.transport == \"nvme\"".to_owned(),
                "sd" => "disk.transport == \"mmc\"".to_owned(),
                "hdd" => "disk.rotational".to_owned(),
                _ => "!disk.rotational".to_owned(),
            });
        }
        "busPath" => "bus_path",
        other => other,
    };
    let text = quoted(text);
    Some(if text.contains('*') {
        format!("glob({text}, disk.{field})")
    } else {
        format!("disk.{field} == {text}")
    })
}

fn path(text: &str, node: &Node, target: Target, diagnostics: &mut Diagnostics) -> Option<String> {
    if !text.starts_with("/dev/disk/") {
        return Some(format!("disk.dev_path == {}", quoted(text)));
    }
    if !target.talos_has(10) {
        let message = format!(
            "Talos {} knows disks of volumes by their device alone",
            target.talos
        );
        diagnostics.push(
            Diagnostic::error(Code::TALOS_CONTRACT, node.origin.first(), message)
                .here("links below `/dev/disk` need Talos v1.10")
                .help("write the device, like `/dev/nvme0n1`, or a selector"),
        );
        return None;
    }
    Some(format!("{} in disk.symlinks", quoted(text)))
}

/// A text in double quotes, as the expression language and JSON have it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `>= 90GB` as an expression: `disk.size >= 90u * GB`.
fn size(node: &Node, place: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = node.as_str()?;
    let label = format!("{place}.size");
    let digits = text
        .find(|letter: char| letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (operator, number) = text.split_at(digits);
    let operator = match operator.trim() {
        "" => "==",
        operator @ ("==" | ">=" | "<=" | ">" | "<") => operator,
        _ => {
            let why = "a disk's size is like `>= 90GB`, `< 2TB` or `500GB`".to_owned();
            diagnostics.push(invalid(node, &label, text, why));
            return None;
        }
    };
    match parse_size(number) {
        Ok(bytes) => Some(format!("disk.size {operator} {}", in_units(bytes))),
        Err(why) => {
            diagnostics.push(invalid(node, &label, text, why));
            None
        }
    }
}

/// A number of bytes with the largest unit that divides it.
fn in_units(bytes: u128) -> String {
    const UNITS: [(&str, u32, u32); 8] = [
        ("TB", 1000, 4),
        ("TiB", 1024, 4),
        ("GB", 1000, 3),
        ("GiB", 1024, 3),
        ("MB", 1000, 2),
        ("MiB", 1024, 2),
        ("kB", 1000, 1),
        ("KiB", 1024, 1),
    ];
    for (unit, base, power) in UNITS {
        let one = u128::from(base).pow(power);
        if bytes > 0 && bytes.is_multiple_of(one) {
            return format!("{}u * {unit}", bytes / one);
        }
    }
    format!("{bytes}u")
}

/// What Talos adds to an install selector by itself, and an expression has to say.
pub(super) fn installable(expression: Node) -> Node {
    let text = expression.as_str().unwrap_or_default();
    let value: Value =
        format!("{text} && disk.transport != \"\" && !disk.readonly && !disk.cdrom").into();
    Node::new(value, expression.origin)
}
