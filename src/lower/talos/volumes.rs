//! Volumes: Talos' own (`EPHEMERAL`, `STATE`, ...) and the lab's, each one complete document.
//!
//! Talos forgets a disk selector when a second patch speaks of the same volume, so that a volume comes here whole.

use super::Target;
use super::disk;
use super::groups::{Group, value};
use super::patch::{Patch, put, table};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::Minor;
use crate::render::machine::facts::Facts;
use crate::source::Origin;
use crate::value::{Node, Value};

/// The volumes that Talos makes itself, and the minor since which they can be changed.
const SYSTEM: [(&str, u64); 7] = [
    ("EPHEMERAL", 8),
    ("STATE", 11),
    ("IMAGECACHE", 9),
    ("ETCD", 14),
    ("CRI", 14),
    ("KUBELET", 14),
    ("LOG", 14),
];

/// Adds the document of a volume.
pub(super) fn lower(
    name: &str,
    group: &Group<'_>,
    facts: &Facts,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    let Some(origin) = group
        .values()
        .find_map(|said| Some(said.first()?.node.origin.clone()))
    else {
        return;
    };
    let volume = Volume {
        name,
        group,
        facts,
        target,
        origin,
    };
    match SYSTEM.iter().find(|(system, _)| *system == name) {
        Some((_, since)) => volume.system(*since, patch, diagnostics),
        None => volume.user(patch, diagnostics),
    }
}

struct Volume<'a> {
    name: &'a str,
    group: &'a Group<'a>,
    facts: &'a Facts,
    target: Target,
    origin: Origin,
}

impl Volume<'_> {
    fn system(&self, since: u64, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        for word in ["type", "filesystem"] {
            self.refuse(word, "Talos' own volumes have no such word", diagnostics);
        }
        let is_state = self.name == "STATE";
        if is_state {
            for word in ["size", "max_size", "grow", "disk"] {
                self.refuse(
                    word,
                    "Talos decides where `STATE` lies and how large it is",
                    diagnostics,
                );
            }
        }
        let encryption = self.encryption();
        if let Some(encryption) = encryption.clone().filter(|_| !self.target.contract_has(11)) {
            self.old_encryption(encryption, patch, diagnostics);
        }
        let encryption = encryption.filter(|_| self.target.contract_has(11));
        let provisioning = self.provisioning(diagnostics);
        if encryption.is_none() && provisioning.is_none() {
            return;
        }
        if !self.target.talos_has(since) {
            self.needs_talos(
                &self.origin,
                &format!("the volume `{}`", self.name),
                since,
                diagnostics,
            );
            return;
        }
        let document = patch.document("VolumeConfig", Some(self.name), &self.origin);
        for (field, node) in [("provisioning", provisioning), ("encryption", encryption)] {
            if let Some(node) = node {
                document.insert(field, node);
            }
        }
    }

    /// Before the 1.11 contract, encryption was a part of the v1alpha1 config.
    fn old_encryption(&self, encryption: Node, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        let field = match self.name {
            "STATE" => "state",
            "EPHEMERAL" => "ephemeral",
            _ => {
                let help = "only `STATE` and `EPHEMERAL` are encrypted there";
                let word = format!("volumes.{}.encrypt", self.name);
                diagnostics.push(self.target.no_place(&word, &encryption.origin, help));
                return;
            }
        };
        patch.set(&["machine", "systemDiskEncryption", field], encryption);
    }

    fn user(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        if !self.target.talos_has(10) {
            self.needs_talos(&self.origin, "a volume of your own", 10, diagnostics);
            return;
        }
        let kind = value(self.group, "type");
        let shape = kind
            .as_ref()
            .and_then(Node::as_str)
            .unwrap_or("partition")
            .to_owned();
        if let Some(kind) = kind
            .as_ref()
            .filter(|_| shape != "partition" && !self.target.talos_has(12))
        {
            self.needs_talos(
                &kind.origin,
                &format!("a volume of type `{shape}`"),
                12,
                diagnostics,
            );
            return;
        }
        self.check_words(&shape, diagnostics);
        let provisioning = self.provisioning(diagnostics);
        let (encryption, filesystem) = (self.encryption(), value(self.group, "filesystem"));
        let filesystem = filesystem.map(|node| table([("type", node)]));
        let kind = kind.filter(|_| shape != "partition");
        let fields = [
            ("volumeType", kind),
            ("provisioning", provisioning),
            ("filesystem", filesystem),
            ("encryption", encryption),
        ];
        let document = patch.document("UserVolumeConfig", Some(self.name), &self.origin);
        for (field, node) in fields {
            if let Some(node) = node {
                document.insert(field, node);
            }
        }
    }

    /// Which words a volume of this type needs, and which it cannot have.
    fn check_words(&self, shape: &str, diagnostics: &mut Diagnostics) {
        if shape == "directory" {
            for word in ["size", "max_size", "grow", "disk", "filesystem", "encrypt"] {
                self.refuse(word, "a directory has only its `type`", diagnostics);
            }
            return;
        }
        if shape == "disk" {
            for word in ["size", "max_size", "grow"] {
                self.refuse(word, "a volume of type `disk` takes all of it", diagnostics);
            }
        }
        if !self.has("disk") {
            self.missing(
                "disk",
                "which disk it is on: a path or a selector",
                diagnostics,
            );
        }
        if shape == "partition" && !self.has("size") && !self.has("max_size") {
            self.missing("size", "the least size that it needs", diagnostics);
        }
    }

    fn has(&self, word: &str) -> bool {
        self.group.contains_key(word)
    }

    fn missing(&self, word: &str, what: &str, diagnostics: &mut Diagnostics) {
        let message = format!("`volumes.{}.{word}` is missing", self.name);
        diagnostics.push(
            Diagnostic::error(Code::MISSING_KEY, self.origin.first(), message)
                .here("this volume")
                .help(format!("say {what}")),
        );
    }

    fn refuse(&self, word: &str, why: &str, diagnostics: &mut Diagnostics) {
        let said = self.group.get(word).and_then(|said| said.first());
        if let Some(fact) = said {
            let message = format!("`volumes.{}.{word}` cannot stand here", self.name);
            let span = fact.node.origin.first();
            diagnostics.push(Diagnostic::error(Code::INVALID_VALUE, span, message).here(why));
        }
    }

    fn needs_talos(&self, origin: &Origin, what: &str, since: u64, diagnostics: &mut Diagnostics) {
        let since = Minor {
            major: 1,
            minor: since,
        };
        let message = format!("{what} needs Talos {since}");
        diagnostics.push(
            Diagnostic::error(Code::TALOS_CONTRACT, origin.first(), message)
                .here(format!("the nodes run {}", self.target.talos)),
        );
    }

    fn provisioning(&self, diagnostics: &mut Diagnostics) -> Option<Node> {
        let disk = disk::words(self.facts, &["volumes", self.name, "disk"]);
        let place = format!("volumes.{}.disk", self.name);
        let selector = disk::expression(&disk, &place, self.target, diagnostics);
        let max_size = value(self.group, "max_size");
        if let Some(node) = &max_size {
            self.check_max_size(node, diagnostics);
        }
        let fields = [
            (
                "diskSelector",
                selector.map(|node| table([("match", node)])),
            ),
            ("grow", value(self.group, "grow")),
            ("minSize", value(self.group, "size")),
            ("maxSize", max_size),
        ];
        let fields: Vec<(&str, Node)> = fields
            .into_iter()
            .filter_map(|(field, node)| Some((field, node?)))
            .collect();
        (!fields.is_empty()).then(|| table(fields))
    }

    fn check_max_size(&self, node: &Node, diagnostics: &mut Diagnostics) {
        let text = node.as_str().unwrap_or_default();
        if text.ends_with('%') && !self.target.talos_has(12) {
            self.needs_talos(&node.origin, "a share of the disk", 12, diagnostics);
        }
        if text.starts_with('-') && !self.target.talos_has(13) {
            self.needs_talos(&node.origin, "a size that leaves a rest", 13, diagnostics);
        }
    }

    fn encryption(&self) -> Option<Node> {
        let how = value(self.group, "encrypt")?;
        let origin = how.origin.clone();
        let word = |text: &str| Node::new(text, origin.clone());
        let empty = Node::new(Value::map(), origin.clone());
        let mut key = table([("slot", Node::new(0_i64, origin.clone()))]);
        match how.as_str() {
            Some("tpm") => {
                let check = Node::new(true, origin.clone());
                put(&mut key, &["tpm", "checkSecurebootStatusOnEnroll"], check);
            }
            _ => put(&mut key, &["nodeID"], empty),
        }
        Some(table([
            ("provider", word("luks2")),
            ("keys", Node::new(vec![key], origin.clone())),
        ]))
    }
}
