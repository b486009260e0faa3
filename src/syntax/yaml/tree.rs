//! Parser events to syntax: anchors, aliases, merge keys, and the limits that keep time and memory bounded.
//!
//! Knows no data model beyond [`Syntax`], and leaves the wording of the parser's own errors to `message`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::{
    Key, MAX_DEPTH, MAX_DOCUMENTS, MAX_PROBLEMS, MAX_SIZE, MAX_TEXT, MAX_VALUES, Meaning, Place,
    Scalar, Syntax, SyntaxKind, message, scalar,
};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceId, Span};

/// What YAML 1.1 takes for a line break and YAML 1.2 for text.
const ODD_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Up to so many entries, comparing each with each is faster than sorting.
const SMALL_MAP: usize = 16;

/// What ends the reading of a file.
type Stop = Box<Diagnostic>;

/// Every document of `text` that is not empty.
pub(super) fn documents(
    source: SourceId,
    text: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<Syntax> {
    let mut documents = Vec::new();
    if text.len() > MAX_SIZE {
        diagnostics.push(message::too_large(Span::new(source, 0, 0)));
        return documents;
    }
    let outcome = Builder::new(source, text, diagnostics).stream(&mut documents);
    if let Err(stop) = outcome {
        diagnostics.push(*stop);
    }
    documents
}

struct Builder<'a> {
    source: SourceId,
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// Finished anchors of this document, by the parser's number.
    anchors: BTreeMap<usize, Anchor>,
    /// What the file holds so far.
    total: Size,
    has_odd_breaks: bool,
    reported: usize,
    diagnostics: &'a mut Diagnostics,
}

struct Anchor {
    syntax: Syntax,
    size: Size,
}

/// What a value costs.
#[derive(Clone, Copy, Default)]
struct Size {
    values: usize,
    text: usize,
    depth: usize,
}

/// An event and where it is.
struct Next<'a> {
    event: Event<'a>,
    span: Span,
    column: usize,
}

type Entries = Vec<(Key, Syntax)>;

impl<'a> Builder<'a> {
    fn new(source: SourceId, text: &'a str, diagnostics: &'a mut Diagnostics) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        Builder {
            source,
            text,
            parser: Parser::new_from_str_with_options(text, options),
            anchors: BTreeMap::new(),
            total: Size::default(),
            has_odd_breaks: ODD_BREAKS.iter().any(|odd| text.contains(*odd)),
            reported: 0,
            diagnostics,
        }
    }

    fn stream(&mut self, documents: &mut Vec<Syntax>) -> Result<(), Stop> {
        loop {
            match self.next()?.event {
                Event::StreamEnd => return Ok(()),
                Event::DocumentStart(..) => {
                    self.anchors.clear();
                    let root = self.next()?;
                    let root = self.node(root, 0)?;
                    if documents.len() == MAX_DOCUMENTS {
                        return Err(Box::new(message::too_many_documents(root.span)));
                    }
                    if !root.is_null() {
                        documents.push(root);
                    }
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<Next<'a>, Stop> {
        let (event, span) = match self.parser.next_event() {
            Some(Ok(next)) => next,
            Some(Err(error)) => {
                return Err(Box::new(message::syntax(self.source, self.text, &error)));
            }
            None => (Event::StreamEnd, granit_parser::Span::default()),
        };
        let range = span.byte_range().unwrap_or_default();
        Ok(Next {
            event,
            span: Span::new(self.source, range.start, range.end),
            column: span.start.col(),
        })
    }

    fn node(&mut self, next: Next<'a>, depth: usize) -> Result<Syntax, Stop> {
        let Next {
            event,
            span,
            column,
        } = next;
        let (anchor, syntax) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            Event::UnresolvedAlias(name) => return self.unknown_anchor(&name, span),
            Event::Scalar(text, style, anchor, tag) => (
                anchor,
                self.scalar(text, style, tag.as_deref(), span, column)?,
            ),
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(span, depth + 1)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(span, depth + 1)?),
            event => unreachable!("the parser gives {event:?} where a node must be"),
        };
        if anchor != 0 {
            let size = Size::of(&syntax);
            self.count(size, span)?;
            let syntax = syntax.clone();
            self.anchors.insert(anchor, Anchor { syntax, size });
        }
        Ok(syntax)
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<Syntax, Stop> {
        let Some(Anchor { syntax, size }) = self.anchors.get(&anchor) else {
            return Err(Box::new(message::contains_itself(span)));
        };
        let (size, written) = (*size, syntax.span);
        check_depth(depth + size.depth, span)?;
        self.count(size, span)?;
        Ok(Syntax {
            span,
            via: Some(written),
            kind: self.anchors[&anchor].syntax.kind.clone(),
        })
    }

    /// Reads on with a null, unless a colon was meant to make the alias a key: then nothing behind it fits.
    fn unknown_anchor(&mut self, name: &str, span: Span) -> Result<Syntax, Stop> {
        let problem = message::unknown_anchor(name, span);
        if name.ends_with(':') {
            return Err(Box::new(problem));
        }
        self.report(problem);
        Ok(Syntax::null(span))
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
        column: usize,
    ) -> Result<Syntax, Stop> {
        let plain = style == ScalarStyle::Plain;
        // The parser reports a value that is not written at all as `~`.
        let mut text = if plain && span.start == span.end {
            String::new()
        } else {
            text.into_owned()
        };
        if self.ends_without_break(style, span, column) && text.ends_with('\n') {
            text.pop();
        }
        let size = Size {
            values: 1,
            text: text.len(),
            depth: 0,
        };
        self.count(size, span)?;
        self.check_breaks(span);
        let place = self.place(&text, style, span, column);
        let (text, meaning) = match tag {
            None if plain => {
                let meaning = scalar::plain(&text);
                (text, meaning)
            }
            None => (text, Meaning::Text),
            Some(tag) => self.tagged(tag, text, span),
        };
        Ok(Syntax {
            span,
            via: None,
            kind: SyntaxKind::Scalar(Scalar {
                text,
                plain,
                place,
                meaning,
            }),
        })
    }

    fn tagged(&mut self, tag: &Tag, text: String, span: Span) -> (String, Meaning) {
        scalar::tagged(&full_name(tag), text).unwrap_or_else(|message| {
            self.report(Diagnostic::error(Code::YAML_SYNTAX, span, message));
            (String::new(), Meaning::Text)
        })
    }

    /// Whether this is a block scalar whose last line ends with the file: then it has no line break, either.
    fn ends_without_break(&self, style: ScalarStyle, span: Span, indent: usize) -> bool {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let last_line = || self.text.rsplit('\n').next().unwrap_or_default();
        block && span.end as usize == self.text.len() && last_line().len() > indent
    }

    fn check_breaks(&mut self, span: Span) {
        if !self.has_odd_breaks {
            return;
        }
        let written = &self.text[span.range()];
        for (at, character) in written.match_indices(ODD_BREAKS) {
            let place = span.part(at, at + character.len());
            self.report(message::odd_break(character, place));
        }
    }

    fn place(&self, text: &str, style: ScalarStyle, span: Span, column: usize) -> Place {
        let quote = match style {
            ScalarStyle::Plain => 0,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
            ScalarStyle::Literal => {
                let indent = u32::try_from(column).unwrap_or(u32::MAX);
                return Place::Block { span, indent };
            }
            ScalarStyle::Folded => return Place::Within(span),
        };
        let start = span.start + quote;
        if self.text[start as usize..].starts_with(text) {
            Place::Verbatim { span, start }
        } else {
            Place::Within(span)
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Syntax, Stop> {
        check_depth(depth, start)?;
        let mut items: Vec<Syntax> = Vec::new();
        let end = loop {
            let next = self.next()?;
            if matches!(next.event, Event::SequenceEnd) {
                break next.span;
            }
            items.push(self.node(next, depth)?);
        };
        let last = items.last().map_or(start.end, |item| item.span.end);
        Ok(Syntax {
            span: around(start, last, end),
            via: None,
            kind: SyntaxKind::List(items),
        })
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Syntax, Stop> {
        check_depth(depth, start)?;
        let mut entries: Entries = Vec::new();
        let mut merged: BTreeSet<usize> = BTreeSet::new();
        let mut last = start.end;
        let end = loop {
            let next = self.next()?;
            if matches!(next.event, Event::MappingEnd) {
                break next.span;
            }
            let is_merge = is_merge(&next.event);
            let key = self.node(next, depth)?;
            let next = self.next()?;
            let value = self.node(next, depth)?;
            last = value.span.end;
            if is_merge {
                let first = entries.len();
                merge(&mut entries, value)?;
                merged.extend(first..entries.len());
            } else if let Some(key) = self.key(key) {
                entries.push((key, value));
            }
        };
        if !all_differ(&entries) {
            entries = self.settle(entries, &merged);
        }
        Ok(Syntax {
            span: around(start, last, end),
            via: None,
            kind: SyntaxKind::Map(entries),
        })
    }

    fn key(&mut self, syntax: Syntax) -> Option<Key> {
        let kind = match syntax.kind {
            SyntaxKind::Scalar(Scalar {
                text,
                place,
                meaning,
                ..
            }) => match scalar::key_name(text, meaning) {
                Some(name) => return Some(Key { name, place }),
                None if meaning == Meaning::Null => "null",
                None => "number of this size",
            },
            SyntaxKind::List(_) => "list",
            SyntaxKind::Map(_) if self.text[..syntax.span.start as usize].ends_with('{') => {
                let braces = Span {
                    start: syntax.span.start - 1,
                    end: syntax.span.start + 1,
                    ..syntax.span
                };
                self.report(message::braces_are_maps(braces));
                return None;
            }
            SyntaxKind::Map(_) => "map",
        };
        self.report(message::not_a_key(syntax.span, kind));
        None
    }

    /// The entries of a map with each key once. Two that are written are a problem; otherwise the last of equal
    /// keys wins, as in Go, and stands where the first stood.
    fn settle(&mut self, entries: Entries, merged: &BTreeSet<usize>) -> Entries {
        let mut settled: Entries = Vec::with_capacity(entries.len());
        let mut written: BTreeMap<String, Place> = BTreeMap::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (index, (key, value)) in entries.into_iter().enumerate() {
            match written.get(&key.name) {
                Some(first) if merged.contains(&index) => {
                    self.report(message::replaced_by_merge(&key, *first, value.via));
                }
                Some(first) => self.report(message::duplicate_key(&key, *first)),
                None if merged.contains(&index) => {}
                None => {
                    written.insert(key.name.clone(), key.place);
                }
            }
            match places.get(&key.name) {
                Some(place) => settled[*place] = (key, value),
                None => {
                    places.insert(key.name.clone(), settled.len());
                    settled.push((key, value));
                }
            }
        }
        settled
    }

    /// Reports a problem that reading can go on after; of many in one file only the first.
    fn report(&mut self, problem: Diagnostic) {
        self.reported += 1;
        if self.reported <= MAX_PROBLEMS {
            self.diagnostics.push(problem);
        }
    }

    fn count(&mut self, size: Size, span: Span) -> Result<(), Stop> {
        self.total.values += size.values;
        self.total.text += size.text;
        if self.total.values > MAX_VALUES {
            return Err(Box::new(message::too_many_values(span)));
        }
        if self.total.text > MAX_TEXT {
            return Err(Box::new(message::too_much_text(span)));
        }
        Ok(())
    }
}

impl Size {
    fn of(syntax: &Syntax) -> Size {
        match &syntax.kind {
            SyntaxKind::Scalar(scalar) => Size {
                values: 1,
                text: scalar.text.len(),
                depth: 0,
            },
            SyntaxKind::List(items) => Size::around(items.iter().map(Size::of)),
            SyntaxKind::Map(entries) => Size::around(entries.iter().map(|(key, value)| {
                let size = Size::of(value);
                Size {
                    text: size.text + key.name.len(),
                    ..size
                }
            })),
        }
    }

    fn around(children: impl Iterator<Item = Size>) -> Size {
        let own = Size {
            values: 1,
            text: 0,
            depth: 1,
        };
        children.fold(own, |total, child| Size {
            values: total.values + child.values,
            text: total.text + child.text,
            depth: total.depth.max(child.depth + 1),
        })
    }
}

/// Adds the entries of a merge key's value. As in Go each replaces what stands before the merge key and gives
/// way to what comes behind it, and of several maps the first wins.
fn merge(entries: &mut Entries, value: Syntax) -> Result<(), Stop> {
    let maps = match value.kind {
        SyntaxKind::List(maps) if value.via.is_none() => maps,
        _ => vec![value],
    };
    for map in maps.into_iter().rev() {
        let SyntaxKind::Map(merged) = map.kind else {
            return Err(Box::new(message::not_mergeable(map.span)));
        };
        for (key, mut value) in merged {
            value.via = value.via.or(Some(map.span));
            entries.push((key, value));
        }
    }
    Ok(())
}

fn is_merge(event: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = event else {
        return false;
    };
    text == "<<" && {
        let tag = tag.as_deref().map(full_name);
        scalar::is_merge(text, tag.as_deref(), *style == ScalarStyle::Plain)
    }
}

fn full_name(tag: &Tag) -> String {
    let (handle, suffix) = tag.parts();
    format!("{handle}{suffix}")
}

fn check_depth(depth: usize, span: Span) -> Result<(), Stop> {
    if depth > MAX_DEPTH {
        return Err(Box::new(message::too_deep(span)));
    }
    Ok(())
}

/// The span of a map or list: to its closing bracket, if it has one, else to the end of what stands last in it.
fn around(start: Span, last: u32, end: Span) -> Span {
    let end = if end.start < end.end { end.end } else { last };
    Span {
        end: end.max(start.end),
        ..start
    }
}

/// Whether no key stands twice.
fn all_differ(entries: &[(Key, Syntax)]) -> bool {
    if entries.len() <= SMALL_MAP {
        return entries.iter().enumerate().all(|(index, (key, _))| {
            entries[..index]
                .iter()
                .all(|(other, _)| other.name != key.name)
        });
    }
    let mut names: Vec<&str> = entries.iter().map(|(key, _)| key.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}
