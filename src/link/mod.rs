//! What a linker is to a program: every reference must resolve, every object has one owner, and the units have an
//! order.
//!
//! Knows all objects at once; knows no engine, no path and no file.

pub mod unit;

use std::collections::BTreeMap;

pub use unit::{Part, Unit, UnitId};

use crate::diag::Diagnostics;
use crate::render::Rendered;
use crate::resolve::Lab;
use crate::value::Node;

/// A lab's objects in units.
#[derive(Debug)]
pub struct Linked {
    /// All units, in order.
    pub units: Vec<Unit>,
    /// The values of each component's chart.
    pub values: BTreeMap<String, Option<Node>>,
}

impl Linked {
    /// The unit of a component, if it has that part.
    pub fn unit(&self, component: &str, part: Part) -> Option<&Unit> {
        self.units
            .iter()
            .find(|unit| unit.id.component == component && unit.id.part == part)
    }
}

/// Orders and checks the objects of a lab.
pub fn link(
    lab: &Lab,
    rendered: BTreeMap<String, Rendered>,
    diagnostics: &mut Diagnostics,
) -> Linked {
    let (units, values) = unit::units(lab, rendered, diagnostics);
    Linked { units, values }
}
