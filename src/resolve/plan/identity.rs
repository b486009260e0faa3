//! `[lab]` and `[repository]` to an [`Identity`].

use super::read::{choice, invalid, required};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{check_host, check_label, check_url};
use crate::parse::table::{Decode, Table, parse_string};
use crate::resolve::lab::{Engine, Identity, Render, Repository};
use crate::source::Spanned;
use crate::value::{Node, Value};

/// The newest `lab.format` that this labc reads.
const FORMAT: i64 = 1;

/// Whether the lab's format is known; what a newer one means cannot be judged.
pub(super) fn check_format(lab: &Node, diagnostics: &mut Diagnostics) -> bool {
    let Some(node) = lab.get("lab").and_then(|lab| lab.get("format")) else {
        return true;
    };
    let Value::Int(format) = node.value else {
        return true;
    };
    if format > FORMAT {
        let message = format!("`lab.format` is {format}, but this labc reads up to {FORMAT}");
        diagnostics.push(
            Diagnostic::error(Code::NEWER_FORMAT, node.origin.first(), message)
                .help("take a newer labc; nothing else in the lab was checked"),
        );
    }
    format <= FORMAT
}

/// The lab's name, domain and repository.
pub(super) fn read(
    mut lab: Table<'_>,
    repository: Table<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Identity> {
    let repository = read_repository(repository, diagnostics);
    let format: Option<Spanned<i64>> = lab.optional("format", diagnostics);
    if let Some(format) = format.filter(|format| format.value < 1) {
        let message = format!("`lab.format` cannot be {}", format.value);
        diagnostics.push(invalid(format.span, message, "write `format = 1`"));
    }
    let name = required::<Spanned<Label>>(&mut lab, "name", "\"home\"", diagnostics);
    let domain = required::<Spanned<Domain>>(&mut lab, "domain", "\"example.org\"", diagnostics);
    let timezone = required::<Spanned<Timezone>>(&mut lab, "timezone", "\"UTC\"", diagnostics);
    let engine = required(&mut lab, "engine", "\"argocd\"", diagnostics);
    let render = required(&mut lab, "render", "\"reference\"", diagnostics);
    let modules = lab.or_default("modules", diagnostics);
    lab.finish(diagnostics);
    Some(Identity {
        name: name?.map(|Label(name)| name),
        domain: domain?.map(|Domain(domain)| domain),
        timezone: timezone?.map(|Timezone(zone)| zone),
        engine: engine?,
        render: render?,
        modules,
        repository: repository?,
    })
}

fn read_repository(mut table: Table<'_>, diagnostics: &mut Diagnostics) -> Option<Repository> {
    let example = "\"https://github.com/me/lab.git\"";
    let url = required::<Spanned<Url>>(&mut table, "url", example, diagnostics);
    let branch = required(&mut table, "branch", "\"main\"", diagnostics);
    let path = required::<Spanned<Folder>>(&mut table, "path", "\"\"", diagnostics);
    let secret = table.optional("secret", diagnostics);
    table.finish(diagnostics);
    Some(Repository {
        url: url?.map(|Url(url)| url),
        branch: branch?,
        path: path?.map(|Folder(path)| path),
        secret,
    })
}

impl Decode for Engine {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [("argocd", Engine::ArgoCd), ("flux", Engine::Flux)];
        choice(node, path, &words, diagnostics)
    }
}

impl Decode for Render {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [
            ("reference", Render::Reference),
            ("hydrated", Render::Hydrated),
        ];
        choice(node, path, &words, diagnostics)
    }
}

/// A DNS label.
struct Label(String);

impl Decode for Label {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            check_label(text).map(|()| Label(text.to_owned()))
        })
    }
}

/// A DNS name without a wildcard.
struct Domain(String);

impl Decode for Domain {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            if text.starts_with("*.") {
                return Err("a domain is like `example.org`, without `*.`".to_owned());
            }
            check_host(text).map(|()| Domain(text.to_owned()))
        })
    }
}

/// A URL that Git clones.
struct Url(String);

impl Decode for Url {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            check_url(text).map(|()| Url(text.to_owned()))
        })
    }
}

/// A time zone by its name in the IANA database; only the form is checked.
struct Timezone(String);

impl Decode for Timezone {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let fine = |letter: char| letter.is_ascii_alphanumeric() || "_+-".contains(letter);
        let part = |part: &str| {
            part.starts_with(|letter: char| letter.is_ascii_uppercase()) && part.chars().all(fine)
        };
        parse_string(node, path, diagnostics, |text| {
            if text.split('/').all(part) {
                Ok(Timezone(text.to_owned()))
            } else {
                Err("a time zone is like `Europe/Berlin` or `UTC`".to_owned())
            }
        })
    }
}

/// A folder of the repository, kept without slashes at its ends.
struct Folder(String);

impl Decode for Folder {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            let inner = text.trim_start_matches("./").trim_matches('/');
            let wrong = |part: &str| part.is_empty() || part == ".." || part == ".git";
            if inner.contains('\\') || (!inner.is_empty() && inner.split('/').any(wrong)) {
                return Err(
                    "a folder is like `clusters/home`, from the repository's root".to_owned(),
                );
            }
            Ok(Folder(if inner == "." { "" } else { inner }.to_owned()))
        })
    }
}
