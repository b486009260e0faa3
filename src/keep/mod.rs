//! A file of the tree that a hand has changed, to what `lab.toml` would have to say instead.
//!
//! The change is compared with the tree as data; its origins, its place and its names say where the lab could say the
//! same; and what is found is proved, by compiling the lab with it, before anybody is advised. It knows no disk and
//! changes nothing.

mod candidate;
mod change;
mod edit;
mod patch;
mod place;
pub(crate) mod print;
mod proof;
mod schematic;
mod search;

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics};
use crate::lower::{Content, OutFile, Tree};
use crate::resolve::Lab;
use crate::source::{SourceFile, SourceKind, Sources};
use crate::syntax::yaml;
use crate::value::Node;
use crate::world::World;

use candidate::{Finder, Subject};
use change::changes;
use edit::Edit;
use proof::{Edited, Prover, bytes};

/// Edited files of one run that are looked at.
const MAX_FILES: usize = 5;

/// What is to be said about a file that a hand has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The bytes differ, the data does not.
    SameData,
    /// labc writes the text itself: no source says it.
    OwnText,
    /// The file is a copy of this one, which would do with the same bytes.
    Copy(String),
    /// The data differs.
    Data {
        /// What to write, each with what it keeps.
        keep: Vec<Keep>,
        /// Changes that no source could say, as far as labc knows.
        unsaid: Vec<Unsaid>,
        /// How the file, once the advice is followed, still differs from the one on disk.
        rest: Rest,
    },
}

/// How a file differs from the one on disk, all that is advised done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It does not.
    Nothing,
    /// In its layout or its comments.
    Layout,
    /// In its data.
    Data,
}

/// One edit of the sources that was proved to make changes come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The ways to the changes.
    pub paths: Vec<String>,
    /// What to do: "set `port = 8097` at lab.toml:41".
    pub edit: String,
    /// What else it changes: the files of data, and how many places of each.
    pub others: BTreeMap<String, usize>,
    /// Another edit, which changes this place alone.
    pub alone: Option<String>,
}

/// The first error of a lab: its message. None where the machine failed.
pub type Wrong = Option<String>;

/// A change that nothing was found for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaid {
    /// The way to it.
    pub path: String,
    /// Why that is so.
    pub why: Why,
}

/// Why nothing was found for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing that labc tried makes it come out.
    Nothing,
    /// A lab that said it would be wrong: the message of its first error.
    Wrong(String),
    /// The lab is large, and not everything was tried.
    NotTried,
}

/// A compiled lab, as far as advice needs it.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// Its tree.
    pub tree: &'a Tree,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The tree that another world compiles to.
    pub compile: &'a dyn Fn(&World) -> Result<Tree, Wrong>,
}

/// Advice on each of these outputs, which are on disk with these bytes, as far as there is any.
pub fn advise<'a>(
    made: Made<'a>,
    disk: &'a BTreeMap<&'a str, &'a [u8]>,
) -> BTreeMap<String, Advice> {
    let mut all = BTreeMap::new();
    let Some(mut finder) = Finder::new(made.lab, made.sources) else {
        return all;
    };
    let mut prover = Prover::new(made, disk);
    let mut edited = Vec::new();
    for (path, there) in disk.iter().take(MAX_FILES) {
        let file = made.tree.files.iter().find(|file| file.path == *path);
        let Some(file) = file else { continue };
        let advice = match &file.content {
            Content::Text(_) => Some(of_text(made, file, there, &mut prover)),
            Content::Bytes(bytes, _) => copied(made.sources, path, bytes, there, &mut prover),
            Content::Yaml(documents) => match differences(file, there) {
                Some(found) if found.changes.is_empty() => Some(Advice::SameData),
                Some(found) => {
                    prover.edited.insert(file.path.clone(), found);
                    edited.push((file, documents));
                    None
                }
                None => None,
            },
        };
        all.extend(advice.map(|advice| (file.path.clone(), advice)));
    }
    for (file, documents) in edited {
        let changes = prover.edited[&file.path].changes.clone();
        let subject = Subject {
            documents,
            owner: finder.owner(file),
            changes: &changes,
        };
        let advice = search::advise(&file.path, &subject, &mut finder, &mut prover);
        all.insert(file.path.clone(), advice);
    }
    all
}

/// What differs between a file and these bytes; none where they are not as many documents of YAML.
fn differences(file: &OutFile, there: &[u8]) -> Option<Edited> {
    let made = read(&bytes(file).bytes)?;
    let changes = changes(&made, &read(there)?)?;
    Some(Edited { made, changes })
}

/// Advice on a file that is copied: to change what it is a copy of.
fn copied(
    sources: &Sources,
    path: &str,
    made: &[u8],
    there: &[u8],
    prover: &mut Prover<'_>,
) -> Option<Advice> {
    let text = std::str::from_utf8(there).ok()?;
    let is_it = |file: &SourceFile| file.kind == SourceKind::Lab && file.text.as_bytes() == made;
    let (_, source) = sources.iter().find(|(_, file)| is_it(file))?;
    let edit = Edit {
        file: source.name.clone(),
        range: 0..made.len(),
        text: text.to_owned(),
        say: String::new(),
    };
    let effect = prover.prove(std::slice::from_ref(&edit))?;
    effect
        .whole
        .contains(path)
        .then(|| Advice::Copy(source.name.clone()))
}

/// Advice on a text: the only one that a lab says in other words is a schematic.
fn of_text(made: Made<'_>, file: &OutFile, there: &[u8], prover: &mut Prover<'_>) -> Advice {
    let proved = schematic::edits(made, file, there)
        .into_iter()
        .find_map(|edit| {
            let effect = prover.prove(std::slice::from_ref(&edit))?;
            effect.whole.contains(&file.path).then_some((edit, effect))
        });
    match proved {
        None => Advice::OwnText,
        Some((edit, effect)) => Advice::Data {
            keep: vec![Keep {
                paths: vec!["customization".to_owned()],
                edit: edit.say,
                others: effect.others,
                alone: None,
            }],
            unsaid: Vec::new(),
            rest: Rest::Nothing,
        },
    }
}

/// The documents of YAML bytes; none where they are not YAML.
fn read(bytes: &[u8]) -> Option<Vec<Node>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut sources = Sources::default();
    let source = sources.add(String::new(), text.into(), SourceKind::Lab);
    let mut found = Diagnostics::default();
    let documents = yaml::read(source, text, &mut found);
    (!found.has_errors()).then_some(documents)
}

impl Advice {
    /// The help of the message about the file.
    pub fn help(&self) -> Vec<String> {
        const DROP: &str = "to drop the change, run `labc build --force`";
        match self {
            Advice::SameData => {
                vec![
                    "the data is the same, and the layout is labc's: run `labc build --force`"
                        .to_owned(),
                ]
            }
            Advice::OwnText => vec![
                "labc writes this text itself: put your own into a file beside it".to_owned(),
                DROP.to_owned(),
            ],
            Advice::Copy(of) => vec![
                format!("to keep the change, make it in `{of}`: this file is a copy of it"),
                DROP.to_owned(),
            ],
            Advice::Data { keep, unsaid, rest } => {
                let mut help: Vec<String> = keep.iter().flat_map(Keep::help).collect();
                help.extend(unsaid_help(unsaid));
                help.push(match rest {
                    Rest::Data if !keep.is_empty() => {
                        "what this does not keep, `labc build --force` drops".to_owned()
                    }
                    Rest::Layout => {
                        "then run `labc build --force`: the layout is labc's".to_owned()
                    }
                    Rest::Data | Rest::Nothing => DROP.to_owned(),
                });
                help
            }
        }
    }

    /// The diagnostic with this help in the place of its own.
    #[must_use]
    pub fn instead(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.help = self.help();
        diagnostic
    }
}

/// The help about what nothing was found for.
fn unsaid_help(unsaid: &[Unsaid]) -> Vec<String> {
    let of = |why: &Why| -> Vec<String> {
        let these = unsaid.iter().filter(|change| change.why == *why);
        these.map(|change| change.path.clone()).collect()
    };
    let mut help = Vec::new();
    for change in unsaid {
        if let Why::Wrong(wrong) = &change.why {
            help.push(format!("`{}` cannot be kept: {wrong}", change.path));
        }
    }
    let (nothing, not_tried) = (of(&Why::Nothing), of(&Why::NotTried));
    if !nothing.is_empty() {
        let paths = list(&nothing);
        help.push(format!(
            "labc knows nothing in lab.toml that would say {paths}"
        ));
    }
    if !not_tried.is_empty() {
        let paths = list(&not_tried);
        help.push(format!(
            "to keep {paths}, say it in lab.toml: as a value, an input or a patch"
        ));
    }
    help
}

impl Keep {
    fn help(&self) -> Vec<String> {
        let mut help = vec![format!(
            "to keep {}, {}{}",
            list(&self.paths),
            self.edit,
            self.also()
        )];
        if let Some(alone) = &self.alone {
            help.push(format!("or, for this place alone, {alone}"));
        }
        help
    }

    /// What else the edit changes, in words.
    fn also(&self) -> String {
        let places: usize = self.others.values().sum();
        let noun = if places == 1 { "place" } else { "places" };
        match self.others.keys().next() {
            None => String::new(),
            Some(file) if self.others.len() == 1 => {
                format!(" (this changes {places} other {noun}, in `{file}`)")
            }
            Some(_) => {
                format!(
                    " (this changes {places} other {noun}, in {} files)",
                    self.others.len()
                )
            }
        }
    }
}

/// The first few of these, quoted.
fn list(paths: &[String]) -> String {
    const SHOWN: usize = 3;
    let quoted: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| format!("`{path}`"))
        .collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}
