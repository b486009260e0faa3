//! The template engine as labc sets it up: strict, without clock or chance, and bounded.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};
use sha2::{Digest, Sha256};

use super::budget::{MAX_STEPS, charge, weigh};
use super::program::Wanted;
use super::scope::Scope;
use super::{filter, program};
use crate::source::{Origin, SourceId, Sources, Span};

/// How deep loops may call themselves.
const RECURSION: usize = 64;

static EXPRESSIONS: LazyLock<Environment<'static>> = LazyLock::new(environment);

static TEXTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment();
    environment.set_syntax(SYNTAX.clone());
    environment
});

/// The environment that compiles and evaluates expressions.
pub(super) fn expressions() -> &'static Environment<'static> {
    &EXPRESSIONS
}

/// How text files write expressions and statements.
static SYNTAX: LazyLock<SyntaxConfig> = LazyLock::new(|| {
    SyntaxConfig::builder()
        .variable_delimiters("${{", "}}")
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the delimiters differ")
});

/// The text of a file in a scope.
///
/// # Errors
/// It is no template, it fails, or it goes beyond a bound.
pub(super) fn render(name: &str, text: &str, scope: &Scope) -> Result<String, Error> {
    let program = program::file(name, text, SYNTAX.clone())?;
    let (_, text) = program.run(expressions(), scope.context(), scope.budget())?;
    Ok(text)
}

/// The files that a text file reads with `file(...)`.
pub(super) fn files_of(name: &str, text: &str) -> Vec<Wanted> {
    program::files_of_text(name, text, SYNTAX.clone())
}

/// The dotted names that a part of a text file asks its scope for; those that the file itself makes are left out.
pub(super) fn names_in(text: &str, part: std::ops::Range<usize>) -> Vec<String> {
    let Ok(whole) = TEXTS.template_from_str(text) else {
        return Vec::new();
    };
    let asked = whole.undeclared_variables(true);
    let part = text.get(part).unwrap_or_default();
    let part = part.trim_start_matches("${{").trim_end_matches("}}");
    let mut names = program::names(expressions(), part);
    names.retain(|name| asked.contains(name));
    names
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_fuel(Some(MAX_STEPS));
    environment.set_recursion_limit(RECURSION);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.remove_global("debug");
    // The only state that outlives a turn of a loop: with it, a template could count, and grow, without end.
    environment.remove_global("namespace");
    filter::add_all(&mut environment);
    environment.set_formatter(|output, state, value| {
        charge(state, weigh(value)?)?;
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => {
                let wrong = "none has no text; give it a default";
                return Err(Error::new(ErrorKind::InvalidOperation, wrong));
            }
            ValueKind::Bool => output.write_str(if value.is_true() { "true" } else { "false" })?,
            _ => output.write_fmt(format_args!("{value}"))?,
        }
        Ok(())
    });
    environment.add_filter("to_json", |state: &mut State<'_, '_>, value: Jinja| {
        charge(state, weigh(&value)?)?;
        json(&value).map(|json| json.to_string())
    });
    environment.add_filter("b64encode", |text: &str| base64(text.as_bytes()));
    environment.add_filter("sha256", |text: &str| hex(&Sha256::digest(text.as_bytes())));
    environment.add_filter("pluck", pluck);
    environment.add_filter("host_of", |url: &str| host_of(url).to_owned());
    environment
}

fn json(value: &Jinja) -> Result<serde_json::Value, Error> {
    let nowhere = Span::new(nowhere(), 0, 0);
    super::scope::to_node(value, nowhere, &Origin::none())
        .map(|node| super::convert::json(&node))
        .map_err(|wrong| Error::new(ErrorKind::InvalidOperation, wrong))
}

/// What each item of a list, or each value of a map, has under a key; items that have nothing there are left out.
fn pluck(items: &Jinja, key: &str) -> Result<Vec<Jinja>, Error> {
    let is_map = items.kind() == ValueKind::Map;
    let mut plucked = Vec::new();
    for item in items.try_iter()? {
        let item = if is_map { items.get_item(&item)? } else { item };
        let part = item.get_attr(key)?;
        if !part.is_undefined() && !part.is_none() {
            plucked.push(part);
        }
    }
    Ok(plucked)
}

/// A source for spans that nobody will see.
fn nowhere() -> SourceId {
    let mut sources = Sources::default();
    sources.add(
        String::new(),
        "".into(),
        crate::source::SourceKind::Standard,
    )
}

/// Lowercase hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (number >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// The host of a URL, without user and port.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}
