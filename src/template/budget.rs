//! What the expressions of one lab may cost, all together.
//!
//! The engine counts its own steps within one evaluation; this counts over all of them, and counts data: a text that
//! doubles forty times takes forty steps. Knows no expression.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use minijinja::value::{Object, Value as Jinja, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::scope;
use crate::value::{Node, Value};

/// Steps of the engine that one expression or text file may take: a loop over ten thousand items, far above any
/// real one, and some milliseconds.
pub(super) const MAX_STEPS: u64 = 100_000;
/// Steps that all of them may take together: some seconds at worst.
pub(super) const MAX_ALL_STEPS: u64 = 10_000_000;
/// Bytes that one value may weigh: etcd refuses an object above 1.5 MiB, so no larger one can be applied.
pub(super) const MAX_WEIGHT: u64 = 2 << 20;
/// Bytes that all values may weigh together which expressions make, on the way and at the end.
pub(super) const MAX_ALL_WEIGHT: u64 = 256 << 20;
/// Lists and maps that may stand in one another in the value of an expression.
pub(super) const MAX_DEPTH: usize = 64;
/// What a value weighs beside its text: about what it takes in memory.
const VALUE: u64 = 64;

/// What is spent of the bounds of one lab.
#[derive(Debug, Default)]
pub struct Budget {
    steps: AtomicU64,
    weight: AtomicU64,
    reported: AtomicBool,
}

/// Something goes beyond a bound; the phrase says which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond(pub String);

impl fmt::Display for Beyond {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Beyond {}

impl From<Beyond> for Error {
    fn from(beyond: Beyond) -> Self {
        Error::new(ErrorKind::InvalidOperation, beyond.0.clone()).with_source(beyond)
    }
}

impl Budget {
    /// Counts steps of the engine.
    ///
    /// # Errors
    /// There were too many of them.
    pub fn step(&self, steps: u64) -> Result<(), Beyond> {
        let spent = self.steps.fetch_add(steps, Ordering::Relaxed) + steps;
        if spent > MAX_ALL_STEPS {
            return Err(Beyond(format!(
                "the expressions of a lab may take {MAX_ALL_STEPS} steps together"
            )));
        }
        Ok(())
    }

    /// Counts a value of this weight.
    ///
    /// # Errors
    /// It weighs too much, by itself or with all others.
    pub fn take(&self, weight: u64) -> Result<(), Beyond> {
        if weight > MAX_WEIGHT {
            return Err(Beyond(format!(
                "a value may weigh {MAX_WEIGHT} bytes, {VALUE} for each part of it and one for each letter"
            )));
        }
        let spent = self.weight.fetch_add(weight, Ordering::Relaxed) + weight;
        if spent > MAX_ALL_WEIGHT {
            return Err(Beyond(format!(
                "the values that the expressions of a lab make may weigh {MAX_ALL_WEIGHT} bytes together"
            )));
        }
        Ok(())
    }

    /// Counts a tree.
    ///
    /// # Errors
    /// It weighs too much, or is too deep.
    pub fn take_node(&self, node: &Node) -> Result<(), Beyond> {
        self.take(node_weight(node, 0)?)
    }

    /// Whether nothing is left, so that whatever is asked for fails.
    pub fn is_spent(&self) -> bool {
        self.steps.load(Ordering::Relaxed) > MAX_ALL_STEPS
            || self.weight.load(Ordering::Relaxed) > MAX_ALL_WEIGHT
    }

    /// Whether this is the first time that somebody says that nothing is left.
    pub fn is_first_report(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed)
    }
}

/// What a value of the engine weighs; counting ends soon after [`MAX_WEIGHT`].
///
/// # Errors
/// It is too deep.
pub(super) fn weigh(value: &Jinja) -> Result<u64, Beyond> {
    let mut weight = 0;
    add(value, &mut weight, 0)?;
    Ok(weight)
}

fn add(value: &Jinja, weight: &mut u64, depth: usize) -> Result<(), Beyond> {
    *weight += VALUE;
    if let Some(text) = value.as_str() {
        *weight += text.len() as u64;
        return Ok(());
    }
    if let Some(known) = scope::weight(value) {
        *weight += known.saturating_mul(VALUE);
        return Ok(());
    }
    let kind = value.kind();
    if !matches!(kind, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(too_deep());
    }
    let Ok(items) = value.try_iter() else {
        return Ok(());
    };
    for item in items {
        if *weight > MAX_WEIGHT {
            break;
        }
        if kind == ValueKind::Map {
            let inner = value.get_item(&item).unwrap_or_default();
            add(&inner, weight, depth + 1)?;
        }
        add(&item, weight, depth + 1)?;
    }
    Ok(())
}

/// What a tree weighs.
///
/// # Errors
/// It is too deep.
pub(super) fn node_weight(node: &Node, depth: usize) -> Result<u64, Beyond> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    let inner = match &node.value {
        Value::Str(text) => text.len() as u64,
        Value::List(items) => {
            let weights = items.iter().map(|item| node_weight(item, depth + 1));
            weights.sum::<Result<u64, Beyond>>()?
        }
        Value::Map(map) => {
            let weights = map
                .iter()
                .map(|(key, entry)| Ok(key.len() as u64 + node_weight(&entry.node, depth + 1)?));
            weights.sum::<Result<u64, Beyond>>()?
        }
        _ => 0,
    };
    Ok(VALUE + inner)
}

fn too_deep() -> Beyond {
    Beyond(format!(
        "the value of an expression may have {MAX_DEPTH} lists and maps in one another"
    ))
}

/// The name under which the engine finds the budget: no template can write it.
pub(super) const NAME: &str = "$budget";

/// The budget as the engine carries it.
#[derive(Debug)]
pub(super) struct Purse(pub(super) std::sync::Arc<Budget>);

impl Object for Purse {}

/// Counts a value on behalf of a running template.
///
/// # Errors
/// As [`Budget::take`].
pub(super) fn charge(state: &State<'_, '_>, weight: u64) -> Result<(), Beyond> {
    match state.lookup(NAME) {
        Some(purse) => match purse.downcast_object_ref::<Purse>() {
            Some(purse) => purse.0.take(weight),
            None => Ok(()),
        },
        None => Ok(()),
    }
}
