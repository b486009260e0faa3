//! What goes wrong inside a text file to a message that points into that file, not at who reads it.

use std::fmt;

use minijinja::{Error, ErrorKind};

use super::budget::Beyond;
use super::environment;
use super::expression::{cause, detail, missing, undefined};
use super::scope::{Scope, Unavailable};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// What is wrong in a text file.
#[derive(Debug)]
pub(super) struct InFile(pub(super) Diagnostic);

impl fmt::Display for InFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text file is wrong")
    }
}

impl std::error::Error for InFile {}

/// The error of rendering `text`, a file that begins at `start`, with its message; one that has a message of its own
/// stays as it is.
pub(super) fn wrong(error: Error, text: &str, start: Span, scope: &Scope) -> Error {
    let is_said = cause::<InFile>(&error).is_some()
        || cause::<Unavailable>(&error).is_some()
        || cause::<Beyond>(&error).is_some();
    if is_said || error.kind() == ErrorKind::OutOfFuel {
        return error;
    }
    let part = part(&error, text);
    let place = Span::new(start.source, part.start, part.end);
    let found = (error.kind() == ErrorKind::UndefinedError)
        .then(|| undefined_part(text, part.clone(), scope))
        .flatten();
    let diagnostic = found.unwrap_or_else(|| {
        let written = text.get(part).unwrap_or_default().trim();
        let (code, message) = match error.kind() {
            ErrorKind::UndefinedError => (Code::UNDEFINED, format!("`{written}` is undefined")),
            ErrorKind::SyntaxError => (
                Code::EXPRESSION_SYNTAX,
                format!("this is no template: {}", detail(&error)),
            ),
            _ => (
                Code::EVALUATION,
                format!("`{written}` fails: {}", detail(&error)),
            ),
        };
        Diagnostic::error(code, None, message)
    });
    let told = InFile(Diagnostic {
        span: Some(place),
        ..diagnostic
    });
    Error::new(ErrorKind::InvalidOperation, told.to_string()).with_source(told)
}

fn undefined_part(text: &str, part: std::ops::Range<usize>, scope: &Scope) -> Option<Diagnostic> {
    let written = text.get(part.clone())?;
    let names = environment::names_in(text, part);
    let missing = names.iter().find_map(|name| missing(name, scope))?;
    Some(undefined(missing, written, None))
}

/// The bytes of the text that an error is about: an expression, or a line.
fn part(error: &Error, text: &str) -> std::ops::Range<usize> {
    if let Some(range) = error.range() {
        return whole_name(text, range);
    }
    let before = error.line().unwrap_or(1).saturating_sub(1);
    let start = text.split_inclusive('\n').take(before).map(str::len).sum();
    let line = text.get(start..).and_then(|rest| rest.lines().next());
    start..start + line.map_or(0, str::len)
}

/// The range with what stands before it of the same dotted name: of `a.b.c` the engine means `.c`.
fn whole_name(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let is_step = text
        .get(range.start..)
        .is_some_and(|rest| rest.starts_with(['.', '[']));
    let before = text.get(..range.start).filter(|_| is_step);
    let is_part = |letter: char| letter.is_alphanumeric() || "_.[]\"'-".contains(letter);
    let name = before.map(|before| before.trim_end_matches(is_part).len());
    name.unwrap_or(range.start)..range.end
}
