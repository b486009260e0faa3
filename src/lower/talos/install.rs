//! Where Talos is installed, from which image, and what the node is called.
//!
//! Knows no word of the vocabulary: these are facts of `[nodes]`.

use super::Target;
use super::disk;
use super::patch::{Patch, put, table};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::render::machine::Intent;
use crate::resolve::lab::{Disk, Machine};
use crate::source::Origin;
use crate::value::Node;

/// Adds the host name, the installer and the disk of a node.
pub(super) fn lower(
    intent: &Intent,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let machine = &intent.machine;
    hostname(machine, target, patch);
    let image = intent.installer.clone();
    if target.contract_has(14) {
        let origin = image.origin.clone();
        put(
            patch.document("UnattendedInstallConfig", None, &origin),
            &["installer", "image"],
            image,
        );
    } else {
        patch.set(&["machine", "install", "image"], image);
    }
    if machine.disk.is_none() {
        diagnostics.push(no_disk(machine));
    }
    if let Some(disk) = &machine.disk {
        install_disk(disk, target, patch, diagnostics);
    }
}

/// Talos has a disk in mind where nobody names one, and it may be the wrong one.
fn no_disk(machine: &Machine) -> Diagnostic {
    let message = format!(
        "node `{}` does not say which disk it is installed on",
        machine.name.value
    );
    Diagnostic::warning(Code::MISSING_KEY, machine.span, message)
        .here("Talos takes `/dev/sda`")
        .help("add `disk = \"/dev/sda\"`, or what it is like: `disk = { type = \"nvme\" }`")
}

fn hostname(machine: &Machine, target: Target, patch: &mut Patch) {
    let origin = Origin::at(machine.name.span);
    let name = Node::new(machine.name.value.0.as_str(), origin.clone());
    if target.contract_has(12) {
        let document = patch.document("HostnameConfig", None, &origin);
        document.insert("auto", Node::new("off", origin.clone()));
        document.insert("hostname", name);
    } else {
        patch.set(&["machine", "network", "hostname"], name);
    }
}

fn install_disk(disk: &Disk, target: Target, patch: &mut Patch, diagnostics: &mut Diagnostics) {
    let selector = match disk {
        Disk::Path(path) => {
            let node = Node::new(path.value.as_str(), Origin::at(path.span));
            if !target.contract_has(14) {
                patch.set(&["machine", "install", "disk"], node);
                return;
            }
            disk::expression(&[("path", &node)], "disk", target, diagnostics)
        }
        Disk::Selector(node) => {
            let map = node.as_map().into_iter().flatten();
            let words: Vec<(&str, &Node)> = map
                .map(|(word, entry)| (word.as_str(), &entry.node))
                .collect();
            refuse_name(&words, diagnostics);
            if !target.contract_has(14) {
                patch.set(&["machine", "install", "diskSelector"], node.clone());
                return;
            }
            disk::expression(&words, "disk", target, diagnostics)
        }
    };
    if let Some(expression) = selector.map(disk::installable) {
        let origin = expression.origin.clone();
        let document = patch.document("UnattendedInstallConfig", None, &origin);
        put(
            document,
            &["provisioning", "diskSelector"],
            table([("match", expression)]),
        );
    }
}

/// Talos still reads a disk's `name`, and has refused it since it looks for disks anew.
fn refuse_name(words: &[(&str, &Node)], diagnostics: &mut Diagnostics) {
    for (_, node) in words.iter().filter(|(word, _)| *word == "name") {
        let message = "Talos selects no disk by `name`";
        diagnostics.push(
            Diagnostic::error(Code::TALOS_CONTRACT, node.origin.first(), message)
                .here("not since v1.9")
                .help("take `model`, `serial` or `wwid`"),
        );
    }
}
