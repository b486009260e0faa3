//! `[talos]`, `[hardware]` and `[nodes]` to machines.
//!
//! A node takes the keys of its hardware where it has none of its own; lists add up and tables merge.

use std::collections::BTreeMap;

use super::Tables;
use super::keys::Keys;
use super::links;
use super::network::HostName;
use super::read::{choice, entries, invalid, required};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::parse::domain::{check_label, parse_address};
use crate::parse::table::{Decode, Table, join, list, parse_string};
use crate::resolve::lab::{
    Arch, Encrypt, Host, Machine, Network, NodeName, Role, Talhelper, TalosRules,
};
use crate::source::{Span, Spanned};
use crate::value::Node;

/// Nodes that a lab may have: Kubernetes' own limit for a cluster.
const MAX_NODES: usize = 5_000;

/// Names that mean something else: patch files, a group of nodes, every machine itself.
const RESERVED: [&str; 4] = ["all", "controlplane", "worker", "localhost"];

/// The machines of a lab.
pub(super) struct Fleet {
    /// Those that could be read.
    pub(super) machines: BTreeMap<NodeName, Machine>,
    /// Whether these are all: counting them makes sense.
    pub(super) complete: bool,
    /// Where the table of nodes stands, if there is one.
    pub(super) span: Option<Span>,
    /// `[talos]`.
    pub(super) talos: TalosRules,
}

/// Reads the machines; without a network plan none is whole, but each is checked.
pub(super) fn read(
    tables: &Tables<'_>,
    network: Option<&Network>,
    diagnostics: &mut Diagnostics,
) -> Fleet {
    let (talos, extensions) = read_talos(tables.talos, diagnostics);
    let hardware: BTreeMap<&str, Keys> = entries(tables.hardware, "hardware", diagnostics)
        .into_iter()
        .map(|(name, _, node)| (name, read_hardware(name, node, diagnostics)))
        .collect();
    let entries = entries(tables.nodes, "nodes", diagnostics);
    let total = entries.len();
    if total > MAX_NODES {
        let place = tables.nodes.and_then(|node| node.origin.first());
        let message = format!("a lab may have {MAX_NODES} nodes, and this one has {total}");
        diagnostics.push(
            Diagnostic::error(Code::LAB_LIMIT, place, message)
                .help("Kubernetes itself is made for clusters of up to that size"),
        );
        return Fleet {
            complete: false,
            machines: BTreeMap::new(),
            span: place,
            talos,
        };
    }
    let lab = Shared {
        extensions,
        hardware,
        network,
    };
    let machines: BTreeMap<NodeName, Machine> = entries
        .into_iter()
        .filter_map(|(name, span, node)| {
            let span = span.or_else(|| node.origin.first())?;
            let machine = machine(Spanned::new(name, span), node, &lab, diagnostics)?;
            Some((machine.name.value.clone(), machine))
        })
        .collect();
    Fleet {
        complete: machines.len() == total,
        machines,
        span: tables.nodes.and_then(|node| node.origin.first()),
        talos,
    }
}

/// The rules of `[talos]`, and its extensions apart.
fn read_talos(
    node: Option<&Node>,
    diagnostics: &mut Diagnostics,
) -> (TalosRules, Vec<Spanned<String>>) {
    let Some(node) = node else {
        return (TalosRules::default(), Vec::new());
    };
    let mut table = Table::new(node, "talos", diagnostics);
    let extensions = table.or_default("extensions", diagnostics);
    let patches = table.or_default("patches", diagnostics);
    let talhelper = table.optional("talhelper", diagnostics);
    let words: Vec<&str> = table.rest().map(|(key, _, _)| key).collect();
    let words = node.as_map().filter(|_| !words.is_empty()).map(|map| {
        let mut map = map.clone();
        map.retain(|key, _| words.contains(&key.as_str()));
        Node::new(map, node.origin.clone())
    });
    let rules = TalosRules {
        words,
        patches,
        talhelper,
    };
    (rules, extensions)
}

fn read_hardware(name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Keys {
    let mut table = Table::new(node, join("hardware", name), diagnostics);
    let keys = Keys::read(&mut table, diagnostics);
    table.finish(diagnostics);
    keys
}

/// What the machines of a lab share.
struct Shared<'a> {
    extensions: Vec<Spanned<String>>,
    hardware: BTreeMap<&'a str, Keys>,
    network: Option<&'a Network>,
}

fn machine(
    name: Spanned<&str>,
    node: &Node,
    lab: &Shared<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Machine> {
    let path = join("nodes", name.value);
    check_name(&name, diagnostics);
    let mut table = Table::new(node, path.clone(), diagnostics);
    table.span = table.span.or(Some(name.span));
    let role: Option<Spanned<Role>> = required(&mut table, "role", "\"worker\"", diagnostics);
    let address: Option<Spanned<Host>> =
        required(&mut table, "address", "\"192.168.1.10\"", diagnostics);
    let hardware: Option<Spanned<String>> = table.optional("hardware", diagnostics);
    let own = Keys::read(&mut table, diagnostics);
    table.finish(diagnostics);
    let below = match &hardware {
        Some(hardware) => find_hardware(hardware, &path, &lab.hardware, diagnostics)?,
        None => &Keys::default(),
    };
    let keys = own.over(below.clone());
    let (role, address) = (role?, address?);
    check_dhcp(&address, &keys, &path, diagnostics);
    let firmware = firmware(&keys, name.span, diagnostics);
    let name = name.map(|name| NodeName(name.to_owned()));
    let whom = links::Whom {
        path: &path,
        span: name.span,
        role: role.value,
        address: &address,
    };
    let links = links::read(&keys, &whom, lab.network?, diagnostics);
    Some(Machine {
        span: name.span,
        role,
        address,
        online: keys.online.unwrap_or(Spanned::new(true, name.span)),
        hardware,
        disk: keys.disk,
        links,
        arch: firmware.arch,
        overlay: keys.overlay,
        extensions: [lab.extensions.clone(), keys.extensions].concat(),
        kernel_args: keys.kernel_args,
        labels: keys.labels,
        taints: keys.taints,
        secure_boot: firmware.secure_boot,
        encrypt: keys.encrypt,
        volumes: keys.volumes,
        talos: keys.talos,
        patches: keys.patches,
        name,
    })
}

fn check_name(name: &Spanned<&str>, diagnostics: &mut Diagnostics) {
    let wrong = |help: String| {
        let message = format!("a node cannot be called `{}`", name.value);
        Diagnostic::error(Code::NODE_NAME, name.span, message).help(help)
    };
    if let Err(why) = check_label(name.value) {
        let lower = name.value.to_lowercase().replace(['_', '.', ' '], "-");
        diagnostics.push(match check_label(&lower) {
            Ok(()) => wrong(why).help(format!("call it `{lower}`")),
            Err(_) => wrong(why),
        });
    } else if RESERVED.contains(&name.value) {
        diagnostics.push(wrong(format!("{} mean something else", list(&RESERVED))));
    }
}

fn find_hardware<'a>(
    wanted: &Spanned<String>,
    path: &str,
    hardware: &'a BTreeMap<&str, Keys>,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Keys> {
    let found = hardware.get(wanted.value.as_str());
    if found.is_none() {
        let message = format!(
            "`{path}.hardware` is `{}`, which `[hardware]` does not have",
            wanted.value
        );
        let names = hardware.keys().copied();
        let help = did_you_mean(&wanted.value, names)
            .unwrap_or_else(|| format!("add a table `[hardware.{}]`", wanted.value));
        diagnostics.push(invalid(wanted.span, message, help));
    }
    found
}

/// A name can stand for an address only where DHCP gives the address.
fn check_dhcp(address: &Spanned<Host>, keys: &Keys, path: &str, diagnostics: &mut Diagnostics) {
    let Host::Name(name) = &address.value else {
        return;
    };
    if keys.uses_dhcp() {
        return;
    }
    let message = format!("`{path}.address` is the name `{name}`, but the node does not use DHCP");
    let help = "write the node's address, or add `dhcp = true` if a name server knows it by name";
    diagnostics.push(invalid(address.span, message, help));
}

/// What a node starts from.
struct Firmware {
    arch: Spanned<Arch>,
    secure_boot: Spanned<bool>,
}

/// Architecture and secure boot, with what overlay and encryption ask of them.
///
/// A message names no node, so that what the hardware of many says is said once.
fn firmware(keys: &Keys, span: Span, diagnostics: &mut Diagnostics) -> Firmware {
    let secure_boot = keys.secure_boot.unwrap_or(Spanned::new(false, span));
    let usual = match &keys.overlay {
        Some(overlay) => Spanned::new(Arch::Arm64, overlay.name.span),
        None => Spanned::new(Arch::Amd64, span),
    };
    let arch = keys.arch.unwrap_or(usual);
    if let Some(overlay) = &keys.overlay {
        let name = &overlay.name;
        if secure_boot.value {
            let message = "secure boot is not possible with an overlay";
            diagnostics.push(
                Diagnostic::error(Code::SECURE_BOOT, secure_boot.span, message)
                    .here("secure boot is turned on")
                    .label(name.span, format!("the overlay `{}`", name.value))
                    .help("a single-board computer starts without UEFI secure boot: leave it out"),
            );
        }
        if arch.value == Arch::Amd64 {
            let message = "a node with an overlay cannot be `amd64`";
            let help = "every overlay is for an `arm64` board: leave `arch` or `overlay` out";
            let diagnostic = invalid(arch.span, message, help);
            diagnostics.push(diagnostic.label(name.span, format!("the overlay `{}`", name.value)));
        }
    }
    if let Some(encrypt) = keys.encrypt.filter(|encrypt| encrypt.value == Encrypt::Tpm)
        && !secure_boot.value
    {
        let message = "the TPM keeps a disk key only where secure boot is on";
        let mut diagnostic = Diagnostic::error(Code::SECURE_BOOT, encrypt.span, message)
            .here("asks for the TPM")
            .help("add `secure_boot = true`, or take `encrypt = \"node-id\"`");
        if secure_boot.span != span {
            diagnostic = diagnostic.label(secure_boot.span, "secure boot is turned off");
        }
        diagnostics.push(diagnostic);
    }
    Firmware { arch, secure_boot }
}

impl Decode for Role {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [
            (Role::ControlPlane.word(), Role::ControlPlane),
            (Role::Worker.word(), Role::Worker),
        ];
        choice(node, path, &words, diagnostics)
    }
}

impl Decode for Host {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            if let Ok(address) = parse_address(text) {
                return Ok(Host::Address(address));
            }
            if let Some((address, _)) = text.split_once('/')
                && parse_address(address).is_ok()
            {
                return Err(format!(
                    "write `{address}`: the prefix is that of `network.nodes`"
                ));
            }
            HostName::parse(text).map(|HostName(name)| Host::Name(name))
        })
    }
}

impl Decode for Talhelper {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [
            ("beside", Talhelper::Beside),
            ("instead", Talhelper::Instead),
        ];
        choice(node, path, &words, diagnostics)
    }
}
