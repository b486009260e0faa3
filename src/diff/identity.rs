//! What tells the items of a list apart, as Kubernetes and Talos do: a name, a port, a key.
//!
//! Knows lists alone, no kind: what is called by a `name` is so in every kind.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::template::convert::text;
use crate::value::Node;

/// The keys that items are told apart by, the most telling first. Of a group the first must be there, and the others
/// count where they are.
const IDENTITIES: [&[&str]; 17] = [
    &["name"],
    &["kind", "name", "namespace"],
    &["name", "namespace", "sectionName"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["key"],
    &["id"],
    &["ip"],
    &["host"],
    &["hostname"],
    &["interface"],
    &["path"],
    &["network"],
    &["topologyKey"],
    &["url"],
    &["type"],
];

/// What an item is called: its keys, each with its value.
pub(crate) type Identity = Vec<(&'static str, SmolStr)>;

/// The keys that tell apart the items of each of these lists of maps; none where no keys do.
pub(crate) fn keys(lists: &[&[Node]]) -> Option<&'static [&'static str]> {
    let serves = |keys: &&&'static [&'static str]| {
        let mut lists = lists.iter();
        lists.all(|items| distinct(items.iter().map(|item| identity(item, keys))))
    };
    IDENTITIES.iter().find(serves).copied()
}

/// What an item is called by some keys; none where it lacks the first of them.
pub(crate) fn identity(item: &Node, keys: &'static [&'static str]) -> Option<Identity> {
    let value = |key: &'static str| {
        let node = item.get(key).filter(|node| node.is_scalar())?;
        Some((key, SmolStr::new(text(node)?)))
    };
    let (first, more) = keys.split_first()?;
    let mut identity = vec![value(first)?];
    identity.extend(more.iter().filter_map(|key| value(key)));
    Some(identity)
}

/// Whether all of these are there, each once.
fn distinct(identities: impl Iterator<Item = Option<Identity>>) -> bool {
    let mut seen = BTreeSet::new();
    let mut identities = identities;
    identities.all(|identity| identity.is_some_and(|identity| seen.insert(identity)))
}
