//! What is said about a tree, on disk or in a commit, that is not what the sources make.

use std::collections::BTreeMap;

use similar::TextDiff;

use super::{EPOCH, FILE, Lock, State, Verdict};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::emit::Output;
use crate::mask;
use crate::world::Obstacle;

/// Lines of a difference that are shown; the rest is counted.
const SHOWN: usize = 40;

/// The modes that Git knows for files.
const PLAIN: &str = "100644";
const PROGRAM: &str = "100755";

/// Where the tree is that is spoken of: it decides what is to be done about it.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// On disk.
    Disk,
    /// In a commit, by what messages call it.
    Commit(&'a str),
}

impl Place<'_> {
    /// What makes the tree right.
    fn build(self) -> String {
        self.there("run `labc build` and commit what it writes")
    }

    /// What does so whatever stands there.
    fn force(self) -> String {
        match self {
            Place::Disk => "run `labc build --force`".to_owned(),
            Place::Commit(_) => self.there("run `labc build --force` and commit what it writes"),
        }
    }

    /// What is to be done where the tree is: of what `HEAD` is, nobody needs to be told.
    fn there(self, remedy: &str) -> String {
        match self {
            Place::Commit(name) if !name.starts_with("HEAD ") => {
                format!("check out {name}, {remedy}")
            }
            _ => remedy.to_owned(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Place::Disk => "on disk",
            Place::Commit(_) => "in the commit",
        }
    }
}

/// One message a path that is not as the sources make it, and one about the lock if `lock_differs`.
pub fn report<'a>(
    place: Place<'_>,
    verdicts: impl IntoIterator<Item = &'a Verdict>,
    lock_differs: bool,
    old: Option<&Lock>,
    outputs: &[Output],
) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut is_older = false;
    if let Some(epoch) = old.map(|old| old.epoch).filter(|epoch| *epoch < EPOCH) {
        let message = "the tree was made by an older labc";
        diagnostics.push(
            Diagnostic::error(Code::OTHER_EPOCH, None, message)
                .note(format!(
                    "{FILE} has output epoch {epoch}, and this labc has {EPOCH}"
                ))
                .help(place.build()),
        );
        is_older = true;
    }
    let made: BTreeMap<&str, &Output> = outputs
        .iter()
        .map(|output| (output.path.as_str(), output))
        .collect();
    let verdicts: Vec<&Verdict> = verdicts.into_iter().collect();
    for verdict in &verdicts {
        // Of what an older labc made it is enough to say so once; what a hand changed stays the hand's.
        if is_older && !verdict.state.is_refused() || is_behind_obstacle(verdict, &verdicts) {
            continue;
        }
        let diagnostic = of_path(place, verdict);
        let made = made.get(verdict.path.as_str());
        let difference = match (made, &verdict.refused) {
            (Some(made), Some(there)) => Some(difference(place, &made.bytes, there)),
            _ => None,
        };
        diagnostics.push(match difference {
            Some(difference) => diagnostic.note(difference),
            None => diagnostic,
        });
    }
    if lock_differs && !is_older {
        let message = format!("{FILE} is not what the sources make");
        diagnostics
            .push(Diagnostic::error(Code::NOT_UP_TO_DATE, None, message).help(place.build()));
    }
    diagnostics
}

/// Whether a file is missing because of something that stands there or on the way: that is said once.
fn is_behind_obstacle(verdict: &Verdict, verdicts: &[&Verdict]) -> bool {
    let is_blocked = |path: &str| {
        let from = verdicts.partition_point(|other| other.path.as_str() < path);
        let same = verdicts[from..]
            .iter()
            .take_while(|other| other.path == path);
        same.into_iter()
            .any(|other| matches!(other.state, State::Blocked(_)))
    };
    let path = verdict.path.as_str();
    let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    matches!(verdict.state, State::New | State::Missing) && folders.chain([path]).any(is_blocked)
}

/// What is said when something came in the way of a build that was writing already.
pub fn stopped(path: &str, what: Option<Obstacle>) -> Diagnostic {
    match what {
        Some(what) => in_the_way(Place::Disk, path, what),
        None => {
            let message = format!("`{path}` was changed while labc was building");
            Diagnostic::error(Code::HAND_EDIT, None, message)
                .note("it was left as it is now; other files may be written already")
                .help("run `labc build` again: it says what is different")
        }
    }
}

fn in_the_way(place: Place<'_>, path: &str, what: Obstacle) -> Diagnostic {
    let message = format!("`{path}` is in the way: it is {what}");
    let diagnostic = Diagnostic::error(Code::IN_THE_WAY, None, message);
    let diagnostic = match what {
        Obstacle::Link => {
            diagnostic.note("labc follows no link where it writes, wherever that leads")
        }
        Obstacle::File => diagnostic.note("a folder must be there"),
        Obstacle::Folder => diagnostic.note("a file must be there"),
        Obstacle::Submodule => diagnostic.note("labc writes nothing into another repository"),
        Obstacle::Special => diagnostic,
    };
    if let Place::Commit(_) = place {
        let remedy = format!("run `git rm {path}` and `labc build`, add what it writes and commit");
        return diagnostic.help(place.there(&remedy));
    }
    diagnostic.help(match what {
        Obstacle::Link => "remove it, or let `labc build --force` put its own there; what it leads to stays as it is",
        Obstacle::Special => "remove it, or let `labc build --force` put its own there",
        Obstacle::File => "move it out of the way, or let `labc build --force` remove it",
        Obstacle::Folder | Obstacle::Submodule => {
            "move it out of the way: not even `labc build --force` removes a folder with something in it"
        }
    })
}

fn of_path(place: Place<'_>, verdict: &Verdict) -> Diagnostic {
    let path = &verdict.path;
    let stale = |what: &str| {
        Diagnostic::error(Code::NOT_UP_TO_DATE, None, format!("`{path}` {what}"))
            .help(place.build())
    };
    let edited = |what: &str| {
        Diagnostic::error(Code::HAND_EDIT, None, format!("`{path}` {what}"))
            .help("to keep the change, say it in lab.toml: as a value, an input or a patch")
            .help(format!("to drop it, {}", place.force()))
    };
    match verdict.state {
        State::Same | State::New => stale("is missing: the sources make it now"),
        State::Missing => missing(place, path),
        State::Stale => stale("is stale: the sources make something else now"),
        State::NotExecutable => wrong_mode(place, path, [PLAIN, PROGRAM]),
        State::Executable => wrong_mode(place, path, [PROGRAM, PLAIN]),
        State::Blocked(what) => in_the_way(place, path, what),
        State::Obsolete => stale("is obsolete: the sources make it no more"),
        State::HandEdited => edited("was edited by hand"),
        State::HandEditedObsolete => edited("was edited by hand, and the sources make it no more"),
        State::Foreign => Diagnostic::error(
            Code::HAND_EDIT,
            None,
            format!("`{path}` is in the way: labc did not write it"),
        )
        .help(match place {
            Place::Disk => {
                "move it out of the way, or let `labc build --force` overwrite it".to_owned()
            }
            Place::Commit(_) => format!("move it out of the way, or {}", place.force()),
        }),
    }
}

fn missing(place: Place<'_>, path: &str) -> Diagnostic {
    let (why, ignored) = match place {
        Place::Disk => ("is missing: it was removed by hand", None),
        Place::Commit(_) => (
            "is missing: it was removed by hand, or never added",
            Some(format!(
                "where it is on disk, `git check-ignore -v {path}` says whether Git was told to ignore it"
            )),
        ),
    };
    let message = format!("`{path}` {why}");
    let diagnostic = Diagnostic::error(Code::NOT_UP_TO_DATE, None, message).help(place.build());
    match ignored {
        Some(ignored) => diagnostic.help(ignored),
        None => diagnostic,
    }
}

/// A build mends a mode where Git records the modes of files; where it does not, the index is what Git believes.
fn wrong_mode(place: Place<'_>, path: &str, [is, should_be]: [&str; 2]) -> Diagnostic {
    let (what, sign) = match should_be {
        PROGRAM => ("is a program and may not be run", '+'),
        _ => ("may be run and is no program", '-'),
    };
    let diagnostic = Diagnostic::error(Code::WRONG_MODE, None, format!("`{path}` {what}"));
    let diagnostic = match place {
        Place::Disk => diagnostic,
        Place::Commit(_) => diagnostic.note(format!("its mode is {is} and should be {should_be}")),
    };
    diagnostic.help(place.build()).help(format!(
        "where Git was told to record no modes (`core.fileMode`), run `git update-index --chmod={sign}x {path}` and commit"
    ))
}

/// The lines that differ, with two lines around them: `-` as the sources make it, `+` what is there.
fn difference(place: Place<'_>, made: &[u8], there: &[u8]) -> String {
    let (made, there) = (
        String::from_utf8_lossy(made),
        String::from_utf8_lossy(there),
    );
    let [made, there] = mask::pair(&made, &there);
    let diff = TextDiff::from_lines(&made, &there);
    let unified = diff
        .unified_diff()
        .context_radius(2)
        .header("as the sources make it", place.name())
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
