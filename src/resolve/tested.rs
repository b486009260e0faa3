//! The version of a chart against the one that its module was tested with.
//!
//! Knows no chart: it compares numbers.

use semver::Version;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Spanned;
use crate::value::Node;

/// Says that a module was tested with a chart of another generation.
pub(super) fn check(
    module: &str,
    tested: &Spanned<String>,
    version: &Node,
    diagnostics: &mut Diagnostics,
) {
    let Some(text) = version.as_str() else {
        return;
    };
    let (Some(known), Some(given)) = (generation(&tested.value), generation(text)) else {
        return;
    };
    if known == given {
        return;
    }
    let message = format!(
        "module `{module}` was tested with {} of its chart, not with {text}",
        tested.value
    );
    diagnostics.push(
        Diagnostic::note_at(Code::UNTESTED_CHART, version.origin.first(), message)
            .here("values that this chart does not know do nothing")
            .help("read what changed between the two, and look at the component's `values.yaml`"),
    );
}

/// The part of a version within which nothing breaks: the major, below 1 with the minor.
fn generation(text: &str) -> Option<(u64, u64)> {
    let version = Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
    let minor = if version.major == 0 { version.minor } else { 0 };
    Some((version.major, minor))
}
