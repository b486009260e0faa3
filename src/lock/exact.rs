//! The lock in the very form that labc writes it, read line by line: a tree of many files is compared at every build.
//!
//! Knows no other form of the same data, and says nothing: [`super::decode`] reads what is not so, and finds the words.

use std::collections::BTreeMap;

use super::encode::{HEADER, Keys, LINES, MODULE, SCHEMATIC, needs_escape};
use super::gathered::{is_gathered, is_line, of_lines};
use super::journal::is_sha256;
use super::{ChartEntry, Lock, VERSION};

/// The lock that a text holds, if it is one as labc writes it, without anything escaped.
pub(super) fn read(text: &str) -> Option<Lock> {
    let mut lines = Lines {
        rest: text.strip_prefix(HEADER)?,
    };
    lines.exactly(&format!("version = {VERSION}\n"))?;
    let epoch = lines.next()?.strip_prefix("epoch = ")?.parse().ok()?;
    let mut charts = Vec::new();
    while lines.table("chart") {
        let component = lines.value("component")?;
        let chart = ChartEntry {
            repository: lines.value("repository")?,
            name: lines.value("name")?,
            version: lines.value("version")?,
        };
        charts.push((component, chart));
    }
    let modules = lines.pairs(MODULE)?;
    let schematics = lines.pairs(SCHEMATIC)?;
    let (outputs, digests) = lines.outputs()?;
    let hashes = modules.iter().chain(&outputs);
    let whole = lines.rest.is_empty() && hashes.clone().all(|(_, sha256)| is_sha256(sha256));
    whole.then_some(Lock {
        epoch,
        charts: sorted(charts)?,
        modules: sorted(modules)?,
        schematics: sorted(schematics)?,
        outputs: sorted(outputs)?,
        lines: sorted(digests)?,
    })
}

/// A map of entries that stand in order, each once.
fn sorted<T>(entries: Vec<(String, T)>) -> Option<BTreeMap<String, T>> {
    let in_order = entries.is_sorted_by(|left, right| left.0 < right.0);
    in_order.then(|| entries.into_iter().collect())
}

/// What stands for each output by path, and the digests of the lines of those that gather.
type Outputs = (Vec<(String, String)>, Vec<(String, Vec<String>)>);

/// The lines that have not been read.
struct Lines<'t> {
    rest: &'t str,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    fn exactly(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Whether another entry of a table follows.
    fn table(&mut self, name: &str) -> bool {
        let title = self
            .rest
            .strip_prefix("\n[[")
            .and_then(|rest| rest.strip_prefix(name))
            .and_then(|rest| rest.strip_prefix("]]\n"));
        self.rest = title.unwrap_or(self.rest);
        title.is_some()
    }

    /// The quoted text of a key.
    fn value(&mut self, key: &str) -> Option<String> {
        let line = self.next()?.strip_prefix(key)?;
        let value = line.strip_prefix(" = \"")?.strip_suffix('"')?;
        (!value.contains(needs_escape)).then(|| value.to_owned())
    }

    /// The outputs, each with what stands for its bytes, and the digests of the lines of those that have them.
    fn outputs(&mut self) -> Option<Outputs> {
        let (mut outputs, mut digests) = (Vec::new(), Vec::new());
        while self.table("output") {
            let path = self.value("path")?;
            if is_gathered(&path) {
                let lines = self.list(LINES)?;
                outputs.push((path.clone(), of_lines(&lines)));
                digests.push((path, lines));
            } else {
                outputs.push((path, self.value("sha256")?));
            }
        }
        Some((outputs, digests))
    }

    /// The digests of a list that has one a line.
    fn list(&mut self, key: &str) -> Option<Vec<String>> {
        self.exactly(&format!("{key} = [\n"))?;
        let mut items = Vec::new();
        loop {
            let line = self.next()?;
            if line == "]" {
                return Some(items);
            }
            let item = line.strip_prefix("  \"")?.strip_suffix("\",")?;
            items.push(is_line(item).then(|| item.to_owned())?);
        }
    }

    fn pairs(&mut self, (table, name, value): Keys) -> Option<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        while self.table(table) {
            pairs.push((self.value(name)?, self.value(value)?));
        }
        Some(pairs)
    }
}
