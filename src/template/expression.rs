//! One expression: compiled once, evaluated in a scope, with messages that point into it.

use std::fmt;
use std::sync::OnceLock;

use minijinja::value::Value as Jinja;
use minijinja::{Error, ErrorKind};
use smol_str::SmolStr;

use super::budget::{Beyond, MAX_STEPS, weigh};
use super::environment;
use super::in_file::InFile;
use super::program::{self, Program, Wanted};
use super::scope::{Scope, Unavailable, branch, to_node};
use super::shortcut::Shortcut;
use crate::diag::{Code, Diagnostic, Diagnostics, nearest};
use crate::source::{Origin, Span};
use crate::value::{Node, Value};

/// A compiled expression.
pub struct Expression {
    source: SmolStr,
    span: Span,
    exact: bool,
    shortcut: Option<Shortcut>,
    /// As the engine has it: at once, or where the shortcut takes what is written, when the engine is asked.
    program: OnceLock<Program>,
    /// The dotted names that it uses, sorted; found when a message or an origin needs them.
    paths: OnceLock<Vec<String>>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Expression({:?})", self.source)
    }
}

/// The value of an expression did not come about; why has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// Bytes of a text that is not worth counting.
const SHORT: usize = 256;

impl Expression {
    /// Compiles `source`, which stands at `span`. `exact` says that the span covers the very text, byte by byte, so
    /// that a message can point inside it.
    ///
    /// # Errors
    /// The text is no expression: reported.
    pub fn compile(
        source: &str,
        span: Span,
        exact: bool,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failed> {
        if let Err(beyond) = program::check_length(source) {
            diagnostics.push(too_much(source, span, &beyond));
            return Err(Failed);
        }
        let shortcut = Shortcut::parse(source);
        let program = OnceLock::new();
        if shortcut.is_none() {
            match program::expression(source) {
                Ok(compiled) => drop(program.set(compiled)),
                Err(error) => {
                    diagnostics.push(no_expression(source, span, exact, &error));
                    return Err(Failed);
                }
            }
        }
        Ok(Expression {
            source: source.into(),
            span,
            exact,
            shortcut,
            program,
            paths: OnceLock::new(),
        })
    }

    /// As the engine has it; an error where the shortcut took what the engine does not.
    fn program(&self) -> Result<&Program, Error> {
        if let Some(program) = self.program.get() {
            return Ok(program);
        }
        let program = program::expression(&self.source)?;
        Ok(self.program.get_or_init(|| program))
    }

    /// Its text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The files that it reads with `file(...)`.
    pub(super) fn files(&self) -> Vec<Wanted> {
        program::files_of_expression(&self.source)
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Its value as a tree that `here` wrote and what it read made; an undefined value is an error.
    ///
    /// # Errors
    /// Reported, or caused by a value that has been reported.
    pub fn node(
        &self,
        scope: &Scope,
        here: Span,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Failed> {
        let shortcut = self.shortcut.as_ref();
        if let Some(node) = shortcut.and_then(|shortcut| shortcut.node(scope, here)) {
            self.spend_node(&node, scope, diagnostics)?;
            return Ok(node);
        }
        let (value, read) = self.value(scope, diagnostics)?;
        self.data(&value, here, &read, scope, diagnostics)
    }

    fn data(
        &self,
        value: &Jinja,
        here: Span,
        read: &Origin,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<Node, Failed> {
        let weight = weigh(value).and_then(|weight| scope.budget().take(weight));
        if let Err(beyond) = weight {
            return self.too_much(&beyond, scope, diagnostics);
        }
        let node = to_node(value, here, read).map_err(|why| {
            let message = format!("`{}` has no value: {why}", self.source);
            diagnostics.push(Diagnostic::error(Code::EVALUATION, self.span, message));
            Failed
        })?;
        self.spend_node(&node, scope, diagnostics)?;
        Ok(node)
    }

    /// Counts text that is made with its value.
    ///
    /// # Errors
    /// It is too much: reported.
    pub(super) fn spend(
        &self,
        weight: u64,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failed> {
        match scope.budget().take(weight) {
            Ok(()) => Ok(()),
            Err(beyond) => self.too_much(&beyond, scope, diagnostics),
        }
    }

    /// Counts a tree that is made with its value.
    ///
    /// # Errors
    /// It is too much: reported.
    pub(super) fn spend_node(
        &self,
        node: &Node,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Failed> {
        // A short scalar takes no more than the template that holds it; where it is repeated, the loop counts it.
        let is_short = match &node.value {
            Value::List(_) | Value::Map(_) => false,
            Value::Str(text) => text.len() <= SHORT,
            _ => true,
        };
        if is_short {
            return Ok(());
        }
        match scope.budget().take_node(node) {
            Ok(()) => Ok(()),
            Err(beyond) => self.too_much(&beyond, scope, diagnostics),
        }
    }

    /// Reports that it goes beyond a bound; where the whole lab does, once is enough.
    fn too_much<T>(
        &self,
        beyond: &Beyond,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<T, Failed> {
        if !scope.budget().is_spent() || scope.budget().is_first_report() {
            diagnostics.push(too_much(&self.source, self.span, beyond));
        }
        Err(Failed)
    }

    /// Its value as something to walk or to bind: a branch of the scope stays as it is.
    ///
    /// # Errors
    /// As [`Expression::node`].
    pub fn branch(&self, scope: &Scope, diagnostics: &mut Diagnostics) -> Result<Node, Failed> {
        let shortcut = self.shortcut.as_ref();
        if let Some(node) = shortcut.and_then(|shortcut| shortcut.branch(scope)) {
            self.spend_node(&node, scope, diagnostics)?;
            return Ok(node);
        }
        let (value, read) = self.value(scope, diagnostics)?;
        if let Some(mut node) = branch(&value) {
            node.add_origin(&read);
            self.spend_node(&node, scope, diagnostics)?;
            return Ok(node);
        }
        self.data(&value, self.span, &read, scope, diagnostics)
    }

    /// Whether it holds, and what decided that.
    ///
    /// # Errors
    /// As [`Expression::node`].
    pub fn test(
        &self,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<(bool, Origin), Failed> {
        let shortcut = self.shortcut.as_ref();
        let (holds, read) = match shortcut.and_then(|shortcut| shortcut.test(scope)) {
            Some(tested) => tested,
            None => {
                let (value, read) = self.value(scope, diagnostics)?;
                (value.is_true(), read)
            }
        };
        let origin = if read.spans().is_empty() {
            self.named(scope)
        } else {
            read
        };
        Ok((holds, origin))
    }

    /// Its value as the text that it has inside another text, and what it read.
    ///
    /// # Errors
    /// As [`Expression::node`]; also for none, a list or a map, which have no text.
    pub fn text(
        &self,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<(String, Origin), Failed> {
        let node = self.node(scope, self.span, diagnostics)?;
        match super::convert::text(&node) {
            Some(text) => Ok((text, node.origin)),
            None => {
                let kind = node.value.kind();
                let message = format!(
                    "`{}` is a {kind}, which has no place inside a text",
                    self.source
                );
                diagnostics.push(
                    Diagnostic::error(Code::EVALUATION, self.span, message)
                        .help("let the expression be the whole value, or choose a part of it"),
                );
                Err(Failed)
            }
        }
    }

    fn value(
        &self,
        scope: &Scope,
        diagnostics: &mut Diagnostics,
    ) -> Result<(Jinja, Origin), Failed> {
        scope.take_reads();
        let result = self.program().and_then(|program| {
            program.run(environment::expressions(), scope.context(), scope.budget())
        });
        let read = Origin::from_spans(scope.take_reads());
        match result.map(|(value, _)| value.unwrap_or_default()) {
            Ok(value) if value.is_undefined() => self.undefined(scope, None, diagnostics),
            Ok(value) => Ok((value, read)),
            Err(error) if is_unavailable(&error) => Err(Failed),
            Err(error) if cause::<InFile>(&error).is_some() => {
                let told = cause::<InFile>(&error).map(|InFile(told)| told.clone());
                let told = told.map(|told| told.label(self.span, "read here"));
                told.into_iter().for_each(|told| diagnostics.push(told));
                Err(Failed)
            }
            Err(error) if error.kind() == ErrorKind::OutOfFuel => {
                let beyond = Beyond(format!("one expression may take {MAX_STEPS} steps"));
                self.too_much(&beyond, scope, diagnostics)
            }
            Err(error) if beyond(&error).is_some() => match beyond(&error) {
                Some(beyond) => self.too_much(beyond, scope, diagnostics),
                None => Err(Failed),
            },
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                self.undefined(scope, Some(&error), diagnostics)
            }
            Err(error) => {
                let message = format!("`{}` fails: {}", self.source, detail(&error));
                let place = place(self.span, self.exact, &error);
                diagnostics.push(Diagnostic::error(Code::EVALUATION, place, message));
                Err(Failed)
            }
        }
    }

    /// Reports which part of which name is undefined, and what it probably should be.
    fn undefined<T>(
        &self,
        scope: &Scope,
        error: Option<&Error>,
        diagnostics: &mut Diagnostics,
    ) -> Result<T, Failed> {
        let place = error.map_or(self.span, |error| place(self.span, self.exact, error));
        let missing = self.paths().iter().find_map(|path| missing(path, scope));
        let Some(missing) = missing else {
            let why = error.map_or_else(|| "its value is undefined".to_owned(), detail);
            let message = format!("`{}` is undefined: {why}", self.source);
            diagnostics.push(Diagnostic::error(Code::UNDEFINED, place, message));
            return Err(Failed);
        };
        diagnostics.push(undefined(missing, &self.source, place));
        Err(Failed)
    }

    /// The dotted names that the expression uses, sorted.
    fn paths(&self) -> &[String] {
        self.paths
            .get_or_init(|| program::names(environment::expressions(), &self.source))
    }

    /// Where the branches stand that the expression names: what decided it when it read no leaf.
    fn named(&self, scope: &Scope) -> Origin {
        let places = self.paths().iter().filter_map(|path| {
            let steps: Vec<&str> = path.split('.').collect();
            scope.place(&steps)
        });
        Origin::from_spans(places)
    }
}

/// Says that a name of what is `written` leads nowhere, and what it probably should be.
pub(super) fn undefined(
    missing: Missing,
    written: &str,
    place: impl Into<Option<Span>>,
) -> Diagnostic {
    let message = format!("`{}` is undefined", missing.path);
    let diagnostic = Diagnostic::error(Code::UNDEFINED, place, message);
    let dashed = format!("{}-", missing.name);
    let hyphen = missing
        .known
        .iter()
        .find(|name| name.starts_with(&dashed) && written.contains(name.as_str()));
    if let Some(name) = hyphen {
        let parent = missing.parent;
        return diagnostic.help(format!(
            "a name with a hyphen goes in brackets: `{parent}[\"{name}\"]`"
        ));
    }
    if let Some(name) = nearest(&missing.name, missing.known.iter().map(String::as_str)) {
        return diagnostic.help(format!("did you mean `{name}`?"));
    }
    if !missing.known.is_empty() && missing.known.len() <= 20 {
        let known = missing.known.join("`, `");
        return diagnostic.help(format!("there is `{known}`"));
    }
    diagnostic
}

/// A part of a dotted name that leads nowhere.
pub(super) struct Missing {
    path: String,
    parent: String,
    name: String,
    known: Vec<String>,
}

/// The first step of a dotted path that leads nowhere.
pub(super) fn missing(path: &str, scope: &Scope) -> Option<Missing> {
    let steps: Vec<&str> = path.split('.').collect();
    for (index, name) in steps.iter().enumerate() {
        let known = scope.names_below(&steps[..index])?;
        if !known.iter().any(|known| known == name) {
            return Some(Missing {
                path: steps[..=index].join("."),
                parent: steps[..index].join("."),
                name: (*name).to_owned(),
                known,
            });
        }
    }
    None
}

fn is_unavailable(error: &Error) -> bool {
    cause::<Unavailable>(error).is_some()
}

/// The bound that an evaluation went beyond, if that is why it failed.
fn beyond(error: &Error) -> Option<&Beyond> {
    cause::<Beyond>(error)
}

pub(super) fn cause<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

fn no_expression(source: &str, span: Span, exact: bool, error: &Error) -> Diagnostic {
    if let Some(beyond) = beyond(error) {
        return too_much(source, span, beyond);
    }
    let why = detail(error);
    let message = format!("`{source}` is no expression: {why}");
    Diagnostic::error(Code::EXPRESSION_SYNTAX, place(span, exact, error), message)
}

fn too_much(source: &str, span: Span, beyond: &Beyond) -> Diagnostic {
    let shown: String = source.chars().take(SHOWN).collect();
    let rest = if shown.len() < source.len() {
        "..."
    } else {
        ""
    };
    Diagnostic::error(
        Code::EXPRESSION_LIMIT,
        span,
        format!("`{shown}{rest}` is beyond a limit: {beyond}"),
    )
}

/// Letters of an expression that a message about its size shows.
const SHOWN: usize = 60;

fn place(span: Span, exact: bool, error: &Error) -> Span {
    match error.range() {
        Some(range) if exact => span.part(range.start, range.end),
        _ => span,
    }
}

pub(super) fn detail(error: &Error) -> String {
    error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned)
}
