//! The built-in defaults below a lab.

use crate::diag::Diagnostics;
use crate::source::{SourceKind, Sources};
use crate::syntax::toml;
use crate::value::{Node, Value};

/// The name by which messages refer to the built-in defaults.
const NAME: &str = "labc:defaults.toml";

/// `lab` with the built-in defaults where it says nothing. Their file joins `sources`.
pub fn with_defaults(mut lab: Node, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Node {
    let text = include_str!("../defaults.toml");
    let source = sources.add(NAME.to_owned(), text.into(), SourceKind::Standard);
    let defaults = toml::read(source, text, diagnostics);
    lay_below(&mut lab, defaults);
    lab
}

/// Adds to the tables of `upper` what they lack of `lower`.
fn lay_below(upper: &mut Node, lower: Node) {
    let (Value::Map(upper), Value::Map(lower)) = (&mut upper.value, lower.value) else {
        return;
    };
    for (key, entry) in lower {
        match upper.get_mut(&key) {
            Some(above) => lay_below(&mut above.node, entry.node),
            None => {
                upper.insert(key, entry);
            }
        }
    }
}
