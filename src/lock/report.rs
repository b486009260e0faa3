//! What is said about a tree on disk that is not what the sources make.

use std::collections::BTreeMap;

use similar::TextDiff;

use super::{EPOCH, FILE, Lock, State, Verdict};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::emit::Output;

/// Lines of a difference that are shown; the rest is counted.
const SHOWN: usize = 40;

/// One message a path that is not as the sources make it, and one about the lock if `lock_differs`.
pub fn report(
    verdicts: &[Verdict],
    lock_differs: bool,
    old: Option<&Lock>,
    outputs: &[Output],
    disk: &BTreeMap<String, Vec<u8>>,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    if let Some(epoch) = old.map(|old| old.epoch).filter(|epoch| *epoch < EPOCH) {
        let message = "the tree was made by an older labc";
        diagnostics.push(
            Diagnostic::error(Code::OTHER_EPOCH, None, message)
                .note(format!(
                    "{FILE} has output epoch {epoch}, and this labc has {EPOCH}"
                ))
                .help("run `labc build` and commit what it writes"),
        );
        return diagnostics;
    }
    let made: BTreeMap<&str, &Output> = outputs
        .iter()
        .map(|output| (output.path.as_str(), output))
        .collect();
    for verdict in verdicts {
        let diagnostic = of_path(verdict);
        let made = made.get(verdict.path.as_str());
        let difference = match (made, disk.get(&verdict.path)) {
            (Some(made), Some(there)) if verdict.state.is_refused() => {
                Some(difference(&made.bytes, there))
            }
            _ => None,
        };
        diagnostics.push(match difference {
            Some(difference) => diagnostic.note(difference),
            None => diagnostic,
        });
    }
    if lock_differs {
        let message = format!("{FILE} is not what the sources make");
        diagnostics.push(
            Diagnostic::error(Code::NOT_UP_TO_DATE, None, message)
                .help("run `labc build` and commit what it writes"),
        );
    }
    diagnostics
}

fn of_path(verdict: &Verdict) -> Diagnostic {
    let path = &verdict.path;
    let stale = |what: &str| {
        Diagnostic::error(Code::NOT_UP_TO_DATE, None, format!("`{path}` {what}"))
            .help("run `labc build` and commit what it writes")
    };
    let edited = |what: &str| {
        Diagnostic::error(Code::HAND_EDIT, None, format!("`{path}` {what}"))
            .help("to keep the change, say it in lab.toml: as a value, an input or a patch")
            .help("to drop it, run `labc build --force`")
    };
    match verdict.state {
        State::Same | State::New => stale("is missing: the sources make it now"),
        State::Missing => stale("is missing: it was removed by hand"),
        State::Stale => stale("is stale: the sources make something else now"),
        State::Obsolete => stale("is obsolete: the sources make it no more"),
        State::HandEdited => edited("was edited by hand"),
        State::HandEditedObsolete => edited("was edited by hand, and the sources make it no more"),
        State::Foreign => Diagnostic::error(
            Code::HAND_EDIT,
            None,
            format!("`{path}` is in the way: labc did not write it"),
        )
        .help("move it out of the way, or let `labc build --force` overwrite it"),
    }
}

/// The lines that differ, with two lines around them: `-` as the sources make it, `+` on disk.
fn difference(made: &[u8], there: &[u8]) -> String {
    let (made, there) = (
        String::from_utf8_lossy(made),
        String::from_utf8_lossy(there),
    );
    let diff = TextDiff::from_lines(made.as_ref(), there.as_ref());
    let unified = diff
        .unified_diff()
        .context_radius(2)
        .header("as the sources make it", "on disk")
        .to_string();
    let lines: Vec<&str> = unified.lines().collect();
    let mut text = format!(
        "the difference is\n{}",
        lines[..lines.len().min(SHOWN)].join("\n")
    );
    if lines.len() > SHOWN {
        text.push_str(&format!("\n... and {} more lines", lines.len() - SHOWN));
    }
    text
}
