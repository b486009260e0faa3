//! What edits of the sources would do to the tree: the lab is compiled again in memory, and the two trees compared.
//!
//! No advice is given that was not proved here. Knows no disk: it has the text of every file that the first
//! compilation read, and the bytes of the outputs that were edited.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, changes};
use super::edit::{Edit, apply};
use super::{Made, Wrong, read};
use crate::emit::{Output, emit};
use crate::lower::{Content, OutFile, Tree};
use crate::source::SourceKind;
use crate::value::Node;
use crate::world::World;

/// Files that may be compiled for proofs in one run, all proofs together: it bounds the time that advice costs.
const MAX_COMPILED: usize = 60_000;

/// Proofs of one run: at least the first number, however large the lab; at most the second, however small.
const PROOFS: (usize, usize) = (4, 60);

/// An output that a hand has changed.
pub(super) struct Edited {
    /// Its documents as the sources make them.
    pub(super) made: Vec<Node>,
    /// What the hand has changed.
    pub(super) changes: Vec<Change>,
}

/// What edits would do.
#[derive(Clone, Debug, Default)]
pub(super) struct Effect {
    /// The changes by hand that come out: the file and the place among its changes.
    pub(super) kept: BTreeSet<(String, usize)>,
    /// How many other places of each file of data change.
    pub(super) others: BTreeMap<String, usize>,
    /// The edited outputs that come out byte by byte as they are on disk.
    pub(super) whole: BTreeSet<String>,
}

/// Proves edits.
pub(super) struct Prover<'a> {
    made: Made<'a>,
    files: BTreeMap<String, Vec<u8>>,
    /// What is on disk in the place of outputs.
    disk: &'a BTreeMap<&'a str, &'a [u8]>,
    /// Those of them that are data, by path.
    pub(super) edited: BTreeMap<String, Edited>,
    /// What would be wrong with the lab, after a proof that failed for it.
    pub(super) wrong: Wrong,
    /// Whether a proof was asked for when there was none left.
    pub(super) is_spent: bool,
    left: usize,
}

impl<'a> Prover<'a> {
    /// Proves edits of the sources that made a lab, whose outputs are on disk with these bytes.
    pub(super) fn new(made: Made<'a>, disk: &'a BTreeMap<&'a str, &'a [u8]>) -> Self {
        let own = made
            .sources
            .iter()
            .filter(|(_, file)| file.kind == SourceKind::Lab);
        Prover {
            made,
            files: own
                .map(|(_, file)| (file.name.clone(), file.text.as_bytes().to_vec()))
                .collect(),
            disk,
            edited: BTreeMap::new(),
            wrong: None,
            is_spent: false,
            left: (MAX_COMPILED / made.tree.files.len().max(1)).clamp(PROOFS.0, PROOFS.1),
        }
    }

    /// What these edits would do; none where the lab would be wrong, or too much was proved already.
    pub(super) fn prove(&mut self, edits: &[Edit]) -> Option<Effect> {
        self.wrong = None;
        let files = apply(&self.files, edits)?;
        let Some(left) = self.left.checked_sub(1) else {
            self.is_spent = true;
            return None;
        };
        self.left = left;
        match (self.made.compile)(&World::Memory(files)) {
            Ok(tree) => Some(self.effect(&tree)),
            Err(wrong) => {
                self.wrong = wrong;
                None
            }
        }
    }

    fn effect(&self, tree: &Tree) -> Effect {
        let files = self.made.tree.files.iter();
        let before: BTreeMap<&str, &OutFile> =
            files.map(|file| (file.path.as_str(), file)).collect();
        let mut effect = Effect::default();
        let mut seen = BTreeSet::new();
        for file in &tree.files {
            seen.insert(file.path.as_str());
            match before.get(file.path.as_str()) {
                None => _ = effect.others.insert(file.path.clone(), 1),
                Some(old) => self.compare(old, file, &mut effect),
            }
        }
        for path in before.keys().filter(|path| !seen.contains(**path)) {
            effect.others.insert((*path).to_owned(), 1);
        }
        effect
    }

    fn compare(&self, old: &OutFile, new: &OutFile, effect: &mut Effect) {
        let wanted = self.disk.get(old.path.as_str());
        if wanted.is_some_and(|wanted| bytes(new).bytes == *wanted) {
            effect.whole.insert(old.path.clone());
        }
        // Lines of text follow from the data: the README tells what the files say.
        let (Content::Yaml(before), Content::Yaml(after)) = (&old.content, &new.content) else {
            return;
        };
        if before == after {
            return;
        }
        let path = &old.path;
        let Some(edited) = self.edited.get(path) else {
            let places = changes(before, after).map_or(1, |changes| changes.len());
            effect.others.insert(path.clone(), places);
            return;
        };
        let now = read(&bytes(new).bytes).and_then(|now| changes(&edited.made, &now));
        let mut others = usize::from(now.is_none());
        for change in now.into_iter().flatten() {
            match edited.changes.iter().position(|wanted| *wanted == change) {
                Some(index) => _ = effect.kept.insert((path.clone(), index)),
                None => others += 1,
            }
        }
        if others > 0 {
            effect.others.insert(path.clone(), others);
        }
    }
}

/// A file as bytes.
pub(super) fn bytes(file: &OutFile) -> Output {
    let mut alone = Tree::default();
    alone.files.push(file.clone());
    emit(&alone).pop().expect("one file gives one output")
}
