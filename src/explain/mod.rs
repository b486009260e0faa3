//! A place of the tree to its story: every source span that made what stands there, and what each of them is.
//!
//! Knows no disk and no terminal: a command names the file and the place, [`text`] and [`json`] tell the story, and mask
//! the secrets in it.

mod find;
mod path;
mod role;
mod show;

pub use find::{Place, Refusal, find_file};
pub(crate) use role::DEFAULTS;
pub use role::Role;
pub use show::{json, text};

use find::Subject;
use role::Roles;

use crate::lower::OutFile;
use crate::source::{Origin, Sources, Span};
use crate::value::{Node, Path, Step};

/// Why a place of the tree holds what it holds.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The file, relative to the lab's folder.
    pub file: &'a str,
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// The way to it, where the file is YAML.
    pub path: Option<Path>,
    /// What made it, where it is written first.
    pub causes: Vec<Cause>,
    /// What decided that the parts around it are there.
    pub reasons: Vec<Reason>,
    /// What stands there, with all that lies around it: that decides what is a secret.
    subject: Subject<'a>,
}

/// A source span that made something, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Where.
    pub span: Span,
    /// What is there.
    pub role: Role,
}

/// What decided that a map or a list around the place is there.
#[derive(Clone, Debug)]
pub struct Reason {
    /// The way to it; empty for the whole document.
    pub path: Path,
    /// What decided it.
    pub causes: Vec<Cause>,
}

/// The story of a place in `file`.
///
/// # Errors
/// There is no such place, or labc itself wrote it.
pub fn explain<'a>(
    file: &'a OutFile,
    place: &Place,
    sources: &Sources,
) -> Result<Story<'a>, Refusal> {
    let (line, subject) = find::subject(file, place).map_err(Refusal::masked)?;
    let mut roles = Roles::new(sources);
    let (path, causes, reasons) = match &subject {
        Subject::Node { document, path } => {
            let (causes, reasons) = of_node(document, path, &mut roles);
            (Some(path.clone()), causes, reasons)
        }
        Subject::Line { origin, .. } | Subject::Copy { origin } => {
            (None, causes(origin, None, &mut roles), Vec::new())
        }
    };
    Ok(Story {
        file: &file.path,
        line,
        path,
        causes,
        reasons,
        subject,
    })
}

fn of_node(document: &Node, path: &Path, roles: &mut Roles<'_>) -> (Vec<Cause>, Vec<Reason>) {
    let mut node = document;
    let mut around = Vec::new();
    for (depth, step) in path.0.iter().enumerate() {
        around.push((Path(path.0[..depth].to_vec()), node));
        node = child(node, step).unwrap_or(node);
    }
    let (own, more) = if node.is_leaf() {
        (node.origin.clone(), Origin::none())
    } else {
        split(&node.origin)
    };
    let causes = causes(&own, node.is_leaf().then_some(node), roles);
    let reasons = reasons(path, &more, &around, &causes, roles);
    (causes, reasons)
}

fn child<'a>(node: &'a Node, step: &Step) -> Option<&'a Node> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.as_list()?.get(*index),
    }
}

/// What decided that the node at `path` and everything around it are there, from the inside out; no span twice.
fn reasons(
    path: &Path,
    own: &Origin,
    around: &[(Path, &Node)],
    causes: &[Cause],
    roles: &mut Roles<'_>,
) -> Vec<Reason> {
    let mut told: Vec<Span> = causes.iter().map(|cause| cause.span).collect();
    let mut reasons = Vec::new();
    let itself = (path.clone(), own.clone(), false);
    let parents = around
        .iter()
        .rev()
        .map(|(path, node)| (path.clone(), split(&node.origin).1, true));
    for (path, origin, is_parent) in [itself].into_iter().chain(parents) {
        let mut causes = self::causes(&origin, None, roles);
        causes.retain(|cause| {
            let beside = is_parent && adds_to_it(&cause.role);
            !beside && !told.contains(&cause.span)
        });
        told.extend(causes.iter().map(|cause| cause.span));
        if !causes.is_empty() {
            reasons.push(Reason { path, causes });
        }
    }
    reasons
}

/// Whether a span brought something into a map or list of several layers: that is no reason for what stands beside it.
fn adds_to_it(role: &Role) -> bool {
    ["values", "template", "manifest", "patch"].contains(&role.word)
}

/// Where a map or a list stands, and what decided that it does.
fn split(origin: &Origin) -> (Origin, Origin) {
    let first = Origin::from_spans(origin.first());
    let rest = origin.spans().iter().skip(1).copied();
    (first, Origin::from_spans(rest))
}

/// What each span of an origin is; `leaf` is the value that they made.
fn causes(origin: &Origin, leaf: Option<&Node>, roles: &mut Roles<'_>) -> Vec<Cause> {
    let spans = origin.spans().iter().enumerate();
    spans
        .map(|(index, span)| Cause {
            span: *span,
            role: match leaf {
                Some(leaf) if index == 0 => roles.first(*span, leaf),
                _ => roles.of(*span),
            },
        })
        .collect()
}
