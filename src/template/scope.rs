//! What an expression sees: names bound to trees, and to values that are computed when somebody asks.
//!
//! Every leaf that an expression reads is noted, so that its result knows what it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use litemap::LiteMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja, ValueKind};
use minijinja::{Error, ErrorKind, State};
use smol_str::SmolStr;

use super::budget::{self, Beyond, Budget, Purse};
use super::{environment, in_file};
use crate::source::{Origin, Span};
use crate::value::{Entry, Map, Node, Step, Value};

/// The key of a map that says what the map prints as where text is asked for (an address, an image, a secret).
pub const TEXT: &str = "$text";

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A tree.
    Node(Arc<Node>),
    /// A branch that is computed entry by entry.
    Lazy(Arc<dyn Lookup>),
}

/// A map whose entries are computed when somebody asks for them.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The names of all entries, sorted.
    fn keys(&self) -> Vec<String>;

    /// The entry of a name; none if there is no such entry.
    ///
    /// # Errors
    /// The entry exists and is wrong, which has been reported already.
    fn get(&self, key: &str) -> Result<Option<Binding>, Unavailable>;

    /// What decided that the branch is there; none for one that always is.
    fn origin(&self) -> Option<&Origin> {
        None
    }
}

/// A value that cannot be had because of a problem that has been reported already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that it needs is wrong")
    }
}

impl std::error::Error for Unavailable {}

/// The text files that templates read with `file("name")`, by name.
pub type Files = BTreeMap<String, TextFile>;

/// A text file.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// What it holds; nothing where it cannot be had, which has been reported.
    pub text: Option<Arc<str>>,
    /// Its first line.
    pub span: Span,
    /// Whether its text is a template.
    pub is_template: bool,
}

type Names = LiteMap<SmolStr, Binding>;

/// The names that an expression sees.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    names: Arc<Names>,
    /// The names of the scope around it, which many share.
    around: Arc<Names>,
    files: Arc<Files>,
    /// How many files are being rendered, one for the other.
    open_files: usize,
    budget: Arc<Budget>,
    reads: Arc<Reads>,
}

/// Text files that may render one another.
const MAX_OPEN_FILES: usize = 8;

/// The spans that were read since they were last taken.
#[derive(Debug, Default)]
struct Reads(Mutex<Vec<Span>>);

impl Reads {
    fn note(&self, origin: &Origin) {
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend_from_slice(origin.spans());
    }

    fn take(&self) -> Vec<Span> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scope {
    /// A scope that spends from a budget.
    pub fn new(budget: Arc<Budget>) -> Self {
        Scope {
            budget,
            ..Scope::default()
        }
    }

    /// A scope inside this one, that can read these text files with `file("name")`. The names of this one are seen
    /// there, but not those of a scope around this one; both spend from one budget.
    #[must_use]
    pub fn inside(&self, files: Arc<Files>) -> Self {
        Scope {
            files,
            around: self.names.clone(),
            budget: self.budget.clone(),
            ..Scope::default()
        }
    }

    /// What its expressions spend from.
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Binds a name to a tree.
    pub fn bind(&mut self, name: &str, node: Arc<Node>) {
        Arc::make_mut(&mut self.names).insert(name.into(), Binding::Node(node));
    }

    /// Binds a name to a computed branch.
    pub fn bind_lazy(&mut self, name: &str, lookup: Arc<dyn Lookup>) {
        Arc::make_mut(&mut self.names).insert(name.into(), Binding::Lazy(lookup));
    }

    /// Binds a name to what another scope sees under a name of its own; to nothing where it sees nothing there.
    pub fn bind_as(&mut self, name: &str, other: &Scope, known: &str) {
        if let Some(binding) = other.binding(known) {
            Arc::make_mut(&mut self.names).insert(name.into(), binding.clone());
        }
    }

    /// What a name is bound to.
    pub(super) fn binding(&self, name: &str) -> Option<&Binding> {
        self.names.get(name).or_else(|| self.around.get(name))
    }

    /// Every name that is bound, sorted.
    fn all(&self) -> BTreeSet<&SmolStr> {
        self.names.keys().chain(self.around.keys()).collect()
    }

    /// The same names, noting what is read on its own: for another thread, or a nested evaluation.
    #[must_use]
    pub fn fork(&self) -> Self {
        Scope {
            names: self.names.clone(),
            around: self.around.clone(),
            files: self.files.clone(),
            open_files: self.open_files,
            budget: self.budget.clone(),
            reads: Arc::default(),
        }
    }

    /// The names at the end of a path of names; none if the path leads nowhere or to a leaf.
    pub(super) fn names_below(&self, path: &[&str]) -> Option<Vec<String>> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self.all().into_iter().map(SmolStr::to_string).collect());
        };
        let mut binding = self.binding(first)?.clone();
        for step in rest {
            binding = child(&binding, step)?;
        }
        match binding {
            Binding::Lazy(lookup) => Some(lookup.keys()),
            Binding::Node(node) => node
                .as_map()
                .map(|map| map.keys().map(SmolStr::to_string).collect()),
        }
    }

    /// Where the branch at the end of a path stands, if a source wrote it.
    pub(super) fn place(&self, path: &[&str]) -> Option<Span> {
        let (first, mut rest) = path.split_first()?;
        let mut binding = self.binding(first)?.clone();
        while let Binding::Lazy(lookup) = binding {
            let (step, left) = rest.split_first()?;
            binding = lookup.get(step).ok().flatten()?;
            rest = left;
        }
        let Binding::Node(root) = binding else {
            return None;
        };
        let end = rest.iter().try_fold(&*root, |node, step| node.get(step));
        end?.origin.first()
    }

    /// The value that a template engine takes as its context.
    pub(super) fn context(&self) -> Jinja {
        Jinja::from_object(ScopeObject(self.clone()))
    }

    /// What was read since the last call.
    pub(super) fn take_reads(&self) -> Vec<Span> {
        self.reads.take()
    }
}

fn child(binding: &Binding, key: &str) -> Option<Binding> {
    match binding {
        Binding::Lazy(lookup) => lookup.get(key).ok().flatten(),
        Binding::Node(node) => node
            .get(key)
            .map(|child| Binding::Node(Arc::new(child.clone()))),
    }
}

#[derive(Debug)]
struct ScopeObject(Scope);

impl Object for ScopeObject {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Jinja> {
        match key {
            "file" => return Some(Jinja::from_object(FileFunction(self.0.clone()))),
            budget::NAME => return Some(Jinja::from_object(Purse(self.0.budget.clone()))),
            _ => {}
        }
        let binding = self.0.binding(key)?;
        Some(to_jinja(binding, &self.0.reads))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.all().into_iter();
        Enumerator::Values(names.map(|name| Jinja::from(name.as_str())).collect())
    }
}

/// `file("name")`: a text file of the module or of the lab; a template is rendered in the scope of the caller.
#[derive(Debug)]
struct FileFunction(Scope);

impl FileFunction {
    fn unknown(&self, name: &str) -> String {
        let there = self.0.files.iter().filter(|(_, file)| file.text.is_some());
        let known: Vec<String> = there.map(|(name, _)| format!("`{name}`")).collect();
        let beside = match known.is_empty() {
            true => String::new(),
            false => format!(" beside {}", known.join(", ")),
        };
        format!(
            "there is no file `{name}`{beside}; of the lab's it knows those whose path, or whose folder, is written as \
             text"
        )
    }
}

impl Object for FileFunction {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Jinja]) -> Result<Jinja, Error> {
        let [name] = args else {
            let wrong = "file() takes the name of one file";
            return Err(Error::new(ErrorKind::MissingArgument, wrong));
        };
        let name = name.as_str().unwrap_or_default();
        let Some(file) = self.0.files.get(name) else {
            return Err(Error::new(ErrorKind::TemplateNotFound, self.unknown(name)));
        };
        let Some(text) = &file.text else {
            return Err(Error::new(ErrorKind::InvalidOperation, "").with_source(Unavailable));
        };
        self.0.reads.note(&Origin::at(file.span));
        if !file.is_template {
            return Ok(Jinja::from(text.clone()));
        }
        if self.0.open_files == MAX_OPEN_FILES {
            let wrong = format!("{MAX_OPEN_FILES} files may render one another with file()");
            return Err(Beyond(wrong).into());
        }
        let mut inner = self.0.clone();
        inner.open_files += 1;
        let rendered = environment::render(name, text, &inner)
            .map_err(|error| in_file::wrong(error, text, file.span, &inner))?;
        Ok(Jinja::from(rendered))
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("file()")
    }
}

fn to_jinja(binding: &Binding, reads: &Arc<Reads>) -> Jinja {
    match binding {
        Binding::Lazy(lookup) => {
            lookup
                .origin()
                .into_iter()
                .for_each(|origin| reads.note(origin));
            Jinja::from_object(LazyObject {
                lookup: lookup.clone(),
                reads: reads.clone(),
            })
        }
        Binding::Node(root) => View {
            root: root.clone(),
            steps: Vec::new(),
            reads: reads.clone(),
        }
        .value(),
    }
}

#[derive(Debug)]
struct LazyObject {
    lookup: Arc<dyn Lookup>,
    reads: Arc<Reads>,
}

impl Object for LazyObject {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Jinja> {
        match self.lookup.get(key) {
            Ok(binding) => binding.map(|binding| to_jinja(&binding, &self.reads)),
            Err(unavailable) => Some(Jinja::from(
                Error::new(ErrorKind::InvalidOperation, "unavailable").with_source(unavailable),
            )),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.lookup.keys().into_iter().map(Jinja::from).collect())
    }
}

/// A map or list inside a tree.
#[derive(Debug)]
pub(super) struct View {
    root: Arc<Node>,
    steps: Vec<Step>,
    reads: Arc<Reads>,
}

impl View {
    /// The node that this is a view of.
    pub(super) fn node(&self) -> &Node {
        self.steps.iter().fold(&self.root, |node, step| match step {
            Step::Key(key) => node.get(key).expect("a view is made of steps that exist"),
            Step::Index(index) => &node.as_list().expect("as above")[*index],
        })
    }

    fn child(&self, step: Step) -> Option<Jinja> {
        let node = self.node();
        let exists = match &step {
            Step::Key(key) => node.get(key).is_some(),
            Step::Index(index) => node.as_list().is_some_and(|list| *index < list.len()),
        };
        if !exists {
            return None;
        }
        let mut steps = self.steps.clone();
        steps.push(step);
        let view = View {
            root: self.root.clone(),
            steps,
            reads: self.reads.clone(),
        };
        Some(view.value())
    }

    /// The value that an expression works with: scalars are themselves, and reading one is noted.
    fn value(self) -> Jinja {
        let node = self.node();
        let value = match &node.value {
            Value::Map(_) | Value::List(_) => return Jinja::from_object(self),
            Value::Null => Jinja::from(()),
            Value::Bool(value) => Jinja::from(*value),
            Value::Int(value) => Jinja::from(*value),
            Value::Uint(value) => Jinja::from(*value),
            Value::Float(value) => Jinja::from(*value),
            Value::Str(value) => Jinja::from(value.as_str()),
        };
        self.reads.note(&node.origin);
        value
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.node().value {
            Value::List(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        if let Some(key) = key.as_str() {
            return self.child(Step::Key(key.into()));
        }
        self.child(Step::Index(key.as_usize()?))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.node().value {
            Value::List(list) => Enumerator::Seq(list.len()),
            Value::Map(map) => Enumerator::Values(
                map.keys()
                    .filter(|key| *key != TEXT)
                    .map(|key| Jinja::from(key.as_str()))
                    .collect(),
            ),
            _ => Enumerator::Empty,
        }
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node();
        if let Some(text) = node.get(TEXT) {
            self.reads.note(&text.origin);
            return formatter.write_str(text.as_str().unwrap_or_default());
        }
        node.each_leaf(&mut |_, leaf| self.reads.note(&leaf.origin));
        write!(formatter, "{}", super::convert::json(node))
    }
}

/// What a value of a scope weighs: a branch of a tree is there already, so that only its own entries count, and a
/// computed branch is nothing before somebody asks for it. None for a value that the engine made.
pub(super) fn weight(value: &Jinja) -> Option<u64> {
    if let Some(view) = value.downcast_object_ref::<View>() {
        let entries = match &view.node().value {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        return Some(entries as u64);
    }
    let is_computed = value.downcast_object_ref::<LazyObject>().is_some()
        || value.downcast_object_ref::<ScopeObject>().is_some();
    is_computed.then_some(0)
}

/// The branch that a value is, with its values that print as text still whole; none for a computed value.
pub(super) fn branch(value: &Jinja) -> Option<Node> {
    value
        .downcast_object_ref::<View>()
        .map(|view| view.node().clone())
}

/// The tree of a value that an expression gave: `here` is where the expression stands, `read` what it read.
///
/// A branch of a tree keeps the origins of its leaves, behind `here`, and is there as a whole by what was read; a value
/// that prints as text is that text.
///
/// # Errors
/// A phrase that says why the value is no data.
pub(super) fn to_node(value: &Jinja, here: Span, read: &Origin) -> Result<Node, String> {
    if let Some(view) = value.downcast_object_ref::<View>() {
        let mut copied = copy(view.node(), here);
        copied.add_origin(read);
        return Ok(copied);
    }
    let origin = Origin::at(here).with(read);
    let data = match value.kind() {
        ValueKind::Undefined => return Err("it is undefined".to_owned()),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => Value::from(value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| error.to_string())?;
            let nodes: Result<Vec<Node>, String> =
                items.map(|item| to_node(&item, here, read)).collect();
            Value::List(nodes?)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter().map_err(|error| error.to_string())? {
                let item = value.get_item(&key).map_err(|error| error.to_string())?;
                let entry = Entry {
                    key: Some(here),
                    node: to_node(&item, here, read)?,
                };
                map.insert(key.to_string().into(), entry);
            }
            Value::Map(map)
        }
        kind => return Err(format!("{kind} is no data")),
    };
    Ok(Node::new(data, origin))
}

/// A copy with `here` first in the origin of every node: the expression that inserted a branch wrote it there.
pub(super) fn copy(node: &Node, here: Span) -> Node {
    let node = node.get(TEXT).unwrap_or(node);
    let value = match &node.value {
        Value::List(list) => Value::List(list.iter().map(|item| copy(item, here)).collect()),
        Value::Map(map) => {
            let entry = |(key, entry): (&SmolStr, &Entry)| {
                let node = copy(&entry.node, here);
                let copied = Entry {
                    key: entry.key,
                    node,
                };
                (key.clone(), copied)
            };
            Value::Map(map.iter().map(entry).collect())
        }
        scalar => scalar.clone(),
    };
    Node {
        value,
        origin: Origin::at(here).with(&node.origin),
    }
}

fn number(value: &Jinja) -> Result<Value, String> {
    if value.is_integer() {
        let integer = i128::try_from(value.clone()).map_err(|error| error.to_string())?;
        if let Ok(integer) = i64::try_from(integer) {
            return Ok(Value::Int(integer));
        }
        return u64::try_from(integer)
            .map(Value::Uint)
            .map_err(|_| format!("{integer} does not fit 64 bits"));
    }
    f64::try_from(value.clone())
        .map(Value::Float)
        .map_err(|error| error.to_string())
}
