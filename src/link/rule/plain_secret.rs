//! No secret stands in the source: no Secret with data, no key, token or password in a file of the lab.
//!
//! What only looks like one is allowed by `# labc: not-a-secret` on its line. A value that is found is never shown: the
//! span covers it, and the report masks what it covers.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::pod::Pod;
use crate::link::read;
use crate::secret::{ALLOWED, shape};
use crate::source::{SourceId, SourceKind, Span};
use crate::value::{Entry, Node};

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut lines: BTreeSet<(SourceId, usize)> = BTreeSet::new();
    for (id, file) in index.sources.iter() {
        if file.kind == SourceKind::Lab {
            for (number, found) in shape::find(&file.text) {
                // An input for a secret of the lab takes its name, whatever the input is called.
                let text = &file.text[found.range.clone()];
                if index.lab.sections.secrets.contains_key(text) {
                    continue;
                }
                lines.insert((id, number));
                let span = Span::new(id, found.range.start, found.range.end);
                if is_place(index, span) && shape::find(&file.text[found.range.clone()]).is_empty()
                {
                    continue;
                }
                diagnostics.push(plain(span, &format!("this looks like {}", found.what)));
            }
        }
    }
    for place in index.of_kind("", "Secret") {
        with_data(index, place, diagnostics);
    }
    for pod in index.pods.iter() {
        environment(index, pod, &lines, diagnostics);
    }
}

/// Whether a text says where a store has a key of a secret: then it is only called as the key is.
fn is_place(index: &Index<'_>, span: Span) -> bool {
    let secrets = index.lab.sections.secrets.values();
    let places = secrets.flat_map(|secret| secret.keys.values());
    let mut places = places.filter_map(|key| key.reference.as_ref());
    places.any(|place| {
        let around = place.span;
        around.source == span.source && around.start <= span.start && span.end <= around.end
    })
}

fn plain(span: impl Into<Option<Span>>, message: &str) -> Diagnostic {
    Diagnostic::error(Code::PLAIN_SECRET, span, message)
        .note("the source is committed: whoever can read the repository, now or later, has it")
        .help("declare it under `[secrets]` and refer to it; if it was ever pushed, replace it")
        .help(format!("if it is none, say so on its line: `# {ALLOWED}`"))
}

/// A Secret that brings data of its own.
fn with_data(index: &Index<'_>, place: Place<'_>, diagnostics: &mut Diagnostics) {
    // Encrypted data is no plain text; that labc cannot carry it is another rule's business.
    if place.node().get("sops").is_some() {
        return;
    }
    let kind = place.node().get("kind");
    if kind.is_some_and(|kind| is_allowed(index, kind.origin.first())) {
        return;
    }
    let data = ["data", "stringData"].into_iter();
    let filled = data
        .filter_map(|path| read::map(place.node(), path))
        .flatten()
        .find(|(_, entry)| is_filled(&entry.node) && !is_entry_allowed(index, entry));
    if let Some((key, entry)) = filled {
        let message = format!(
            "Secret `{}` has its `{key}` in the source",
            place.resource.id.name
        );
        diagnostics.push(plain(index.span(place, &entry.node), &message));
    }
}

fn is_filled(node: &Node) -> bool {
    !node.as_str().unwrap_or_default().trim().is_empty()
}

fn is_entry_allowed(index: &Index<'_>, entry: &Entry) -> bool {
    is_allowed(index, entry.key) || is_allowed(index, entry.node.origin.first())
}

/// Whether the line on which something begins allows it.
fn is_allowed(index: &Index<'_>, span: Option<Span>) -> bool {
    let Some(span) = span else { return false };
    let file = index.sources.file(span.source);
    let (line, _) = file.place(span.start as usize);
    file.line(line).is_some_and(|line| line.contains(ALLOWED))
}

/// A password among a container's environment variables, which are two lines in YAML: a name and a value.
fn environment(
    index: &Index<'_>,
    pod: &Pod<'_>,
    lines: &BTreeSet<(SourceId, usize)>,
    diagnostics: &mut Diagnostics,
) {
    for variable in pod
        .containers()
        .flat_map(|container| read::every(container, "env.*"))
    {
        let name = read::text(variable, "name").unwrap_or_default();
        let Some(value) = variable.get("value") else {
            continue;
        };
        let text = value.as_str().unwrap_or_default();
        if !shape::names_password(name) || !shape::is_literal(text) {
            continue;
        }
        let Some(span) = index.span(pod.place, value) else {
            continue;
        };
        let (line, _) = index.sources.file(span.source).place(span.start as usize);
        if !lines.contains(&(span.source, line)) && !is_allowed(index, Some(span)) {
            let message = format!("the environment variable `{name}` has its value in the source");
            diagnostics.push(plain(span, &message));
        }
    }
}
