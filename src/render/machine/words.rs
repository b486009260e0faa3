//! Reads the words of the vocabulary: a table of `lab.toml` or `module.toml` to [`Facts`], every value typed.
//!
//! Knows no node and no contract.

use super::facts::{Fact, Facts, Owner};
use super::kind::check;
use super::vocabulary::{Keyed, Kind, LAB_KEYS, Shape, WORDS, Word};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::table::{unknown_key, wrong_type};
use crate::value::{Node, Path, Value};

/// The facts of a table of words, said by `owner`; messages call the table `place` (`talos`, `nodes.cp-1.talos`).
pub fn read(table: &Node, place: &str, owner: &Owner, diagnostics: &mut Diagnostics) -> Facts {
    read_table(table, place, WORDS, owner, diagnostics)
}

/// The facts of `[talos]` without the keys that are about the lab; who misspells one of those hears of it, too.
pub fn read_of_lab(table: &Node, owner: &Owner, diagnostics: &mut Diagnostics) -> Facts {
    let mut reader = Reader::new("talos", owner, diagnostics);
    reader.beside = &LAB_KEYS;
    reader.table(table, WORDS, &Path::default());
    reader.facts
}

/// The facts of a table `volumes` that stands beside the words. Messages name no node: its hardware may say it.
pub fn read_volumes(volumes: &Node, owner: &Owner, diagnostics: &mut Diagnostics) -> Facts {
    let mut reader = Reader::new("", owner, diagnostics);
    if let Some(word) = WORDS.iter().find(|word| word.name == "volumes") {
        reader.read(volumes, &word.shape, &Path::keys(["volumes"]));
    }
    reader.facts
}

/// The facts of a table with other words than the vocabulary's.
pub fn read_table(
    table: &Node,
    place: &str,
    words: &'static [Word],
    owner: &Owner,
    diagnostics: &mut Diagnostics,
) -> Facts {
    let mut reader = Reader::new(place, owner, diagnostics);
    reader.table(table, words, &Path::default());
    reader.facts
}

struct Reader<'a> {
    place: &'a str,
    owner: &'a Owner,
    /// Keys of the table itself that others read.
    beside: &'static [&'static str],
    facts: Facts,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn new(place: &'a str, owner: &'a Owner, diagnostics: &'a mut Diagnostics) -> Self {
        Reader {
            place,
            owner,
            beside: &[],
            facts: Facts::default(),
            diagnostics,
        }
    }

    /// What messages call a path.
    fn label(&self, path: &Path) -> String {
        match (self.place, path.to_string()) {
            ("", path) => path,
            (place, path) if path.is_empty() => place.to_owned(),
            (place, path) => format!("{place}.{path}"),
        }
    }

    fn read(&mut self, node: &Node, shape: &'static Shape, path: &Path) {
        match shape {
            Shape::One(kind) => {
                let value = check(*kind, node, &self.label(path), self.diagnostics);
                // a wrong value is said all the same: it is not missing
                self.set(path, value.or_else(|| Some(node.clone())));
            }
            Shape::Each(_) | Shape::Flag if node.as_list().is_some() => {
                self.items(node, shape, path)
            }
            Shape::Each(_) => self.wrong(node, path, "a list"),
            Shape::Flag => {
                let kind = Kind::Plain;
                let value = check(kind, node, &self.label(path), self.diagnostics);
                self.set(path, value);
            }
            Shape::Table(words) => self.table(node, words, path),
            Shape::Names(each) => self.names(node, each, path),
            Shape::Tree => self.tree(node, path),
            Shape::Keyed(keyed) => self.keyed(node, keyed, path),
            Shape::Or(kind, other) if node.as_map().is_none() => {
                let wanted = "a value or a table";
                if node.as_list().is_some() || !matches!(other, Shape::Table(_) | Shape::Names(_)) {
                    self.wrong(node, path, wanted);
                    return;
                }
                let value = check(*kind, node, &self.label(path), self.diagnostics);
                self.set(path, value);
            }
            Shape::Or(_, other) => self.read(node, other, path),
            Shape::Short(first, words) if node.as_map().is_none() => {
                if let Some(word) = words.iter().find(|word| word.name == *first) {
                    self.read(node, &word.shape, &path.key(first));
                }
            }
            Shape::Short(_, words) => self.table(node, words, path),
        }
    }

    fn set(&mut self, path: &Path, node: Option<Node>) {
        if let Some(node) = node {
            let fact = Fact::new(node, self.owner);
            self.facts.set(path.clone(), fact, self.diagnostics);
        }
    }

    fn items(&mut self, node: &Node, shape: &Shape, path: &Path) {
        let kind = match shape {
            Shape::Each(kind) => *kind,
            _ => Kind::Plain,
        };
        for (index, item) in node.as_list().into_iter().flatten().enumerate() {
            let label = format!("{}[{index}]", self.label(path));
            if let Some(item) = check(kind, item, &label, self.diagnostics) {
                let fact = Fact::new(item, self.owner);
                self.facts.add(path.clone(), fact, self.diagnostics);
            }
        }
    }

    fn table(&mut self, node: &Node, words: &'static [Word], path: &Path) {
        let Some(map) = node.as_map() else {
            self.wrong(node, path, "a table");
            return;
        };
        for (key, entry) in map {
            let below = path.key(key);
            match words.iter().find(|word| word.name == key) {
                Some(word) => self.read(&entry.node, &word.shape, &below),
                None => {
                    let beside = self.beside.iter().filter(|_| path.0.is_empty());
                    let names = words.iter().map(|word| word.name);
                    let known: Vec<&str> = names.chain(beside.copied()).collect();
                    let span = entry.key.or_else(|| entry.node.origin.first());
                    let label = self.label(&below);
                    self.diagnostics
                        .push(unknown_key(&label, key, span, &known));
                }
            }
        }
    }

    fn names(&mut self, node: &Node, each: &'static Shape, path: &Path) {
        let Some(map) = node.as_map() else {
            self.wrong(node, path, "a table");
            return;
        };
        for (key, entry) in map {
            let below = path.key(key);
            if let Err(why) = super::kind::check_name(path, key) {
                let span = entry.key.or_else(|| entry.node.origin.first());
                let message = format!("`{}` is not a name that can stand here", self.label(&below));
                self.diagnostics
                    .push(Diagnostic::error(Code::INVALID_NAME, span, message).help(why));
                continue;
            }
            self.read(&entry.node, each, &below);
        }
    }

    fn tree(&mut self, node: &Node, path: &Path) {
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                for (key, entry) in map {
                    self.tree(&entry.node, &path.key(key));
                }
            }
            Value::List(items) if !items.is_empty() => {
                for item in items {
                    let fact = Fact::new(item.clone(), self.owner);
                    self.facts.add(path.clone(), fact, self.diagnostics);
                }
            }
            _ => self.set(path, Some(node.clone())),
        }
    }

    fn keyed(&mut self, node: &Node, keyed: &'static Keyed, path: &Path) {
        let Some(items) = node.as_list() else {
            self.wrong(node, path, "a list");
            return;
        };
        let mut seen: Vec<String> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let label = format!("{}[{index}]", self.label(path));
            let Some((name, key)) = self.key_of(item, keyed, &label) else {
                continue;
            };
            if seen.contains(&name) {
                let message = format!("`{}` has `{name}` twice", self.label(path));
                let span = item.origin.first();
                self.diagnostics
                    .push(Diagnostic::error(Code::INVALID_VALUE, span, message));
                continue;
            }
            let below = path.key(&name);
            self.set(&below.key(keyed.key), Some(key));
            self.keyed_words(item, keyed, &below, &label);
            seen.push(name);
        }
    }

    /// What tells an entry of a keyed list apart, as text and as the node that says it.
    fn key_of(&mut self, item: &Node, keyed: &Keyed, label: &str) -> Option<(String, Node)> {
        let named = match item.as_map() {
            Some(_) => {
                let stand_in = keyed.or.and_then(|word| item.get(word));
                item.get(keyed.key).or(stand_in)
            }
            None => Some(item),
        };
        let Some(named) = named else {
            let message = format!("`{label}.{}` is missing", keyed.key);
            let missing = Diagnostic::error(Code::MISSING_KEY, item.origin.first(), message);
            self.diagnostics.push(missing.here("it belongs here"));
            return None;
        };
        let key = check(keyed.kind, named, label, self.diagnostics)?;
        Some((key.as_str()?.to_owned(), key))
    }

    fn keyed_words(&mut self, item: &Node, keyed: &'static Keyed, path: &Path, label: &str) {
        let entries = item.as_map().into_iter().flatten();
        for (word, entry) in entries.filter(|(word, _)| *word != keyed.key) {
            if let Some(known) = keyed.words.iter().find(|known| known.name == word) {
                self.read(&entry.node, &known.shape, &path.key(word));
                continue;
            }
            let names = keyed.words.iter().map(|known| known.name);
            let known: Vec<&str> = std::iter::once(keyed.key).chain(names).collect();
            let span = entry.key.or_else(|| entry.node.origin.first());
            let label = format!("{label}.{word}");
            self.diagnostics
                .push(unknown_key(&label, word, span, &known));
        }
    }

    fn wrong(&mut self, node: &Node, path: &Path, expected: &str) {
        let label = self.label(path);
        self.diagnostics.push(wrong_type(node, &label, expected));
    }
}
