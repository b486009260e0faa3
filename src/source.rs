//! Where a value was written: files, spans, and the origins that follow a value to the output.
//!
//! A leaf of the crate: it knows no format, no disk and no stage.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

/// One file of the source, by its place in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(NonZeroU32);

/// A range of bytes of one source file. `end` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `start..end` in `source`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span {
            source,
            start: clamp(start),
            end: clamp(end),
        }
    }

    /// The part `start..end` of this span, counted from its first byte and never beyond its end.
    pub fn part(self, start: usize, end: usize) -> Self {
        let limit = |offset: usize| {
            self.start
                .saturating_add(u32::try_from(offset).unwrap_or(u32::MAX))
                .min(self.end)
        };
        Span {
            source: self.source,
            start: limit(start),
            end: limit(end),
        }
    }

    /// The range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it was written. Two are equal when their values are: a span is never part of equality.
#[derive(Clone, Copy, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }

    /// The same span around another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            span: self.span,
        }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// Every source span that made a value: first where it is written, then what it was made from (inputs that a
/// template read, the condition that let it stand, the patch that changed it).
///
/// Cheap to clone. Never part of a value's equality.
#[derive(Clone, Default)]
pub struct Origin(Spans);

/// Spans that one origin keeps: nobody reads more reasons why a value is there.
const MAX_SPANS: usize = 256;

#[derive(Clone, Default)]
enum Spans {
    #[default]
    None,
    One(Span),
    Many(Arc<[Span]>),
}

impl Origin {
    /// No known origin: only for values that no source made.
    pub fn none() -> Self {
        Origin(Spans::None)
    }

    /// Written at `span`, from nothing else.
    pub fn at(span: Span) -> Self {
        Origin(Spans::One(span))
    }

    /// From `spans`, in their order, each once; of very many the first.
    pub fn from_spans(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut spans = spans.into_iter();
        let Some(first) = spans.next() else {
            return Origin(Spans::None);
        };
        let Some(second) = spans.find(|span| *span != first) else {
            return Origin(Spans::One(first));
        };
        let mut all: SmallVec<[Span; 8]> = smallvec![first, second];
        for span in spans {
            if all.len() == MAX_SPANS {
                break;
            }
            if !all.contains(&span) {
                all.push(span);
            }
        }
        Origin(Spans::Many(all.as_slice().into()))
    }

    /// The spans: where it is written first.
    pub fn spans(&self) -> &[Span] {
        match &self.0 {
            Spans::None => &[],
            Spans::One(span) => std::slice::from_ref(span),
            Spans::Many(spans) => spans,
        }
    }

    /// Where the value is written.
    pub fn first(&self) -> Option<Span> {
        self.spans().first().copied()
    }

    /// What the value at its first place, `span`, was made from in the same file: another line that a person can change.
    pub fn source_of(&self, span: Span) -> Option<Span> {
        let apart = |other: &&Span| {
            other.source == span.source && (other.end <= span.start || span.end <= other.start)
        };
        self.spans().iter().find(apart).copied()
    }

    /// This origin, then those spans of `other` that it lacks.
    #[must_use]
    pub fn with(&self, other: &Origin) -> Self {
        if other.spans().iter().all(|span| self.spans().contains(span)) {
            return self.clone();
        }
        if self.spans().is_empty() {
            return other.clone();
        }
        Origin::from_spans(self.spans().iter().chain(other.spans()).copied())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.spans()).finish()
    }
}

/// What kind of file a source is: it decides how a message and `explain` speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A file of the lab: `lab.toml`, a module of its own, a values file.
    Lab,
    /// A file of the standard library that is built into the binary.
    Standard,
}

/// One source file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as messages show it, with `/`: relative to the lab's folder, or `labc:modules/...`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// Whose file it is.
    pub kind: SourceKind,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// Line and column of a byte offset, both counted from 1; the column counts characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self
            .line_starts
            .partition_point(|start| *start as usize <= offset);
        let start = self.line_starts[line - 1] as usize;
        let column = self
            .text
            .get(start..offset)
            .map_or(offset - start, |text| text.chars().count());
        (line, column + 1)
    }

    /// The text of a line counted from 1, without its line break.
    pub fn line(&self, line: usize) -> Option<&str> {
        let start = *self.line_starts.get(line.checked_sub(1)?)? as usize;
        let end = self
            .line_starts
            .get(line)
            .map_or(self.text.len(), |next| *next as usize);
        Some(self.text[start..end].trim_end_matches(['\n', '\r']))
    }
}

/// All source files of a compilation, in the order in which they were read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What stands before the name of a file of the lab so that Git knows it, where the lab is one of a commit:
    /// `3f2a1c9:clusters/home/`.
    pub at: Option<String>,
    files: Vec<SourceFile>,
    names: BTreeMap<String, SourceId>,
}

impl Sources {
    /// Adds a file and returns its id.
    pub fn add(&mut self, name: String, text: Arc<str>, kind: SourceKind) -> SourceId {
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(index, _)| u32::try_from(index + 1).unwrap_or(u32::MAX));
        let line_starts = std::iter::once(0).chain(starts).collect();
        let id = self.id(self.files.len());
        self.names.entry(name.clone()).or_insert(id);
        self.files.push(SourceFile {
            name,
            text,
            kind,
            line_starts,
        });
        id
    }

    /// The file of an id that [`Sources::add`] returned.
    pub fn file(&self, id: SourceId) -> &SourceFile {
        &self.files[id.0.get() as usize - 1]
    }

    /// What a message calls a file that it shows lines of.
    pub fn shown(&self, id: SourceId) -> Cow<'_, str> {
        let file = self.file(id);
        match (&self.at, file.kind) {
            (Some(at), SourceKind::Lab) => Cow::Owned(format!("{at}{}", file.name)),
            _ => Cow::Borrowed(&file.name),
        }
    }

    /// The id of a place among the files: one more, so that an optional span takes no more room than a span.
    fn id(&self, index: usize) -> SourceId {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        SourceId(number.expect("fewer than 4 billion files"))
    }

    /// Every file with its id.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &SourceFile)> {
        (0..).map(|index| self.id(index)).zip(&self.files)
    }

    /// The id of the file that is shown as `name`.
    pub fn find(&self, name: &str) -> Option<SourceId> {
        self.names.get(name).copied()
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.source)
            .text
            .get(span.range())
            .unwrap_or_default()
    }

    /// `file:line`, as notes refer to a place.
    pub fn refer(&self, span: Span) -> String {
        let file = self.file(span.source);
        format!("{}:{}", file.name, file.place(span.start as usize).0)
    }
}
