//! Checks one value against the type that its word asks for, and brings it into the form that Talos reads.
//!
//! Knows no word: the table of types is [`super::vocabulary::Kind`].

use std::net::IpAddr;

use super::vocabulary::Kind;
use crate::diag::{Diagnostics, did_you_mean};
use crate::parse::domain;
use crate::parse::table::{invalid, list, wrong_type};
use crate::value::{Node, Path, Step, Value};

/// The value in the form that Talos reads, or nothing after a report.
pub(super) fn check(
    kind: Kind,
    node: &Node,
    label: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let value = match convert(kind, &node.value) {
        Ok(value) => value,
        Err(Wrong::Type(expected)) => {
            diagnostics.push(wrong_type(node, label, expected));
            return None;
        }
        Err(Wrong::Value(text, why)) => {
            diagnostics.push(invalid(node, label, &text, why));
            return None;
        }
    };
    Some(Node {
        value,
        origin: node.origin.clone(),
    })
}

enum Wrong {
    Type(&'static str),
    Value(String, String),
}

fn convert(kind: Kind, value: &Value) -> Result<Value, Wrong> {
    match (kind, value) {
        (Kind::Bool, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Bool, _) => Err(Wrong::Type("`true` or `false`")),
        (Kind::Port, Value::Int(port)) if (1..=65535).contains(port) => Ok(value.clone()),
        (Kind::Port, _) => Err(Wrong::Type("a port from 1 to 65535")),
        (Kind::Mode, _) => mode(value),
        (Kind::Label | Kind::Annotation | Kind::Taint, Value::Null) => Ok(Value::Null),
        (Kind::Sysctl, Value::Int(number)) => Ok(number.to_string().into()),
        (Kind::Sysctl, Value::Str(_)) => Ok(value.clone()),
        (Kind::Sysctl, _) => Err(Wrong::Type("a string or an integer")),
        (Kind::Plain | Kind::Label | Kind::Annotation, _) => {
            let text = plain(value)?;
            check_text(kind, &text).map_err(|why| Wrong::Value(text.to_string(), why))?;
            Ok(text.into())
        }
        (Kind::Extension, Value::Str(text)) if !text.is_empty() => Ok(bare(text).into()),
        (_, Value::Str(text)) => {
            check_text(kind, text).map_err(|why| Wrong::Value(text.to_string(), why))?;
            Ok(value.clone())
        }
        _ => Err(Wrong::Type("a string")),
    }
}

/// The name of an extension without `siderolabs/`.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix("siderolabs/").unwrap_or(name)
}

/// Text, or a number or a boolean as its text.
fn plain(value: &Value) -> Result<String, Wrong> {
    match value {
        Value::Str(text) => Ok(text.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Int(value) => Ok(value.to_string()),
        Value::Uint(value) => Ok(value.to_string()),
        Value::Float(value) => Ok(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => Err(Wrong::Type("a string")),
    }
}

fn mode(value: &Value) -> Result<Value, Wrong> {
    let wrong = |text: String| {
        let why = "permissions are octal digits, like `\"0644\"`, or `0o644`".to_owned();
        Wrong::Value(text, why)
    };
    match value {
        Value::Int(mode) if (0..=0o7777).contains(mode) => Ok(value.clone()),
        Value::Int(mode) => Err(wrong(mode.to_string())),
        Value::Str(text) => {
            let digits = text.strip_prefix("0o").unwrap_or(text);
            match i64::from_str_radix(digits, 8) {
                Ok(mode) if (0..=0o7777).contains(&mode) => Ok(mode.into()),
                _ => Err(wrong(text.to_string())),
            }
        }
        _ => Err(Wrong::Type("permissions")),
    }
}

fn check_text(kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Text | Kind::Extension if text.is_empty() => Err("it may not be empty".to_owned()),
        Kind::Choice(words) if !words.contains(&text) => {
            Err(did_you_mean(text, words.iter().copied())
                .unwrap_or_else(|| format!("it is one of {}", list(words))))
        }
        Kind::AbsolutePath => check_path(text),
        Kind::FilePath => check_file(text),
        Kind::Subnet => domain::parse_network(text.strip_prefix('!').unwrap_or(text)).map(drop),
        Kind::Host => check_host(text),
        Kind::Namespace => domain::check_label(text),
        Kind::Url => check_http_url(text),
        Kind::Certificate => check_certificate(text),
        Kind::Size => parse_size(text).map(drop),
        Kind::SizeOrShare => check_size_or_share(text),
        Kind::Label => check_label_value(text),
        Kind::Taint => check_taint(text),
        _ => Ok(()),
    }
}

fn check_path(text: &str) -> Result<(), String> {
    let parts = || text.split('/').skip(1);
    if !text.starts_with('/') || text.contains(char::is_control) {
        return Err("a path begins with `/`".to_owned());
    }
    if parts().any(|part| part == ".." || part == ".") {
        return Err("a path has no `.` or `..`".to_owned());
    }
    Ok(())
}

/// Talos writes files below `/var`, and one more, which is merged into the CRI's configuration.
fn check_file(text: &str) -> Result<(), String> {
    check_path(text)?;
    if text.starts_with("/var/") || text == CRI_CUSTOMIZATION {
        return Ok(());
    }
    Err(format!(
        "Talos writes files below `/var`, and `{CRI_CUSTOMIZATION}`"
    ))
}

/// The file whose content Talos merges into the configuration of containerd.
pub const CRI_CUSTOMIZATION: &str = "/etc/cri/conf.d/20-customization.part";

fn check_host(text: &str) -> Result<(), String> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    domain::check_host(text)
}

fn check_http_url(text: &str) -> Result<(), String> {
    domain::check_url(text)?;
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(())
    } else {
        Err("a URL begins with `https://` or `http://`".to_owned())
    }
}

fn check_certificate(text: &str) -> Result<(), String> {
    let text = text.trim();
    let begins = text.starts_with("-----BEGIN CERTIFICATE-----");
    if begins && text.ends_with("-----END CERTIFICATE-----") {
        return Ok(());
    }
    Err("a certificate is PEM: `-----BEGIN CERTIFICATE-----` and what follows".to_owned())
}

/// The bytes of a size as Talos reads it: units of 1000 (`GB`) or of 1024 (`GiB`).
///
/// # Errors
/// A phrase with an example.
pub fn parse_size(text: &str) -> Result<u128, String> {
    let wrong = || "a size is a number with a unit, like `100GB` or `20GiB`".to_owned();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim().to_ascii_lowercase();
    let (prefix, base): (&str, f64) = match unit.strip_suffix('b').unwrap_or(&unit) {
        prefix if prefix.ends_with('i') => (prefix.trim_end_matches('i'), 1024.0),
        prefix => (prefix, 1000.0),
    };
    let power = match prefix {
        "" if unit.is_empty() || unit == "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(wrong()),
    };
    Ok((number * base.powi(power)) as u128)
}

fn check_size_or_share(text: &str) -> Result<(), String> {
    let Some(share) = text.strip_suffix('%') else {
        return parse_size(text.strip_prefix('-').unwrap_or(text)).map(drop);
    };
    match share.parse::<u8>() {
        Ok(1..=100) => Ok(()),
        _ => Err("a share of the disk is from `1%` to `100%`".to_owned()),
    }
}

/// Checks the value of a Kubernetes label.
fn check_label_value(text: &str) -> Result<(), String> {
    if text.is_empty() || is_name(text) {
        return Ok(());
    }
    Err("a label's value has at most 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or \
         digit"
        .to_owned())
}

fn is_name(text: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let outer = |letter: char| letter.is_ascii_alphanumeric();
    text.len() <= 63 && text.starts_with(outer) && text.ends_with(outer) && text.chars().all(inside)
}

fn check_taint(text: &str) -> Result<(), String> {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let (value, effect) = text.split_once(':').unwrap_or(("", text));
    if !EFFECTS.contains(&effect) {
        return Err(format!(
            "a taint is `value:Effect` or `:Effect`, and an effect is one of {}",
            list(&EFFECTS)
        ));
    }
    check_label_value(value)
}

/// Checks a key that is a name of the lab's own: a label's, a volume's.
///
/// # Errors
/// A phrase that says which names can stand there.
pub(super) fn check_name(path: &Path, key: &str) -> Result<(), String> {
    match path.0.first() {
        Some(Step::Key(word)) if word.starts_with("node_") => check_qualified_name(key),
        Some(Step::Key(word)) if word == "volumes" => check_volume_name(key),
        _ if key.is_empty() => Err("a name has at least one character".to_owned()),
        _ => Ok(()),
    }
}

/// Checks the key of a label, an annotation or a taint.
fn check_qualified_name(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_is_fine = prefix.is_none_or(|prefix| domain::check_host(prefix).is_ok());
    if prefix_is_fine && is_name(name) {
        return Ok(());
    }
    Err("a key is like `topology.kubernetes.io/zone`: at most 63 letters, digits, `-`, `_` and `.`, with a DNS name \
         before a `/` or without one"
        .to_owned())
}

fn check_volume_name(key: &str) -> Result<(), String> {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if (1..=34).contains(&key.len()) && key.chars().all(fine) {
        return Ok(());
    }
    Err("the name of a volume has 1 to 34 letters, digits and `-`".to_owned())
}
