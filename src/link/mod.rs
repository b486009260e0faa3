//! What a linker is to a program: every reference must resolve, every object has one owner, and the units have an
//! order.
//!
//! Knows all objects at once; knows no engine, no path and no file.

mod catalogue;
mod external;
mod grant;
mod index;
mod label;
mod operator;
mod own;
mod pod;
mod read;
mod reference;
pub mod rule;
mod secret;
pub mod served;
mod service;
pub mod unit;

use std::collections::BTreeMap;

pub use unit::{Part, Unit, UnitId};

use index::Index;

use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::render::Rendered;
use crate::resolve::Lab;
use crate::resolve::component::SecretUse;
use crate::source::Sources;
use crate::value::Node;

/// A lab's objects in units.
#[derive(Debug)]
pub struct Linked {
    /// All units, in order.
    pub units: Vec<Unit>,
    /// The values of each component's chart.
    pub values: BTreeMap<String, Option<Node>>,
    /// Every Secret that exists outside the compiler, one a namespace: those that inputs name, and those that resources
    /// refer to.
    pub secrets: Vec<SecretUse>,
    by_id: BTreeMap<UnitId, usize>,
}

impl Linked {
    /// The unit of a component, if it has that part.
    pub fn unit(&self, component: &str, part: Part) -> Option<&Unit> {
        let id = UnitId {
            component: component.to_owned(),
            part,
        };
        self.by_id.get(&id).map(|at| &self.units[*at])
    }
}

/// Adds what fills the Secrets that come from a store: resources of their first users, which answers make.
pub fn fill_secrets(
    lab: &mut Lab,
    rendered: &mut BTreeMap<String, Rendered>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    external::fill(lab, rendered, sources, diagnostics);
}

/// Orders and checks the objects of a lab.
pub fn link(
    lab: &Lab,
    rendered: BTreeMap<String, Rendered>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Linked {
    let is_whole = !diagnostics.iter().any(loses_something);
    let (units, values) = unit::units(lab, rendered, diagnostics);
    let index = Index::of(lab, &units, &values, sources, is_whole);
    rule::run(&index, diagnostics);
    let secrets = secret::uses(&index);
    let ids = units.iter().map(|unit| unit.id.clone());
    // Many small maps: they are freed while the units are listed.
    let (by_id, ()) = rayon::join(|| ids.zip(0..).collect(), || drop(index));
    Linked {
        by_id,
        units,
        values,
        secrets,
    }
}

/// Whether an earlier mistake may have left out a component or a resource. One of the network plan does not.
fn loses_something(diagnostic: &Diagnostic) -> bool {
    const NETWORK: u16 = 2;
    diagnostic.severity == Severity::Error && diagnostic.code.group() != NETWORK
}
