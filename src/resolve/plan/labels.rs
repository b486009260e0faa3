//! Labels and taints of a node, and what Kubernetes takes as the key and the value of a label.

use std::collections::BTreeMap;

use super::read::{entries, invalid};
use crate::diag::Diagnostics;
use crate::parse::domain::check_host;
use crate::parse::table::{Table, join, list, parse_string, wrong_type};
use crate::source::Spanned;
use crate::value::{Node, Value};

/// Labels: text, or null for one that Talos sets and this node shall not have.
pub(super) fn read(table: &mut Table<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<String, Node> {
    let path = table.path_of("labels");
    let mut labels = BTreeMap::new();
    for (key, span, node) in entries(table.node("labels"), &path, diagnostics) {
        if let Err(why) = check_label_key(key) {
            let message = format!("`{key}` cannot be the key of a label");
            diagnostics.push(invalid(span.or_else(|| node.origin.first()), message, why));
        }
        match &node.value {
            Value::Null => {}
            Value::Str(text) => {
                if let Err(why) = check_label_part(text) {
                    let message = format!("`{}` cannot be `{text}`", join(&path, key));
                    diagnostics.push(invalid(node.origin.first(), message, why));
                }
            }
            _ => diagnostics.push(wrong_type(node, &join(&path, key), "a string")),
        }
        labels.insert(key.to_owned(), node.clone());
    }
    labels
}

/// Taints, as Talos spells them.
pub(super) fn read_taints(
    table: &mut Table<'_>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Spanned<String>> {
    let path = table.path_of("taints");
    let mut taints = BTreeMap::new();
    for (key, span, node) in entries(table.node("taints"), &path, diagnostics) {
        if let Err(why) = check_label_key(key) {
            let message = format!("`{key}` cannot be the key of a taint");
            diagnostics.push(invalid(span.or_else(|| node.origin.first()), message, why));
        }
        let path = join(&path, key);
        let taint = parse_string(node, &path, diagnostics, parse_taint);
        if let (Some(taint), Some(span)) = (taint, node.origin.first()) {
            taints.insert(key.to_owned(), Spanned::new(taint, span));
        }
    }
    taints
}

/// A taint as `value:Effect` or `:Effect`.
fn parse_taint(text: &str) -> Result<String, String> {
    let (value, effect) = text.rsplit_once(':').unwrap_or(("", text));
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effects.contains(&effect) {
        let effects = list(&effects);
        return Err(format!(
            "a taint is `Effect` or `value:Effect`, and the effect one of {effects}"
        ));
    }
    check_label_part(value)?;
    Ok(format!("{value}:{effect}"))
}

/// Checks the key of a label: a name, with or without a DNS name and `/` before it.
pub(super) fn check_label_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').unwrap_or(("", key));
    let prefixed = prefix.is_empty() || check_host(prefix).is_ok();
    if name.is_empty() || !prefixed || (prefix.is_empty() && key.contains('/')) {
        return Err("a key is like `example.org/name` or `name`".to_owned());
    }
    check_label_part(name)
}

/// Checks the value of a label, or its key's name.
fn check_label_part(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    if bytes.len() <= 63 && bytes.iter().all(inside) && ends(bytes.first()) && ends(bytes.last()) {
        return Ok(());
    }
    Err(
        "it has at most 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit"
            .to_owned(),
    )
}
