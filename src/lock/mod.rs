//! `lab.lock`: every outside input and every output with its hash, and what the tree on disk, or in a commit, says to it.
//!
//! What labc knows as its own comes from several sources ([`Known`], [`Before`]); [`compare`] holds the tree to it, [`Plan`]
//! says what is to be done, [`report`] says what is wrong. Knows bytes and hashes, and nothing of what the files mean.

mod before;
mod decode;
mod encode;
mod exact;
mod foreign;
mod gathered;
mod journal;
mod known;
mod merge;
mod plan;
mod report;
mod state;
mod torn;

use std::collections::BTreeMap;

pub use before::{Before, Evidence};
pub use decode::decode;
pub use encode::encode;
pub use foreign::foreign;
pub use journal::Journal;
pub use known::Known;
pub use merge::Merged;
pub use plan::Plan;
pub use report::{Place, report, stopped};
pub use state::{State, Verdict, compare};

use crate::emit::{Output, sha256};
use crate::lower::Tree;
use crate::parse::module::Module;
use crate::resolve::Lab;

/// The name of the file.
pub const FILE: &str = "lab.lock";

/// Moves only when the same source gives other bytes: a tree of another epoch was made by an older labc.
pub const EPOCH: u64 = 1;

/// The format of the file itself. The first one, which is still read, had one SHA-256 also for the files that gather lines
/// of many components.
pub const VERSION: u64 = 2;

/// What a lock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The output epoch of the labc that wrote it.
    pub epoch: u64,
    /// Charts by component.
    pub charts: BTreeMap<String, ChartEntry>,
    /// The SHA-256 of each module that the lab uses, over its files.
    pub modules: BTreeMap<String, String>,
    /// The id of each Image Factory schematic.
    pub schematics: BTreeMap<String, String>,
    /// What stands for the bytes of each output by path: their SHA-256, or that of the digests of its lines.
    pub outputs: BTreeMap<String, String>,
    /// The digests of the lines of each output that gathers lines of many components.
    pub lines: BTreeMap<String, Vec<String>>,
}

/// A chart that the engine renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartEntry {
    /// Where it is published.
    pub repository: String,
    /// Its name there.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The lock of a lab and its outputs.
pub fn lock(lab: &Lab, tree: &Tree, outputs: &[Output]) -> Lock {
    let text = |node: &crate::value::Node| node.as_str().unwrap_or_default().to_owned();
    let charts = lab.components.iter().filter_map(|(name, component)| {
        let chart = component.chart.as_ref()?;
        let entry = ChartEntry {
            repository: text(&chart.repository),
            name: text(&chart.name),
            version: text(&chart.version),
        };
        Some((name.clone(), entry))
    });
    let modules: BTreeMap<&str, &Module> = lab
        .components
        .values()
        .map(|component| (component.module.name.as_str(), &*component.module))
        .collect();
    let modules = modules
        .into_iter()
        .map(|(name, module)| (name.to_owned(), hash(&module.sources)));
    let gathered = outputs
        .iter()
        .filter(|output| gathered::is_gathered(&output.path));
    let lines = gathered.map(|output| (output.path.clone(), gathered::lines(&output.bytes)));
    let outputs = outputs.iter().map(|output| {
        let digest = gathered::of_output(output).into_owned();
        (output.path.clone(), digest)
    });
    Lock {
        epoch: EPOCH,
        charts: charts.collect(),
        modules: modules.collect(),
        schematics: tree.schematics.clone(),
        outputs: outputs.collect(),
        lines: lines.collect(),
    }
}

/// The SHA-256 over the sorted list of `<sha256 of the file>  <path>` lines, as `sha256sum` would write it.
fn hash(files: &BTreeMap<String, std::sync::Arc<str>>) -> String {
    let lines: String = files
        .iter()
        .map(|(path, text)| format!("{}  {path}\n", sha256(text.as_bytes())))
        .collect();
    sha256(lines.as_bytes())
}
