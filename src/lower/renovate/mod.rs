//! `out/renovate.json`: a preset of Renovate that finds every version of `lab.toml`, and none in the tree.
//!
//! A repository extends it once; from then on each build brings it up to date. Knows no release: it says where Renovate
//! finds them, and which of them this lab can take.
//!
//! Two of Renovate's custom managers read `lab.toml`. One reads it as TOML (`jsonata`), for versions that are a value of
//! their own. Renovate changes such a value by trying each place where the old text stands, until the file, read again, has
//! the new version where the old one was: equal versions beside each other are no danger. The other one (`regex`) is for
//! images: Renovate can only exchange a tag and its digest together where the manager says what text holds both.

mod bounds;
mod json;
mod query;

use super::OutFile;
use super::tree::{self, OUT};
use crate::parse::LAB;
use crate::resolve::Lab;
use crate::resolve::dependency::{Dependency, Place};
use crate::source::Origin;
use crate::value::Node;

/// Who reads the file `lab.toml` as TOML, as rules name it.
const TOML_MANAGER: &str = "custom.jsonata";

/// Folders that Renovate's own presets leave out. A list replaces the one of an earlier preset, so they are said again.
const USUALLY_IGNORED: [&str; 8] = [
    "node_modules",
    "bower_components",
    "vendor",
    "examples",
    "__tests__",
    "test",
    "tests",
    "__fixtures__",
];

/// The preset of a lab.
pub(super) fn file(lab: &Lab) -> OutFile {
    let preset = tree::map([
        (
            "$schema",
            own("https://docs.renovatebot.com/renovate-schema.json"),
        ),
        (
            "description",
            texts(["Compiled by labc. Edit lab.toml, then run: labc build"]),
        ),
        ("customManagers", tree::list(managers(lab))),
        ("ignorePaths", tree::list(ignored(lab))),
        ("packageRules", tree::list(rules(lab))),
    ]);
    OutFile::text(format!("{OUT}/renovate.json"), json::print(&preset))
}

fn own(text: &str) -> Node {
    tree::leaf(text, &Origin::none())
}

fn texts<const N: usize>(texts: [&str; N]) -> Node {
    tree::list(texts.into_iter().map(own).collect())
}

/// A path of the lab's folder, as the repository has it.
fn in_repository(lab: &Lab, path: &str) -> Node {
    let repository = &lab.sections.identity.repository;
    let origin = Origin::at(repository.path.span);
    tree::leaf(repository.path_of(path), &origin)
}

fn managers(lab: &Lab) -> Vec<Node> {
    let mut managers = Vec::new();
    managers.extend(of_values(lab));
    let mut quotes: Vec<char> = lab.dependencies.iter().filter_map(quote).collect();
    quotes.sort_unstable();
    quotes.dedup();
    managers.extend(quotes.into_iter().map(|quote| of_references(lab, quote)));
    managers
}

/// The quote of a reference.
fn quote(dependency: &Dependency) -> Option<char> {
    match dependency.place {
        Place::Reference { quote, .. } => Some(quote),
        Place::Value { .. } => None,
    }
}

/// What reads the versions that are values of their own; nothing where there is none.
fn of_values(lab: &Lab) -> Option<Node> {
    let queries: Vec<Node> = lab.dependencies.iter().filter_map(query::value).collect();
    if queries.is_empty() {
        return None;
    }
    Some(tree::map([
        ("customType", own("jsonata")),
        ("fileFormat", own("toml")),
        ("fileMatch", tree::list(vec![lab_file(lab)])),
        ("matchStrings", tree::list(queries)),
    ]))
}

/// What reads the images whose references begin with this quote.
fn of_references(lab: &Lab, quote: char) -> Node {
    let references = lab.dependencies.iter();
    let references = references.filter(|dependency| self::quote(dependency) == Some(quote));
    let replacement = format!(
        "{quote}{{{{{{depName}}}}}}{{{{#if newValue}}}}:{{{{{{newValue}}}}}}{{{{/if}}}}{{{{#if newDigest}}}}@{{{{{{newDigest}}}}}}{{{{/if}}}}"
    );
    tree::map([
        ("autoReplaceStringTemplate", own(&replacement)),
        ("customType", own("regex")),
        ("datasourceTemplate", own("docker")),
        ("fileMatch", tree::list(vec![lab_file(lab)])),
        (
            "matchStrings",
            tree::list(references.filter_map(query::reference).collect()),
        ),
    ])
}

/// The expression that `lab.toml` alone matches. It is `fileMatch`, which newer versions of Renovate read as the
/// `managerFilePatterns` that they have in its place; older ones do not know that.
fn lab_file(lab: &Lab) -> Node {
    let path = in_repository(lab, LAB);
    let text = format!("^{}$", query::literal(path.as_str().unwrap_or_default()));
    tree::leaf(text, &path.origin)
}

/// What no manager of Renovate looks at: the tree, and what it usually leaves out, unless the lab lies there.
fn ignored(lab: &Lab) -> Vec<Node> {
    let here = &lab.sections.identity.repository.path.value;
    let usual = USUALLY_IGNORED
        .into_iter()
        .filter(|name| here.split('/').all(|folder| folder != *name));
    let usual = usual.map(|name| own(&format!("**/{name}/**")));
    usual.chain([in_repository(lab, "out/**")]).collect()
}

fn rules(lab: &Lab) -> Vec<Node> {
    let mut rules = vec![bounds::talos(lab), bounds::kubernetes(lab)];
    rules.push(tree::map([
        (
            "description",
            texts([
                "The digest of a chart, or of a tag that stands alone, has no place in lab.toml.",
            ]),
        ),
        ("matchFileNames", tree::list(vec![in_repository(lab, LAB)])),
        ("matchManagers", texts([TOML_MANAGER])),
        ("pinDigests", tree::leaf(false, &Origin::none())),
    ]));
    rules.push(tree::map([
        (
            "description",
            texts(["The tree follows lab.toml, also where a repository has its own ignorePaths."]),
        ),
        ("enabled", tree::leaf(false, &Origin::none())),
        (
            "matchFileNames",
            tree::list(vec![in_repository(lab, "out/**")]),
        ),
    ]));
    rules
}
