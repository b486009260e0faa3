//! Two objects to the fields in which they differ.
//!
//! Items of a list are held against those that are called the same, where something tells them apart; that they stand in
//! another order is told as such. Where nothing does, the list is compared as the lines of a text are.

use std::collections::BTreeMap;

use super::cause::{Attribution, Cause, Setting, Triple};
use super::identity::{self, Identity, identity};
use super::path::{FieldPath, FieldStep};
use super::sequence::{Part, differences};
use crate::template::convert::json;
use crate::value::{Map, Node, Value};

/// A difference.
#[derive(Clone, Debug)]
pub struct Field {
    /// The way to it.
    pub path: FieldPath,
    /// What it is.
    pub what: What,
    /// What it follows from.
    pub causes: Vec<Cause>,
}

/// What a difference is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// This was not there.
    Added(Node),
    /// This is gone.
    Removed(Node),
    /// The one stands where the other stood.
    Changed(Node, Node),
    /// The same items stand in another order.
    Reordered,
}

/// The fields in which `before` and `after` of an object differ, in the order of their keys.
pub(super) fn compare(
    whole: Triple<'_>,
    attribution: &Attribution,
    setting: Setting<'_>,
) -> Vec<Field> {
    let mut walk = Walk {
        attribution,
        setting,
        path: FieldPath::default(),
        around: Vec::new(),
        found: Vec::new(),
    };
    walk.node(whole);
    walk.found
}

struct Walk<'a, 'n> {
    attribution: &'a Attribution,
    setting: Setting<'a>,
    path: FieldPath,
    around: Vec<Triple<'n>>,
    found: Vec<Field>,
}

impl<'n> Walk<'_, 'n> {
    fn node(&mut self, triple: Triple<'n>) {
        let (Some(before), Some(after)) = (triple.before, triple.after) else {
            return self.push(triple);
        };
        if before == after {
            return;
        }
        match (&before.value, &after.value) {
            (Value::Map(before), Value::Map(after)) => self.map(triple, before, after),
            (Value::List(before), Value::List(after)) => self.list(triple, before, after),
            _ => self.push(triple),
        }
    }

    fn push(&mut self, triple: Triple<'n>) {
        let what = match (triple.before, triple.after) {
            (Some(before), Some(after)) => What::Changed(before.clone(), after.clone()),
            (Some(before), None) => What::Removed(before.clone()),
            (None, Some(after)) => What::Added(after.clone()),
            (None, None) => return,
        };
        self.push_as(what, triple);
    }

    fn push_as(&mut self, what: What, triple: Triple<'n>) {
        self.found.push(Field {
            path: self.path.clone(),
            what,
            causes: self.attribution.of(triple, &self.around, self.setting),
        });
    }

    fn at(&mut self, step: FieldStep, inside: Triple<'n>) {
        self.path.0.push(step);
        self.node(inside);
        self.path.0.pop();
    }

    fn map(&mut self, whole: Triple<'n>, before: &'n Map, after: &'n Map) {
        self.around.push(whole);
        let gone_or_kept = before.keys();
        let new = after.keys().filter(|key| !before.contains_key(*key));
        let mut keys: Vec<_> = gone_or_kept.chain(new).collect();
        keys.sort();
        for key in keys {
            let inside = Triple {
                before: before.get(key).map(|entry| &entry.node),
                traced: whole.traced.and_then(|node| node.get(key)),
                after: after.get(key).map(|entry| &entry.node),
            };
            if inside.before != inside.after {
                self.at(FieldStep::Key(key.clone()), inside);
            }
        }
        self.around.pop();
    }

    fn list(&mut self, whole: Triple<'n>, before: &'n [Node], after: &'n [Node]) {
        let traced = whole.traced.and_then(Node::as_list).unwrap_or_default();
        match identity::keys(&[before, after]) {
            Some(keys) => self.by_identity(
                whole,
                Items {
                    before,
                    traced,
                    after,
                },
                keys,
            ),
            None => self.by_place(
                whole,
                Items {
                    before,
                    traced,
                    after,
                },
            ),
        }
    }

    fn by_identity(&mut self, whole: Triple<'n>, items: Items<'n>, keys: &'static [&'static str]) {
        let [before, traced, after] =
            [items.before, items.traced, items.after].map(|items| Named::new(items, keys));
        self.around.push(whole);
        let gone = before.order.iter().filter(|one| !after.has(one));
        for one in after.order.iter().chain(gone) {
            let inside = Triple {
                before: before.find(one),
                traced: traced.find(one),
                after: after.find(one),
            };
            if inside.before != inside.after {
                self.at(FieldStep::Item(one.clone()), inside);
            }
        }
        self.around.pop();
        let old = before.order.iter().filter(|one| after.has(one));
        let new = after.order.iter().filter(|one| before.has(one));
        if !old.eq(new) {
            self.push_as(What::Reordered, whole);
        }
    }

    fn by_place(&mut self, whole: Triple<'n>, items: Items<'n>) {
        let printed = |items: &[Node]| -> Vec<String> {
            items.iter().map(|item| json(item).to_string()).collect()
        };
        let (old, new) = (printed(items.before), printed(items.after));
        let sorted = |items: &[String]| {
            let mut items = items.to_vec();
            items.sort();
            items
        };
        if sorted(&old) == sorted(&new) {
            return self.push_as(What::Reordered, whole);
        }
        self.around.push(whole);
        for Part {
            old: from, new: to, ..
        } in differences(&old, &new)
        {
            let pairs = from.len().min(to.len());
            for index in 0..from.len().max(to.len()) {
                let (old, new) = (from.start + index, to.start + index);
                let inside = Triple {
                    before: (index < from.len()).then(|| &items.before[old]),
                    traced: (index < from.len())
                        .then(|| items.traced.get(old))
                        .flatten(),
                    after: (index < to.len()).then(|| &items.after[new]),
                };
                let shown = if index < pairs || index < to.len() {
                    new
                } else {
                    old
                };
                self.at(FieldStep::Index(shown), inside);
            }
        }
        self.around.pop();
    }
}

/// The items of a list.
#[derive(Clone, Copy)]
struct Items<'n> {
    before: &'n [Node],
    traced: &'n [Node],
    after: &'n [Node],
}

/// The items of a list by what they are called, and in which order they stand.
struct Named<'n> {
    items: BTreeMap<Identity, &'n Node>,
    order: Vec<Identity>,
}

impl<'n> Named<'n> {
    fn new(items: &'n [Node], keys: &'static [&'static str]) -> Self {
        let named = |item: &'n Node| Some((identity(item, keys)?, item));
        Named {
            items: items.iter().filter_map(named).collect(),
            order: items
                .iter()
                .filter_map(|item| identity(item, keys))
                .collect(),
        }
    }

    fn find(&self, identity: &Identity) -> Option<&'n Node> {
        self.items.get(identity).copied()
    }

    fn has(&self, identity: &Identity) -> bool {
        self.items.contains_key(identity)
    }
}
