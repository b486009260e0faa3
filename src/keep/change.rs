//! Two trees to the changes that lead from one to the other.
//!
//! Items of a list are told apart as Kubernetes does (by `name`, a port, a key), else by their place. The order of
//! changes is that of a JSON patch: each one's path is right once those before it are made.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use crate::diff::identity;
use crate::value::{Map, Node, Path, Step, Value};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// The document of its file, counted from 0.
    pub(super) document: usize,
    /// The way to what is different.
    pub(super) path: Path,
    /// What happens there.
    pub(super) what: What,
}

/// What happens at a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Another value stands there.
    Set(Node),
    /// A key or an item that was not there: an item stands before the one that has its index.
    Added(Node),
    /// A key or an item that is gone.
    Removed,
}

/// The changes from `before` to `after`; none where the two have not the same number of documents.
pub(super) fn changes<N: Borrow<Node>>(before: &[N], after: &[N]) -> Option<Vec<Change>> {
    if before.len() != after.len() {
        return None;
    }
    let mut finder = Finder {
        document: 0,
        path: Path::default(),
        found: Vec::new(),
    };
    for (before, after) in before.iter().zip(after) {
        finder.node(before.borrow(), after.borrow());
        finder.document += 1;
    }
    Some(finder.found)
}

struct Finder {
    document: usize,
    path: Path,
    found: Vec<Change>,
}

impl Finder {
    fn push(&mut self, what: What) {
        self.found.push(Change {
            document: self.document,
            path: self.path.clone(),
            what,
        });
    }

    fn at(&mut self, step: Step, act: impl FnOnce(&mut Self)) {
        self.path.0.push(step);
        act(self);
        self.path.0.pop();
    }

    fn node(&mut self, before: &Node, after: &Node) {
        match (&before.value, &after.value) {
            (before, after) if before == after => {}
            (Value::Map(before), Value::Map(after)) if !before.is_empty() && !after.is_empty() => {
                self.map(before, after);
            }
            (Value::List(before), Value::List(items)) if !before.is_empty() => {
                self.list(before, items, after);
            }
            _ => self.push(What::Set(after.clone())),
        }
    }

    fn map(&mut self, before: &Map, after: &Map) {
        for (key, entry) in before {
            self.at(Step::Key(key.clone()), |finder| match after.get(key) {
                Some(there) => finder.node(&entry.node, &there.node),
                None => finder.push(What::Removed),
            });
        }
        for (key, entry) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
            self.at(Step::Key(key.clone()), |finder| {
                finder.push(What::Added(entry.node.clone()));
            });
        }
    }

    fn list(&mut self, before: &[Node], after: &[Node], whole: &Node) {
        let (Some(old), Some(new)) = (identities(before, after), identities(after, before)) else {
            return self.by_place(before, after, whole);
        };
        let common = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|one| those.contains(one))
                .cloned()
                .collect()
        };
        let (kept, order) = (common(&old, &new), common(&new, &old));
        if kept.is_empty() || (kept.len() < old.len() && before.len() == after.len()) {
            return self.by_place(before, after, whole);
        }
        if kept != order {
            return self.push(What::Set(whole.clone()));
        }
        let place = |all: &[String], one: &String| all.iter().position(|other| other == one);
        for identity in &kept {
            if let (Some(from), Some(to)) = (place(&old, identity), place(&new, identity)) {
                self.at(Step::Index(from), |finder| {
                    finder.node(&before[from], &after[to]);
                });
            }
        }
        for gone in (0..old.len()).rev().filter(|at| !new.contains(&old[*at])) {
            self.at(Step::Index(gone), |finder| finder.push(What::Removed));
        }
        for here in (0..new.len()).filter(|at| !old.contains(&new[*at])) {
            self.at(Step::Index(here), |finder| {
                finder.push(What::Added(after[here].clone()));
            });
        }
    }

    fn by_place(&mut self, before: &[Node], after: &[Node], whole: &Node) {
        if before.len() != after.len() {
            return self.push(What::Set(whole.clone()));
        }
        for (index, (before, after)) in before.iter().zip(after).enumerate() {
            self.at(Step::Index(index), |finder| finder.node(before, after));
        }
    }
}

/// What tells each item of a list from the others; none where nothing does, there or in the `other` list.
fn identities(items: &[Node], other: &[Node]) -> Option<Vec<String>> {
    let scalars = |items: &[Node]| items.iter().map(scalar).collect::<Option<Vec<_>>>();
    if let (Some(own), Some(_)) = (scalars(items), scalars(other)) {
        return distinct(own);
    }
    let keys = identity::keys(&[items, other])?;
    let named = |item: &Node| {
        let identity = identity::identity(item, keys)?;
        let values: Vec<&str> = identity.iter().map(|(_, value)| value.as_str()).collect();
        Some(values.join("/"))
    };
    items.iter().map(named).collect()
}

fn distinct(identities: Vec<String>) -> Option<Vec<String>> {
    let all: BTreeSet<&String> = identities.iter().collect();
    (all.len() == identities.len()).then_some(identities)
}

fn scalar(node: &Node) -> Option<String> {
    crate::template::convert::text(node)
}

/// `node` after a change, as far as it is about its document.
pub(super) fn apply(node: &mut Node, change: &Change) {
    let Some((last, way)) = change.path.0.split_last() else {
        if let What::Set(value) | What::Added(value) = &change.what {
            *node = value.clone();
        }
        return;
    };
    let Some(parent) = below(node, way) else {
        return;
    };
    match (last, &mut parent.value, &change.what) {
        (Step::Key(key), Value::Map(map), What::Removed) => {
            map.remove(key);
        }
        (Step::Key(key), Value::Map(_), What::Set(value) | What::Added(value)) => {
            parent.insert(key.clone(), value.clone());
        }
        (Step::Index(at), Value::List(items), what) => match what {
            What::Removed if *at < items.len() => {
                items.remove(*at);
            }
            What::Added(value) if *at <= items.len() => items.insert(*at, value.clone()),
            What::Set(value) if *at < items.len() => items[*at] = value.clone(),
            _ => {}
        },
        _ => {}
    }
}

fn below<'a>(node: &'a mut Node, way: &[Step]) -> Option<&'a mut Node> {
    let mut here = node;
    for step in way {
        here = match (step, &mut here.value) {
            (Step::Key(key), Value::Map(map)) => &mut map.get_mut(key)?.node,
            (Step::Index(at), Value::List(items)) => items.get_mut(*at)?,
            _ => return None,
        };
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::{apply, changes};
    use crate::diag::Diagnostics;
    use crate::source::{SourceKind, Sources};
    use crate::syntax::yaml;
    use crate::value::Node;

    fn read(text: &str) -> Vec<Node> {
        let mut sources = Sources::default();
        let source = sources.add("test.yaml".to_owned(), text.into(), SourceKind::Lab);
        yaml::read(source, text, &mut Diagnostics::default())
    }

    /// What is found between two texts, as `path: what`.
    fn found(before: &str, after: &str) -> Vec<String> {
        let (before, after) = (read(before), read(after));
        let changes = changes(&before, &after).expect("as many documents");
        let mut made = before.clone();
        for change in &changes {
            apply(&mut made[change.document], change);
        }
        assert_eq!(made, after, "the changes lead from one to the other");
        let name = |what: &super::What| match what {
            super::What::Set(_) => "set",
            super::What::Added(_) => "added",
            super::What::Removed => "removed",
        };
        changes
            .iter()
            .map(|change| format!("{} {}", change.path, name(&change.what)))
            .collect()
    }

    #[test]
    fn keys_are_set_added_and_removed() {
        let found = found("a: 1\nb: {c: 2, d: 3}\n", "a: 2\nb: {c: 2, e: 3}\n");
        assert_eq!(found, ["a set", "b.d removed", "b.e added"]);
    }

    #[test]
    fn items_are_told_apart_by_name() {
        let before = "env: [{name: A, value: x}, {name: B, value: y}, {name: C, value: z}]";
        let after = "env: [{name: N, value: n}, {name: A, value: x}, {name: C, value: w}]";
        let moved = "env: [{name: C, value: z}, {name: B, value: y}, {name: A, value: x}]";
        assert_eq!(
            found(before, after),
            [
                "env[0].name set",
                "env[0].value set",
                "env[1].name set",
                "env[1].value set",
                "env[2].value set"
            ],
            "as many as before: place by place"
        );
        let fewer = "env: [{name: A, value: x}, {name: C, value: w}]";
        assert_eq!(found(before, fewer), ["env[2].value set", "env[1] removed"]);
        let more = "env: [{name: A, value: x}, {name: N, value: n}, {name: B, value: y}, {name: C, value: z}]";
        assert_eq!(found(before, more), ["env[1] added"]);
        assert_eq!(found(before, moved), ["env set"]);
    }

    #[test]
    fn scalars_and_ports_have_identities_too() {
        assert_eq!(found("a: [x, y]", "a: [x, z]"), ["a[1] set"]);
        assert_eq!(found("a: [x, y]", "a: [y]"), ["a[0] removed"]);
        assert_eq!(found("a: [x]", "a: []"), ["a set"]);
        let before = "ports: [{containerPort: 80}, {containerPort: 81}]";
        let after =
            "ports: [{containerPort: 80}, {containerPort: 81, name: x}, {containerPort: 82}]";
        assert_eq!(
            found(before, after),
            ["ports[1].name added", "ports[2] added"]
        );
    }
}
