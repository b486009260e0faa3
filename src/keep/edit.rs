//! Edits of the lab's own files: where a key goes, and how a person is told.
//!
//! Knows the text and the tree of `lab.toml`, and not whether an edit is any good: that is for [`super::proof`].

use std::collections::BTreeMap;
use std::ops::Range;

use super::print;
use crate::diag::Diagnostics;
use crate::parse::LAB;
use crate::source::{SourceId, SourceKind, Sources, Span};
use crate::syntax::toml;
use crate::value::{Node, Path, Step, Value};

/// A change of one file of the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// The file.
    pub(super) file: String,
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// What comes in their place.
    pub(super) text: String,
    /// How a person is told: "set `port = 8097` at lab.toml:41".
    pub(super) say: String,
}

/// The files with these edits; none where two of them are about the same bytes.
pub(super) fn apply(
    files: &BTreeMap<String, Vec<u8>>,
    edits: &[Edit],
) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = files.clone();
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| (&edit.file, edit.range.start, edit.range.end));
    let overlap = order
        .windows(2)
        .any(|pair| pair[0].file == pair[1].file && pair[0].range.end > pair[1].range.start);
    if overlap {
        return None;
    }
    for edit in order.into_iter().rev() {
        let bytes = files.get_mut(&edit.file)?;
        if edit.range.end > bytes.len() {
            return None;
        }
        bytes.splice(edit.range.clone(), edit.text.bytes());
    }
    Some(files)
}

/// `lab.toml`, as text and as a tree.
pub(super) struct LabText<'a> {
    sources: &'a Sources,
    source: SourceId,
    text: &'a str,
    /// Its tree, with spans.
    pub(super) tree: Node,
}

/// How a table is written.
enum Form {
    /// `[a.b]`, from which byte on.
    Header(Span),
    /// `{ ... }`.
    Inline(Span),
    /// By the keys of another table, or by tables below it.
    Implicit,
}

impl<'a> LabText<'a> {
    /// The `lab.toml` among the sources.
    pub(super) fn of(sources: &'a Sources) -> Option<Self> {
        let source = sources.find(LAB)?;
        let text = &sources.file(source).text;
        // Whatever is wrong with the file was reported when it was compiled.
        let tree = toml::read(source, text, &mut Diagnostics::default());
        Some(LabText {
            sources,
            source,
            text,
            tree,
        })
    }

    /// Whether a span is one of this file.
    pub(super) fn has(&self, span: Span) -> bool {
        span.source == self.source
    }

    /// Another value in the place of the one at `span`, which `path` leads to.
    pub(super) fn replace(&self, path: &Path, span: Span, value: &Node) -> Option<Edit> {
        let new = print::value(value)?;
        let old = self.sources.text(span);
        let place = self.sources.refer(span);
        let say = match path.0.last()? {
            Step::Key(key) if !old.contains('\n') => {
                format!("set `{} = {new}` at {place}", print::key(key))
            }
            Step::Key(key) => format!("let `{}` be `{new}` at {place}", print::key(key)),
            Step::Index(_) => format!("write `{new}` instead of `{old}` at {place}"),
        };
        Some(Edit {
            file: LAB.to_owned(),
            range: span.range(),
            text: new,
            say,
        })
    }

    /// The value at `path`, which may be there and may be not.
    pub(super) fn set(&self, path: &[String], value: &Node) -> Option<Edit> {
        let way = Path::keys(path.iter().map(String::as_str));
        if let Some(there) = self.tree.at(&way) {
            let span = there.origin.first()?;
            let is_table = there.as_map().is_some() && !self.sources.text(span).starts_with('{');
            return if is_table {
                None
            } else {
                self.replace(&way, span, value)
            };
        }
        let known = (0..path.len()).rev().find_map(|length| {
            let node = self
                .tree
                .at(&Path::keys(path[..length].iter().map(String::as_str)))?;
            node.as_map()?;
            match self.form(&path[..length], node) {
                Form::Implicit => None,
                form => Some((length, node, form)),
            }
        });
        let text = print::value(value)?;
        match known {
            Some((length, node, form)) if length > 0 => {
                let line = format!("{} = {text}", print::keys(&path[length..]));
                Some(match form {
                    Form::Inline(span) => self.within_braces(&path[..length], node, span, &line),
                    Form::Header(span) => self.below_header(&path[..length], span, &line),
                    Form::Implicit => return None,
                })
            }
            _ => {
                let (table, rest) = path.split_at(path.len().saturating_sub(1).min(2));
                let block = format!("[{}]\n{} = {text}\n", print::keys(table), print::keys(rest));
                Some(self.append(&block))
            }
        }
    }

    fn form(&self, path: &[String], node: &Node) -> Form {
        let Some(span) = node.origin.first() else {
            return Form::Implicit;
        };
        let text = self.sources.text(span);
        if text.starts_with('{') {
            return Form::Inline(span);
        }
        let line = self.text[span.range().start..]
            .lines()
            .next()
            .unwrap_or_default();
        let header = read(line);
        let mut here = &header;
        for key in path {
            match here.get(key) {
                Some(below) => here = below,
                None => return Form::Implicit,
            }
        }
        let is_own = here.as_map().is_some_and(|map| map.is_empty());
        if line.starts_with('[') && !line.starts_with("[[") && is_own {
            Form::Header(span)
        } else {
            Form::Implicit
        }
    }

    fn within_braces(&self, table: &[String], node: &Node, span: Span, line: &str) -> Edit {
        let inside = &self.text[span.start as usize + 1..span.end as usize - 1];
        let is_empty = node.as_map().is_none_or(|map| map.is_empty());
        let end = span.start as usize + 1 + inside.trim_end().len();
        let comma = is_empty || inside.trim_end().ends_with(',');
        let text = if comma {
            format!(" {line}")
        } else {
            format!(", {line}")
        };
        Edit {
            file: LAB.to_owned(),
            range: end..end,
            text: if inside.ends_with(char::is_whitespace) {
                text
            } else {
                format!("{text} ")
            },
            say: format!(
                "add `{line}` to `{}` at {}",
                print::keys(table),
                self.sources.refer(span)
            ),
        }
    }

    fn below_header(&self, table: &[String], span: Span, line: &str) -> Edit {
        let from = span.start as usize;
        let end = self.text[from..].find('\n').map(|end| from + end + 1);
        let (at, text) = match end {
            Some(at) => (at, format!("{line}\n")),
            None => (self.text.len(), format!("\n{line}\n")),
        };
        Edit {
            file: LAB.to_owned(),
            range: at..at,
            text,
            say: format!(
                "add `{line}` to `[{}]` at {}",
                print::keys(table),
                self.sources.refer(span)
            ),
        }
    }

    /// A block of lines behind everything else.
    pub(super) fn append(&self, block: &str) -> Edit {
        let gap = match self.text {
            "" => "",
            text if text.ends_with("\n\n") => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        Edit {
            file: LAB.to_owned(),
            range: self.text.len()..self.text.len(),
            text: format!("{gap}{block}"),
            say: format!("add to {LAB}:\n{}", block.trim_end()),
        }
    }

    /// No more the line of the value at `span`, where it has the line for itself.
    pub(super) fn remove(&self, span: Span) -> Option<Edit> {
        let start = self.text[..span.start as usize]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let rest = &self.text[span.end as usize..];
        let end = span.end as usize + rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = &self.text[start..end];
        let alone = read(line);
        let mut leaves = 0;
        alone.each_leaf(&mut |_, _| leaves += 1);
        if leaves != 1 || !line.contains('=') {
            return None;
        }
        Some(Edit {
            file: LAB.to_owned(),
            range: start..end,
            text: String::new(),
            say: format!("remove `{}` at {}", line.trim(), self.sources.refer(span)),
        })
    }
}

/// The tree of a piece of TOML.
fn read(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add(LAB.to_owned(), text.into(), SourceKind::Lab);
    toml::read(source, text, &mut Diagnostics::default())
}

/// The value of `lab.toml`, or of another TOML tree, that is written at exactly this span, and the way to it.
pub(super) fn written_at(tree: &Node, span: Span) -> Option<(Path, &Node)> {
    fn walk<'n>(node: &'n Node, span: Span, path: &mut Path) -> Option<&'n Node> {
        let steps: Vec<(Step, &Node)> = match &node.value {
            Value::Map(map) => map
                .iter()
                .map(|(key, entry)| (Step::Key(key.clone()), &entry.node))
                .collect(),
            Value::List(items) => (0..).map(Step::Index).zip(items).collect(),
            _ => Vec::new(),
        };
        for (step, child) in steps {
            path.0.push(step);
            if child.origin.first() == Some(span) {
                return Some(child);
            }
            if let Some(found) = walk(child, span, path) {
                return Some(found);
            }
            path.0.pop();
        }
        None
    }
    let mut path = Path::default();
    let node = walk(tree, span, &mut path)?;
    Some((path, node))
}
