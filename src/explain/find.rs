//! A file of the tree and a place in it, as a person names them.

use std::sync::Arc;

use super::path::{self, Lost};
use crate::diag::nearest;
use crate::emit::HEADER_LINES;
use crate::emit::yaml::{LineOrigin, lines};
use crate::lower::{Content, OutFile, Text, Tree};
use crate::mask::Masker;
use crate::parse::table::list;
use crate::source::Origin;
use crate::value::{Node, Path};

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(usize),
    /// The way to a value: `spec.sources[0].targetRevision`.
    Path(String),
}

/// Why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong; a lowercase phrase.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Refusal {
    fn new(message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Refusal {
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same without what looks like a secret: keys may be one.
    pub(super) fn masked(self) -> Self {
        let mut masker = Masker::default();
        Refusal {
            message: masker.text(&self.message),
            help: self.help.map(|help| masker.text(&help)),
        }
    }
}

/// What a place holds.
#[derive(Clone, Debug)]
pub(super) enum Subject<'a> {
    /// A node of a YAML document.
    Node { document: &'a Node, path: Path },
    /// A line of a text, by its place.
    Line {
        text: &'a Text,
        index: usize,
        origin: &'a Origin,
    },
    /// A part of a file that is copied.
    Copy { origin: &'a Origin },
}

/// The file of the tree that has the first of these paths that any has; they are relative to the lab's folder.
///
/// # Errors
/// No file has any of them.
pub fn find_file<'a>(tree: &'a Tree, candidates: &[String]) -> Result<&'a OutFile, Refusal> {
    let has = |path: &String| tree.files.iter().find(|file| file.path == *path);
    if let Some(file) = candidates.iter().find_map(has) {
        return Ok(file);
    }
    let typed = candidates.first().map_or("", String::as_str);
    let message = format!("`{typed}` is no file that labc makes of this lab");
    Err(Refusal::new(message, similar(tree, candidates)))
}

/// The files that a person may have meant: those that end as the typed path does, else the one spelled most like it.
fn similar(tree: &Tree, candidates: &[String]) -> Option<String> {
    let ends = |file: &&OutFile| {
        let tail = |path: &String| file.path.ends_with(&format!("/{path}"));
        candidates.iter().any(tail)
    };
    let same_end: Vec<&str> = tree
        .files
        .iter()
        .filter(ends)
        .map(|file| file.path.as_str())
        .collect();
    if !same_end.is_empty() && same_end.len() <= 5 {
        return Some(format!("did you mean {}?", list(&same_end)));
    }
    let paths = || tree.files.iter().map(|file| file.path.as_str());
    let near = candidates
        .iter()
        .find_map(|candidate| nearest(candidate, paths()));
    near.map(|path| format!("did you mean `{path}`?"))
}

/// What stands at a place of a file, and on which line it begins.
pub(super) fn subject<'a>(
    file: &'a OutFile,
    place: &Place,
) -> Result<(usize, Subject<'a>), Refusal> {
    match (&file.content, place) {
        (Content::Yaml(documents), Place::Line(line)) => {
            let origins = lines(documents);
            let total = origins.len() + HEADER_LINES;
            check_line(file, *line, total)?;
            let Some(origin) = line
                .checked_sub(HEADER_LINES + 1)
                .and_then(|index| origins.into_iter().nth(index))
            else {
                let message =
                    format!("line {line} is labc's own: every YAML file of the tree begins so");
                return Err(Refusal::new(message, None));
            };
            let subject = Subject::Node {
                document: &documents[origin.document],
                path: origin.path,
            };
            Ok((*line, subject))
        }
        (Content::Yaml(documents), Place::Path(text)) => by_path(file, documents, text),
        (Content::Text(text), Place::Line(line)) => line_of_text(file, text, *line),
        (Content::Bytes(bytes, origin), Place::Line(line)) => {
            let total = bytes.split(|byte| *byte == b'\n').count();
            check_line(file, *line, total)?;
            Ok((*line, Subject::Copy { origin }))
        }
        (_, Place::Path(text)) => Err(Refusal::new(
            format!(
                "`{}` is no YAML that labc prints: it has no `{text}`",
                file.path
            ),
            Some(format!("name a line: `{}:1`", file.path)),
        )),
    }
}

fn check_line(file: &OutFile, line: usize, total: usize) -> Result<(), Refusal> {
    let message = match (line, total) {
        (0, _) => "lines count from 1".to_owned(),
        (line, total) if line > total => {
            let noun = if total == 1 { "line" } else { "lines" };
            format!("`{}` has {total} {noun}, and no line {line}", file.path)
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(message, None))
}

fn by_path<'a>(
    file: &OutFile,
    documents: &'a [Arc<Node>],
    text: &str,
) -> Result<(usize, Subject<'a>), Refusal> {
    let mut lost: Option<Lost> = None;
    for (index, document) in documents.iter().enumerate() {
        match path::resolve(document, text) {
            Ok(path) => {
                let line = line_of(documents, index, &path);
                return Ok((line, Subject::Node { document, path }));
            }
            Err(here) => {
                let deeper = |lost: &Lost| here.path.0.len() > lost.path.0.len();
                if lost.as_ref().is_none_or(deeper) {
                    lost = Some(here);
                }
            }
        }
    }
    let lost = lost.unwrap_or_default();
    Err(nowhere(file, &lost))
}

/// The line on which a node begins.
fn line_of(documents: &[Arc<Node>], document: usize, path: &Path) -> usize {
    let within = |line: &LineOrigin| line.document == document && line.path.0.starts_with(&path.0);
    let index = lines(documents).iter().position(within);
    index.unwrap_or(0) + HEADER_LINES + 1
}

fn nowhere(file: &OutFile, lost: &Lost) -> Refusal {
    let place = if lost.path.0.is_empty() {
        file.path.clone()
    } else {
        lost.path.to_string()
    };
    let message = format!("`{place}` has no `{}`", lost.rest);
    let end = lost.rest.find(['.', '[']).filter(|at| *at > 0);
    let word = &lost.rest[..end.unwrap_or(lost.rest.len())];
    let known: Vec<&str> = lost.known.iter().map(String::as_str).collect();
    let help = match (nearest(word, known.iter().copied()), lost.items) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(1)) => "it has one item, `[0]`".to_owned(),
        (None, Some(items)) => format!("it has {items} items, from `[0]` on"),
        (None, None) if known.is_empty() => format!("`{place}` is a single value"),
        (None, None) => format!("it has {}", list(&known)),
    };
    Refusal::new(message, help)
}

fn line_of_text<'a>(
    file: &OutFile,
    text: &'a Text,
    line: usize,
) -> Result<(usize, Subject<'a>), Refusal> {
    check_line(file, line, text.lines.len())?;
    let index = line - 1;
    let origin = &text.lines[index].origin;
    Ok((
        line,
        Subject::Line {
            text,
            index,
            origin,
        },
    ))
}
