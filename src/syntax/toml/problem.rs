//! The TOML parser's errors to what they mean for the person who wrote the text.
//!
//! Knows the words of the parser; knows no diagnostic.

mod brackets;

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::syntax::conflict;

/// A syntax error in plain words.
#[derive(Default)]
pub(super) struct Problem {
    /// Where it is.
    pub(super) range: Range<usize>,
    /// What is wrong.
    pub(super) message: String,
    /// What is at the place.
    pub(super) here: String,
    /// What to do.
    pub(super) help: Option<String>,
    /// Where a key or table that stands twice stands first.
    pub(super) earlier: Option<Range<usize>>,
}

/// The errors of a text in order: the first of each line, and none that follows from a bracket that is not closed.
pub(super) fn all(errors: &[toml::de::Error], text: &str, document: &DeTable<'_>) -> Vec<Problem> {
    if errors.is_empty() {
        return Vec::new();
    }
    let marks = conflict::marks(text);
    if !marks.is_empty() {
        return marks.into_iter().map(conflicting).collect();
    }
    let explained = errors.iter().map(|error| explain(error, text, document));
    let mut problems: Vec<Problem> = explained.collect();
    problems.sort_by_key(|problem| problem.range.start);
    problems.dedup_by_key(|problem| line_start(text, problem.range.start));
    if let Some(open) = brackets::unclosed(text)
        && problems
            .last()
            .is_some_and(|problem| problem.range.start > open)
    {
        problems.retain(|problem| problem.range.start < open);
        problems.push(unclosed_bracket(open, text));
    }
    problems
}

/// Of a conflict that Git left in the text nothing else is worth saying.
fn conflicting(range: Range<usize>) -> Problem {
    Problem {
        range,
        message: "a merge conflict is not resolved".to_owned(),
        here: "Git could not merge what follows".to_owned(),
        help: Some(
            "write what it should be, and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`"
                .to_owned(),
        ),
        ..Problem::default()
    }
}

fn unclosed_bracket(open: usize, text: &str) -> Problem {
    let (what, close) = match text.as_bytes()[open] {
        b'{' => ("table", '}'),
        _ => ("list", ']'),
    };
    Problem {
        range: open..open + 1,
        message: format!("a {what} is not closed"),
        here: format!("its `{close}` is missing"),
        ..Problem::default()
    }
}

/// What the parser's message means for the person who wrote the text.
fn explain(error: &toml::de::Error, text: &str, document: &DeTable<'_>) -> Problem {
    let message = error.message();
    let range = error.span().unwrap_or(text.len()..text.len());
    let what = message.split(", expected").next().unwrap_or(message);
    match what {
        "duplicate key" => duplicate(range, text, document),
        "string values must be quoted" if text[range.clone()].is_empty() => Problem {
            message: "a value is missing".to_owned(),
            here: "nothing follows the `=`".to_owned(),
            range,
            ..Problem::default()
        },
        "string values must be quoted"
        | "invalid boolean"
        | "invalid float"
        | "invalid integer number"
        | "invalid hexadecimal number"
        | "invalid octal number"
        | "invalid binary number"
        | "unexpected leading zero"
        | "unexpected sign"
        | "redundant numeric sign"
        | "invalid date"
        | "invalid date-time" => not_a_value(range, text),
        "invalid basic string" | "invalid literal string" => unclosed_string(range, text),
        "invalid multi-line basic string" | "invalid multi-line literal string" => Problem {
            message: "a text of several lines is not closed".to_owned(),
            range,
            ..Problem::default()
        },
        "missing escaped value" => Problem {
            message: "a backslash in double quotes begins an escape, and this is none".to_owned(),
            help: Some(
                "write `\\\\` for one backslash, or put the text in single quotes".to_owned(),
            ),
            range,
            ..Problem::default()
        },
        "key with no value" => Problem {
            message: "a key has no value".to_owned(),
            help: Some("a line is `key = value`, a table's header is `[name]`".to_owned()),
            range,
            ..Problem::default()
        },
        "invalid unquoted key" | "unquoted keys cannot be empty" => Problem {
            message: "a key is letters, digits, `-` and `_`, or it is quoted".to_owned(),
            help: Some("a line is `key = value`".to_owned()),
            range,
            ..Problem::default()
        },
        "unexpected key or value" => Problem {
            message: "a value ends its line, but more follows".to_owned(),
            range,
            ..Problem::default()
        },
        _ => Problem {
            message: reworded(what),
            range,
            ..Problem::default()
        },
    }
}

/// The parser's words for what needs no more than other words.
fn reworded(what: &str) -> String {
    match what {
        "unclosed array" | "unexpected `=` in array" => "a list is not closed with `]`",
        "unclosed inline table" => "a table is not closed with `}`",
        "unclosed table" => "a table's header is not closed with `]`",
        "unclosed array table" => "a header of `[[...]]` is not closed with `]]`",
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            "a comma is missing"
        }
        "extra assignment between key-value pairs" => "a comma is missing before this key",
        "extra comma in array" | "extra comma in inline table" => "one comma too many",
        "missing key for inline table element" => "a key is missing",
        "missing assignment between key-value pairs" => "a `=` is missing",
        "cannot recurse further; max recursion depth met" => "this is nested too deep",
        what if what.starts_with("cannot extend value") => {
            "this has a value already, so it cannot be a table with keys as well"
        }
        what => what,
    }
    .to_owned()
}

fn duplicate(range: Range<usize>, text: &str, document: &DeTable<'_>) -> Problem {
    let header = header_of(text, range.start);
    let (range, message) = match header {
        Some(header) => {
            let message = format!("the table `{}` is written twice", &text[header.clone()]);
            (header, message)
        }
        None => {
            let message = format!("the key `{}` is written twice", &text[range.clone()]);
            (range, message)
        }
    };
    Problem {
        earlier: earlier(document, text, &range),
        range,
        message,
        here: "a second time".to_owned(),
        help: Some("join the two: a key or a table is written once".to_owned()),
    }
}

/// A value that is neither quoted nor a number, a boolean, a list or a table.
fn not_a_value(range: Range<usize>, text: &str) -> Problem {
    let belongs = |letter: char| !letter.is_whitespace() && !"=,[]{}#\"'".contains(letter);
    let before = text[..range.start].trim_end_matches(belongs).len();
    let after =
        range.end + text[range.end..].len() - text[range.end..].trim_start_matches(belongs).len();
    let value = &text[before..after];
    let help = match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => "write `true`".to_owned(),
        "false" | "no" | "off" => "write `false`".to_owned(),
        _ => format!("if it is meant as text, quote it: `\"{value}\"`"),
    };
    Problem {
        range: before..after,
        message: format!("`{value}` is not a value of TOML"),
        help: Some(help),
        ..Problem::default()
    }
}

fn unclosed_string(range: Range<usize>, text: &str) -> Problem {
    if text[range.clone()].contains(|letter: char| letter.is_control()) {
        return Problem {
            message: "a control character cannot stand in a text".to_owned(),
            range,
            ..Problem::default()
        };
    }
    Problem {
        message: "a text is not closed before its line ends".to_owned(),
        here: "the closing quote is missing".to_owned(),
        range,
        ..Problem::default()
    }
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// The header on the line of `offset`, with its brackets.
fn header_of(text: &str, offset: usize) -> Option<Range<usize>> {
    let start = line_start(text, offset);
    let line = text[start..].lines().next()?;
    let indent = line.len() - line.trim_start().len();
    let close = line.rfind(']')?;
    let header = start + indent..start + close + 1;
    (text[header.clone()].starts_with('[') && header.contains(&offset)).then_some(header)
}

/// Where the key or header at `range` is written for the first time.
fn earlier(document: &DeTable<'_>, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let name = &text[range.clone()];
    if name.starts_with('[') {
        let mut lines = text[..range.start].split_inclusive('\n');
        let mut start = 0;
        return lines.find_map(|line| {
            let at = start + line.len() - line.trim_start().len();
            start += line.len();
            (line.trim() == name).then_some(at..at + name.len())
        });
    }
    let mut found = Vec::new();
    keys_named(document, &(0..text.len()), name, range, &mut found);
    found.into_iter().max_by_key(|range| range.start)
}

/// Collects the keys `name` before `range`, but none inside braces that `range` is not inside of.
fn keys_named(
    table: &DeTable<'_>,
    extent: &Range<usize>,
    name: &str,
    range: &Range<usize>,
    found: &mut Vec<Range<usize>>,
) {
    for (key, value) in table {
        let inline = extent.contains(&key.span().start);
        let reachable = !inline || extent.contains(&range.start);
        if reachable && key.get_ref() == name && key.span().end <= range.start {
            found.push(key.span());
        }
        if let DeValue::Table(inner) = value.get_ref() {
            keys_named(inner, &value.span(), name, range, found);
        }
    }
}
