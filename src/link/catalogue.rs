//! Things by group, kind, namespace and name.

use std::collections::BTreeMap;

/// Group, kind, namespace and name of an object; no namespace for one of the whole cluster.
pub(super) type Key<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

type Map<'a, V> = BTreeMap<&'a str, V>;

/// Everything of one kind, by namespace (empty for the whole cluster) and name.
type OfKind<'a, V> = Map<'a, Map<'a, Vec<V>>>;

/// Things by the identity of an object, perhaps several for one. Maps in maps, so that a key may be borrowed from anywhere.
#[derive(Debug)]
pub(super) struct Catalogue<'a, V>(Map<'a, Map<'a, OfKind<'a, V>>>);

impl<V> Default for Catalogue<'_, V> {
    fn default() -> Self {
        Catalogue(Map::new())
    }
}

impl<'a, V> Catalogue<'a, V> {
    /// Adds one.
    pub(super) fn add(&mut self, key: Key<'a>, value: V) {
        let (group, kind, namespace, name) = key;
        let kinds = self.0.entry(group).or_default();
        let namespaces = kinds.entry(kind).or_default();
        let names = namespaces.entry(namespace.unwrap_or_default()).or_default();
        names.entry(name).or_default().push(value);
    }

    fn kind(&self, group: &str, kind: &str) -> Option<&OfKind<'a, V>> {
        self.0.get(group)?.get(kind)
    }

    /// Those of one identity.
    pub(super) fn get(&self, key: Key<'_>) -> &[V] {
        let (group, kind, namespace, name) = key;
        let names = self
            .kind(group, kind)
            .and_then(|namespaces| namespaces.get(namespace.unwrap_or_default()));
        let found = names.and_then(|names| names.get(name));
        found.map_or(&[], Vec::as_slice)
    }

    /// Those of one kind, by namespace and name.
    pub(super) fn of_kind(
        &self,
        group: &str,
        kind: &str,
    ) -> impl Iterator<Item = &V> + use<'_, 'a, V> {
        let namespaces = self.kind(group, kind).into_iter().flat_map(Map::values);
        namespaces.flat_map(Map::values).flatten()
    }

    /// The names of one kind in a namespace.
    pub(super) fn names(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'a str> + use<'_, 'a, V> {
        let names = self
            .kind(group, kind)
            .and_then(|namespaces| namespaces.get(namespace.unwrap_or_default()));
        names.into_iter().flat_map(Map::keys).copied()
    }

    /// All of them: each identity with its things.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key<'a>, &[V])> {
        self.0.iter().flat_map(|(group, kinds)| {
            kinds.iter().flat_map(move |(kind, namespaces)| {
                namespaces.iter().flat_map(move |(namespace, names)| {
                    let namespace = Some(*namespace).filter(|namespace| !namespace.is_empty());
                    names.iter().map(move |(name, things)| {
                        ((*group, *kind, namespace, *name), things.as_slice())
                    })
                })
            })
        })
    }
}
