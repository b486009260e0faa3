//! `lab.toml` to components and fixed sections, with every file that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use litemap::LiteMap;
use smol_str::SmolStr;

use super::library::Library;
use super::load::Loader;
use super::module::{Module, TraitSyntax};
use super::sops::{self, SopsFile};
use super::table::{OneOrMany, Table, list, wrong_type};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Span, Spanned};
use crate::template::{Files, Template, from_node};
use crate::value::{Node, Value};
use crate::world::Failure;

/// A lab as written.
#[derive(Debug)]
pub struct LabSyntax {
    /// All of `lab.toml`.
    pub written: Node,
    /// `lab.toml` without its components, built-in defaults below it; strings may still hold expressions.
    pub sections: Node,
    /// The machine-config patches that it names, by path: their documents.
    pub talos_patches: BTreeMap<String, PatchFile>,
    /// The encrypted Secrets of `secrets/`.
    pub sops: Vec<SopsFile>,
    /// The components by name, the disabled ones among them.
    pub components: BTreeMap<String, ComponentSyntax>,
    /// Every trait that is known.
    pub traits: BTreeMap<String, Arc<TraitSyntax>>,
}

/// A file with a machine-config patch.
#[derive(Clone, Debug)]
pub struct PatchFile {
    /// Its text, which is copied as it is.
    pub text: Arc<str>,
    /// Its documents.
    pub documents: Vec<Node>,
}

/// Which table a component stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `[infrastructure.*]`.
    Infrastructure,
    /// `[apps.*]`.
    Apps,
}

impl Layer {
    /// The table's name, which is the folder's.
    pub fn word(self) -> &'static str {
        match self {
            Layer::Infrastructure => "infrastructure",
            Layer::Apps => "apps",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// The few named parts of a component, in one piece of memory and by name.
pub type Named<T> = LiteMap<SmolStr, T>;

/// An entry of `[infrastructure.*]` or `[apps.*]`.
#[derive(Debug)]
pub struct ComponentSyntax {
    /// Its name, where it is written.
    pub name: Spanned<String>,
    /// Its table.
    pub layer: Layer,
    /// Where its table stands.
    pub span: Span,
    /// What it deploys.
    pub module: Arc<Module>,
    /// Whether it is part of the tree.
    pub enabled: bool,
    /// Whether the engine leaves it alone.
    pub suspend: Option<Spanned<bool>>,
    /// Whether its claims survive pruning.
    pub keep: Option<Spanned<bool>>,
    /// The version of its chart or remote source.
    pub version: Option<Template>,
    /// Where it lives.
    pub namespace: Option<Template>,
    /// `reference` or `hydrated`.
    pub render: Option<Spanned<String>>,
    /// Components that it comes after.
    pub needs: Vec<Spanned<String>>,
    /// Inputs as given, with the place of their keys.
    pub inputs: Named<(Span, Template)>,
    /// What it asks for: trait, entry.
    pub traits: Named<Named<EntrySyntax>>,
    /// Load-balancer addresses by name.
    pub addresses: Named<Template>,
    /// Chart values: files in order, then `values`.
    pub values: Vec<Template>,
    /// More resources: the file's path and its documents.
    pub manifests: Vec<(String, Vec<Template>)>,
    /// Patches in order.
    pub patches: Vec<Template>,
    /// Fields that controllers write, beside the module's.
    pub drift: Vec<Template>,
    /// The text files that `file(...)` reads: the module's, and those of the lab that the lab's own templates name.
    pub files: Arc<Files>,
}

impl ComponentSyntax {
    /// Everything that the lab writes of it.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let inputs = self.inputs.values().map(|(_, template)| template);
        let entries = self.traits.values().flat_map(LiteMap::values);
        let fields = entries.flat_map(|entry| entry.fields.values().map(|(_, template)| template));
        let manifests = self.manifests.iter().flat_map(|(_, documents)| documents);
        (self.version.iter().chain(&self.namespace))
            .chain(inputs)
            .chain(fields)
            .chain(self.addresses.values())
            .chain(&self.values)
            .chain(manifests)
            .chain(&self.patches)
            .chain(&self.drift)
    }
}

/// One entry of a trait.
#[derive(Debug)]
pub struct EntrySyntax {
    /// Its fields.
    pub fields: Named<(Span, Template)>,
    /// Whether it turns off all that the module asks of the trait: `monitor = false`.
    pub none_at_all: bool,
    /// Where it stands.
    pub span: Span,
}

/// Keys of a component that are neither inputs nor traits, in the order of DESIGN's list.
pub const RESERVED: &[&str] = &[
    "module",
    "enabled",
    "suspend",
    "version",
    "namespace",
    "render",
    "values",
    "values_files",
    "manifests",
    "patches",
    "needs",
    "keep",
    "drift",
    "addresses",
    "moved",
    "extends",
];

/// Names that no component may have: folders and units of the tree's own.
const TAKEN: &[&str] = &["root", "namespaces", "sources", "flux-system"];

/// Components that a lab may have: with ten thousand, Argo CD and Flux are beyond what their makers test.
const MAX_COMPONENTS: usize = 20_000;

/// The longest name of a Helm release, in bytes.
const MAX_NAME: usize = 53;

/// Reads the components and sections of `lab.toml`, whose tree is `root`.
///
/// # Errors
/// The machine failed while a file that it names was read.
pub fn lab(
    root: Node,
    loader: &mut Loader<'_>,
    library: &mut Library,
    diagnostics: &mut Diagnostics,
) -> Result<LabSyntax, Failure> {
    let traits = library.traits(loader, diagnostics)?;
    library.read_ahead(&modules(&root), loader)?;
    let talos_patches = talos_patches(&root, loader, diagnostics)?;
    let sops = sops::read(&root, loader, diagnostics)?;
    let mut sections = root.clone();
    let mut components: BTreeMap<String, ComponentSyntax> = BTreeMap::new();
    for layer in [Layer::Infrastructure, Layer::Apps] {
        let Value::Map(map) = &mut sections.value else {
            break;
        };
        let Some(table) = map.remove(layer.word()) else {
            continue;
        };
        let entries = table.node.as_map().map_or(0, |map| map.len());
        if entries > MAX_COMPONENTS - components.len() {
            diagnostics.push(too_many(entries + components.len(), table.key));
            break;
        }
        let table = Table::new(&table.node, layer.word(), diagnostics);
        for (name, key, node) in table.rest() {
            let key = key.or_else(|| node.origin.first());
            let Some(key) = key else { continue };
            let name = Spanned::new(name.to_owned(), key);
            if let Some(first) = components.get(&name.value) {
                diagnostics.push(twice(&name, first.name.span));
                continue;
            }
            check_name(&name, diagnostics);
            let mut reader = Reader {
                loader,
                library,
                traits: &traits,
                diagnostics,
            };
            if let Some(component) = reader.component(name, layer, node)? {
                components.insert(component.name.value.clone(), component);
            }
        }
    }
    Ok(LabSyntax {
        written: root,
        sections,
        talos_patches,
        sops,
        components,
        traits,
    })
}

/// The names of the modules that components ask for.
fn modules(root: &Node) -> BTreeSet<&str> {
    let layers = [Layer::Infrastructure, Layer::Apps].into_iter();
    let tables = layers.filter_map(|layer| root.get(layer.word())?.as_map());
    tables
        .flatten()
        .map(|(name, entry)| {
            let given = entry.node.get("module").and_then(Node::as_str);
            given.unwrap_or(name)
        })
        .collect()
}

fn too_many(components: usize, place: Option<Span>) -> Diagnostic {
    let message =
        format!("a lab may have {MAX_COMPONENTS} components, and this one has {components}");
    Diagnostic::error(Code::LAB_LIMIT, place, message)
        .help("a cluster of that size is several labs")
}

/// Reads every file that `patches` of `[talos]`, of hardware and of nodes names.
fn talos_patches(
    root: &Node,
    loader: &mut Loader<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<BTreeMap<String, PatchFile>, Failure> {
    let tables = |name: &str| root.get(name).and_then(Node::as_map).into_iter().flatten();
    let of_all = root.get("talos");
    let others = tables("hardware").chain(tables("nodes"));
    let owners = of_all
        .into_iter()
        .chain(others.map(|(_, entry)| &entry.node));
    let named = owners
        .filter_map(|owner| owner.get("patches")?.as_list())
        .flatten();
    let mut patches = BTreeMap::new();
    for node in named {
        let (Some(path), Some(span)) = (node.as_str(), node.origin.first()) else {
            continue;
        };
        let file = Spanned::new(path.to_owned(), span);
        if let Some(id) = loader.named_file(&file, diagnostics)? {
            let text = loader.sources.file(id).text.clone();
            let documents = crate::syntax::yaml::read(id, &text, diagnostics);
            patches.insert(path.to_owned(), PatchFile { text, documents });
        }
    }
    Ok(patches)
}

/// Whether a values file holds values, and is no object of Kubernetes: a chart would ignore all of it.
fn are_values(document: &Template, diagnostics: &mut Diagnostics) -> bool {
    let text = |key: &str| document.data_at(key).and_then(Node::as_str);
    let (Some(api), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return true;
    };
    let is_version = |text: &str| {
        let digits = text.strip_prefix('v');
        digits.is_some_and(|digits| digits.starts_with(|first: char| first.is_ascii_digit()))
    };
    let version = api.rsplit('/').next().unwrap_or(api);
    if !is_version(version) || !kind.starts_with(|first: char| first.is_ascii_uppercase()) {
        return true;
    }
    let place = document
        .data_at("kind")
        .and_then(|node| node.origin.first());
    let message = format!("this values file is an object of Kubernetes: {kind} of `{api}`");
    diagnostics.push(
        Diagnostic::error(Code::INVALID_VALUE, place.or(Some(document.span)), message)
            .note("a chart has no such values: it would ignore all of it")
            .help(match kind {
                "HelmRelease" => "keep what stands under its `spec.values`, and nothing around it",
                "Application" => {
                    "keep what stands under its `spec.source.helm.valuesObject`, and nothing around it"
                }
                _ => "name it under `manifests` if it is to be applied",
            }),
    );
    false
}

fn twice(name: &Spanned<String>, first: Span) -> Diagnostic {
    let message = format!("two components are named `{}`", name.value);
    Diagnostic::error(Code::COMPONENT_NAME, name.span, message)
        .label(first, "the first one")
        .help("names are one namespace across `[infrastructure]` and `[apps]`: rename one")
}

/// Checks the name of a component.
///
/// # Errors
/// A phrase that names the rule.
pub fn check_component_name(text: &str) -> Result<(), String> {
    if TAKEN.contains(&text) {
        return Err("labc itself makes a unit of that name".to_owned());
    }
    if text.len() > MAX_NAME {
        return Err(format!(
            "it has {} bytes; a Helm release has at most {MAX_NAME}",
            text.len()
        ));
    }
    super::domain::check_label(text)
}

fn check_name(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let text = name.value.as_str();
    if let Err(why) = check_component_name(text) {
        let message = format!("a component cannot be named `{text}`");
        diagnostics.push(Diagnostic::error(Code::COMPONENT_NAME, name.span, message).note(why));
    }
}

struct Reader<'a, 'w> {
    loader: &'a mut Loader<'w>,
    library: &'a mut Library,
    traits: &'a BTreeMap<String, Arc<TraitSyntax>>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_, '_> {
    fn component(
        &mut self,
        name: Spanned<String>,
        layer: Layer,
        node: &Node,
    ) -> Result<Option<ComponentSyntax>, Failure> {
        let path = format!("{layer}.{}", name.value);
        let mut table = Table::new(node, &path, self.diagnostics);
        let Some(span) = table.span else {
            return Ok(None);
        };
        let given: Option<Spanned<String>> = table.optional("module", self.diagnostics);
        let wanted = given.unwrap_or_else(|| name.clone());
        let Some(module) = self
            .library
            .module(&wanted, self.loader, self.diagnostics)?
        else {
            return Ok(None);
        };
        let patches = self.patches(&mut table)?;
        let values = self.values(&mut table)?;
        let manifests = self.manifests(&mut table)?;
        let diagnostics = &mut *self.diagnostics;
        for key in ["moved", "extends"] {
            if let Some(node) = table.node(key) {
                let message = format!("`{path}.{key}` does not work yet");
                diagnostics.push(Diagnostic::error(
                    Code::NOT_YET,
                    node.origin.first(),
                    message,
                ));
            }
        }
        let mut component = ComponentSyntax {
            layer,
            span,
            enabled: table.optional("enabled", diagnostics).unwrap_or(true),
            suspend: table.optional("suspend", diagnostics),
            keep: table.optional("keep", diagnostics),
            version: template(table.node("version"), diagnostics),
            namespace: template(table.node("namespace"), diagnostics),
            render: table.optional("render", diagnostics),
            needs: table.or_default("needs", diagnostics),
            inputs: Named::new(),
            traits: Named::new(),
            addresses: addresses(&mut table, diagnostics),
            values,
            manifests,
            patches,
            drift: items(&mut table, "drift", diagnostics),
            files: module.files.clone(),
            module,
            name,
        };
        self.open_keys(&table, &mut component);
        let wanted: Vec<_> = component.templates().flat_map(Template::files).collect();
        component.files = self
            .loader
            .text_files(&component.module, wanted, self.diagnostics)?;
        Ok(Some(component))
    }

    /// Sorts every key that is not reserved into traits and inputs.
    fn open_keys(&mut self, table: &Table<'_>, component: &mut ComponentSyntax) {
        for (key, span, node) in table.rest() {
            let span = span.unwrap_or(component.span);
            let path = table.path_of(key);
            if let Some(definition) = self.traits.get(key) {
                let entries = entries(definition, node, &path, self.diagnostics);
                component.traits.insert(key.into(), entries);
            } else if component.module.inputs.contains_key(key) {
                if let Ok(template) = from_node(node, self.diagnostics) {
                    component.inputs.insert(key.into(), (span, template));
                }
            } else {
                let unknown = self.unknown(key, &path, span, &component.module);
                self.diagnostics.push(unknown);
            }
        }
    }

    fn unknown(&self, key: &str, path: &str, span: Span, module: &Module) -> Diagnostic {
        let inputs: Vec<&str> = module.inputs.keys().map(String::as_str).collect();
        let traits = self.traits.keys().map(String::as_str);
        let all = inputs.iter().copied().chain(traits);
        let near = did_you_mean(key, all.chain(RESERVED.iter().copied()));
        let diagnostic =
            Diagnostic::error(Code::UNKNOWN_KEY, span, format!("unknown key `{path}`"))
                .maybe_help(near);
        if inputs.is_empty() {
            diagnostic.note(format!("module `{}` has no inputs", module.name))
        } else {
            diagnostic.note(format!(
                "the inputs of module `{}` are {}",
                module.name,
                list(&inputs)
            ))
        }
    }

    fn values(&mut self, table: &mut Table<'_>) -> Result<Vec<Template>, Failure> {
        let files: OneOrMany<Spanned<String>> = table
            .optional("values_files", self.diagnostics)
            .unwrap_or_default();
        let mut values = Vec::new();
        for file in files.0 {
            let mut documents = self.loader.template_file(&file, self.diagnostics)?;
            if let Some(second) = documents.get(1) {
                let message = "a values file holds one document";
                self.diagnostics
                    .push(Diagnostic::error(Code::YAML_SYNTAX, second.span, message));
                documents.truncate(1);
            }
            documents.retain(|document| are_values(document, self.diagnostics));
            values.append(&mut documents);
        }
        if let Some(node) = table.node("values") {
            if node.as_map().is_none() {
                let path = table.path_of("values");
                self.diagnostics.push(wrong_type(node, &path, "a table"));
            }
            values.extend(from_node(node, self.diagnostics));
        }
        Ok(values)
    }

    fn manifests(
        &mut self,
        table: &mut Table<'_>,
    ) -> Result<Vec<(String, Vec<Template>)>, Failure> {
        let globs: OneOrMany<Spanned<String>> = table
            .optional("manifests", self.diagnostics)
            .unwrap_or_default();
        let mut manifests = Vec::new();
        for glob in globs.0 {
            for path in self.loader.glob(&glob, self.diagnostics)? {
                let file = Spanned::new(path.clone(), glob.span);
                let documents = self.loader.template_file(&file, self.diagnostics)?;
                manifests.push((path, documents));
            }
        }
        Ok(manifests)
    }

    fn patches(&mut self, table: &mut Table<'_>) -> Result<Vec<Template>, Failure> {
        let path = table.path_of("patches");
        let Some(node) = table.node("patches") else {
            return Ok(Vec::new());
        };
        let Some(items) = node.as_list() else {
            self.diagnostics
                .push(wrong_type(node, &path, "a list of tables (`[[...]]`)"));
            return Ok(Vec::new());
        };
        let mut patches = Vec::new();
        for item in items {
            let file = item.get("file").and_then(|file| {
                Some(Spanned::new(
                    file.as_str()?.to_owned(),
                    file.origin.first()?,
                ))
            });
            match file {
                Some(file) => {
                    patches.extend(self.loader.patch_file(item, &file, self.diagnostics)?);
                }
                None => patches.extend(from_node(item, self.diagnostics)),
            }
        }
        Ok(patches)
    }
}

fn template(node: Option<&Node>, diagnostics: &mut Diagnostics) -> Option<Template> {
    from_node(node?, diagnostics).ok()
}

fn items(table: &mut Table<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<Template> {
    let path = table.path_of(key);
    let Some(node) = table.node(key) else {
        return Vec::new();
    };
    match node.as_list() {
        Some(items) => items
            .iter()
            .filter_map(|item| from_node(item, diagnostics).ok())
            .collect(),
        None => {
            diagnostics.push(wrong_type(node, &path, "a list of tables (`[[...]]`)"));
            Vec::new()
        }
    }
}

fn addresses(table: &mut Table<'_>, diagnostics: &mut Diagnostics) -> Named<Template> {
    let path = table.path_of("addresses");
    let Some(node) = table.node("addresses") else {
        return Named::new();
    };
    let named = Table::new(node, path, diagnostics);
    let compile =
        |(name, _, node): (&str, _, &Node)| Some((name.into(), from_node(node, diagnostics).ok()?));
    named.rest().filter_map(compile).collect()
}

/// The entries of a trait: a scalar is the shorthand of the entry `main`.
pub fn entries(
    definition: &TraitSyntax,
    node: &Node,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Named<EntrySyntax> {
    let mut entries = Named::new();
    let Some(map) = node.as_map() else {
        if let Some(mut entry) = entry(definition, node, path, diagnostics) {
            let is_switch = definition.shorthand.as_deref() == Some("enabled");
            entry.none_at_all = is_switch && node.value == Value::Bool(false);
            entries.insert("main".into(), entry);
        }
        return entries;
    };
    for (name, item) in map {
        let path = format!("{path}.{name}");
        let known = definition.fields.contains_key(name.as_str()) && item.node.as_map().is_none();
        if known && !map.values().any(|entry| entry.node.as_map().is_some()) {
            let message = format!("`{path}` is a field, but entries have names");
            diagnostics.push(
                Diagnostic::error(Code::WRONG_TYPE, item.key, message).help(format!(
                    "name the entry: `{}.main = {{ {name} = ... }}`",
                    definition.name
                )),
            );
            continue;
        }
        if let Err(why) = super::domain::check_label(name) {
            let message = format!("an entry cannot be named `{name}`");
            diagnostics.push(Diagnostic::error(Code::INVALID_NAME, item.key, message).note(why));
        }
        if let Some(entry) = entry(definition, &item.node, &path, diagnostics) {
            entries.insert(name.clone(), entry);
        }
    }
    entries
}

fn entry(
    definition: &TraitSyntax,
    node: &Node,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Option<EntrySyntax> {
    let span = node.origin.first()?;
    let mut fields = Named::new();
    match &node.value {
        Value::Map(map) => {
            for (key, item) in map {
                if let Ok(template) = from_node(&item.node, diagnostics) {
                    fields.insert(key.clone(), (item.key.unwrap_or(span), template));
                }
            }
        }
        Value::List(_) => {
            diagnostics.push(wrong_type(node, path, "a table of named entries"));
            return None;
        }
        _ => {
            let Some(shorthand) = &definition.shorthand else {
                diagnostics.push(wrong_type(node, path, "a table of named entries"));
                return None;
            };
            let template = from_node(node, diagnostics).ok()?;
            fields.insert(shorthand.as_str().into(), (span, template));
        }
    }
    Some(EntrySyntax {
        fields,
        none_at_all: false,
        span,
    })
}
