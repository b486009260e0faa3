//! The words for everything that can be wrong with YAML text.
//!
//! Turns the parser's errors into diagnostics that say what to write, above all where the cause is an
//! expression that YAML cannot hold unquoted. Knows nothing of what an expression means.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::{
    Key, MAX_DEPTH, MAX_DOCUMENTS, MAX_PROBLEMS, MAX_SIZE, MAX_TEXT, MAX_VALUES, Place, Syntax,
    SyntaxKind,
};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceId, Span};

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

/// The parser's error.
pub(super) fn syntax(source: SourceId, text: &str, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    let span = |range: Range<usize>| Span::new(source, range.start, range.end);
    let here = span(at..at + letter(text, at));
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(here);
    }
    if let Some(expression) = expression_at(text, at) {
        let why = why_cut(&text[expression.clone()]);
        return cut_expression(span(expression), why);
    }
    if let Some(braces) = braces_before(text, at) {
        return braces_are_maps(span(braces));
    }
    if let Some(alias) = alias_with_colon(text, at) {
        let name = &text[alias.clone()];
        return colon_in_alias(span(alias), name);
    }
    if is_about_tabs(error.kind()) {
        return tab(tab_near(text, at).map_or(here, span));
    }
    let (message, help) = words(error);
    Diagnostic::error(Code::YAML_SYNTAX, here, message).maybe_help(help.map(str::to_owned))
}

/// What is wrong, and what to do about it where that can be told.
fn words(error: &ScanError) -> (String, Option<&'static str>) {
    use ErrorKind as Kind;
    let (message, help) = match error.kind() {
        Kind::MappingValueNotAllowed => (
            "`:` and a space make a key here, where none can be",
            Some("quote the text if the colon is part of it"),
        ),
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey | Kind::ExpectedBlockMappingKey => (
            "expected a key and `:`",
            Some("check the indentation, or quote the value of the line before if it goes on here"),
        ),
        Kind::BlockSequenceEntryNotAllowed => (
            "a list cannot begin behind something else in its line",
            Some("put `- ` on a line of its own, or quote the text if it is no list"),
        ),
        Kind::ExpectedBlockSequenceEntry => (
            "expected `- ` or less indentation",
            Some("give every item of the list the same indentation"),
        ),
        Kind::InvalidQuotedScalarIndent => (
            "a quoted text goes on here, no deeper than its key",
            Some("close the quote on the line before, or indent this line deeper"),
        ),
        Kind::InvalidIndentation
        | Kind::InvalidBlockScalarIndent
        | Kind::InvalidFlowScalarIndent => (
            "this indentation fits nothing above it",
            Some("indent the line as deep as what it belongs to"),
        ),
        Kind::InvalidBlockScalarHeader => (
            "text cannot begin in the line of `|` or `>`",
            Some("begin it on the next line, or quote it"),
        ),
        Kind::UnclosedQuotedScalar => ("a quote is opened here and never closed", None),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => (
            "nothing can stand behind the closing quote",
            Some("quote the whole value; inside single quotes, `''` is one quote"),
        ),
        Kind::UnknownQuotedScalarEscape | Kind::InvalidQuotedScalarHexEscape => (
            "no such escape in double quotes",
            Some("write `\\\\` for a backslash, or use single quotes"),
        ),
        Kind::ExpectedDocumentStart => (
            "nothing can stand behind the end of a document",
            Some("check the indentation, or begin another document with `---`"),
        ),
        Kind::ExpectedFlowSequenceSeparator => ("expected `,` or `]`", None),
        Kind::ExpectedFlowMappingSeparator => ("expected `,` or `}`", None),
        Kind::InvalidColonPlacement => (
            "`:` makes no key within `[ ]` here",
            Some("close the bracket before, or quote the text"),
        ),
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("this `{open}` is closed by `{close}`"), None);
        }
        Kind::UnclosedFlowCollection { open } => {
            return (format!("this `{open}` is never closed"), None);
        }
        Kind::UnexpectedCharacter { character } => return character_words(*character),
        _ => return (format!("this is not YAML: {}", error.info()), None),
    };
    (message.to_owned(), help)
}

fn character_words(character: char) -> (String, Option<&'static str>) {
    let name = match character {
        '`' => "a backtick".to_owned(),
        character if character.is_control() => format!("U+{:04X}", u32::from(character)),
        character => format!("`{character}`"),
    };
    let help = if character.is_control() {
        "write it as an escape in double quotes"
    } else {
        "quote the text if the character is part of it"
    };
    (format!("{name} cannot stand here"), Some(help))
}

fn is_about_tabs(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar
    )
}

/// The first tab of the line that holds the byte `at`, or else of the next.
fn tab_near(text: &str, at: usize) -> Option<Range<usize>> {
    let line = line_start(text, at);
    let tab = line + text[line..].find('\t')?;
    Some(tab..tab + 1)
}

fn tab(span: Span) -> Diagnostic {
    let message = "a tab stands where YAML takes spaces only";
    Diagnostic::error(Code::YAML_SYNTAX, span, message).help("indent with spaces")
}

/// `{{` in the line of the byte `at`, before it or around it, with no quote before.
fn braces_before(text: &str, at: usize) -> Option<Range<usize>> {
    let line = line_start(text, at);
    let start = line + text[line..].lines().next()?.find("{{")?;
    let quoted = text[line..start].contains(['"', '\'']);
    (start <= at && !quoted).then_some(start..start + 2)
}

/// `{{` that is no expression: to YAML two maps, one the key of the other.
pub(super) fn braces_are_maps(span: Span) -> Diagnostic {
    Diagnostic::error(Code::YAML_SYNTAX, span, "`{{` begins two maps in YAML")
        .help("quote the text; an expression of labc is written `${{ }}`")
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The expression that holds the byte `at` or begins right before it, up to the end of its line.
fn expression_at(text: &str, at: usize) -> Option<Range<usize>> {
    let line = line_start(text, at);
    // In a flow collection the error is at the first brace: look from behind the second.
    let behind = text.len().min(at + OPEN.len() - 1);
    let behind = if text.is_char_boundary(behind) {
        behind
    } else {
        at
    };
    let start = line + text[line..behind].rfind(OPEN)?;
    let rest = text[start..].lines().next()?;
    let length = rest.find(CLOSE).map_or(rest.len(), |end| end + CLOSE.len());
    let end = start + length;
    (at < end).then_some(start..end)
}

fn why_cut(expression: &str) -> &'static str {
    if expression.contains(": ") {
        "`: ` ends a key here"
    } else if expression.contains(" #") {
        "` #` begins a comment here"
    } else {
        "`{` begins a map here"
    }
}

fn cut_expression(span: Span, why: &str) -> Diagnostic {
    let message = "YAML cannot hold this expression unquoted";
    Diagnostic::error(Code::YAML_SYNTAX, span, message)
        .here(why)
        .help("quote the expression or write it in block style")
}

/// Reports the plain scalars and keys in which YAML ended an expression early.
pub(super) fn report_cut_expressions(
    documents: &[Syntax],
    file: &str,
    diagnostics: &mut Diagnostics,
) {
    let mut cut = Vec::new();
    for document in documents {
        find_cut(document, file, &mut cut);
    }
    for problem in cut {
        diagnostics.push(problem);
    }
}

fn find_cut(syntax: &Syntax, file: &str, cut: &mut Vec<Diagnostic>) {
    if cut.len() >= MAX_PROBLEMS {
        return;
    }
    match &syntax.kind {
        SyntaxKind::Scalar(scalar) => {
            let span = scalar.place.span();
            let is_cut = scalar.plain && is_open(&scalar.text) && is_before_comment(file, span);
            cut.extend(is_cut.then(|| cut_at(span, file)).flatten());
        }
        SyntaxKind::List(items) => items.iter().for_each(|item| find_cut(item, file, cut)),
        SyntaxKind::Map(entries) => {
            for (key, value) in entries {
                let span = key.place.span();
                let is_cut = is_open(&key.name) && !file[span.range()].starts_with(['"', '\'']);
                cut.extend(is_cut.then(|| cut_at(span, file)).flatten());
                find_cut(value, file, cut);
            }
        }
    }
}

fn is_before_comment(file: &str, span: Span) -> bool {
    let behind = file[span.end as usize..].trim_start_matches([' ', '\t']);
    behind.starts_with('#')
}

fn cut_at(span: Span, file: &str) -> Option<Diagnostic> {
    let expression = expression_at(file, span.end as usize)?;
    let why = why_cut(&file[expression.clone()]);
    let span = Span::new(span.source, expression.start, expression.end);
    Some(cut_expression(span, why))
}

/// Whether an expression begins in `text` and does not end in it.
fn is_open(text: &str) -> bool {
    text.rfind(OPEN)
        .is_some_and(|start| !text[start..].contains(CLOSE))
}

/// An alias with a colon as its last letter at the byte `at`, without the colon.
fn alias_with_colon(text: &str, at: usize) -> Option<Range<usize>> {
    let name = text[at..].split_whitespace().next()?.strip_suffix(':')?;
    name.starts_with('*').then_some(at..at + name.len())
}

fn colon_in_alias(span: Span, alias: &str) -> Diagnostic {
    Diagnostic::error(
        Code::YAML_SYNTAX,
        span,
        "the colon behind an alias is part of its name",
    )
    .help(format!("write a space between them: `{alias} :`"))
}

/// An alias `name` without an anchor; nothing more can be read if its colon was meant to make it a key.
pub(super) fn unknown_anchor(name: &str, span: Span) -> Diagnostic {
    match name.strip_suffix(':') {
        Some(name) => colon_in_alias(span, &format!("*{name}")),
        None => {
            let message = format!("no anchor `&{name}` stands before this alias");
            Diagnostic::error(Code::YAML_SYNTAX, span, message)
                .help("an anchor counts from where it is written to the end of its document")
        }
    }
}

pub(super) fn contains_itself(span: Span) -> Diagnostic {
    Diagnostic::error(
        Code::YAML_SYNTAX,
        span,
        "this alias stands inside of what it stands for",
    )
}

pub(super) fn not_mergeable(span: Span) -> Diagnostic {
    Diagnostic::error(
        Code::YAML_SYNTAX,
        span,
        "a merge key takes a map or a list of maps",
    )
    .help("quote the key if it is a plain `<<`")
}

/// A key that no JSON key can be made of.
pub(super) fn not_a_key(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(Code::YAML_SYNTAX, span, format!("a {kind} cannot be a key"))
        .help("keys are strings: quote it")
}

pub(super) fn duplicate_key(key: &Key, first: Place) -> Diagnostic {
    let message = format!("the key `{}` stands twice in one map", key.name);
    Diagnostic::error(Code::DUPLICATE_YAML_KEY, key.place.span(), message)
        .label(first.span(), "first here")
        .help("remove one of them")
}

/// A key that a merge key behind it brings as well.
pub(super) fn replaced_by_merge(key: &Key, written: Place, merge: Option<Span>) -> Diagnostic {
    let message = format!(
        "the merge key replaces `{}`, which stands before it",
        key.name
    );
    Diagnostic::warning(Code::DUPLICATE_YAML_KEY, written.span(), message)
        .label(merge, "replaced by what this brings")
        .note("Kubernetes reads it so; most other readers keep what is written")
        .help("write the merge key first: then what is written counts for every reader")
}

/// A character that YAML 1.1 takes for a line break and YAML 1.2 for text.
pub(super) fn odd_break(character: &str, span: Span) -> Diagnostic {
    let code = character.chars().next().map_or(0, u32::from);
    let message =
        format!("U+{code:04X} is a line break to some readers of YAML and text to others");
    Diagnostic::error(Code::YAML_SYNTAX, span, message)
        .help(format!("write `\\u{code:04X}` in double quotes"))
}

pub(super) fn too_large(span: Span) -> Diagnostic {
    limit(
        span,
        format!("a YAML file may have at most {MAX_SIZE} bytes"),
    )
}

pub(super) fn too_deep(span: Span) -> Diagnostic {
    limit(
        span,
        format!("at most {MAX_DEPTH} maps and lists may stand in one another"),
    )
}

pub(super) fn too_many_values(span: Span) -> Diagnostic {
    let message = format!("a YAML file may hold at most {MAX_VALUES} values, aliases expanded");
    limit(span, message)
}

pub(super) fn too_many_documents(span: Span) -> Diagnostic {
    let message = format!("a YAML file may hold at most {MAX_DOCUMENTS} documents");
    limit(span, message)
}

pub(super) fn too_much_text(span: Span) -> Diagnostic {
    let message =
        format!("a YAML file may hold at most {MAX_TEXT} bytes of text, aliases expanded");
    limit(span, message)
}

fn limit(span: Span, message: String) -> Diagnostic {
    Diagnostic::error(Code::YAML_LIMIT, span, message)
}

/// The bytes of the letter at `at`; 0 at the end of a line or of the text.
fn letter(text: &str, at: usize) -> usize {
    match text[at..].chars().next() {
        None | Some('\n' | '\r') => 0,
        Some(letter) => letter.len_utf8(),
    }
}
