//! `talconfig.yaml`: the same machine configs by way of talhelper.
//!
//! Says what talhelper has to know by itself (versions, names, addresses, disks, images) and leads to the patches for
//! everything else, so that no fact is said twice. Knows no secret: talhelper's are the owner's.
//!
//! talhelper reads `$NAME` in a patch as a variable of the environment, and `{{ }}` as a template. A patch that holds
//! either is written a second time, below `talhelper/`, in the form that talhelper turns back into the first.

use std::collections::{BTreeMap, BTreeSet};

use super::patch::{push, put, table};
use super::{Audience, FOLDER, NodeFiles, PatchFile, in_order};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::lower::{Content, OutFile};
use crate::parse::domain::Minor;
use crate::render::machine::image::tag;
use crate::render::machine::schematic::Schematic;
use crate::render::machine::{Intent, Machines};
use crate::resolve::lab::{Arch, Disk, Machine, NodeName, Role};
use crate::source::{Origin, Spanned};
use crate::value::{Map, Node, Value};

/// The newest Talos whose machine configs talhelper 3.1.16 was compared with.
const NEWEST: Minor = Minor {
    major: 1,
    minor: 13,
};

/// How talhelper calls the file of a node: as `generate.sh` does.
const FILE_NAME: &str = "{{ .Hostname }}.yaml";

/// Before Talos 1.10, the factory had one installer for all platforms.
const OLD_INSTALLER: &str =
    "{{.RegistryURL}}/installer{{if .Secureboot}}-secureboot{{end}}/{{.ID}}:{{.Version}}";

/// `talconfig.yaml` and the patches that talhelper reads otherwise; nothing where the lab does not ask for it.
pub(super) fn files(
    machines: &Machines,
    name: &str,
    nodes: &BTreeMap<NodeName, NodeFiles>,
    patches: &BTreeMap<Audience, Vec<PatchFile>>,
    diagnostics: &mut Diagnostics,
) -> Vec<OutFile> {
    let Some(wanted) = &machines.talhelper else {
        return Vec::new();
    };
    let own = Origin::at(wanted.span);
    check(machines, &own, diagnostics);
    let respelled: Vec<OutFile> = patches.values().flatten().filter_map(respelled).collect();
    let talconfig = Talconfig {
        machines,
        nodes,
        respelled: respelled.iter().map(|file| file.path.as_str()).collect(),
        own,
    };
    let path = format!("{FOLDER}/talconfig.yaml");
    let document = OutFile::yaml(path, escaped(&talconfig.document(name), dollars));
    std::iter::once(document).chain(respelled).collect()
}

/// Reports what talhelper cannot do: its contract is always that of the Talos that it is told.
fn check(machines: &Machines, wanted: &Origin, diagnostics: &mut Diagnostics) {
    let cluster = &machines.cluster;
    let (talos, contract) = (cluster.talos.value.minor(), cluster.contract.value);
    if talos > NEWEST {
        let message = format!("talhelper 3.1.16 makes machine configs for Talos up to {NEWEST}");
        diagnostics.push(
            Diagnostic::error(Code::TALOS_CONTRACT, wanted.first(), message)
                .here("asks for its `talconfig.yaml`")
                .label(cluster.talos.span, "what the nodes run")
                .help("leave `talhelper` out: the scripts of `out/talos` do without it"),
        );
    } else if talos != contract {
        let message = format!("talhelper cannot keep contract `{contract}` with Talos `{talos}`");
        diagnostics.push(
            Diagnostic::error(Code::TALOS_CONTRACT, wanted.first(), message)
                .here("asks for its `talconfig.yaml`")
                .label(cluster.contract.span, "the contract")
                .label(cluster.talos.span, "what the nodes run")
                .note("talhelper has no contract: it takes the form that belongs to this Talos")
                .help(format!(
                    "say `contract = \"{talos}\"` if talhelper made the nodes' configs until now, or leave `talhelper` \
                     out"
                )),
        );
    }
}

/// What the document is made from.
struct Talconfig<'a> {
    machines: &'a Machines,
    nodes: &'a BTreeMap<NodeName, NodeFiles>,
    /// The patches that talhelper reads in another form.
    respelled: BTreeSet<&'a str>,
    own: Origin,
}

impl Talconfig<'_> {
    fn document(&self, name: &str) -> Node {
        let cluster = &self.machines.cluster;
        let mut document = table([
            ("clusterName", self.text(name)),
            (
                "talosVersion",
                said(tag(&cluster.talos.value), &cluster.talos),
            ),
            (
                "kubernetesVersion",
                said(
                    format!("v{}", cluster.kubernetes.value.semver),
                    &cluster.kubernetes,
                ),
            ),
            (
                "endpoint",
                said(cluster.endpoint.value.as_str(), &cluster.endpoint),
            ),
        ]);
        if cluster.talos.value.minor().minor < 10 {
            let template = self.text(OLD_INSTALLER);
            put(
                &mut document,
                &["imageFactory", "installerURLTmpl"],
                template,
            );
        }
        for (key, role) in [
            ("controlPlane", Role::ControlPlane),
            ("worker", Role::Worker),
        ] {
            if let Some(group) = self.group(role) {
                document.insert(key, group);
            }
        }
        for node in in_order(self.machines) {
            push(&mut document, &["nodes"], self.node(node));
        }
        document
    }

    fn text(&self, text: &str) -> Node {
        Node::new(text, self.own.clone())
    }

    /// What all nodes of a role share; nothing where there is none.
    fn group(&self, role: Role) -> Option<Node> {
        let of_role = |name: &&NodeName| self.machines.nodes[*name].machine.role.value == role;
        let node = self.machines.nodes.keys().find(of_role)?;
        let mut group = table([
            ("filenameTmpl", self.text(FILE_NAME)),
            // labc has compared extensions and overlays with its own tables
            ("noSchematicValidate", Node::new(true, self.own.clone())),
        ]);
        self.add_patches(&mut group, node, false);
        Some(group)
    }

    /// Adds the patches that are a node's alone, or those that it shares with its role.
    fn add_patches(&self, entry: &mut Node, node: &NodeName, of_node: bool) {
        for path in &self.nodes[node].patches {
            let path = path.trim_start_matches("talos/patches/");
            if path.starts_with("nodes/") != of_node {
                continue;
            }
            let other = format!("{FOLDER}/talhelper/{path}");
            let folder = if self.respelled.contains(other.as_str()) {
                "talhelper"
            } else {
                "patches"
            };
            push(
                entry,
                &["patches"],
                self.text(&format!("@./{folder}/{path}")),
            );
        }
    }

    fn node(&self, name: &NodeName) -> Node {
        let intent = &self.machines.nodes[name];
        let machine = &intent.machine;
        let is_control_plane = machine.role.value == Role::ControlPlane;
        let mut entry = table([
            ("hostname", said(name.0.as_str(), &machine.name)),
            (
                "ipAddress",
                said(machine.address.value.to_string(), &machine.address),
            ),
            (
                "controlPlane",
                Node::new(is_control_plane, Origin::at(machine.role.span)),
            ),
        ]);
        entry.insert("installDisk", install_disk(machine));
        self.image(intent, &mut entry);
        self.add_patches(&mut entry, name, true);
        entry
    }

    /// Which image the node boots and is installed from.
    fn image(&self, intent: &Intent, entry: &mut Node) {
        let machine = &intent.machine;
        if machine.arch.value == Arch::Arm64 {
            put(
                entry,
                &["machineSpec", "arch"],
                said("arm64", &machine.arch),
            );
        }
        if machine.secure_boot.value {
            let yes = Node::new(true, Origin::at(machine.secure_boot.span));
            put(entry, &["machineSpec", "secureboot"], yes);
        }
        if let Some(overlay) = &machine.overlay {
            for (key, text) in [("bootMethod", "disk-image"), ("imageSuffix", "raw.xz")] {
                put(entry, &["machineSpec", key], said(text, &overlay.name));
            }
        }
        let schematic = &self.machines.schematics[&intent.schematic];
        let has_kernel_args = !schematic.kernel_args.is_empty();
        let Some(document) = document_of(schematic) else {
            return;
        };
        // talhelper would add these arguments to those of the patches
        let is_old = self.machines.cluster.contract.value.minor < 12;
        if has_kernel_args && is_old {
            let reference = intent.installer.as_str().unwrap_or_default();
            let image = reference
                .rsplit_once(':')
                .map_or(reference, |(name, _)| name);
            entry.insert(
                "talosImageURL",
                Node::new(image, intent.installer.origin.clone()),
            );
            entry.insert("imageSchematic", document);
        } else {
            entry.insert("schematic", document);
        }
    }
}

/// The disk that talhelper asks for. A selector is the patch's to say, because Talos cannot merge two of them: it wins
/// over what Talos takes by itself.
fn install_disk(machine: &Machine) -> Node {
    match &machine.disk {
        Some(Disk::Path(path)) => said(path.value.as_str(), path),
        Some(Disk::Selector(_)) | None => said("/dev/sda", &machine.name),
    }
}

fn said<T>(text: impl Into<String>, place: &Spanned<T>) -> Node {
    Node::new(text.into(), Origin::at(place.span))
}

/// A schematic as talhelper is told it; nothing where it is empty.
fn document_of(schematic: &Schematic) -> Option<Node> {
    let mut document = Node::new(Value::map(), Origin::none());
    if let Some(overlay) = &schematic.overlay {
        let mut entry = table([
            ("image", overlay.image.clone()),
            ("name", overlay.name.clone()),
        ]);
        if let Some(options) = &overlay.options {
            entry.insert("options", options.clone());
        }
        document.insert("overlay", entry);
    }
    for argument in &schematic.kernel_args {
        let path = ["customization", "extraKernelArgs"];
        push(&mut document, &path, argument.clone());
    }
    for extension in &schematic.extensions {
        let path = ["customization", "systemExtensions", "officialExtensions"];
        push(&mut document, &path, extension.clone());
    }
    let first = document.as_map()?.iter().next()?.1.node.origin.clone();
    document.origin = first;
    Some(document)
}

/// The patch in the form that talhelper turns back into it; nothing where talhelper reads it as it is.
fn respelled(patch: &PatchFile) -> Option<OutFile> {
    let content = match &patch.content {
        Content::Yaml(documents) => {
            let other: Vec<Node> = documents
                .iter()
                .map(|document| escaped(document, both))
                .collect();
            let same = documents
                .iter()
                .zip(&other)
                .all(|(one, other)| **one == *other);
            if same {
                return None;
            }
            Content::Yaml(other.into_iter().map(Into::into).collect())
        }
        Content::Bytes(bytes, origin) => {
            let text = String::from_utf8_lossy(bytes);
            let other = both(&text);
            if other == text {
                return None;
            }
            Content::Bytes(other.into_bytes(), origin.clone())
        }
        Content::Text(_) => return None,
    };
    let path = patch.path.trim_start_matches("patches/");
    Some(OutFile {
        path: format!("{FOLDER}/talhelper/{path}"),
        content,
        executable: false,
    })
}

/// The tree with every text and key replaced.
fn escaped(node: &Node, replace: fn(&str) -> String) -> Node {
    let value = match &node.value {
        Value::Str(text) => replace(text).into(),
        Value::List(items) => {
            Value::List(items.iter().map(|item| escaped(item, replace)).collect())
        }
        Value::Map(map) => {
            let mut other = Map::default();
            for (key, entry) in map {
                let mut entry = entry.clone();
                entry.node = escaped(&entry.node, replace);
                other.insert(replace(key).into(), entry);
            }
            Value::Map(other)
        }
        scalar => scalar.clone(),
    };
    Node {
        value,
        origin: node.origin.clone(),
    }
}

/// A text that stays what it is when variables are put in.
fn dollars(text: &str) -> String {
    text.replace('$', "$$")
}

/// A text that stays what it is when templates are run and variables are put in.
fn both(text: &str) -> String {
    dollars(text).replace("{{", "{{`{{`}}")
}
