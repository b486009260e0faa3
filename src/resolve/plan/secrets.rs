//! `[secrets]`: the secrets that exist outside the compiler.

use std::collections::BTreeMap;

use super::read::{choice, entries, invalid, required};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{check_host, check_label};
use crate::parse::table::{Decode, Table, join, parse_string, wrong_type};
use crate::resolve::lab::{Secret, SecretKey, SecretSource};
use crate::source::{Span, Spanned};
use crate::value::{Node, Value};

/// Every secret that the lab declares.
pub(super) fn read(node: Option<&Node>, diagnostics: &mut Diagnostics) -> BTreeMap<String, Secret> {
    entries(node, "secrets", diagnostics)
        .into_iter()
        .filter_map(|(id, span, node)| {
            let span = span.or_else(|| node.origin.first())?;
            Some((id.to_owned(), secret(id, span, node, diagnostics)?))
        })
        .collect()
}

fn secret(id: &str, span: Span, node: &Node, diagnostics: &mut Diagnostics) -> Option<Secret> {
    let mut table = Table::new(node, join("secrets", id), diagnostics);
    table.span = Some(span);
    let from: Option<Spanned<SecretSource>> =
        required(&mut table, "from", "\"manual\"", diagnostics);
    let example = match &from {
        Some(from) if from.value == SecretSource::External => "{ api-key = \"path#api-key\" }",
        _ => "[\"password\"]",
    };
    let keys: Option<Node> = required(&mut table, "keys", example, diagnostics);
    let via: Option<Spanned<String>> = table.optional("via", diagnostics);
    let name: Option<Spanned<ObjectName>> = table.optional("name", diagnostics);
    let namespace: Option<Spanned<NamespaceName>> = table.optional("namespace", diagnostics);
    let path = table.path_of("keys");
    table.finish(diagnostics);
    if name.is_none()
        && let Err(why) = check_object_name(id)
    {
        let message = format!("a secret cannot be called `{id}`");
        diagnostics.push(invalid(span, message, why));
    }
    let from = from?;
    if let Some(via) = via
        .as_ref()
        .filter(|_| from.value != SecretSource::External)
    {
        let message = format!("`secrets.{id}` comes through nobody");
        let help = "only a secret with `from = \"external\"` has a `via`: leave it out";
        diagnostics.push(invalid(via.span, message, help).label(from.span, "it comes from here"));
    }
    Some(Secret {
        keys: read_keys(&keys?, &path, from.value, diagnostics)?,
        from,
        via,
        name: name.map(|name| name.map(|ObjectName(name)| name)),
        namespace: namespace.map(|name| name.map(|NamespaceName(name)| name)),
        span,
    })
}

/// The keys: a list, or with their places in the external store a table.
fn read_keys(
    node: &Node,
    path: &str,
    from: SecretSource,
    diagnostics: &mut Diagnostics,
) -> Option<BTreeMap<String, SecretKey>> {
    let keys = match (&node.value, from) {
        (Value::Map(_), SecretSource::External) => external_keys(node, path, diagnostics),
        (Value::List(items), SecretSource::Manual | SecretSource::Sops) => {
            listed_keys(items, path, diagnostics)
        }
        (_, SecretSource::External) => {
            let expected = "a table that says where the store has each key";
            let help = format!("write it like `{path} = {{ api-key = \"path#api-key\" }}`");
            diagnostics.push(wrong_type(node, path, expected).help(help));
            return None;
        }
        _ => {
            let help =
                "write it like `keys = [\"password\"]`; only `from = \"external\"` has a table";
            diagnostics.push(wrong_type(node, path, "a list of keys").help(help));
            return None;
        }
    };
    if keys.is_empty() && node.is_leaf() {
        let message = format!("`{path}` is empty");
        let help = "a secret has at least one key";
        diagnostics.push(invalid(node.origin.first(), message, help));
    }
    Some(keys)
}

fn external_keys(
    node: &Node,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, SecretKey> {
    entries(Some(node), path, diagnostics)
        .into_iter()
        .filter_map(|(key, span, node)| {
            let span = span.or_else(|| node.origin.first())?;
            check_key(key, span, diagnostics);
            let reference = Decode::decode(node, &join(path, key), diagnostics);
            Some((key.to_owned(), SecretKey { reference, span }))
        })
        .collect()
}

fn listed_keys(
    items: &[Node],
    path: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, SecretKey> {
    let mut keys: BTreeMap<String, SecretKey> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(key) = Spanned::<String>::decode(item, &path, diagnostics) else {
            continue;
        };
        check_key(&key.value, key.span, diagnostics);
        if let Some(first) = keys.get(&key.value) {
            let message = format!("the key `{}` is listed twice", key.value);
            let diagnostic = Diagnostic::error(Code::INVALID_VALUE, key.span, message);
            diagnostics.push(diagnostic.label(first.span, "the first time"));
            continue;
        }
        let reference = None;
        let span = key.span;
        keys.insert(key.value, SecretKey { reference, span });
    }
    keys
}

fn check_key(key: &str, span: Span, diagnostics: &mut Diagnostics) {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if key.is_empty() || key.len() > 253 || !key.chars().all(fine) {
        let message = format!("`{key}` cannot be a key of a Secret");
        let help = "a key has letters, digits, `-`, `_` and `.`";
        diagnostics.push(invalid(span, message, help));
    }
}

impl Decode for SecretSource {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [
            ("manual", SecretSource::Manual),
            ("sops", SecretSource::Sops),
            ("external", SecretSource::External),
        ];
        choice(node, path, &words, diagnostics)
    }
}

fn check_object_name(text: &str) -> Result<(), String> {
    let rule = "the name of a Secret has lowercase letters, digits, `-` and `.`, like `cloudflare-api-token`";
    let wrong = check_host(text).is_err() || text.starts_with('*');
    if wrong { Err(rule.to_owned()) } else { Ok(()) }
}

/// The name of a Secret: a DNS name.
struct ObjectName(String);

impl Decode for ObjectName {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            check_object_name(text).map(|()| ObjectName(text.to_owned()))
        })
    }
}

/// The name of a Namespace: a DNS label.
struct NamespaceName(String);

impl Decode for NamespaceName {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            check_label(text).map(|()| NamespaceName(text.to_owned()))
        })
    }
}
