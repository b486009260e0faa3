//! Which resources a patch is for, and what is there instead where it finds none.
//!
//! It reads resources and changes none.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::table::{Decode, Table};
use crate::source::Spanned;
use crate::value::Node;

/// Selects resources: by kind, and by whatever else is given. All of it matches exactly.
#[derive(Clone, Debug)]
pub struct Target {
    /// The API group; empty for Kubernetes' core.
    pub group: Option<Spanned<String>>,
    /// The version behind the group.
    pub version: Option<Spanned<String>>,
    /// The kind.
    pub kind: Spanned<String>,
    /// The name.
    pub name: Option<Spanned<String>>,
    /// The namespace; empty for a resource that has none.
    pub namespace: Option<Spanned<String>>,
}

impl Decode for Target {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::new(node, path, diagnostics);
        let kind = table.required("kind", diagnostics);
        let group = table.optional("group", diagnostics);
        let version = table.optional("version", diagnostics);
        let name = table.optional("name", diagnostics);
        let namespace = table.optional("namespace", diagnostics);
        table.finish(diagnostics);
        Some(Target {
            kind: kind?,
            group,
            version,
            name,
            namespace,
        })
    }
}

impl Target {
    /// The indices of the resources that it selects. If there is none, the first word of the target that rules out
    /// every resource is reported with what stands there instead.
    pub(super) fn select(&self, resources: &[Node]) -> Result<Vec<usize>, Box<Diagnostic>> {
        let mut left: Vec<usize> = (0..resources.len()).collect();
        for (word, wanted, read) in self.words() {
            let Some(wanted) = wanted else { continue };
            let fits = |index: &usize| read(&resources[*index]) == wanted.value;
            let (right, wrong) = left.into_iter().partition(fits);
            left = right;
            if left.is_empty() {
                let there = wrong.iter().map(|index| read(&resources[*index]));
                return Err(self.nothing(word, wanted, there).into());
            }
        }
        Ok(left)
    }

    /// The words in the order in which they narrow the choice.
    fn words(&self) -> [Word<'_>; 5] {
        [
            ("kind", Some(&self.kind), kind_of),
            ("group", self.group.as_ref(), group_of),
            ("version", self.version.as_ref(), version_of),
            ("namespace", self.namespace.as_ref(), namespace_of),
            ("name", self.name.as_ref(), name_of),
        ]
    }

    fn nothing<'a>(
        &self,
        word: &str,
        wanted: &Spanned<String>,
        there: impl Iterator<Item = &'a str>,
    ) -> Diagnostic {
        let there: BTreeSet<&str> = there.collect();
        let (kind, value) = (&self.kind.value, &wanted.value);
        let (missing, present) = match word {
            "kind" => (kind.clone(), String::new()),
            "name" => (format!("{kind} `{value}`"), format!("{kind} ")),
            _ => (
                format!("{kind} with {word} `{value}`"),
                format!("{kind} with {word} "),
            ),
        };
        let note = if there.is_empty() {
            "there is no resource at all".to_owned()
        } else {
            let verb = if there.len() == 1 { "is" } else { "are" };
            format!("there {verb} {present}{}", names(&there))
        };
        let message = format!("there is no {missing} to patch");
        Diagnostic::error(Code::PATCH_MATCHES_NOTHING, wanted.span, message)
            .here("matches nothing")
            .note(note)
            .maybe_help(did_you_mean(value, there))
    }
}

/// A word of a target: what it is called, what is asked for, and how a resource says it.
type Word<'a> = (&'static str, Option<&'a Spanned<String>>, fn(&Node) -> &str);

/// The most names that a note lists.
const LISTED: usize = 10;

/// The first names of a set, quoted.
pub(super) fn names(there: &BTreeSet<&str>) -> String {
    let shown = |name: &&str| match *name {
        "" => "(none)".to_owned(),
        name => format!("`{name}`"),
    };
    let listed: Vec<String> = there.iter().take(LISTED).map(shown).collect();
    match there.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// The kind of a resource; empty if it says none, as with the others.
pub(super) fn kind_of(resource: &Node) -> &str {
    text_at(resource, &["kind"])
}

/// The API group, without the version.
pub(super) fn group_of(resource: &Node) -> &str {
    let version = text_at(resource, &["apiVersion"]);
    version.split_once('/').map_or("", |(group, _)| group)
}

/// The name.
pub(super) fn name_of(resource: &Node) -> &str {
    text_at(resource, &["metadata", "name"])
}

fn version_of(resource: &Node) -> &str {
    let version = text_at(resource, &["apiVersion"]);
    version
        .split_once('/')
        .map_or(version, |(_, version)| version)
}

fn namespace_of(resource: &Node) -> &str {
    text_at(resource, &["metadata", "namespace"])
}

fn text_at<'a>(resource: &'a Node, keys: &[&str]) -> &'a str {
    let node = keys.iter().try_fold(resource, |node, key| node.get(key));
    node.and_then(Node::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::names;

    #[test]
    fn a_note_names_the_first_ten() {
        let all: Vec<String> = (10..25).map(|number| number.to_string()).collect();
        let few: BTreeSet<&str> = all.iter().take(2).map(String::as_str).collect();
        assert_eq!(names(&few), "`10`, `11`");
        let many: BTreeSet<&str> = all.iter().map(String::as_str).collect();
        assert!(names(&many).ends_with("`18`, `19` and 5 more"));
    }
}
