//! Names of places on the page that stay when others come and go: a link in a comment leads to the same object tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::show::group::{Group, phrase};
use crate::diff::{Cause, Change, Danger, Diff};
use crate::emit::sha256;

/// Letters of a name that a person reads.
const MAX_READABLE: usize = 60;
/// Letters of a digest that tell names apart.
const DIGEST: usize = 8;

/// The ids of elements: each named by what it is about, never by where it stands.
pub(super) struct Anchors {
    /// Of each change.
    pub(super) changes: Vec<String>,
    /// Of each danger.
    pub(super) dangers: Vec<String>,
    /// Of each group of causes.
    pub(super) causes: Vec<String>,
}

impl Anchors {
    pub(super) fn new(diff: &Diff, groups: &[Group<'_>]) -> Self {
        let mut taken = BTreeSet::new();
        let mut unique = |names: Vec<String>| -> Vec<String> {
            let once = |name| once(name, &mut taken);
            names.into_iter().map(once).collect()
        };
        let changes = unique(changes(&diff.changes));
        let danger = |danger: &Danger| {
            let about = diff.changes[danger.change].subject.to_string();
            id(
                &format!("danger {}", danger.code),
                &[&about, &danger.message],
            )
        };
        let dangers = unique(diff.dangers.iter().map(danger).collect());
        let causes = unique(groups.iter().map(|group| cause(group, diff)).collect());
        Anchors {
            changes,
            dangers,
            causes,
        }
    }
}

/// The id of a part of the page that is called `title`.
pub(super) fn chapter(title: &str) -> String {
    id(&format!("part {title}"), &[title])
}

/// Each named by its subject; where several objects share that, by their files, too.
fn changes(changes: &[Change]) -> Vec<String> {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    for change in changes {
        *sums.entry(change.subject.to_string()).or_default() += 1;
    }
    let name = |change: &Change| {
        let subject = change.subject.to_string();
        let file = match sums[&subject] {
            1 => "",
            _ => change.path().unwrap_or_default(),
        };
        id(&subject, &[&subject, file])
    };
    changes.iter().map(name).collect()
}

/// By the keys and files of its sources, and by what they say where they have no key.
fn cause(group: &Group<'_>, diff: &Diff) -> String {
    let told = |cause: &Cause| match cause {
        Cause::Source(index) => {
            let source = &diff.sources[*index];
            let key = source.key.clone();
            let what = key.unwrap_or_else(|| phrase(*cause, diff));
            format!("{} {what}", source.file)
        }
        cause => phrase(*cause, diff),
    };
    let told: Vec<String> = group.causes.iter().map(told).collect();
    let told = told.join(" and ");
    id(&format!("cause {told}"), &[&told])
}

/// A readable name, and a digest of what it stands for.
fn id(readable: &str, about: &[&str]) -> String {
    let letters = readable.chars().take(MAX_READABLE);
    let letters: String = letters
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    let digest = sha256(about.join("\0").as_bytes());
    format!("{}-{}", words.join("-"), &digest[..DIGEST])
        .trim_start_matches('-')
        .to_owned()
}

/// A name that no other has: the second of one name is called so.
fn once(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.clone();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}
