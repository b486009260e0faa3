//! Two lists to the parts that they share and those that they do not, in an effort that is bounded.

use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Items that two lists are compared item by item up to: where nothing is shared, the effort grows with their product.
const MAX_ITEMS: usize = 20_000;

/// A part of two lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Whether both have the same there.
    pub(crate) is_same: bool,
    /// Where it is in the first list; empty for what only the second has.
    pub(crate) old: Range<usize>,
    /// Where it is in the second.
    pub(crate) new: Range<usize>,
}

/// The parts of two lists, in their order. Of lists that are too long all between the first and the last difference is one.
pub(crate) fn parts<T: Hash + Eq + Ord>(before: &[T], after: &[T]) -> Vec<Part> {
    let is_shared = |pair: &(&T, &T)| pair.0 == pair.1;
    let front = before.iter().zip(after).take_while(is_shared).count();
    let (old, new) = (&before[front..], &after[front..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let back = ends.take_while(is_shared).count();
    let (old, new) = (&old[..old.len() - back], &new[..new.len() - back]);
    let part = |is_same, old: Range<usize>, new: Range<usize>| Part {
        is_same,
        old: old.start + front..old.end + front,
        new: new.start + front..new.end + front,
    };
    let mut parts = vec![Part {
        is_same: true,
        old: 0..front,
        new: 0..front,
    }];
    if old.len() + new.len() <= MAX_ITEMS {
        let ops = capture_diff_slices(Algorithm::Myers, old, new);
        let of = |op: DiffOp| {
            let is_same = matches!(op, DiffOp::Equal { .. });
            part(is_same, op.old_range(), op.new_range())
        };
        parts.extend(ops.into_iter().map(of));
    } else {
        parts.push(part(false, 0..old.len(), 0..new.len()));
    }
    parts.push(Part {
        is_same: true,
        old: before.len() - back..before.len(),
        new: after.len() - back..after.len(),
    });
    parts.retain(|part| !part.old.is_empty() || !part.new.is_empty());
    parts
}

/// The parts that two lists do not share.
pub(crate) fn differences<T: Hash + Eq + Ord>(before: &[T], after: &[T]) -> Vec<Part> {
    let mut parts = parts(before, after);
    parts.retain(|part| !part.is_same);
    parts
}

#[cfg(test)]
mod tests {
    use super::{MAX_ITEMS, differences, parts};

    #[test]
    fn parts_cover_both_lists_and_say_what_is_shared() {
        let (before, after) = (["a", "b", "c", "d", "z"], ["a", "c", "x", "d", "y", "z"]);
        let parts = parts(&before, &after);
        let whole = |side: fn(&super::Part) -> std::ops::Range<usize>| -> Vec<usize> {
            parts.iter().flat_map(side).collect()
        };
        assert_eq!(whole(|part| part.old.clone()), [0, 1, 2, 3, 4]);
        assert_eq!(whole(|part| part.new.clone()), [0, 1, 2, 3, 4, 5]);
        for part in &parts {
            let is_same = before[part.old.clone()] == after[part.new.clone()];
            assert_eq!(is_same, part.is_same);
        }
    }

    #[test]
    fn long_lists_that_share_nothing_are_one_difference() {
        let list = |from: usize| (from..from + MAX_ITEMS).collect::<Vec<_>>();
        let found = differences(&list(0), &list(MAX_ITEMS));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].old, 0..MAX_ITEMS);
        assert!(differences(&list(0), &list(0)).is_empty());
    }
}
