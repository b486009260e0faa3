//! Two trees to the versions of each object in the files that differ: as committed at the base, as its sources make it
//! there, and as those of the target do.

use std::collections::{BTreeMap, BTreeSet};

use super::subject::{self, Item, Subject};
use super::{Base, Committed, Made};

/// One object: as committed at the base, as compiled there, and in the target.
#[derive(Default)]
pub(super) struct Versions {
    pub(super) before: Option<Item>,
    pub(super) traced: Option<Item>,
    pub(super) after: Option<Item>,
}

/// The same of several objects.
#[derive(Default)]
struct Items {
    before: Vec<Item>,
    traced: Vec<Item>,
    after: Vec<Item>,
}

/// Every object of the files that differ.
pub(super) fn versions(base: &Base<'_>, target: Made<'_>) -> Vec<Versions> {
    let groups = by_subject(differing(base, target));
    groups.into_values().flat_map(paired).collect()
}

fn differing(base: &Base<'_>, target: Made<'_>) -> Items {
    let outputs = |made: Made<'_>| -> BTreeMap<String, usize> {
        let paths = made.outputs.iter().enumerate();
        paths
            .map(|(index, output)| (output.path.clone(), index))
            .collect()
    };
    let (old, new) = (base.made.map(outputs).unwrap_or_default(), outputs(target));
    let nothing = Committed::default();
    let committed = base.committed.as_ref().unwrap_or(&nothing);
    let paths: BTreeSet<&String> = old
        .keys()
        .chain(new.keys())
        .chain(committed.other.keys())
        .collect();
    let mut items = Items::default();
    for path in paths {
        let made = base.made.zip(old.get(path));
        let compiled = made.map(|(made, index)| &made.outputs[*index].bytes);
        let other = committed.other.get(path);
        let before = other.map_or(compiled, Option::as_ref);
        let after = new.get(path).map(|index| &target.outputs[*index].bytes);
        if before == after && (before == compiled || other.is_none()) {
            continue;
        }
        let traced = made.map(|(made, index)| subject::of_file(&made.tree.files[*index]));
        match (other, &traced) {
            (None, Some(traced)) => items.before.extend(traced.iter().cloned()),
            (Some(Some(bytes)), _) => items.before.extend(subject::of_bytes(path, bytes)),
            _ => {}
        }
        items.traced.extend(traced.unwrap_or_default());
        let after = new.get(path);
        let after = after.map(|index| subject::of_file(&target.tree.files[*index]));
        items.after.extend(after.unwrap_or_default());
    }
    items
}

fn by_subject(items: Items) -> BTreeMap<Subject, Items> {
    let mut groups: BTreeMap<Subject, Items> = BTreeMap::new();
    type Part = fn(&mut Items) -> &mut Vec<Item>;
    let parts: [(Vec<Item>, Part); 3] = [
        (items.before, |group| &mut group.before),
        (items.traced, |group| &mut group.traced),
        (items.after, |group| &mut group.after),
    ];
    for (items, part) in parts {
        for item in items {
            part(groups.entry(item.subject.clone()).or_default()).push(item);
        }
    }
    groups
}

/// The objects of one subject that are the same: those in one file, then the others in the order of their files.
fn paired(mut group: Items) -> Vec<Versions> {
    let mut pairs = Vec::new();
    let mut moved = Vec::new();
    for item in group.before {
        match take(&mut group.after, &item.path) {
            Some(same) => pairs.push(Versions {
                traced: take(&mut group.traced, &item.path),
                before: Some(item),
                after: Some(same),
            }),
            None => moved.push(item),
        }
    }
    let mut after = group.after.into_iter();
    for item in moved {
        pairs.push(Versions {
            traced: take(&mut group.traced, &item.path),
            after: after.next(),
            before: Some(item),
        });
    }
    for item in after {
        pairs.push(Versions {
            before: None,
            traced: take(&mut group.traced, &item.path),
            after: Some(item),
        });
    }
    pairs
}

/// Takes the first object of a file.
fn take(items: &mut Vec<Item>, path: &str) -> Option<Item> {
    let at = items.iter().position(|item| item.path == path)?;
    Some(items.remove(at))
}
