//! Values that are computed when somebody asks: inputs, answers, offers, outputs. A circle is found and printed.
//!
//! Several threads may ask at once, each on a walk of its own. A value that two of them compute at the same time comes
//! out twice the same; the first one is kept, with what was found on the way to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smol_str::SmolStr;

use super::claim::Claims;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::template::Unavailable;
use crate::value::Node;

/// What can be asked for, by component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// A value of a fixed section, by its dotted path.
    Fact(SmolStr),
    /// Where a component lives.
    Namespace(SmolStr),
    /// Its version; null where it has none.
    Version(SmolStr),
    /// One input.
    Input(SmolStr, SmolStr),
    /// One load-balancer address of its own.
    Address(SmolStr, SmolStr),
    /// Its Services, by key.
    Services(SmolStr),
    /// One output.
    Output(SmolStr, SmolStr),
    /// The offers that it makes of a trait: a list of maps with `trait`, `id`, `name` and the offer's own fields.
    Offers(SmolStr, SmolStr),
    /// The component that provides a capability; null if none does.
    Provider(SmolStr),
    /// One entry of a trait, its fields typed; null where the entry does not apply.
    Request(Ask),
    /// The offer that answers an entry; null where nobody does and nobody must.
    Choice(Ask),
    /// One output of an answer.
    Answer(Ask, SmolStr),
}

/// An entry of a trait of a component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// The asker.
    pub component: SmolStr,
    /// The trait.
    pub of: SmolStr,
    /// The entry's name.
    pub entry: SmolStr,
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
            Cell::Offers(name, of) => write!(formatter, "the offers of `{of}` by `{name}`"),
            Cell::Provider(capability) => write!(formatter, "who provides `{capability}`"),
            Cell::Request(ask) => write!(formatter, "`{ask}`"),
            Cell::Choice(ask) => write!(formatter, "who answers `{ask}`"),
            Cell::Answer(ask, output) => write!(formatter, "`{output}` of the answer to `{ask}`"),
        }
    }
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Cells {
    /// Parts that have a lock of their own each, so that threads rarely wait for each other, and that stay small.
    shards: Box<[Mutex<BTreeMap<Cell, Done>>]>,
    circle: AtomicBool,
    beside: Mutex<Diagnostics>,
}

#[derive(Debug)]
struct Done {
    value: Result<Arc<Node>, Unavailable>,
    found: Option<Box<Found>>,
}

/// What was found while a cell was computed.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Problems.
    pub diagnostics: Diagnostics,
    /// What a component claims of what the lab has once.
    pub claims: Claims,
}

/// The cells that one asker is computing at the moment, each for the one before it.
#[derive(Debug, Default)]
pub(super) struct Walk(Mutex<Vec<(Cell, Claims)>>);

/// What a mutex guards, also after somebody panicked with it: values are put in whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Values that may wait for one another, each for the next: each of them takes some stack.
const MAX_OPEN: usize = 100;

impl Walk {
    /// Notes what the component of the cell that is being computed claims.
    pub(super) fn claim(&self, note: impl FnOnce(&mut Claims)) {
        if let Some((_, claims)) = lock(&self.0).last_mut() {
            note(claims);
        }
    }

    /// The cells that ask for each other in a circle, if `cell` is being computed already.
    fn circle(&self, cell: &Cell) -> Option<Vec<Cell>> {
        let open = lock(&self.0);
        let start = open.iter().position(|(known, _)| known == cell)?;
        Some(open[start..].iter().map(|(cell, _)| cell.clone()).collect())
    }
}

impl Cells {
    /// No cell yet, of about so many owners.
    pub(super) fn of(owners: usize) -> Self {
        let shards = (0..owners.max(1)).map(|_| Mutex::default());
        Cells {
            shards: shards.collect(),
            circle: AtomicBool::default(),
            beside: Mutex::default(),
        }
    }

    fn shard(&self, cell: &Cell) -> &Mutex<BTreeMap<Cell, Done>> {
        // FNV-1a: any spread will do.
        let hash = cell.owner().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        &self.shards[hash as usize % self.shards.len()]
    }

    /// The value of a cell: as computed before, or computed now by `compute`, which may ask for other cells.
    pub(super) fn get(
        &self,
        walk: &Walk,
        cell: &Cell,
        place: impl FnOnce() -> Option<Span>,
        compute: impl FnOnce(&mut Diagnostics) -> Result<Node, Unavailable>,
    ) -> Result<Arc<Node>, Unavailable> {
        let shard = self.shard(cell);
        if let Some(known) = lock(shard).get(cell) {
            return known.value.clone();
        }
        if let Some(circle) = walk.circle(cell) {
            self.report(&circle, place());
            return Err(Unavailable);
        }
        if lock(&walk.0).len() == MAX_OPEN {
            self.too_deep(place());
            return Err(Unavailable);
        }
        lock(&walk.0).push((cell.clone(), Claims::default()));
        let mut diagnostics = Diagnostics::default();
        let value = compute(&mut diagnostics).map(Arc::new);
        let claims = lock(&walk.0).pop().map(|(_, claims)| claims);
        let found = Found {
            diagnostics,
            claims: claims.unwrap_or_default(),
        };
        let found = (!found.is_empty()).then(|| Box::new(found));
        let mut shard = lock(shard);
        let done = shard.entry(cell.clone()).or_insert(Done { value, found });
        done.value.clone()
    }

    fn report(&self, circle: &[Cell], place: Option<Span>) {
        self.circle.store(true, Ordering::Relaxed);
        let mut path: Vec<String> = circle.iter().map(Cell::to_string).collect();
        path.push(path[0].clone());
        let message = "these values need each other";
        lock(&self.beside).push(
            Diagnostic::error(Code::REFERENCE_CYCLE, place, message)
                .note(path.join(" needs "))
                .help("write one of them as a plain value"),
        );
    }

    /// As with a circle, where the row is entered decides what is said.
    fn too_deep(&self, place: Option<Span>) {
        self.circle.store(true, Ordering::Relaxed);
        let message = format!("more than {MAX_OPEN} values wait for one another");
        lock(&self.beside).push(
            Diagnostic::error(Code::REFERENCE_CYCLE, place, message)
                .help("write one of them as a plain value"),
        );
    }

    /// Whether values were found that need each other. Where the circle is entered decides what is said about it: with
    /// several walks at once that is left to chance.
    pub(super) fn has_circle(&self) -> bool {
        self.circle.load(Ordering::Relaxed)
    }

    /// Adds problems that no cell is the place of.
    pub(super) fn add(&self, diagnostics: Diagnostics) {
        lock(&self.beside).append(diagnostics);
    }

    /// Everything that was found, in the order of the cells.
    pub(super) fn take_found(&self) -> Found {
        let mut by_cell = BTreeMap::new();
        for shard in &*self.shards {
            for (cell, done) in lock(shard).iter_mut() {
                if let Some(found) = done.found.take() {
                    by_cell.insert(cell.clone(), found);
                }
            }
        }
        let mut all = Found {
            diagnostics: std::mem::take(&mut *lock(&self.beside)),
            claims: Claims::default(),
        };
        for found in by_cell.into_values() {
            all.diagnostics.append(found.diagnostics);
            all.claims.append(found.claims);
        }
        all
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        self.diagnostics.is_empty() && self.claims.is_empty()
    }
}

impl Cell {
    /// What it belongs to: a component, mostly.
    fn owner(&self) -> &str {
        match self {
            Cell::Fact(name)
            | Cell::Namespace(name)
            | Cell::Version(name)
            | Cell::Input(name, _)
            | Cell::Address(name, _)
            | Cell::Services(name)
            | Cell::Output(name, _)
            | Cell::Offers(name, _)
            | Cell::Provider(name) => name,
            Cell::Request(ask) | Cell::Choice(ask) | Cell::Answer(ask, _) => &ask.component,
        }
    }
}
