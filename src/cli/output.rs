//! What commands print: diagnostics to standard error, data to standard output.

use super::{Common, Format};
use crate::diag::{Diagnostics, Severity, report};
use crate::source::Sources;
use crate::world::console;

/// Prints the diagnostics: as text to standard error, as JSON to standard output.
pub(super) fn diagnostics(common: &Common, diagnostics: &Diagnostics, sources: &Sources) {
    match common.format {
        Format::Json => println!("{:#}", report::json(diagnostics, sources)),
        Format::Text => {
            let colour = if console::colour_on_stderr() {
                report::Colour::Yes
            } else {
                report::Colour::No
            };
            let least = if common.quiet {
                Severity::Error
            } else {
                Severity::Note
            };
            let text = report::text(&diagnostics.at_least(least), sources, colour);
            if !text.is_empty() {
                eprintln!("{text}");
            }
        }
    }
}

/// Says a line to the person, unless asked to be quiet.
pub(super) fn say(common: &Common, line: &str) {
    if !common.quiet {
        eprintln!("{line}");
    }
}

/// "1 error", "3 errors".
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
