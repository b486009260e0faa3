//! What is said about machine configs, flattened: from the path of a word to what is said there, and by whom.
//!
//! Knows neither the words nor a contract. Lists add up, maps merge, and two different values for one word are an
//! error that names both sides, unless a more specific place of the lab overrides a more general one.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::value::{Map, Node, Path, Step, Value};

/// Who says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// As messages say it: "component `longhorn`", "`[talos]`", "node `cp-1`".
    pub text: String,
    /// How specific its place is.
    pub author: Author,
}

/// The places of the lab from general to specific; a module stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Author {
    /// A module: what it says can be overridden by nobody, because it needs it.
    Module,
    /// The lab's sections: `[talos]`, `[network]`, `[cluster]`.
    Lab,
    /// An entry of `[hardware]`.
    Hardware,
    /// An entry of `[nodes]`.
    Node,
}

/// One value and who says it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The value, with every span that made it.
    pub node: Node,
    /// Whose it is.
    pub owner: Owner,
}

/// What is said at one path.
#[derive(Clone, Debug)]
pub enum Said {
    /// One value.
    One(Fact),
    /// Items that add up, each once, in the order in which they were said.
    Each(Vec<Fact>),
}

/// Everything that is said in one place.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By path.
    pub said: BTreeMap<Path, Said>,
}

/// How two values of one word get along.
enum Verdict {
    Same,
    First,
    Second,
    Disagree,
}

impl Owner {
    /// An owner whom messages call `text`.
    pub fn new(text: &str, author: Author) -> Self {
        Owner {
            text: text.to_owned(),
            author,
        }
    }
}

impl Fact {
    /// `node`, said by `owner`.
    pub fn new(node: Node, owner: &Owner) -> Self {
        Fact {
            node,
            owner: owner.clone(),
        }
    }

    fn against(&self, other: &Fact) -> Verdict {
        let (first, second) = (self.owner.author, other.owner.author);
        if self.node == other.node {
            Verdict::Same
        } else if first == Author::Module || second == Author::Module || first == second {
            Verdict::Disagree
        } else if first < second {
            Verdict::Second
        } else {
            Verdict::First
        }
    }
}

impl Said {
    /// The facts of either form.
    pub fn facts(&self) -> &[Fact] {
        match self {
            Said::One(fact) => std::slice::from_ref(fact),
            Said::Each(facts) => facts,
        }
    }

    /// The one fact, or the first of several.
    pub fn first(&self) -> Option<&Fact> {
        self.facts().first()
    }
}

impl Facts {
    /// Says that `path` is one value.
    pub fn set(&mut self, path: Path, fact: Fact, diagnostics: &mut Diagnostics) {
        let Some(existing) = self.said.get_mut(&path) else {
            self.said.insert(path, Said::One(fact));
            return;
        };
        let Said::One(first) = existing else {
            if let Some(first) = existing.first() {
                diagnostics.push(disagree(&path, first, &fact));
            }
            return;
        };
        match first.against(&fact) {
            Verdict::Same => first.node.add_origin(&fact.node.origin),
            Verdict::First => {}
            Verdict::Second => *first = fact,
            Verdict::Disagree => diagnostics.push(disagree(&path, first, &fact)),
        }
    }

    /// Adds an item to the list at `path`.
    pub fn add(&mut self, path: Path, fact: Fact, diagnostics: &mut Diagnostics) {
        let said = self.said.entry(path.clone());
        match said.or_insert_with(|| Said::Each(Vec::new())) {
            Said::One(first) => diagnostics.push(disagree(&path, first, &fact)),
            Said::Each(facts) => match facts.iter_mut().find(|one| one.node == fact.node) {
                Some(same) => same.node.add_origin(&fact.node.origin),
                None => facts.push(fact),
            },
        }
    }

    /// Says everything that `other` says.
    pub fn merge(&mut self, other: &Facts, diagnostics: &mut Diagnostics) {
        for (path, said) in &other.said {
            match said {
                Said::One(fact) => self.set(path.clone(), fact.clone(), diagnostics),
                Said::Each(facts) => {
                    for fact in facts {
                        self.add(path.clone(), fact.clone(), diagnostics);
                    }
                }
            }
        }
    }

    /// What is said at exactly these words.
    pub fn at(&self, words: &[&str]) -> Option<&Said> {
        self.said.get(&Path::keys(words.iter().copied()))
    }

    /// The one value of these words.
    pub fn one(&self, words: &[&str]) -> Option<&Node> {
        match self.at(words)? {
            Said::One(fact) => Some(&fact.node),
            Said::Each(_) => None,
        }
    }

    /// The items of these words.
    pub fn each(&self, words: &[&str]) -> impl Iterator<Item = &Node> + use<'_> {
        let facts = self.at(words).map(Said::facts).unwrap_or_default();
        facts.iter().map(|fact| &fact.node)
    }

    /// Takes out whatever `general`, which applies before, says as well.
    pub fn without(&mut self, general: &Facts) {
        self.said
            .retain(|path, said| match (general.said.get(path), said) {
                (Some(Said::One(before)), Said::One(fact)) => before.node != fact.node,
                (Some(Said::Each(before)), Said::Each(facts)) => {
                    facts.retain(|fact| before.iter().all(|one| one.node != fact.node));
                    !facts.is_empty()
                }
                _ => true,
            });
    }

    /// Moves what `matches` out into facts of its own.
    pub fn split(&mut self, matches: impl Fn(&Path) -> bool) -> Facts {
        let (taken, kept) = std::mem::take(&mut self.said)
            .into_iter()
            .partition(|(path, _)| matches(path));
        self.said = kept;
        Facts { said: taken }
    }

    /// Reports where one owner gives a word a value and another gives it words of its own.
    pub fn check_shapes(&self, diagnostics: &mut Diagnostics) {
        for (path, said) in &self.said {
            let Some(fact) = said.first() else {
                continue;
            };
            for length in 1..path.0.len() {
                let above = Path(path.0[..length].to_vec());
                let value = self.said.get(&above).and_then(Said::first);
                if let Some(value) = value.filter(|value| !is_empty_map(&value.node)) {
                    diagnostics.push(disagree(&above, value, fact));
                }
            }
        }
    }
}

/// The keys of a path.
pub fn keys(path: &Path) -> Vec<&str> {
    path.0
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.as_str(),
            Step::Index(_) => "",
        })
        .collect()
}

fn is_empty_map(node: &Node) -> bool {
    node.as_map().is_some_and(Map::is_empty)
}

fn disagree(path: &Path, first: &Fact, second: &Fact) -> Diagnostic {
    let message = match (show(&first.node), show(&second.node)) {
        (Some(one), Some(other)) if one != other => {
            format!("`{path}` cannot be both `{one}` and `{other}`")
        }
        _ => format!("`{path}` is said twice and differently"),
    };
    let says = |fact: &Fact| match show(&fact.node) {
        Some(value) => format!("{} says `{value}`", fact.owner.text),
        None => format!("{} says this", fact.owner.text),
    };
    Diagnostic::error(Code::NODES_DISAGREE, second.node.origin.first(), message)
        .here(says(second))
        .label(first.node.origin.first(), says(first))
        .help("make the two equal, or take one of them out")
}

/// A value as a message shows it; nothing for what has parts.
fn show(node: &Node) -> Option<String> {
    match &node.value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Uint(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Str(text) => Some(text.to_string()),
        Value::List(_) | Value::Map(_) => None,
    }
}
