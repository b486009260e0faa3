//! Labels and selectors, and a shelf of labelled things from which a selector picks without looking at all of them.

use std::collections::BTreeMap;

use super::read;
use crate::value::{Map, Node};

/// What a selector asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector<'a> {
    equal: Vec<(&'a str, &'a str)>,
    rules: Vec<Rule<'a>>,
}

#[derive(Clone, Debug)]
struct Rule<'a> {
    key: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

impl<'a> Selector<'a> {
    /// A plain map of labels, as a Service has one.
    pub(super) fn plain(node: &'a Node) -> Self {
        let pairs = node.as_map().into_iter().flatten();
        let equal = pairs.filter_map(|(key, entry)| Some((key.as_str(), entry.node.as_str()?)));
        Selector {
            equal: equal.collect(),
            rules: Vec::new(),
        }
    }

    /// `matchLabels` and `matchExpressions`.
    pub(super) fn full(node: &'a Node) -> Self {
        let mut selector = node
            .get("matchLabels")
            .map(Selector::plain)
            .unwrap_or_default();
        for rule in read::every(node, "matchExpressions.*") {
            let values = read::every(rule, "values.*");
            selector.rules.push(Rule {
                key: read::text(rule, "key").unwrap_or_default(),
                operator: read::text(rule, "operator").unwrap_or_default(),
                values: values.into_iter().filter_map(Node::as_str).collect(),
            });
        }
        selector
    }

    /// Whether it picks everything.
    pub(super) fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.rules.is_empty()
    }

    /// Whether it picks something with these labels.
    pub(super) fn picks(&self, labels: Option<&Map>) -> bool {
        let label = |key: &str| labels.and_then(|labels| read::label(labels, key));
        self.equal
            .iter()
            .all(|(key, value)| label(key) == Some(value))
            && self.rules.iter().all(|rule| rule.holds(label(rule.key)))
    }

    /// Whether it may pick something that has these labels and perhaps others.
    pub(super) fn may_pick(&self, labels: Option<&Map>) -> bool {
        let label = |key: &str| labels.and_then(|labels| read::label(labels, key));
        self.equal
            .iter()
            .all(|(key, value)| label(key).is_none_or(|label| label == *value))
            && self.rules.iter().all(|rule| {
                let label = label(rule.key);
                label.is_none() || rule.holds(label)
            })
    }

    /// As a message says it: `app=web,tier=front`.
    pub(super) fn to_text(&self) -> String {
        let equal = self
            .equal
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let rules = self.rules.iter().map(|rule| match rule.operator {
            "Exists" => rule.key.to_owned(),
            "DoesNotExist" => format!("!{}", rule.key),
            operator => {
                let word = operator.to_lowercase();
                format!("{} {word} ({})", rule.key, rule.values.join(", "))
            }
        });
        let all: Vec<String> = equal.chain(rules).collect();
        if all.is_empty() {
            return "{}".to_owned();
        }
        all.join(",")
    }
}

impl Rule<'_> {
    fn holds(&self, label: Option<&str>) -> bool {
        match self.operator {
            "In" => label.is_some_and(|label| self.values.contains(&label)),
            "NotIn" => label.is_none_or(|label| !self.values.contains(&label)),
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            // The API server refuses any other; here it is not the selector that is looked at.
            _ => true,
        }
    }
}

/// Where a selector looks.
#[derive(Clone, Debug)]
pub(super) enum Reach<'a> {
    /// In these namespaces.
    In(Vec<&'a str>),
    /// Everywhere.
    Anywhere,
}

/// Labelled things of all namespaces.
#[derive(Debug)]
pub(super) struct Shelf<'a, T> {
    items: Vec<(Option<&'a Map>, T)>,
    by_namespace: BTreeMap<&'a str, Vec<usize>>,
    /// By key, value and namespace.
    by_label: BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<&'a str, Vec<usize>>>>,
}

impl<T> Default for Shelf<'_, T> {
    fn default() -> Self {
        Shelf {
            items: Vec::new(),
            by_namespace: BTreeMap::new(),
            by_label: BTreeMap::new(),
        }
    }
}

impl<'a, T> Shelf<'a, T> {
    /// Puts something on the shelf.
    pub(super) fn add(&mut self, namespace: &'a str, labels: Option<&'a Map>, item: T) {
        let at = self.items.len();
        self.items.push((labels, item));
        self.by_namespace.entry(namespace).or_default().push(at);
        for (key, entry) in labels.into_iter().flatten() {
            if let Some(value) = entry.node.as_str() {
                let values = self.by_label.entry(key).or_default();
                let namespaces = values.entry(value).or_default();
                namespaces.entry(namespace).or_default().push(at);
            }
        }
    }

    /// Everything on it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }

    /// What a selector picks.
    pub(super) fn pick<'s>(
        &'s self,
        reach: &'s Reach<'s>,
        selector: &'s Selector<'s>,
    ) -> impl Iterator<Item = &'s T> {
        let places: Box<dyn Iterator<Item = &'s usize> + 's> = match reach {
            Reach::In(namespaces) => {
                let namespaces = namespaces.iter();
                Box::new(namespaces.flat_map(|namespace| self.nearest(namespace, selector)))
            }
            Reach::Anywhere => match selector.equal.first() {
                Some((key, value)) => {
                    let namespaces = self.labelled(key, value).into_iter();
                    Box::new(namespaces.flat_map(BTreeMap::values).flatten())
                }
                None => Box::new(self.by_namespace.values().flatten()),
            },
        };
        places
            .map(|at| &self.items[*at])
            .filter(|(labels, _)| selector.picks(*labels))
            .map(|(_, item)| item)
    }

    fn labelled(&self, key: &str, value: &str) -> Option<&BTreeMap<&'a str, Vec<usize>>> {
        self.by_label.get(key)?.get(value)
    }

    /// The shortest list of a namespace that has all that a selector may pick.
    fn nearest(&self, namespace: &str, selector: &Selector<'_>) -> &[usize] {
        let mut shortest = self
            .by_namespace
            .get(namespace)
            .map_or(&[][..], Vec::as_slice);
        for (key, value) in &selector.equal {
            let places = self.labelled(key, value).and_then(|all| all.get(namespace));
            let places = places.map_or(&[][..], Vec::as_slice);
            if places.len() < shortest.len() {
                shortest = places;
            }
        }
        shortest
    }
}
