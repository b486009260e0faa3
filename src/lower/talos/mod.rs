//! Machine-config intents to `out/talos/`: patches by contract, schematics, the scripts that use them, a README.
//!
//! Knows no disk and no network: the files describe what `talosctl` and the Image Factory are to be given. Talos
//! applies the patches of all nodes, then of the role, then of the node; each is followed by the lab's own.

mod cri;
mod disk;
mod groups;
mod install;
mod network;
mod patch;
mod readme;
mod registries;
mod scripts;
mod talhelper;
mod verbs;
mod volumes;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Content, OutFile, Text};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::Minor;
use crate::render::machine::facts::Facts;
use crate::render::machine::{Machines, RawPatch, fields};
use crate::resolve::lab::{NodeName, Reach, Role};
use crate::source::{Origin, Span};
use crate::value::Node;
use patch::Patch;

/// Where everything of this plane lies.
const FOLDER: &str = "out/talos";

/// What one node is made from; the paths are relative to `out/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFiles {
    /// The id of its schematic.
    pub schematic: String,
    /// The file of its schematic.
    pub schematic_file: String,
    /// The reference of its installer.
    pub installer: String,
    /// Its patches, in the order in which they are applied.
    pub patches: Vec<String>,
}

/// Everything of this plane.
#[derive(Clone, Debug)]
pub struct Plane {
    /// The files below `out/talos/`.
    pub files: Vec<OutFile>,
    /// What each online node is made from.
    pub nodes: BTreeMap<NodeName, NodeFiles>,
}

/// What a patch is written for.
#[derive(Clone, Copy, Debug)]
struct Target {
    /// The form of the machine config.
    contract: Minor,
    /// What the nodes run: it decides which documents they know.
    talos: Minor,
}

impl Target {
    fn contract_has(self, minor: u64) -> bool {
        self.contract >= Minor { major: 1, minor }
    }

    fn talos_has(self, minor: u64) -> bool {
        self.talos >= Minor { major: 1, minor }
    }

    /// The error about a word that the contract has no place for.
    fn no_place(self, word: &str, origin: &Origin, help: &str) -> Diagnostic {
        let message = format!(
            "a machine config of contract {} has no place for `{word}`",
            self.contract
        );
        Diagnostic::error(Code::TALOS_CONTRACT, origin.first(), message).help(help)
    }
}

/// The files of the plane of a cluster called `name`.
pub fn files(machines: &Machines, name: &str, diagnostics: &mut Diagnostics) -> Plane {
    let mut patches = own_patches(machines, diagnostics);
    for patch in &machines.raw {
        fields::check(&patch.documents, patch.span, &machines.cluster, diagnostics);
    }
    add_raw(&mut patches, machines);
    check_whole(machines, &patches, diagnostics);
    let nodes = node_files(machines, &patches);
    let talconfig = talhelper::files(machines, name, &nodes, &patches, diagnostics);
    let mut files: Vec<OutFile> = patches
        .into_values()
        .flatten()
        .map(|patch| OutFile {
            path: format!("{FOLDER}/{}", patch.path),
            content: patch.content,
            executable: false,
        })
        .collect();
    files.extend(talconfig);
    files.extend(schematics(machines));
    files.extend(scripts::files(machines, name, &nodes));
    files.push(readme::file(machines, &nodes));
    Plane { files, nodes }
}

/// Whose patches they are, in the order in which they are applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Audience {
    All,
    Role(Role),
    Node(NodeName),
}

impl Audience {
    /// The path of its patches below `out/talos/`, without an ending.
    fn stem(&self) -> String {
        match self {
            Audience::All => "patches/all".to_owned(),
            Audience::Role(role) => format!("patches/{}", role.word()),
            Audience::Node(name) => format!("patches/nodes/{name}"),
        }
    }
}

struct PatchFile {
    /// Below `out/talos/`.
    path: String,
    content: Content,
    /// The documents that no other patch of a node may speak of.
    whole: Vec<(String, Option<Span>)>,
}

fn own_patches(
    machines: &Machines,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<Audience, Vec<PatchFile>> {
    let target = Target {
        contract: machines.cluster.contract.value,
        talos: machines.cluster.talos.value.minor(),
    };
    let mut files = BTreeMap::new();
    let mut add = |audience: Audience, patch: Patch| {
        let documents = patch.into_documents();
        // Talos refuses a patch without content
        if !documents.is_empty() {
            let path = format!("{}.yaml", audience.stem());
            let whole = documents
                .iter()
                .filter_map(|document| whole(document, None))
                .collect();
            let content = Content::Yaml(documents.into_iter().map(Arc::new).collect());
            files.insert(
                audience,
                vec![PatchFile {
                    path,
                    content,
                    whole,
                }],
            );
        }
    };
    let layers = &machines.layers;
    let mut lower = |facts: &Facts| {
        let mut patch = Patch::default();
        words::lower(facts, target, &mut patch, diagnostics);
        patch
    };
    add(Audience::All, lower(&layers.all));
    for (role, facts) in &layers.roles {
        if machines
            .nodes
            .values()
            .any(|node| node.machine.role.value == *role)
        {
            add(Audience::Role(*role), lower(facts));
        }
    }
    let mut of_nodes: Vec<(NodeName, Patch)> = layers
        .nodes
        .iter()
        .map(|(name, facts)| (name.clone(), lower(facts)))
        .collect();
    for (name, patch) in &mut of_nodes {
        if let Some(intent) = machines.nodes.get(name) {
            install::lower(intent, target, patch, diagnostics);
            network::lower(
                &intent.machine,
                &machines.network,
                target,
                patch,
                diagnostics,
            );
        }
    }
    for (name, patch) in of_nodes {
        add(Audience::Node(name), patch);
    }
    files
}

/// The kinds of documents of which Talos keeps only what the last patch says.
const WHOLE: [&str; 6] = [
    "VolumeConfig",
    "UserVolumeConfig",
    "RawVolumeConfig",
    "SwapVolumeConfig",
    "ExistingVolumeConfig",
    "LinkAliasConfig",
];

/// Reports a document that two patches of one node speak of, where Talos keeps only what the second says.
fn check_whole(
    machines: &Machines,
    patches: &BTreeMap<Audience, Vec<PatchFile>>,
    diagnostics: &mut Diagnostics,
) {
    for (name, intent) in &machines.nodes {
        let mut seen: BTreeMap<&str, Option<Span>> = BTreeMap::new();
        let audiences = audiences(name, intent.machine.role.value);
        for (id, place) in audiences
            .iter()
            .filter_map(|one| patches.get(one))
            .flatten()
            .flat_map(|file| &file.whole)
        {
            let Some(first) = seen.insert(id, *place) else {
                continue;
            };
            let message = format!("a second patch speaks of `{id}`");
            diagnostics.push(
                Diagnostic::error(Code::TALOS_CONTRACT, *place, message)
                    .here("Talos would forget the disk or the link that the first one selects")
                    .label(first, "the first one")
                    .help("say all of it in one place"),
            );
        }
    }
}

/// Whose patches a node gets, in the order in which they are applied.
fn audiences(name: &NodeName, role: Role) -> [Audience; 3] {
    [
        Audience::All,
        Audience::Role(role),
        Audience::Node(name.clone()),
    ]
}

/// Kind and name of a document that has to be whole, and where it is written.
fn whole(document: &Node, place: Option<Span>) -> Option<(String, Option<Span>)> {
    let kind = document.get("kind")?.as_str()?;
    let name = document
        .get("name")
        .and_then(Node::as_str)
        .unwrap_or_default();
    let place = document.origin.first().or(place);
    WHOLE
        .contains(&kind)
        .then(|| (format!("{kind} {name}"), place))
}

/// Adds the patches that are not labc's behind its own: `all.01.yaml`, `nodes/cp-1.01.yaml`.
fn add_raw(patches: &mut BTreeMap<Audience, Vec<PatchFile>>, machines: &Machines) {
    let mut counts: BTreeMap<Audience, usize> = BTreeMap::new();
    for patch in &machines.raw {
        let audiences = match patch.reach {
            Reach::All => vec![Audience::All],
            Reach::Role(role) => vec![Audience::Role(role)],
            Reach::Nodes => {
                let online = patch
                    .nodes
                    .iter()
                    .filter(|name| machines.nodes.contains_key(*name));
                online.cloned().map(Audience::Node).collect()
            }
        };
        for audience in audiences {
            let count = counts.entry(audience.clone()).or_default();
            *count += 1;
            let path = format!("{}.{count:02}.yaml", audience.stem());
            let content = content(patch);
            let documents = patch.documents.iter();
            let whole = documents
                .filter_map(|document| whole(document, patch.span))
                .collect();
            patches.entry(audience).or_default().push(PatchFile {
                path,
                content,
                whole,
            });
        }
    }
}

fn content(patch: &RawPatch) -> Content {
    match &patch.bytes {
        Some(bytes) => Content::Bytes(bytes.clone(), Origin::from_spans(patch.span)),
        None => Content::Yaml(patch.documents.iter().cloned().map(Arc::new).collect()),
    }
}

fn node_files(
    machines: &Machines,
    patches: &BTreeMap<Audience, Vec<PatchFile>>,
) -> BTreeMap<NodeName, NodeFiles> {
    let paths = |audience: Audience| {
        let files = patches
            .get(&audience)
            .map(Vec::as_slice)
            .unwrap_or_default();
        files
            .iter()
            .map(|file| format!("talos/{}", file.path))
            .collect::<Vec<_>>()
    };
    let files = |name: &NodeName| {
        let intent = &machines.nodes[name];
        let role = intent.machine.role.value;
        NodeFiles {
            schematic: machines.schematics[&intent.schematic].id(),
            schematic_file: format!("talos/schematics/{}.yaml", intent.schematic),
            installer: intent.installer.as_str().unwrap_or_default().to_owned(),
            patches: audiences(name, role).into_iter().flat_map(paths).collect(),
        }
    };
    machines
        .nodes
        .keys()
        .map(|name| (name.clone(), files(name)))
        .collect()
}

fn schematics(machines: &Machines) -> impl Iterator<Item = OutFile> + '_ {
    machines.schematics.iter().map(|(name, schematic)| {
        let mut text = Text::default();
        for (line, origin) in schematic.lines() {
            text.line(line, origin);
        }
        OutFile::text(format!("{FOLDER}/schematics/{name}.yaml"), text)
    })
}

/// The online control planes, and then the workers: the order of everything that happens one node after the other.
fn in_order(machines: &Machines) -> Vec<&NodeName> {
    let mut names: Vec<&NodeName> = machines.nodes.keys().collect();
    names.sort_by_key(|name| (machines.nodes[*name].machine.role.value, *name));
    names
}
