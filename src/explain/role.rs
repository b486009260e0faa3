//! What a source span is to the value that it made: the lab's word, a default, a template, a patch.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diagnostics;
use crate::parse::LAB;
use crate::source::{SourceId, Sources, Span};
use crate::syntax::toml;
use crate::template::convert::text;
use crate::value::{Node, Path, Step, Value};

/// How messages name the built-in defaults below every lab.
pub(crate) const DEFAULTS: &str = "labc:defaults.toml";

/// What a span is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// One word for programs: `lab`, `default`, `module`, `template`, `values`, `manifest`, `patch`, `secret`.
    pub word: &'static str,
    /// A phrase for people.
    pub text: String,
}

impl Role {
    fn new(word: &'static str, text: impl Into<String>) -> Self {
        Role {
            word,
            text: text.into(),
        }
    }
}

/// Finds the roles of spans: reads the TOML files among the sources again, when they are asked for.
pub(super) struct Roles<'a> {
    sources: &'a Sources,
    trees: BTreeMap<SourceId, Node>,
    patches: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl<'a> Roles<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        let mut roles = Roles {
            sources,
            trees: BTreeMap::new(),
            patches: BTreeSet::new(),
            values: BTreeSet::new(),
        };
        if let Some(lab) = sources.find(LAB) {
            let tree = roles.tree(lab).clone();
            roles.files(&tree);
        }
        roles
    }

    /// What the lab calls its secrets.
    pub(super) fn secrets(&mut self) -> Vec<String> {
        let lab = self.sources.find(LAB).map(|lab| self.tree(lab));
        let secrets = lab.and_then(|lab| lab.get("secrets")?.as_map());
        let names = secrets.into_iter().flat_map(|secrets| secrets.keys());
        names.map(|name| name.to_string()).collect()
    }

    /// Notes which files `lab.toml` names as patches and as values.
    fn files(&mut self, node: &Node) {
        let Some(map) = node.as_map() else {
            return;
        };
        for (key, entry) in map {
            let single = std::slice::from_ref(&entry.node);
            let items = entry.node.as_list().unwrap_or(single);
            let named = items.iter().filter_map(|item| {
                let item = item.get("file").unwrap_or(item);
                item.as_str().map(str::to_owned)
            });
            match key.as_str() {
                "patches" => self.patches.extend(named),
                "values_files" => self.values.extend(named),
                _ => self.files(&entry.node),
            }
        }
    }

    fn tree(&mut self, source: SourceId) -> &Node {
        let sources = self.sources;
        self.trees.entry(source).or_insert_with(|| {
            // Whatever is wrong with the file was reported when it was compiled.
            let mut known = Diagnostics::default();
            toml::read(source, &sources.file(source).text, &mut known)
        })
    }

    /// The role of the span where `leaf` is written.
    pub(super) fn first(&mut self, span: Span, leaf: &Node) -> Role {
        let role = self.of(span);
        match role.word {
            "lab" | "default" => {
                let path = self.path(span);
                let node = self.tree(span.source).at(&path);
                if node.is_some_and(|node| says(node, leaf)) {
                    return Role::new(role.word, format!("written here: {}", role.text));
                }
                Role::new(role.word, format!("follows from `{path}`"))
            }
            "patch" => role,
            _ => Role::new(role.word, format!("written here: {}", role.text)),
        }
    }

    /// The role of a span.
    pub(super) fn of(&mut self, span: Span) -> Role {
        let name = self.sources.file(span.source).name.clone();
        match name.as_str() {
            LAB => self.of_lab(span),
            DEFAULTS => Role::new(
                "default",
                format!("labc's own default of `{}`", self.path(span)),
            ),
            name => {
                let bare = name.strip_prefix("labc:").unwrap_or(name);
                match bare
                    .strip_prefix("modules/")
                    .and_then(|path| path.split_once('/'))
                {
                    Some(("traits", file)) => self.of_trait(span, file),
                    Some((module, file)) => self.of_module(span, module, file),
                    None if self.patches.contains(name) => {
                        Role::new("patch", "changed by this patch")
                    }
                    None if self.values.contains(name) => {
                        Role::new("values", "a values file of the lab")
                    }
                    None if name.starts_with("secrets/") => {
                        Role::new("secret", "a SOPS file of the lab, copied as it is")
                    }
                    None => Role::new("manifest", "a manifest of the lab"),
                }
            }
        }
    }

    fn of_lab(&mut self, span: Span) -> Role {
        let path = self.path(span);
        match path.0.as_slice() {
            [
                Step::Key(_),
                Step::Key(_),
                Step::Key(key),
                Step::Index(_),
                ..,
            ] if key == "patches" => Role::new("patch", "changed by this patch"),
            [Step::Key(_), Step::Key(_), Step::Key(key), ..] if key == "values" => {
                Role::new("values", format!("the lab says so: `{path}`"))
            }
            [] => Role::new("lab", "the lab says so"),
            _ => Role::new("lab", format!("the lab says so: `{path}`")),
        }
    }

    fn of_trait(&mut self, span: Span, file: &str) -> Role {
        if let Some((name, offer)) = file.split_once('/') {
            let offer = offer.strip_suffix(".yaml").unwrap_or(offer);
            let text = format!("how `{offer}` answers the trait `{name}`");
            return Role::new("template", text);
        }
        let name = file.strip_suffix(".toml").unwrap_or(file);
        let path = self.path(span);
        match keys(&path).as_slice() {
            ["fields", field, "default", ..] => {
                Role::new("default", format!("default of `{name}.{field}`"))
            }
            ["outputs", output, ..] => Role::new(
                "default",
                format!("output `{output}` of the trait `{name}`"),
            ),
            _ => Role::new("module", format!("declared by the trait `{name}`")),
        }
    }

    fn of_module(&mut self, span: Span, module: &str, file: &str) -> Role {
        let stem = file.strip_suffix(".yaml").unwrap_or(file);
        match stem.split_once('/') {
            None if file == "module.toml" => self.of_declaration(span, module),
            None => Role::new("template", format!("the values of module `{module}`")),
            Some(("manifests", _)) => {
                Role::new("template", format!("a template of module `{module}`"))
            }
            Some(("traits", asked)) => Role::new(
                "template",
                format!("how module `{module}` answers `{asked}`"),
            ),
            Some(("capabilities", asked)) => Role::new(
                "template",
                format!("how module `{module}` serves as `{asked}`"),
            ),
            Some(("talos", _)) => Role::new(
                "patch",
                format!("a patch of module `{module}` for the nodes"),
            ),
            Some(_) => Role::new("template", format!("a file of module `{module}`")),
        }
    }

    fn of_declaration(&mut self, span: Span, module: &str) -> Role {
        let path = self.path(span);
        match keys(&path).as_slice() {
            ["inputs", input, rest @ ..] if rest.contains(&"default") => {
                let fields: Vec<&str> = rest
                    .iter()
                    .copied()
                    .filter(|key| !["each", "fields", "default"].contains(key))
                    .collect();
                let name = [&[*input], fields.as_slice()].concat().join(".");
                Role::new(
                    "default",
                    format!("default of input `{name}` of module `{module}`"),
                )
            }
            ["talos", ..] => Role::new(
                "module",
                format!("what module `{module}` needs of the nodes"),
            ),
            ["outputs", output, ..] => {
                Role::new("module", format!("output `{output}` of module `{module}`"))
            }
            ["asks", asked, ..] => {
                Role::new("module", format!("module `{module}` asks for `{asked}`"))
            }
            _ => Role::new("module", format!("declared by module `{module}`")),
        }
    }

    /// The way to what stands at a span of a TOML file: the smallest value or key that covers it.
    fn path(&mut self, span: Span) -> Path {
        let mut best: Best = None;
        covering(
            self.tree(span.source),
            span,
            &mut Path::default(),
            &mut best,
        );
        best.map(|(_, path)| path).unwrap_or_default()
    }
}

/// The smallest place that covers a span so far: its size, and the way to it.
type Best = Option<(u32, Path)>;

fn covering(node: &Node, span: Span, path: &mut Path, best: &mut Best) {
    if !path.0.is_empty() {
        consider(node.origin.first(), span, path, best);
    }
    let steps: Vec<(Step, Option<Span>, &Node)> = match &node.value {
        Value::Map(map) => map
            .iter()
            .map(|(key, entry)| (Step::Key(key.clone()), entry.key, &entry.node))
            .collect(),
        Value::List(items) => (0..)
            .map(Step::Index)
            .zip(items)
            .map(|(step, item)| (step, None, item))
            .collect(),
        _ => Vec::new(),
    };
    for (step, key, child) in steps {
        path.0.push(step);
        consider(key, span, path, best);
        covering(child, span, path, best);
        path.0.pop();
    }
}

fn consider(place: Option<Span>, span: Span, path: &Path, best: &mut Best) {
    let covers = |place: &Span| place.start <= span.start && span.end <= place.end;
    let Some(place) = place.filter(covers) else {
        return;
    };
    let size = place.end - place.start;
    if best.as_ref().is_none_or(|(known, _)| size <= *known) {
        *best = Some((size, path.clone()));
    }
}

/// The keys of a path, without its indices.
fn keys(path: &Path) -> Vec<&str> {
    let keys = path.0.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.collect()
}

/// Whether what is written is the value itself, or the expression that gives it.
fn says(written: &Node, value: &Node) -> bool {
    let expression = written.as_str().is_some_and(|text| text.contains("${{"));
    expression || written == value || (text(written).is_some() && text(written) == text(value))
}
