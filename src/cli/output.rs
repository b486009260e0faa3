//! What commands print: diagnostics to standard error, data to standard output.

use serde_json::Value;

use super::{Common, Exit, Format};
use crate::diag::{Diagnostics, Severity, report};
use crate::source::Sources;
use crate::world::{Failure, console};

/// Prints the diagnostics: as text to standard error, as JSON to standard output.
pub(super) fn diagnostics(common: &Common, diagnostics: &Diagnostics, sources: &Sources) {
    match common.format {
        // What cannot be printed is not the lab's fault, and its exit says what is.
        Format::Json => _ = json(&report::json(diagnostics, sources)),
        _ => messages(common, diagnostics, sources),
    }
}

/// Prints the diagnostics as text to standard error, for a command whose data is something else.
pub(super) fn messages(common: &Common, diagnostics: &Diagnostics, sources: &Sources) {
    let least = if common.quiet {
        Severity::Error
    } else {
        Severity::Note
    };
    let colour = colour(console::colour_on_stderr());
    let text = report::text(&diagnostics.at_least(least), sources, colour);
    if !text.is_empty() {
        console::talk(&format!("{text}\n"));
    }
}

/// What the drawing calls a terminal with colours, and one without.
pub(super) fn colour(welcome: bool) -> report::Colour {
    if welcome {
        report::Colour::Yes
    } else {
        report::Colour::No
    }
}

/// Prints data.
pub(super) fn print(data: &str) -> Result<(), Failure> {
    console::print(data.as_bytes())
}

/// Prints data as JSON.
pub(super) fn json(data: &Value) -> Result<(), Failure> {
    print(&report::data(data))
}

/// Says what is wrong with the use of a command, and what to do.
pub(super) fn misused(message: &str, help: Option<&str>) -> Exit {
    talk(&format!("error: {message}\n"));
    if let Some(help) = help {
        talk(&format!("help: {help}\n"));
    }
    Exit::Usage
}

/// Says a line to the person, unless asked to be quiet.
pub(super) fn say(common: &Common, line: &str) {
    if !common.quiet {
        talk(&format!("{line}\n"));
    }
}

/// Says something that may name what others wrote: it steers neither a terminal nor a runner.
pub(super) fn talk(text: &str) {
    console::talk(&report::inert(&report::printable(text)));
}

/// "1 error", "3 errors".
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
