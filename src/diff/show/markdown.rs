//! A diff for the comment of a bot: Markdown as GitHub, GitLab and Forgejo read it.
//!
//! Whatever comes from a lab stands in code, where nothing is a link, a mention or a tag. The comment is never longer than
//! it may be: dangers and causes come before details, and what is left out is counted. Knows no service, and not whether
//! somebody reads it.

mod escape;
mod lines;

use std::collections::BTreeSet;

use super::group::{Group, groups, of_drift, phrase, place};
use super::text::{count, sum};
use super::{Report, Side};
use crate::diff::{Cause, Danger, Diff};
use escape::{code, fence, fence_around, html, prose, url};

/// Bytes of a comment that every service takes.
pub const MAX_BYTES: usize = 60_000;

/// By what a bot knows its own comment; the first line.
pub const MARKER: &str = "<!-- labc diff -->";

/// Lines of what a compiler says, and of a list of files, that are shown.
const MAX_LINES: usize = 60;

/// How a comment is to be.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The bytes that it may have.
    pub max_bytes: usize,
    /// Where the whole diff is, for one that is shortened.
    pub artifact: Option<&'a str>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            max_bytes: MAX_BYTES,
            artifact: None,
        }
    }
}

/// The whole report as Markdown, or as much of it as there is room for.
pub fn markdown(report: &Report<'_>, options: Options<'_>) -> String {
    let nothing = Diff::default();
    let diff = report.diff.unwrap_or(&nothing);
    let head = head(report, diff);
    let total = diff.changes.len();
    // Room for what is said at the end, however much that is.
    let reserve = left_out(total, options.artifact).len();
    let Some(room) = options.max_bytes.checked_sub(head.len() + reserve) else {
        return shortest(report, diff, options);
    };
    let mut page = Page { text: head, room };
    let mut is_whole = true;
    is_whole &= page.opening(&report.base, report.unjudged());
    is_whole &= page.opening(&report.target, None);
    is_whole &= page.dangers(diff, &report.acknowledged);
    let shown = page.causes(diff);
    if shown.len() < total || !is_whole {
        let text = left_out(total - shown.len(), options.artifact);
        page.text.push_str(&text);
    }
    page.text
}

/// What is said where there is no room for more than the sum, if there is as much.
fn shortest(report: &Report<'_>, diff: &Diff, options: Options<'_>) -> String {
    let sum = headline(report, diff);
    let total = diff.changes.len();
    let forms = [
        format!("{MARKER}\n{sum}{}", left_out(total, options.artifact)),
        format!("{MARKER}\n{sum}{}", left_out(total, None)),
        format!("{MARKER}\n{sum}"),
        format!("{MARKER}\n"),
    ];
    let fits = |form: &String| form.len() <= options.max_bytes;
    forms.into_iter().find(fits).unwrap_or_default()
}

/// The first lines: the sum, and what is compared.
fn head(report: &Report<'_>, diff: &Diff) -> String {
    let (base, target) = (code(&report.base.name), code(&report.target.name));
    let sum = headline(report, diff);
    format!("{MARKER}\n{sum}\nFrom {base} to {target}.\n\n")
}

fn headline(report: &Report<'_>, diff: &Diff) -> String {
    let sum = match report.diff {
        Some(_) => sum(diff),
        None => "nothing can be compared".to_owned(),
    };
    format!("### labc diff: {sum}\n")
}

/// The last line of a comment that is not all.
fn left_out(objects: usize, artifact: Option<&str>) -> String {
    let objects = match objects {
        0 => "Some lines".to_owned(),
        objects => count(objects, "object"),
    };
    match artifact.map(url) {
        Some(Ok(url)) => format!("\n{objects} left out: [the whole diff]({url}).\n"),
        Some(Err(text)) => format!("\n{objects} left out: the whole diff is {text}.\n"),
        None => format!("\n{objects} left out: `labc diff` shows all of it.\n"),
    }
}

/// A comment, and the bytes that may still be added.
struct Page {
    text: String,
    room: usize,
}

impl Page {
    /// Adds a text if there is room for all of it.
    fn add(&mut self, text: &str) -> bool {
        let Some(room) = self.room.checked_sub(text.len()) else {
            return false;
        };
        self.room = room;
        self.text.push_str(text);
        true
    }

    /// Adds as many lines of a block as there is room for; whether that is all of them.
    fn block(&mut self, before: &str, kind: &str, lines: &[String], after: &str) -> bool {
        let fence = fence_around(lines);
        let around = before.len() + 2 * fence.len() + kind.len() + 2 + after.len();
        let mut room = self.room.saturating_sub(around);
        let fits = |line: &&String| {
            let is_enough = line.len() < room;
            room = room.saturating_sub(line.len() + 1);
            is_enough
        };
        let shown = lines.iter().take(MAX_LINES).take_while(fits).count();
        let block = fence_block(&fence, kind, &lines[..shown]);
        shown > 0 && self.add(&format!("{before}{block}{after}")) && shown == lines.len()
    }

    /// What is to be known of a side before anything else, and what is not judged of it; whether all of it is told.
    fn opening(&mut self, side: &Side, unjudged: Option<&str>) -> bool {
        let mut is_whole = true;
        if let Some((wrong, _)) = &side.wrong {
            let title = format!("**{} does not compile:**\n\n", code(&side.name));
            let lines: Vec<String> = wrong.lines().map(fence).collect();
            is_whole &= self.block(&title, "text", &lines, "\n");
        }
        if let Some(unjudged) = unjudged {
            is_whole &= self.add(&format!("Of {} {unjudged}.\n\n", code(&side.name)));
        }
        if !side.drift.is_empty() {
            let name = html(&side.name);
            let files = count(side.drift.len(), "file");
            let title = format!(
                "<details><summary>The tree of {name} is not what its sources make: {files}</summary>\n\n"
            );
            let drift = side.drift.iter();
            let lines: Vec<String> = drift
                .map(|(path, drift)| fence(&format!("{path}: {}", of_drift(*drift))))
                .collect();
            is_whole &= self.block(&title, "text", &lines, CLOSE);
        }
        is_whole
    }

    /// The dangers, the worst first and those that are acknowledged last; whether all of them are told. Causes get at
    /// least a third of the room.
    fn dangers(&mut self, diff: &Diff, acknowledged: &[usize]) -> bool {
        let (known, new): (Vec<usize>, Vec<usize>) =
            (0..diff.dangers.len()).partition(|index| acknowledged.contains(index));
        let kept = self.room / 3;
        self.room -= kept;
        let mut told = 0;
        for index in new.into_iter().chain(known) {
            let danger = &diff.dangers[index];
            let is_known = acknowledged.contains(&index);
            if !self.add(&full(danger, diff, is_known)) && !self.add(&brief(danger, is_known)) {
                break;
            }
            told += 1;
        }
        self.room += kept;
        let more = diff.dangers.len() - told;
        if more > 0 {
            self.add(&format!("- and {} more\n", count(more, "danger")));
        }
        if told > 0 {
            self.add("\n");
        }
        more == 0
    }

    /// The causes, those of the worst dangers first, with their details as far as there is room; the changes of which all
    /// is told, by their place in the diff.
    fn causes(&mut self, diff: &Diff) -> BTreeSet<usize> {
        let mut groups = groups(diff);
        groups.sort_by_key(|group| worst(group, diff));
        let folded: Vec<Folded> = groups
            .iter()
            .map(|group| Folded::new(group, diff))
            .collect();
        // Every cause is named before any is unfolded.
        let named = folded
            .iter()
            .take_while(|folded| self.reserve(folded))
            .count();
        let mut missing: BTreeSet<usize> = BTreeSet::new();
        for (index, folded) in folded.iter().enumerate() {
            if index >= named {
                missing.extend(folded.indices());
                continue;
            }
            self.room += folded.line.len();
            missing.extend(self.details(folded));
        }
        let more = folded.len() - named;
        if more > 0 {
            self.add(&format!("\n- and {} more\n", count(more, "cause")));
        }
        let all = 0..diff.changes.len();
        all.filter(|index| !missing.contains(index)).collect()
    }

    fn reserve(&mut self, folded: &Folded) -> bool {
        let room = self.room.checked_sub(folded.line.len());
        self.room = room.unwrap_or(self.room);
        room.is_some()
    }

    /// A cause with as many of its parts as there is room for; the changes of the others.
    fn details(&mut self, folded: &Folded) -> Vec<usize> {
        let lines = folded.parts.iter().flat_map(|(_, lines)| lines);
        let fence = fence_around(lines);
        let around = folded.open.len() + 2 * fence.len() + "diff\n\n".len() + CLOSE.len();
        let mut room = self.room.saturating_sub(around);
        let mut shown = Vec::new();
        let mut missing = Vec::new();
        for (index, part) in &folded.parts {
            let length: usize = part.iter().map(|line| line.len() + 1).sum();
            match room.checked_sub(length) {
                Some(less) => {
                    room = less;
                    shown.extend(part.iter().cloned());
                }
                None => missing.push(*index),
            }
        }
        let block = fence_block(&fence, "diff", &shown);
        let details = format!("{}{block}{CLOSE}", folded.open);
        if !shown.is_empty() && self.add(&details) {
            return missing;
        }
        self.add(&folded.line);
        folded.indices().collect()
    }
}

/// What ends a folded block.
const CLOSE: &str = "\n</details>\n\n";

/// A cause as it is told.
struct Folded {
    /// Without details: one line.
    line: String,
    /// What stands before its details.
    open: String,
    /// The lines of each part of it, behind the place of its change in the diff.
    parts: Vec<(usize, Vec<String>)>,
}

impl Folded {
    fn new(group: &Group<'_>, diff: &Diff) -> Self {
        let sum = format!(
            "{} in {}",
            count(group.count(), "change"),
            count(group.files(), "file")
        );
        let joined = |named: fn(&str) -> String| {
            let causes = group.causes.iter().take(MAX_CAUSES);
            let causes: Vec<String> = causes.map(|cause| told(*cause, diff, named)).collect();
            let more = group.causes.len().saturating_sub(MAX_CAUSES);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            causes.join(" and ") + &more
        };
        let open = format!("\n<details><summary>{}: {sum}</summary>\n\n", joined(html));
        let parts = group.parts.iter();
        let parts = parts.map(|part| (part.index, lines::of_part(part)));
        Folded {
            line: format!("- {}: {sum}\n", joined(code)),
            open,
            parts: parts.collect(),
        }
    }

    /// The changes that it has a part in.
    fn indices(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|(index, _)| *index)
    }
}

/// Causes of one group that are named.
const MAX_CAUSES: usize = 4;

fn told(cause: Cause, diff: &Diff, named: fn(&str) -> String) -> String {
    let phrase = phrase(cause, diff);
    let phrase = match cause {
        Cause::Source(_) => named(&phrase),
        // These are labc's own words.
        Cause::Sources | Cause::Drift(_) | Cause::Unknown => phrase,
    };
    match place(cause, diff) {
        Some(place) => format!("{phrase} ({})", named(&place)),
        None => phrase,
    }
}

/// How far down the list of dangers the first one of a group's changes is: those without any come last.
fn worst(group: &Group<'_>, diff: &Diff) -> usize {
    let is_of = |change| group.parts.iter().any(|part| part.index == change);
    let mut dangers = diff.dangers.iter();
    let first = dangers.position(|danger| danger.changes().any(is_of));
    first.unwrap_or(diff.dangers.len())
}

/// A danger with all that is to be said about it.
fn full(danger: &Danger, diff: &Diff, is_acknowledged: bool) -> String {
    let mut text = brief(danger, is_acknowledged);
    for cause in danger.causes.iter().take(MAX_CAUSES) {
        text.push_str(&format!("  - cause: {}\n", told(*cause, diff, code)));
    }
    for note in &danger.notes {
        text.push_str(&format!("  - note: {}\n", prose(note)));
    }
    for help in &danger.help {
        text.push_str(&format!("  - help: {}\n", prose(help)));
    }
    text
}

fn brief(danger: &Danger, is_acknowledged: bool) -> String {
    let word = match is_acknowledged {
        true => "acknowledged",
        false => danger.severity.word(),
    };
    format!(
        "- **{word}** `{}`: {}\n",
        danger.code,
        prose(&danger.message)
    )
}

fn fence_block(fence: &str, kind: &str, lines: &[String]) -> String {
    let mut block = format!("{fence}{kind}\n");
    for line in lines {
        block.push_str(line);
        block.push('\n');
    }
    block + fence + "\n"
}
