//! Values that are computed when somebody asks: inputs, answers, offers, outputs. A circle is found and printed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::template::Unavailable;
use crate::value::Node;

/// What can be asked for, by component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// A value of a fixed section, by its dotted path.
    Fact(String),
    /// Where a component lives.
    Namespace(String),
    /// Its version; null where it has none.
    Version(String),
    /// One input.
    Input(String, String),
    /// One load-balancer address of its own.
    Address(String, String),
    /// Its Services, by key.
    Services(String),
    /// One output.
    Output(String, String),
    /// The offers that it makes: a list of maps with `trait`, `id`, `name` and the offer's own fields.
    Offers(String),
    /// The component that provides a capability; null if none does.
    Provider(String),
    /// One entry of a trait, its fields typed; null where the entry does not apply.
    Request(Ask),
    /// The offer that answers an entry; null where nobody does and nobody must.
    Choice(Ask),
    /// One output of an answer.
    Answer(Ask, String),
}

/// An entry of a trait of a component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// The asker.
    pub component: String,
    /// The trait.
    pub of: String,
    /// The entry's name.
    pub entry: String,
}

impl fmt::Display for Ask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.component, self.of, self.entry)
    }
}

impl fmt::Display for Cell {
    /// As the message about a circle says it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Fact(path) => write!(formatter, "`{path}`"),
            Cell::Namespace(name) => write!(formatter, "the namespace of `{name}`"),
            Cell::Version(name) => write!(formatter, "the version of `{name}`"),
            Cell::Input(name, input) => write!(formatter, "input `{input}` of `{name}`"),
            Cell::Address(name, address) => write!(formatter, "`{name}.addresses.{address}`"),
            Cell::Services(name) => write!(formatter, "the services of `{name}`"),
            Cell::Output(name, output) => write!(formatter, "output `{output}` of `{name}`"),
            Cell::Offers(name) => write!(formatter, "the offers of `{name}`"),
            Cell::Provider(capability) => write!(formatter, "who provides `{capability}`"),
            Cell::Request(ask) => write!(formatter, "`{ask}`"),
            Cell::Choice(ask) => write!(formatter, "who answers `{ask}`"),
            Cell::Answer(ask, output) => write!(formatter, "`{output}` of the answer to `{ask}`"),
        }
    }
}

/// What is known so far, and what is being computed.
#[derive(Debug, Default)]
pub(super) struct Cells {
    done: Mutex<BTreeMap<Cell, Result<Arc<Node>, Unavailable>>>,
    open: Mutex<Vec<Cell>>,
    found: Mutex<Diagnostics>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cells {
    /// The value of a cell: as computed before, or computed now by `compute`, which may ask for other cells.
    pub(super) fn get(
        &self,
        cell: &Cell,
        place: Option<Span>,
        compute: impl FnOnce(&mut Diagnostics) -> Result<Node, Unavailable>,
    ) -> Result<Arc<Node>, Unavailable> {
        if let Some(known) = lock(&self.done).get(cell) {
            return known.clone();
        }
        if let Some(circle) = self.circle(cell) {
            self.report(&circle, place);
            return Err(Unavailable);
        }
        lock(&self.open).push(cell.clone());
        let mut diagnostics = Diagnostics::default();
        let value = compute(&mut diagnostics).map(Arc::new);
        lock(&self.found).append(diagnostics);
        lock(&self.open).pop();
        lock(&self.done).insert(cell.clone(), value.clone());
        value
    }

    /// The cells that ask for each other in a circle, if `cell` is being computed already.
    fn circle(&self, cell: &Cell) -> Option<Vec<Cell>> {
        let open = lock(&self.open);
        let start = open.iter().position(|known| known == cell)?;
        Some(open[start..].to_vec())
    }

    fn report(&self, circle: &[Cell], place: Option<Span>) {
        let mut path: Vec<String> = circle.iter().map(Cell::to_string).collect();
        path.push(path[0].clone());
        let message = "these values need each other";
        lock(&self.found).push(
            Diagnostic::error(Code::REFERENCE_CYCLE, place, message)
                .note(path.join(" needs "))
                .help("write one of them as a plain value"),
        );
    }

    /// Adds problems that no cell is the place of.
    pub(super) fn add(&self, diagnostics: Diagnostics) {
        lock(&self.found).append(diagnostics);
    }

    /// Every problem that was found.
    pub(super) fn take_diagnostics(&self) -> Diagnostics {
        std::mem::take(&mut *lock(&self.found))
    }
}
