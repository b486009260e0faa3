//! The modules and traits that a lab can use: the standard library's, and its own beside or over them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::load::Loader;
use super::module::{self, AnswerSyntax, Module, TraitSyntax};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{SourceId, SourceKind, Span, Spanned};
use crate::syntax::yaml::SyntaxKind;
use crate::syntax::{toml, yaml};
use crate::template::{Files, Template, TextFile, compile};
use crate::world::{Failure, Read, World, standard};

/// What has been read of the library.
#[derive(Debug, Default)]
pub struct Library {
    modules: BTreeMap<String, Arc<Module>>,
    /// What was read before anybody asked for it, with what is wrong with it; no module where there is none.
    ahead: BTreeMap<String, (Option<Module>, Diagnostics)>,
}

impl Library {
    /// Reads the modules of these names beside each other, as far as there are such. What is wrong with one is said
    /// where somebody asks for it.
    ///
    /// # Errors
    /// The machine failed.
    pub fn read_ahead(
        &mut self,
        names: &BTreeSet<&str>,
        loader: &mut Loader<'_>,
    ) -> Result<(), Failure> {
        let mut found = Vec::new();
        for name in names.iter().filter(|name| can_be_module(name)) {
            let mut diagnostics = Diagnostics::default();
            let files = module_files(name, loader, &mut diagnostics)?;
            found.push(((*name).to_owned(), files, diagnostics));
        }
        let read = found.into_par_iter().map(|(name, files, mut found)| {
            let module = files.map(|files| read(&name, &files, &mut found));
            (name, (module, found))
        });
        self.ahead.extend(read.collect::<Vec<_>>());
        Ok(())
    }

    /// The module that a component names; an unknown or broken one is reported and gives none.
    ///
    /// # Errors
    /// The machine failed.
    pub fn module(
        &mut self,
        name: &Spanned<String>,
        loader: &mut Loader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Arc<Module>>, Failure> {
        if let Some(known) = self.modules.get(&name.value) {
            return Ok(Some(known.clone()));
        }
        if !self.ahead.contains_key(&name.value) {
            self.read_ahead(&BTreeSet::from([name.value.as_str()]), loader)?;
        }
        let (module, found) = self.ahead.remove(&name.value).unwrap_or_default();
        diagnostics.append(found);
        let Some(module) = module.map(Arc::new) else {
            return self.unknown(name, loader.world, diagnostics).map(|()| None);
        };
        self.modules.insert(name.value.clone(), module.clone());
        Ok(Some(module))
    }

    fn unknown(
        &self,
        name: &Spanned<String>,
        world: &World,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failure> {
        let known = names(world)?;
        let near = did_you_mean(&name.value, known.iter().map(String::as_str));
        let message = format!("there is no module `{}`", name.value);
        diagnostics.push(
            Diagnostic::error(Code::UNKNOWN_MODULE, name.span, message)
                .maybe_help(near)
                .help("`labc module list` shows all; for a chart that none knows, say `module = \"chart\"`"),
        );
        Ok(())
    }

    /// Every trait: the standard library's, and the lab's own.
    ///
    /// # Errors
    /// The machine failed.
    pub fn traits(
        &mut self,
        loader: &mut Loader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<BTreeMap<String, Arc<TraitSyntax>>, Failure> {
        type Texts = BTreeMap<String, LibraryFile>;
        let texts = files(loader.world, "modules/traits", diagnostics)?.texts;
        let is_trait = |(file, _): &(String, LibraryFile)| file.ends_with(".toml");
        let (definitions, answers): (Texts, Texts) = texts.into_iter().partition(is_trait);
        let mut id = |(file, text): (String, LibraryFile)| {
            let id = add(loader, &format!("modules/traits/{file}"), &text);
            (file, (id, text.text))
        };
        let definitions: Ids = definitions.into_iter().map(&mut id).collect();
        let mut answers: Ids = answers
            .into_iter()
            .filter(|(file, _)| !file.ends_with(".md"))
            .map(&mut id)
            .collect();
        let read = definitions.par_iter().map(|(file, (id, text))| {
            let mut found = Diagnostics::default();
            let name = file.trim_end_matches(".toml");
            (name, trait_of(name, *id, text, &answers, &mut found), found)
        });
        let mut traits = BTreeMap::new();
        for (name, definition, found) in read.collect::<Vec<_>>() {
            diagnostics.append(found);
            traits.insert(name.to_owned(), Arc::new(definition));
        }
        for (name, definition) in &traits {
            for offer in &definition.offers {
                answers.remove(&answer_file(name, &offer.name));
            }
        }
        unknown_entries(&traits, diagnostics);
        for (file, (id, _)) in answers {
            let message = format!("nothing reads `modules/traits/{file}`");
            diagnostics.push(
                Diagnostic::error(Code::UNREACHABLE_FILE, Span::new(id, 0, 0), message).help(
                    "a trait is `TRAIT.toml`; how an offer of its `[[offers]]` answers is `TRAIT/OFFER.yaml`",
                ),
            );
        }
        Ok(traits)
    }
}

/// The files of a folder by path, each with its id.
type Ids = BTreeMap<String, (SourceId, Arc<str>)>;

/// Where an offer of a trait's own says how it answers.
fn answer_file(of: &str, offer: &str) -> String {
    format!("{of}/{offer}.yaml")
}

/// A trait from its file, and from those of its own offers.
fn trait_of(
    name: &str,
    id: SourceId,
    text: &str,
    answers: &Ids,
    diagnostics: &mut Diagnostics,
) -> TraitSyntax {
    let node = toml::read(id, text, diagnostics);
    let mut definition = module::trait_definition(name, &node, diagnostics);
    for offer in &mut definition.offers {
        if let Some((id, text)) = answers.get(&answer_file(name, &offer.name)) {
            offer.answer = Arc::new(answer(*id, text, diagnostics));
        }
    }
    definition
}

/// Whether a module may have this name.
fn can_be_module(name: &str) -> bool {
    name != "traits" && crate::parse::domain::check_label(name).is_ok()
}

/// Reports fields that are entries of a trait which there is not.
fn unknown_entries(traits: &BTreeMap<String, Arc<TraitSyntax>>, diagnostics: &mut Diagnostics) {
    for definition in traits.values() {
        for (field, of) in definition
            .entries()
            .filter(|(_, of)| !traits.contains_key(*of))
        {
            let span = definition.fields[field].span;
            let message = format!("there is no trait `{of}`");
            let near = did_you_mean(of, traits.keys().map(String::as_str));
            diagnostics
                .push(Diagnostic::error(Code::INVALID_VALUE, span, message).maybe_help(near));
        }
    }
}

/// The names of all modules that a lab can use, sorted.
///
/// # Errors
/// The machine failed.
pub fn names(world: &World) -> Result<Vec<String>, Failure> {
    let own = world.list("modules")?;
    let name = |path: &str| {
        let name = path
            .strip_prefix("modules/")?
            .strip_suffix("/module.toml")?;
        Some(name.to_owned())
    };
    let standard = standard::list("modules").filter_map(name);
    let own = own.iter().filter_map(|path| name(path));
    let names: BTreeSet<String> = standard.chain(own).collect();
    Ok(names.into_iter().collect())
}

/// The text of one file of the library.
#[derive(Clone, Debug)]
struct LibraryFile {
    text: Arc<str>,
    kind: SourceKind,
}

/// The files of one folder of the library, by path below it.
struct Folder {
    texts: BTreeMap<String, LibraryFile>,
    standard: bool,
}

/// A module of the lab hides the standard one of its name as a whole; one with the same bytes *is* the standard
/// one. Traits are single files, so there each file hides its own.
fn files(world: &World, folder: &str, diagnostics: &mut Diagnostics) -> Result<Folder, Failure> {
    let below = |path: &str| path[folder.len() + 1..].to_owned();
    let standard: BTreeMap<String, LibraryFile> = standard::list(folder)
        .filter_map(|path| {
            let text = standard::read(path)?;
            let file = LibraryFile {
                text: text.into(),
                kind: SourceKind::Standard,
            };
            Some((below(path), file))
        })
        .collect();
    let own = own_files(world, folder, diagnostics)?;
    let own: BTreeMap<String, LibraryFile> = own
        .into_iter()
        .map(|(path, file)| (below(&path), file))
        .collect();
    let same = |name: &String, file: &LibraryFile| {
        standard
            .get(name)
            .is_some_and(|standard| standard.text == file.text)
    };
    let is_trait = folder == "modules/traits";
    let all_same = own.len() == standard.len() && own.iter().all(|(name, file)| same(name, file));
    let hides = !own.is_empty() && !all_same;
    if is_trait {
        let mut texts = standard.clone();
        texts.extend(own.into_iter().filter(|(name, file)| !same(name, file)));
        return Ok(Folder {
            texts,
            standard: false,
        });
    }
    Ok(Folder {
        texts: if hides { own } else { standard },
        standard: !hides,
    })
}

/// The files of a folder of the lab's own library, by path. One that cannot be read as text is reported.
fn own_files(
    world: &World,
    folder: &str,
    diagnostics: &mut Diagnostics,
) -> Result<BTreeMap<String, LibraryFile>, Failure> {
    let paths = world.list(folder)?;
    let mut own = BTreeMap::new();
    for path in paths {
        let why = match world.read(&path)? {
            Read::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => {
                    let file = LibraryFile {
                        text: text.into(),
                        kind: SourceKind::Lab,
                    };
                    own.insert(path, file);
                    continue;
                }
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    format!("it is not UTF-8 text (byte {at})")
                }
            },
            Read::Refused(why) => why,
            // It was listed a moment ago, and its name as text is not what it is called.
            Read::Missing => "its name is not UTF-8 text".to_owned(),
        };
        let message = format!("`{path}` is not read: {why}");
        diagnostics.push(Diagnostic::error(Code::UNSAFE_PATH, None, message));
    }
    Ok(own)
}

fn add(loader: &mut Loader<'_>, path: &str, file: &LibraryFile) -> SourceId {
    let name = match file.kind {
        SourceKind::Standard => format!("labc:{path}"),
        SourceKind::Lab => path.to_owned(),
    };
    if let Some(id) = loader.sources.find(&name) {
        return id;
    }
    loader.sources.add(name, file.text.clone(), file.kind)
}

/// The files of a module, each with its id; none where there is no such module.
fn module_files(
    name: &str,
    loader: &mut Loader<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Option<ModuleFiles>, Failure> {
    let folder = format!("modules/{name}");
    let Folder { texts, standard } = files(loader.world, &folder, diagnostics)?;
    let Some(head) = texts.get(HEAD) else {
        return Ok(None);
    };
    let head = (
        add(loader, &format!("{folder}/{HEAD}"), head),
        head.text.clone(),
    );
    let mut id = |(path, file): (String, LibraryFile)| {
        let is_source = path != HEAD && !is_page(&path);
        let id = is_source.then(|| add(loader, &format!("{folder}/{path}"), &file));
        (path, (id, file.text))
    };
    Ok(Some(ModuleFiles {
        head,
        texts: texts.into_iter().map(&mut id).collect(),
        standard,
    }))
}

/// The files of a module.
struct ModuleFiles {
    /// `module.toml`.
    head: (SourceId, Arc<str>),
    /// Every file by path, with its id where something in it is read.
    texts: BTreeMap<String, (Option<SourceId>, Arc<str>)>,
    standard: bool,
}

/// The file that makes a folder a module.
const HEAD: &str = "module.toml";

/// Whether a file of a module is a page for its readers.
fn is_page(path: &str) -> bool {
    !path.contains('/') && path.ends_with(".md")
}

fn read(name: &str, from: &ModuleFiles, diagnostics: &mut Diagnostics) -> Module {
    let (id, text) = &from.head;
    let node = toml::read(*id, text, diagnostics);
    let mut module = module::module(name, from.standard, &node, diagnostics);
    let mut files = Files::new();
    for (path, (id, text)) in &from.texts {
        module.sources.insert(path.clone(), text.clone());
        let Some(id) = *id else { continue };
        let (place, rest) = path.split_once('/').unwrap_or(("", path));
        let stem = rest.strip_suffix(".yaml");
        match (place, stem) {
            ("", Some("values")) => {
                module.values = one(id, text, diagnostics);
            }
            ("manifests", Some(_)) => {
                let documents = all(id, text, diagnostics);
                module.manifests.insert(rest.to_owned(), documents);
            }
            ("traits", Some(stem)) => {
                let answer = answer(id, text, diagnostics);
                module.answers.insert(stem.to_owned(), Arc::new(answer));
            }
            ("capabilities", Some(stem)) => {
                let answer = answer(id, text, diagnostics);
                module.capability_answers.insert(stem.to_owned(), answer);
            }
            ("talos", Some(stem @ ("all" | "controlplane" | "worker"))) => {
                let documents = all(id, text, diagnostics);
                module.talos_patches.insert(stem.to_owned(), documents);
            }
            ("files", _) => {
                let first = text.find('\n').unwrap_or(text.len());
                let file = TextFile {
                    text: Some(text.clone()),
                    span: Span::new(id, 0, first),
                    is_template: true,
                };
                files.insert(rest.to_owned(), file);
            }
            _ => {
                let message = format!("nothing reads `modules/{name}/{path}`");
                diagnostics.push(
                    Diagnostic::error(Code::UNREACHABLE_FILE, Span::new(id, 0, 0), message).help(
                        "a module has `module.toml`, `values.yaml`, `manifests/*.yaml`, `traits/*.yaml`, \
                         `capabilities/*.yaml`, `talos/{all,controlplane,worker}.yaml` and `files/*`",
                    ),
                );
            }
        }
    }
    module.files = Arc::new(files);
    module
}

fn all(id: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Template> {
    yaml::read_syntax(id, text, diagnostics)
        .iter()
        .filter_map(|document| compile(document, text, diagnostics).ok())
        .collect()
}

/// How a provider answers: `outputs`, each a template of its own, and `resources`.
fn answer(id: SourceId, text: &str, diagnostics: &mut Diagnostics) -> AnswerSyntax {
    let mut answer = AnswerSyntax::default();
    let documents = yaml::read_syntax(id, text, diagnostics);
    let mut wrong = |span: Span, message: &str| {
        diagnostics.push(
            Diagnostic::error(Code::WRONG_TYPE, span, message)
                .help("an answer is one map of `outputs:` (a map) and `resources:` (a list)"),
        );
    };
    let [document] = documents.as_slice() else {
        wrong(Span::new(id, 0, 0), "an answer is one YAML document");
        return answer;
    };
    let SyntaxKind::Map(parts) = &document.kind else {
        wrong(document.span, "an answer is a map");
        return answer;
    };
    let mut templates = Vec::new();
    for (key, value) in parts {
        match (key.name.as_str(), &value.kind) {
            ("outputs", SyntaxKind::Map(pairs)) => {
                let named = pairs.iter().map(|(key, value)| (Some(key), value));
                templates.extend(named);
            }
            ("resources", _) => templates.push((None, value)),
            _ => wrong(key.place.span(), "this is no part of an answer"),
        }
    }
    for (key, value) in templates {
        let Ok(template) = compile(value, text, diagnostics) else {
            continue;
        };
        match key {
            Some(key) => {
                answer.outputs.insert(key.name.clone(), template);
            }
            None => answer.resources = Some(template),
        }
    }
    answer
}

/// The only document of a file; a second one is reported.
fn one(id: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Option<Template> {
    let mut documents = all(id, text, diagnostics);
    if let Some(second) = documents.get(1) {
        let message = "this file holds one document";
        diagnostics.push(Diagnostic::error(Code::YAML_SYNTAX, second.span, message));
        documents.truncate(1);
    }
    documents.pop()
}
