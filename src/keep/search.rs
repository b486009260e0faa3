//! The changes of one file to advice: which edits are proved, in which order, and which of them go together.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{Finder, Subject};
use super::edit::Edit;
use super::proof::{Effect, Prover};
use super::{Advice, Keep, Rest, Unsaid, Why};

/// Changes of one file that are advised on one by one.
const MAX_CHANGES: usize = 8;

/// Changes of one file that one patch may say.
const MAX_PATCHED: usize = 30;

/// Advice on the file at `path`.
pub(super) fn advise<'a>(
    path: &str,
    subject: &Subject<'_>,
    finder: &mut Finder<'a>,
    prover: &mut Prover<'a>,
) -> Advice {
    let mut search = Search {
        path,
        subject,
        finder,
        prover,
        proved: Vec::new(),
        wrong: BTreeMap::new(),
    };
    let all: BTreeSet<usize> = (0..subject.changes.len()).collect();
    if all.len() <= MAX_CHANGES {
        for index in &all {
            search.one(*index);
        }
    }
    let left = all.difference(&search.kept()).copied().collect();
    search.patch(&left);
    let together = search.together(&all);
    search.advice(&all, together)
}

/// An edit that was proved.
struct Proved {
    edit: Edit,
    effect: Effect,
    /// One that changes nothing else, where `edit` does.
    alone: Option<Edit>,
}

struct Search<'s, 'a> {
    path: &'s str,
    subject: &'s Subject<'s>,
    finder: &'s mut Finder<'a>,
    prover: &'s mut Prover<'a>,
    proved: Vec<Proved>,
    /// Changes whose patch would make the lab wrong.
    wrong: BTreeMap<usize, String>,
}

impl Search<'_, '_> {
    /// The changes that come out by what was proved so far.
    fn kept(&self) -> BTreeSet<usize> {
        let effects = self.proved.iter().map(|proved| &proved.effect);
        effects.flat_map(|effect| effect.of(self.path)).collect()
    }

    /// Proves the first edit that makes a change come out: one that changes nothing else where there is such.
    fn one(&mut self, index: usize) {
        if self.kept().contains(&index) || self.prover.is_spent {
            return;
        }
        let change = &self.subject.changes[index];
        let mut first: Option<Proved> = None;
        for edit in self.finder.candidates(self.subject, change) {
            let Some(effect) = self.makes(&edit, index) else {
                continue;
            };
            let is_exact = effect.others.is_empty();
            if is_exact || first.is_none() {
                first = Some(Proved {
                    edit,
                    effect,
                    alone: None,
                });
            }
            if is_exact {
                break;
            }
        }
        let Some(mut first) = first else {
            return;
        };
        if !first.effect.others.is_empty() {
            let patches = self.finder.patches(self.subject, &[change]);
            first.alone = patches.into_iter().find(|edit| {
                let effect = self.makes(edit, index);
                effect.is_some_and(|effect| effect.others.is_empty())
            });
        }
        self.proved.push(first);
    }

    /// What an edit does, if it makes a change come out.
    fn makes(&mut self, edit: &Edit, index: usize) -> Option<Effect> {
        let effect = self.prover.prove(std::slice::from_ref(edit))?;
        effect.of(self.path).contains(&index).then_some(effect)
    }

    /// Proves a patch for these changes: one for all, else one for each.
    fn patch(&mut self, indices: &BTreeSet<usize>) {
        if indices.is_empty() || indices.len() > MAX_PATCHED {
            return;
        }
        if let Some(proved) = self.one_patch(indices) {
            self.proved.push(proved);
        } else if indices.len() > 1 && indices.len() <= MAX_CHANGES {
            for index in indices {
                let proved = self.one_patch(&BTreeSet::from([*index]));
                self.proved.extend(proved);
            }
        }
    }

    /// A patch that makes these changes come out, and nothing else.
    fn one_patch(&mut self, indices: &BTreeSet<usize>) -> Option<Proved> {
        let changes = indices.iter().map(|index| &self.subject.changes[*index]);
        let changes: Vec<_> = changes.collect();
        for edit in self.finder.patches(self.subject, &changes) {
            let effect = self.prover.prove(std::slice::from_ref(&edit));
            let right =
                |effect: &Effect| effect.of(self.path) == *indices && effect.others.is_empty();
            if let Some(effect) = effect.filter(right) {
                return Some(Proved {
                    edit,
                    effect,
                    alone: None,
                });
            }
            if let ([index], Some(wrong)) =
                (Vec::from_iter(indices).as_slice(), self.prover.wrong.take())
            {
                self.wrong.insert(**index, wrong);
            }
        }
        None
    }

    /// What all that was proved does together. Edits that are right one by one and not together give way to one patch
    /// for all, or to the first of them.
    fn together(&mut self, all: &BTreeSet<usize>) -> Option<Effect> {
        if self.proved.len() > 1 {
            let edits = self.proved.iter().map(|proved| proved.edit.clone());
            let edits: Vec<Edit> = edits.collect();
            let kept = self.kept();
            let effect = self.prover.prove(&edits);
            let effect = effect.filter(|effect| effect.of(self.path).is_superset(&kept));
            if effect.is_some() {
                return effect;
            }
            match self.one_patch(all) {
                Some(patch) => self.proved = vec![patch],
                None => self.proved.truncate(1),
            }
        }
        self.proved.first().map(|first| first.effect.clone())
    }

    fn advice(&self, all: &BTreeSet<usize>, together: Option<Effect>) -> Advice {
        let kept = self.kept();
        let left = all.difference(&kept).copied();
        let unsaid: Vec<Unsaid> = left
            .map(|index| Unsaid {
                path: self.name(index),
                why: self.why(index),
            })
            .collect();
        let rest = match together {
            Some(effect) if effect.whole.contains(self.path) => Rest::Nothing,
            Some(effect) if unsaid.is_empty() && !effect.others.contains_key(self.path) => {
                Rest::Layout
            }
            _ => Rest::Data,
        };
        Advice::Data {
            keep: self.proved.iter().map(|proved| self.keep(proved)).collect(),
            unsaid,
            rest,
        }
    }

    /// Why nothing keeps a change.
    fn why(&self, index: usize) -> Why {
        match self.wrong.get(&index) {
            Some(wrong) => Why::Wrong(wrong.clone()),
            None if self.prover.is_spent => Why::NotTried,
            None => Why::Nothing,
        }
    }

    fn keep(&self, proved: &Proved) -> Keep {
        let own = proved.effect.of(self.path).into_iter();
        Keep {
            paths: own.map(|index| self.name(index)).collect(),
            edit: proved.edit.say.clone(),
            others: proved.effect.others.clone(),
            alone: proved.alone.as_ref().map(|edit| edit.say.clone()),
        }
    }

    fn name(&self, index: usize) -> String {
        self.subject.changes[index].path.to_string()
    }
}

impl Effect {
    /// The changes of one file that come out.
    fn of(&self, path: &str) -> BTreeSet<usize> {
        let own = self.kept.iter().filter(|(file, _)| file == path);
        own.map(|(_, index)| *index).collect()
    }
}
