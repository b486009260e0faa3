//! The labs of this repository as text, each for either engine: two edits, `engine` and the component that installs it,
//! and for a private repository the keys by which the engine reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use labc::world::{Read, World};

/// The files of a lab that are its source, by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// An engine: its word, and the version of the component that installs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    pub(crate) word: &'static str,
    pub(crate) version: &'static str,
    /// The keys of a repository's secret that is read over SSH.
    keys: &'static [&'static str],
}

pub(crate) const ARGOCD: Engine = Engine {
    word: "argocd",
    version: "9.7.1",
    keys: &["sshPrivateKey"],
};

pub(crate) const FLUX: Engine = Engine {
    word: "flux",
    version: "0.49.0",
    keys: &["identity", "known_hosts"],
};

/// The root lab, every lab of `tests/labs/` and the lab of every module, by name.
pub(crate) fn labs() -> BTreeMap<String, Files> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(root.join("tests/labs")).expect("the folder of cases");
    let cases = folder.map(|entry| entry.expect("an entry").path());
    let mut labs: BTreeMap<String, Files> = cases
        .filter(|path| path.is_dir())
        .map(|path| (name(&path), source(&path)))
        .collect();
    labs.insert("root".to_owned(), alone(&root.join("lab.toml")));
    for entry in fs::read_dir(root.join("tests/modules")).expect("the labs of modules") {
        let path = entry.expect("an entry").path();
        labs.insert(format!("module {}", name(&path)), alone(&path));
    }
    labs
}

/// A lab that is one file.
fn alone(path: &Path) -> Files {
    let text = fs::read(path).expect("it can be read");
    Files::from([("lab.toml".to_owned(), text)])
}

fn name(path: &Path) -> String {
    let name = path.file_stem().expect("it has a name");
    name.to_string_lossy().into_owned()
}

fn source(lab: &PathBuf) -> Files {
    let world = World::open(lab).expect("the folder is there");
    let mut files = Files::new();
    for path in world.list("").expect("it can be listed") {
        let is_source = !path.starts_with("out/") && path != "lab.lock";
        if let Read::Bytes(bytes) = world.read(&path).expect("it can be read")
            && is_source
        {
            files.insert(path, bytes);
        }
    }
    files
}

/// A lab for an engine. Of what it says about its own only a short `expose` is kept: the inputs are those of a module.
pub(crate) fn for_engine(files: &Files, engine: Engine) -> Files {
    let mut files = files.clone();
    let text = files.get_mut("lab.toml").expect("a lab");
    let mut swapped = String::from_utf8(text.clone()).expect("it is text");
    for other in [ARGOCD, FLUX].into_iter().filter(|other| *other != engine) {
        let says = |engine: Engine| format!("engine = \"{}\"", engine.word);
        swapped = swapped.replace(&says(other), &says(engine));
        let keys = |engine: Engine| format!("keys = {:?}", engine.keys);
        swapped = swapped.replace(&keys(other), &keys(engine));
        swapped = with_component(&swapped, other, engine);
    }
    *text = swapped.into_bytes();
    files
}

/// The text with one engine's component in the place of another's.
fn with_component(text: &str, old: Engine, new: Engine) -> String {
    let head = |engine: Engine| format!("[infrastructure.{}]\n", engine.word);
    let Some(start) = text.find(&head(old)) else {
        return text.to_owned();
    };
    let end = text[start..]
        .find("\n\n")
        .map_or(text.len(), |at| start + at);
    let expose = text[start..end]
        .lines()
        .find(|line| line.starts_with("expose = "));
    let expose = expose.map_or(String::new(), |line| format!("{line}\n"));
    let table = format!("{}version = \"{}\"\n{expose}", head(new), new.version);
    format!("{}{table}{}", &text[..start], &text[end..])
}
