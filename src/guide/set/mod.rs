//! A path and a value to `lab.toml` with that value, or without it.
//!
//! Only the bytes of the one value change, or a line comes or goes: comments, layout and line breaks are not touched, because
//! nothing is printed anew. Every edit is read back, and is none where the data would be other than asked for. Knows no rule of a
//! lab: whether it still compiles is the caller's question.

mod delete;
mod insert;
mod path;
mod text;

pub use path::parse as parse_path;

use crate::keep::print;
use crate::value::{Node, Path, Step, Value};
use text::LabText;

/// `lab.toml` with another value.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// The line of the change, counted from 1.
    pub line: usize,
    /// What stood there, as it was written; nothing where nothing did.
    pub before: Option<String>,
}

/// Why there is no edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The value is there already, on this line.
    Same(usize),
    /// The edit cannot be made; a phrase that says why.
    Impossible(String),
}

/// The lab with `value` at a path. What is missing on the way comes where a person would put it: at the end of the section
/// or inside the braces that it belongs to, else as a table of its own.
///
/// # Errors
/// It is there already, or has no place.
pub fn set(lab: &str, path: &Path, value: &Node) -> Result<Edited, Refusal> {
    let text = LabText::read(lab)?;
    let Some(there) = text.tree.at(path) else {
        return insert::insert(&text, path, value);
    };
    let span = text.value(there).ok_or_else(|| {
        let message = format!("`{path}` is a table: name one of its keys");
        Refusal::Impossible(message)
    })?;
    let line = text.line_of(span.start);
    if there == value {
        return Err(Refusal::Same(line));
    }
    let before = lab[span.clone()].to_owned();
    let new = written(value, &before).ok_or_else(|| no_words(path))?;
    let edited = format!("{}{new}{}", &lab[..span.start], &lab[span.end..]);
    let expected = with(&text.tree, &path.0, value);
    text::check(&edited, &[expected], path)?;
    Ok(Edited {
        text: edited,
        line,
        before: Some(before),
    })
}

/// The lab without what stands at a path: a value, a table with all that is below it, an item of a list.
///
/// # Errors
/// There is no such thing, or it cannot be taken out by itself.
pub fn delete(lab: &str, path: &Path) -> Result<Edited, Refusal> {
    delete::delete(&LabText::read(lab)?, path)
}

/// A value as TOML, in the quotes of the string that it replaces where it can be.
fn written(value: &Node, before: &str) -> Option<String> {
    match value.as_str() {
        Some(text) if is_literal(before) && fits_literal(text) => Some(format!("'{text}'")),
        _ => print::value(value),
    }
}

fn is_literal(text: &str) -> bool {
    text.starts_with('\'') && !text.starts_with("'''")
}

fn fits_literal(text: &str) -> bool {
    !text.contains(|letter: char| letter == '\'' || letter.is_control())
}

fn no_words(path: &Path) -> Refusal {
    Refusal::Impossible(format!("TOML has no word for this value of `{path}`"))
}

/// A tree with another value at a path; maps are made on the way.
fn with(tree: &Node, path: &[Step], value: &Node) -> Node {
    let Some((step, rest)) = path.split_first() else {
        return value.clone();
    };
    let mut tree = tree.clone();
    match (&mut tree.value, step) {
        (Value::List(items), Step::Index(index)) if *index < items.len() => {
            items[*index] = with(&items[*index], rest, value);
        }
        (Value::List(items), Step::Index(_)) => items.push(with(&empty(), rest, value)),
        (Value::Map(map), Step::Key(key)) => {
            let below = map.get(key).map_or_else(empty, |entry| entry.node.clone());
            tree.insert(key.clone(), with(&below, rest, value));
        }
        _ => {}
    }
    tree
}

fn empty() -> Node {
    Node::new(Value::map(), crate::source::Origin::none())
}
