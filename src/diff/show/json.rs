//! A diff as data: `{"schema": 1, "base": {...}, "target": {...}, "sources": [...], "changes": [...], "dangers": [...]}`.
//!
//! Documented in the README. New keys may be added; none changes its meaning.

use serde_json::{Value, json};

use super::group::{of_drift, phrase};
use super::{Report, Side};
use crate::diff::{Cause, Change, Danger, Diff, Drift, Field, SourceChange, Subject, What};
use crate::template::convert;

/// The whole report as data.
pub fn json(report: &Report<'_>) -> Value {
    let nothing = Diff::default();
    let diff = report.diff.unwrap_or(&nothing);
    let changes = diff.changes.iter().map(|change| of_change(change, diff));
    let dangers = diff.dangers.iter().enumerate();
    let dangers =
        dangers.map(|(index, danger)| of_danger(danger, report.acknowledged.contains(&index)));
    json!({
        "schema": 1,
        "base": of_side(&report.base),
        "target": of_side(&report.target),
        "compared": report.diff.is_some(),
        "unjudged": report.unjudged(),
        "sources": diff.sources.iter().map(of_source).collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "dangers": dangers.collect::<Vec<_>>(),
    })
}

fn of_side(side: &Side) -> Value {
    let drift = side.drift.iter();
    let drift = drift.map(
        |(path, drift)| json!({ "file": path, "why": word(*drift), "text": of_drift(*drift) }),
    );
    json!({
        "name": side.name,
        "commit": side.commit,
        "drift": drift.collect::<Vec<_>>(),
        "wrong": side.wrong.as_ref().map(|(_, data)| data),
    })
}

fn word(drift: Drift) -> &'static str {
    match drift {
        Drift::HandEdit => "hand-edit",
        Drift::Stale => "stale",
        Drift::Epoch => "epoch",
    }
}

fn of_source(change: &SourceChange) -> Value {
    json!({
        "kind": change.kind.word(),
        "file": change.file,
        "line": change.line,
        "key": change.key,
        "before": change.before,
        "after": change.after,
    })
}

fn of_cause(cause: Cause) -> Value {
    match cause {
        Cause::Source(index) => json!({ "source": index }),
        Cause::Sources => json!({ "source": null }),
        Cause::Drift(drift) => json!({ "drift": word(drift) }),
        Cause::Unknown => json!({ "unknown": true }),
    }
}

fn causes(causes: &[Cause]) -> Vec<Value> {
    causes.iter().copied().map(of_cause).collect()
}

fn of_change(change: &Change, diff: &Diff) -> Value {
    let told = change
        .all_causes()
        .into_iter()
        .map(|cause| phrase(cause, diff));
    json!({
        "subject": of_subject(&change.subject),
        "text": change.subject.to_string(),
        "kind": change.kind.word(),
        "component": change.component,
        "from": change.from,
        "to": change.to,
        "nodes": change.nodes,
        "causes": causes(&change.causes),
        "because": told.collect::<Vec<_>>(),
        "fields": change.fields.iter().map(of_field).collect::<Vec<_>>(),
    })
}

fn of_subject(subject: &Subject) -> Value {
    match subject {
        Subject::Resource(id) => json!({
            "is": "resource",
            "group": id.group,
            "kind": id.kind,
            "namespace": id.namespace,
            "name": id.name,
        }),
        Subject::Machine { patch, document } => {
            json!({ "is": "machine", "patch": patch, "document": document })
        }
        Subject::Schematic(name) => json!({ "is": "schematic", "name": name }),
        Subject::Values(component) => json!({ "is": "values", "component": component }),
        Subject::File(path) => json!({ "is": "file", "path": path }),
    }
}

fn of_field(field: &Field) -> Value {
    let (kind, before, after) = match &field.what {
        What::Added(after) => ("added", None, Some(after)),
        What::Removed(before) => ("removed", Some(before), None),
        What::Changed(before, after) => ("changed", Some(before), Some(after)),
        What::Reordered => ("reordered", None, None),
    };
    json!({
        "path": field.path.to_string(),
        "kind": kind,
        "before": before.map(convert::json),
        "after": after.map(convert::json),
        "causes": causes(&field.causes),
    })
}

fn of_danger(danger: &Danger, is_acknowledged: bool) -> Value {
    json!({
        "code": danger.code.to_string(),
        "severity": danger.severity.word(),
        "change": danger.change,
        "others": danger.others,
        "message": danger.message,
        "notes": danger.notes,
        "help": danger.help,
        "causes": causes(&danger.causes),
        "acknowledged": is_acknowledged,
    })
}
