//! YAML files beside `lab.toml` that no key reads: somebody wrote one and forgot to name it, or a pattern does not
//! match it.
//!
//! Looks only where the lab itself looks: into folders from which it reads, and those that labs keep such files in. What
//! else lies in the repository is none of its business.

use std::collections::{BTreeMap, BTreeSet};

use super::LAB;
use super::load::Loader;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceKind, Sources, Span};
use crate::syntax::yaml;
use crate::value::Node;
use crate::world::{Failure, Read};

/// Folders that labs keep files in, looked into also where no key reads from them.
const USUAL: [&str; 3] = ["secrets", "talos", "values"];

/// Files of other tools, which may lie beside those of a lab.
const TOOLS: [&str; 8] = [
    "helmfile.yaml",
    "kustomization.yaml",
    "kustomization.yml",
    "talconfig.yaml",
    "talenv.sops.yaml",
    "talenv.yaml",
    "talsecret.sops.yaml",
    "talsecret.yaml",
];

/// Files that are looked into; with more of them the folder is for something else.
const MAX_FILES: usize = 1000;

/// Names that a message shows; the rest is counted.
const SHOWN: usize = 5;

/// What a file holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    /// A Secret that is encrypted with SOPS.
    Sops,
    /// Any other object of Kubernetes.
    Object,
    /// A part of a machine config.
    MachineConfig,
    /// Anything else.
    Data,
}

/// Reports the files that nothing reads, one message a folder and what they hold. Says nothing of a lab that is wrong:
/// there may be a key that was not understood.
///
/// # Errors
/// The machine failed.
pub(super) fn check(loader: &mut Loader<'_>, diagnostics: &mut Diagnostics) -> Result<(), Failure> {
    if diagnostics.has_errors() {
        return Ok(());
    }
    let read_from = read_from(&loader.sources);
    let mut unread: BTreeMap<(String, u8), Vec<(String, Holds)>> = BTreeMap::new();
    for path in candidates(loader, &read_from)? {
        let Some(holds) = holds(loader, &path)? else {
            continue;
        };
        let folder = folder_of(&path).to_owned();
        if holds != Holds::Data || read_from.contains(&folder) {
            let found = unread.entry((folder, holds as u8)).or_default();
            found.push((path, holds));
        }
    }
    for files in unread.values() {
        report(loader, files, diagnostics)?;
    }
    Ok(())
}

/// The folders that files of the lab were read from, but for its own and its modules'.
fn read_from(sources: &Sources) -> BTreeSet<String> {
    let own = sources
        .iter()
        .filter(|(_, file)| file.kind == SourceKind::Lab)
        .map(|(_, file)| file.name.as_str())
        .filter(|path| *path != LAB && !path.starts_with("modules/"));
    own.map(folder_of)
        .filter(|folder| !folder.is_empty())
        .map(str::to_owned)
        .collect()
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The YAML files at and below the folders that are looked into which nothing has read; none where there are too many.
fn candidates(loader: &Loader<'_>, read_from: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let usual = USUAL.into_iter();
    let folders: BTreeSet<&str> = usual.chain(read_from.iter().map(String::as_str)).collect();
    let mut found = BTreeSet::new();
    for folder in folders {
        let listed = loader.world.list(folder)?;
        let is_chart = |path: &String| {
            let charts = listed.iter().filter(|file| file.ends_with("/Chart.yaml"));
            charts
                .map(|chart| folder_of(chart))
                .any(|chart| path.starts_with(&format!("{chart}/")))
        };
        let unread = listed
            .iter()
            .filter(|path| is_of_a_lab(path) && loader.sources.find(path).is_none());
        found.extend(unread.filter(|path| !is_chart(path)).cloned());
    }
    if found.len() > MAX_FILES {
        found.clear();
    }
    Ok(found.into_iter().collect())
}

/// Whether a lab may read a file of this name: YAML, not hidden, and not another tool's.
fn is_of_a_lab(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    let is_other = path.starts_with("out/") || path.starts_with("modules/");
    is_yaml && !is_hidden && !is_other && !TOOLS.contains(&name)
}

/// What a file holds, if anything can be read in it.
fn holds(loader: &Loader<'_>, path: &str) -> Result<Option<Holds>, Failure> {
    let Read::Bytes(bytes) = loader.world.read(path)? else {
        return Ok(None);
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(None);
    };
    let mut aside = Sources::default();
    let id = aside.add(path.to_owned(), text.as_str().into(), SourceKind::Lab);
    let documents = yaml::read(id, &text, &mut Diagnostics::default());
    Ok(documents.iter().map(of_document).next())
}

fn of_document(document: &Node) -> Holds {
    let text = |key: &str| document.get(key).and_then(Node::as_str);
    match (text("apiVersion"), text("kind")) {
        (Some("v1alpha1"), Some(_)) => Holds::MachineConfig,
        (Some("v1"), Some("Secret")) if document.get("sops").is_some() => Holds::Sops,
        (Some(_), Some(_)) => Holds::Object,
        _ if ["machine", "cluster"].iter().any(|key| {
            let part = document.get(key);
            part.is_some_and(|part| part.as_map().is_some())
        }) =>
        {
            Holds::MachineConfig
        }
        _ => Holds::Data,
    }
}

/// One message about files of one folder that hold the same.
fn report(
    loader: &mut Loader<'_>,
    files: &[(String, Holds)],
    diagnostics: &mut Diagnostics,
) -> Result<(), Failure> {
    let [(first, holds), others @ ..] = files else {
        return Ok(());
    };
    let Read::Bytes(bytes) = loader.world.read(first)? else {
        return Ok(());
    };
    let span = loader
        .add(first, bytes, None, diagnostics)
        .map(|id| Span::new(id, 0, 0));
    let message = match others.len() {
        0 => format!("nothing reads `{first}`"),
        more => format!("nothing reads `{first}` and {more} more of its folder"),
    };
    let mut diagnostic = Diagnostic::warning(Code::UNREAD_FILE, span, message);
    if !others.is_empty() {
        let names = others
            .iter()
            .take(SHOWN)
            .map(|(path, _)| format!("`{path}`"));
        let names: Vec<String> = names.collect();
        let rest = match others.len().saturating_sub(SHOWN) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        diagnostic = diagnostic.note(format!("the others are {}{rest}", names.join(", ")));
    }
    diagnostics.push(diagnostic.help(key_for(first, *holds)));
    Ok(())
}

/// The key that would read a file.
fn key_for(path: &str, holds: Holds) -> String {
    match holds {
        Holds::Sops if path.starts_with("secrets/") => {
            "declare it: `[secrets.NAME]` with `from = \"sops\"` and its keys".to_owned()
        }
        Holds::Sops => {
            "put it into `secrets/` and declare it: `[secrets.NAME]` with `from = \"sops\"` and its keys"
                .to_owned()
        }
        Holds::Object => {
            format!("a component applies it with `manifests = [\"{path}\"]`; remove it if nothing shall")
        }
        Holds::MachineConfig => format!(
            "`patches = [\"{path}\"]` under `[talos]`, a hardware or a node gives it to machines; remove it if nothing shall"
        ),
        Holds::Data => format!(
            "a component's chart takes it with `values_files = [\"{path}\"]`; remove it if nothing shall"
        ),
    }
}
