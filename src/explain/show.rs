//! A story as text for people and as data for programs, without the secrets of the sources that it shows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::find::Subject;
use super::role::Roles;
use super::{Cause, Reason, Story, child};
use crate::diag::report::{Colour, Section, places};
use crate::diag::{Label, Part};
use crate::mask::{Masker, Piece};
use crate::source::{SourceId, Sources, Span};
use crate::template::convert;
use crate::value::{Node, Path, Step, Value as Data};

/// A story as text that ends in a line break.
pub fn text(story: &Story<'_>, sources: &Sources, colour: Colour) -> String {
    let mut masker = masker(sources);
    let shown = Shown::of(&story.subject, &mut masker);
    let hidden = hidden(story, sources, &mut masker);
    let mut sections = vec![Section {
        title: format!("{}:{}: {}", story.file, story.line, shown.title()),
        places: labels(&story.causes, &mut masker),
    }];
    sections.extend(story.reasons.iter().map(|reason| {
        let what = match shown.around(reason) {
            path if path.0.is_empty() => "the document".to_owned(),
            path => format!("`{path}`"),
        };
        Section {
            title: format!("{what} is there because of this"),
            places: labels(&reason.causes, &mut masker),
        }
    }));
    let part = |Piece { range, word }| Part { range, word };
    let hidden = hidden
        .into_iter()
        .map(|(source, pieces)| (source, pieces.into_iter().map(part).collect()));
    let drawn = places(&sections, sources, hidden.collect(), colour);
    if story.causes.is_empty() {
        format!("{drawn}labc itself writes this: no line of the sources made it\n")
    } else {
        drawn
    }
}

/// One masker for all of a story: a secret has the same word in the tree and in the sources.
fn masker(sources: &Sources) -> Masker {
    Masker::knowing(Roles::new(sources).secrets())
}

/// What stands at the place, as it may be shown.
enum Shown {
    Node { path: Path, node: Node },
    Line(String),
    Copy,
}

impl Shown {
    fn of(subject: &Subject<'_>, masker: &mut Masker) -> Self {
        match subject {
            Subject::Node { document, path } => Shown::node(document, path, masker),
            Subject::Line { text, index, .. } => {
                let lines = text.lines.iter().map(|line| line.text.as_str());
                let shown = masker.lines(&lines.collect::<Vec<_>>().join("\n"));
                let line = shown.into_iter().nth(*index).unwrap_or_default();
                Shown::Line(line.trim().to_owned())
            }
            Subject::Copy { .. } => Shown::Copy,
        }
    }

    /// A key that is a token has its word in its place.
    fn node(document: &Node, path: &Path, masker: &mut Masker) -> Self {
        let mut masked = document.clone();
        masker.node(&mut masked);
        let mut node = &masked;
        let mut shown = Path::default();
        for step in &path.0 {
            let step = match step {
                Step::Key(key) if node.get(key).is_none() => Step::Key(masker.text(key).into()),
                step => step.clone(),
            };
            node = child(node, &step).unwrap_or(node);
            shown.0.push(step);
        }
        Shown::Node {
            path: shown,
            node: node.clone(),
        }
    }

    /// One line that says what is explained.
    fn title(&self) -> String {
        match self {
            Shown::Node { path, node } if path.0.is_empty() => {
                format!("the document is {}", describe(node))
            }
            Shown::Node { path, node } => format!("`{path}` is {}", describe(node)),
            Shown::Line(line) => format!("`{line}`"),
            Shown::Copy => "the whole file is copied as it is".to_owned(),
        }
    }

    /// The way to a part around the place, or to the place itself.
    fn around(&self, reason: &Reason) -> Path {
        match self {
            Shown::Node { path, .. } => Path(path.0[..reason.path.0.len()].to_vec()),
            Shown::Line(_) | Shown::Copy => Path::default(),
        }
    }
}

/// A value in a few words.
fn describe(node: &Node) -> String {
    match &node.value {
        Data::Map(map) if !map.is_empty() => {
            let keys: Vec<String> = map.keys().map(|key| format!("`{key}`")).collect();
            format!("a map of {}", keys.join(", "))
        }
        Data::List(items) if !items.is_empty() => match items.len() {
            1 => "a list of 1 item".to_owned(),
            count => format!("a list of {count} items"),
        },
        Data::Str(text) if text.trim_end().contains('\n') => {
            let mut lines = text.lines();
            let first = lines.next().unwrap_or_default();
            format!("a text of {} lines: `{first}` ...", lines.count() + 1)
        }
        _ => format!(
            "`{}`",
            crate::emit::yaml::print(std::slice::from_ref(node)).trim_end()
        ),
    }
}

fn labels(causes: &[Cause], masker: &mut Masker) -> Vec<Label> {
    let label = |cause: &Cause| Label {
        span: cause.span,
        text: masker.text(&cause.role.text),
    };
    causes.iter().map(label).collect()
}

/// A story as data.
pub fn json(story: &Story<'_>, sources: &Sources) -> Value {
    let mut masker = masker(sources);
    let shown = Shown::of(&story.subject, &mut masker);
    let hidden = hidden(story, sources, &mut masker);
    let mut cause = |cause: &Cause| {
        let file = sources.file(cause.span.source);
        let (line, column) = file.place(cause.span.start as usize);
        let (end_line, end_column) = file.place(cause.span.end as usize);
        json!({
            "file": file.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "text": written(cause.span, sources, &hidden[&cause.span.source]),
            "kind": cause.role.word,
            "what": masker.text(&cause.role.text),
        })
    };
    let mut causes = |causes: &[Cause]| causes.iter().map(&mut cause).collect::<Vec<Value>>();
    let own = causes(&story.causes);
    let reasons = story.reasons.iter().map(|reason| {
        let path = shown.around(reason).to_string();
        json!({ "path": path, "causes": causes(&reason.causes) })
    });
    let reasons: Vec<Value> = reasons.collect();
    let (path, value) = match &shown {
        Shown::Node { path, node } => (Some(path.to_string()), Some(convert::json(node))),
        Shown::Line(_) | Shown::Copy => (None, None),
    };
    json!({
        "schema": 1,
        "file": story.file,
        "line": story.line,
        "path": path,
        "value": value,
        "causes": own,
        "reasons": reasons,
    })
}

/// What is not shown of each file that a story leads to.
fn hidden(story: &Story, sources: &Sources, masker: &mut Masker) -> BTreeMap<SourceId, Vec<Piece>> {
    let around = story.reasons.iter().flat_map(|reason| &reason.causes);
    let causes = story.causes.iter().chain(around);
    let files: BTreeSet<SourceId> = causes.map(|cause| cause.span.source).collect();
    let pieces = |id: SourceId| {
        let file = sources.file(id);
        (id, masker.source(&file.name, &file.text))
    };
    files.into_iter().map(pieces).collect()
}

/// What is written at a span, with words in the place of what is not shown.
fn written(span: Span, sources: &Sources, hidden: &[Piece]) -> String {
    let text = &sources.file(span.source).text;
    let span = span.range();
    let mut shown = String::new();
    let mut at = span.start;
    for piece in hidden {
        let here = piece.range.start.max(span.start)..piece.range.end.min(span.end);
        if here.start < here.end {
            shown.push_str(&text[at..here.start]);
            shown.push_str(&piece.word);
            at = here.end;
        }
    }
    shown.push_str(&text[at..span.end]);
    shown
}
