//! What is wrong with a lab, as data: code, place, labels, notes and help.
//!
//! A leaf of the crate: it knows no stage. The message is written where the problem is found; only [`report`]
//! knows how one is drawn.

mod code;
pub mod report;
mod shown;

use std::collections::BTreeSet;

pub use code::Code;
pub(crate) use shown::Part;

use crate::source::{Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The lab is wrong; nothing is written.
    Error,
    /// Probably wrong; the build goes on.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word that starts the message.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A second place that a message points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there; a lowercase phrase.
    pub text: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code: the number of its page.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// A lowercase phrase without a final period, names in backticks.
    pub message: String,
    /// Where the caret points; nothing where the problem has no place in a source file.
    pub span: Option<Span>,
    /// What the caret says.
    pub label: String,
    /// Other places.
    pub labels: Vec<Label>,
    /// What explains it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Error, code, span.into(), message.into())
    }

    /// A warning at `span`.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Warning, code, span.into(), message.into())
    }

    /// A note at `span`.
    pub fn note_at(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Note, code, span.into(), message.into())
    }

    fn new(severity: Severity, code: Code, span: Option<Span>, message: String) -> Self {
        Diagnostic {
            code,
            severity,
            message,
            span,
            label: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Says at the caret what is there.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Points at another place as well.
    #[must_use]
    pub fn label(mut self, span: impl Into<Option<Span>>, text: impl Into<String>) -> Self {
        if let Some(span) = span.into() {
            let text = text.into();
            self.labels.push(Label { span, text });
        }
        self
    }

    /// Adds a `= note:` line.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a `= help:` line.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds `help` if there is one.
    #[must_use]
    pub fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }
}

/// Every problem found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds those of `other`.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.found.append(&mut other.found);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether the lab is wrong.
    pub fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }

    /// The first one that was found.
    pub fn first(&self) -> Option<&Diagnostic> {
        self.found.first()
    }

    /// Those that are at least as bad as `least`.
    #[must_use]
    pub fn at_least(&self, least: Severity) -> Self {
        let bad = |diagnostic: &&Diagnostic| diagnostic.severity <= least;
        Diagnostics {
            found: self.found.iter().filter(bad).cloned().collect(),
        }
    }

    /// How many of a severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.found
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    }

    /// All of them, each once, by file, place and code; those without a place last.
    pub fn sorted(&self, sources: &Sources) -> Vec<&Diagnostic> {
        let key = |diagnostic: &Diagnostic| {
            let place = diagnostic.span.map(|span| {
                let name = sources.file(span.source).name.clone();
                (name != "lab.toml", name, span.start, span.end)
            });
            (
                place.is_none(),
                place,
                diagnostic.code,
                diagnostic.message.clone(),
            )
        };
        let mut all: Vec<&Diagnostic> = self.found.iter().collect();
        all.sort_by_cached_key(|diagnostic| key(diagnostic));
        let mut seen = BTreeSet::new();
        all.retain(|diagnostic| {
            seen.insert((
                diagnostic.code,
                diagnostic.span,
                diagnostic.message.as_str(),
            ))
        });
        all
    }
}

/// Letters of a word that something is offered for; and names that are looked at for it. The comparison takes the
/// product of both lengths, for each of them.
const MAX_WORD: usize = 100;
const MAX_CANDIDATES: usize = 1000;

/// The candidate that `word` most probably means, if one is near enough to offer.
///
/// Near enough is a Damerau-Levenshtein distance of at most a third of the word's length, as in cargo.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = length.max(3) / 3;
    if length > MAX_WORD {
        return None;
    }
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", if a candidate is near enough.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}
