//! Which system extensions and overlays the Image Factory has for a version of Talos.
//!
//! Knows no node. The table is `catalog.txt`.

use crate::parse::domain::Version;

static TABLE: &str = include_str!("catalog.txt");

/// An entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without `siderolabs/`.
    pub name: &'static str,
    /// The image of an overlay; empty for an extension.
    pub image: &'static str,
    /// The first version of Talos that has it.
    pub first: &'static str,
    /// The last one, if it is gone.
    pub last: Option<&'static str>,
}

impl Entry {
    /// Whether a version of Talos has it.
    pub fn is_in(&self, talos: &Version) -> bool {
        let number = |text: &str| Version::parse(text).map(|version| version.semver);
        let from = number(self.first).is_ok_and(|first| first <= released(talos));
        from && self
            .last
            .is_none_or(|last| number(last).is_ok_and(|last| released(talos) <= last))
    }

    /// "since v1.9.0" or "from v1.4.0 to v1.8.4".
    pub fn range(&self) -> String {
        match self.last {
            Some(last) => format!("from {} to {last}", self.first),
            None => format!("since {}", self.first),
        }
    }
}

/// A release candidate has what its release will have.
fn released(talos: &Version) -> semver::Version {
    semver::Version::new(talos.semver.major, talos.semver.minor, talos.semver.patch)
}

/// Every extension.
pub fn extensions() -> impl Iterator<Item = Entry> {
    rows("extension").filter_map(|row| match row.as_slice() {
        [name, first, last @ ..] => Some(entry(name, "", first, last)),
        _ => None,
    })
}

/// Every overlay.
pub fn overlays() -> impl Iterator<Item = Entry> {
    rows("overlay").filter_map(|row| match row.as_slice() {
        [name, image, first, last @ ..] => Some(entry(name, image, first, last)),
        _ => None,
    })
}

/// What an old name of an extension is called today.
pub fn renamed(name: &str) -> Option<&'static str> {
    rows("alias").find_map(|row| match row.as_slice() {
        [old, new] if *old == name => Some(*new),
        _ => None,
    })
}

/// Whether a version of Talos is newer than the table.
pub fn is_newer(talos: &Version) -> bool {
    let end = rows("end").flatten().next().map(Version::parse);
    end.is_none_or(|end| end.is_ok_and(|end| talos.minor() > end.minor()))
}

fn rows(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(kind)).then(|| words.collect())
    })
}

fn entry(
    name: &'static str,
    image: &'static str,
    first: &'static str,
    last: &[&'static str],
) -> Entry {
    Entry {
        name,
        image,
        first,
        last: last.first().copied(),
    }
}
