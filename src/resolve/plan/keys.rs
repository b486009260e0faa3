//! The keys that nodes and their hardware share, and how a node's lie over its hardware's.

use std::collections::BTreeMap;

use super::labels;
use super::link_keys::LinkKeys;
use super::network::{Mtu, Vlan};
use super::read::{choice, entries, invalid, required};
use crate::diag::Diagnostics;
use crate::parse::table::{Decode, Table, join, parse_string};
use crate::resolve::lab::{Arch, Disk, Encrypt, Overlay};
use crate::source::Spanned;
use crate::value::{Map, Node, Value};

/// The keys of a node or a hardware; all of them may be missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) disk: Option<Disk>,
    pub(super) interface: Option<Spanned<String>>,
    /// `mac`, `mtu`, `vlan` and `dhcp`: short for one link.
    pub(super) short: LinkKeys,
    pub(super) links: BTreeMap<String, LinkKeys>,
    pub(super) arch: Option<Spanned<Arch>>,
    pub(super) overlay: Option<Overlay>,
    pub(super) extensions: Vec<Spanned<String>>,
    pub(super) kernel_args: Vec<Spanned<String>>,
    pub(super) labels: BTreeMap<String, Node>,
    pub(super) taints: BTreeMap<String, Spanned<String>>,
    pub(super) online: Option<Spanned<bool>>,
    pub(super) secure_boot: Option<Spanned<bool>>,
    pub(super) encrypt: Option<Spanned<Encrypt>>,
    pub(super) volumes: Option<Node>,
    pub(super) talos: Vec<Node>,
    pub(super) patches: Vec<Spanned<String>>,
}

impl Keys {
    /// Reads the keys out of `table`, which stays open for others.
    pub(super) fn read(table: &mut Table<'_>, diagnostics: &mut Diagnostics) -> Self {
        Keys {
            disk: table.optional("disk", diagnostics),
            interface: table
                .optional::<Spanned<Interface>>("interface", diagnostics)
                .map(|name| name.map(|Interface(name)| name)),
            short: LinkKeys {
                mac: table
                    .optional::<Spanned<Mac>>("mac", diagnostics)
                    .map(|mac| mac.map(|Mac(mac)| mac)),
                mtu: table
                    .optional::<Spanned<Mtu>>("mtu", diagnostics)
                    .map(|mtu| mtu.map(|Mtu(mtu)| mtu)),
                vlan: table
                    .optional::<Spanned<Vlan>>("vlan", diagnostics)
                    .map(|vlan| vlan.map(|Vlan(vlan)| vlan)),
                dhcp: table.optional("dhcp", diagnostics),
                ..LinkKeys::default()
            },
            links: read_links(table, diagnostics),
            arch: table.optional("arch", diagnostics),
            overlay: table.optional("overlay", diagnostics),
            extensions: table.or_default("extensions", diagnostics),
            kernel_args: table.or_default("kernel_args", diagnostics),
            labels: labels::read(table, diagnostics),
            taints: labels::read_taints(table, diagnostics),
            online: read_status(table, diagnostics),
            secure_boot: table.optional("secure_boot", diagnostics),
            encrypt: table.optional("encrypt", diagnostics),
            volumes: read_table(table, "volumes", diagnostics),
            talos: read_table(table, "talos", diagnostics)
                .into_iter()
                .collect(),
            patches: table.or_default("patches", diagnostics),
        }
    }

    /// These keys, and those of `below` where these say nothing. Lists add up, `below` first; tables merge.
    pub(super) fn over(self, below: Keys) -> Keys {
        let mut links = below.links;
        for (name, link) in self.links {
            let under = links.remove(&name).unwrap_or_default();
            links.insert(name, link.over(under));
        }
        Keys {
            disk: over_disk(self.disk, below.disk),
            interface: self.interface.or(below.interface),
            short: self.short.over(below.short),
            links,
            arch: self.arch.or(below.arch),
            overlay: self.overlay.or(below.overlay),
            extensions: [below.extensions, self.extensions].concat(),
            kernel_args: [below.kernel_args, self.kernel_args].concat(),
            labels: over_map(self.labels, below.labels),
            taints: over_map(self.taints, below.taints),
            online: self.online.or(below.online),
            secure_boot: self.secure_boot.or(below.secure_boot),
            encrypt: self.encrypt.or(below.encrypt),
            volumes: over_tree(self.volumes, below.volumes),
            talos: [below.talos, self.talos].concat(),
            patches: [below.patches, self.patches].concat(),
        }
    }

    /// Whether an address of the node comes by DHCP.
    pub(super) fn uses_dhcp(&self) -> bool {
        let links = self.links.values().chain([&self.short]);
        links.into_iter().any(LinkKeys::uses_dhcp)
    }
}

fn over_map<T>(upper: BTreeMap<String, T>, mut lower: BTreeMap<String, T>) -> BTreeMap<String, T> {
    lower.extend(upper);
    lower
}

fn over_disk(upper: Option<Disk>, lower: Option<Disk>) -> Option<Disk> {
    match (upper, lower) {
        (Some(Disk::Selector(upper)), Some(Disk::Selector(lower))) => {
            over_tree(Some(upper), Some(lower)).map(Disk::Selector)
        }
        (upper, lower) => upper.or(lower),
    }
}

/// One tree over another: maps merge, all else of `upper` wins.
fn over_tree(upper: Option<Node>, lower: Option<Node>) -> Option<Node> {
    let (Some(upper), Some(lower)) = (&upper, &lower) else {
        return upper.or(lower);
    };
    Some(merged(upper, lower))
}

fn merged(upper: &Node, lower: &Node) -> Node {
    let (Value::Map(above), Value::Map(below)) = (&upper.value, &lower.value) else {
        return upper.clone();
    };
    let mut map: Map = below.clone();
    for (key, entry) in above {
        let mut entry = entry.clone();
        if let Some(under) = below.get(key) {
            entry.node = merged(&entry.node, &under.node);
        }
        map.insert(key.clone(), entry);
    }
    Node::new(map, upper.origin.with(&lower.origin))
}

fn read_links(table: &mut Table<'_>, diagnostics: &mut Diagnostics) -> BTreeMap<String, LinkKeys> {
    let path = table.path_of("links");
    entries(table.node("links"), &path, diagnostics)
        .into_iter()
        .map(|(name, span, node)| {
            let path = join(&path, name);
            let span = span.or_else(|| node.origin.first());
            if let Err(why) = Interface::parse(name) {
                let message = format!("a link cannot be called `{name}`");
                diagnostics.push(invalid(span, message, why));
            }
            (
                name.to_owned(),
                LinkKeys::read(span, node, path, diagnostics),
            )
        })
        .collect()
}

fn read_table(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let path = table.path_of(key);
    super::read::table(table.node(key), &path, diagnostics)
}

fn read_status(table: &mut Table<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<bool>> {
    let path = table.path_of("status");
    let node = table.node("status")?;
    let words = [("online", true), ("offline", false)];
    let online = choice(node, &path, &words, diagnostics)?;
    Some(Spanned::new(online, node.origin.first()?))
}

/// The name of a network interface.
pub(super) struct Interface(pub(super) String);

impl Interface {
    /// The name, if Linux takes it.
    ///
    /// # Errors
    /// A phrase that names the rule.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fine = |letter: char| letter.is_ascii_graphic() && letter != '/';
        if text.is_empty() || text.len() > 15 || !text.chars().all(fine) {
            return Err("Linux takes names of 1 to 15 characters, like `eno1`".to_owned());
        }
        Ok(Interface(text.to_owned()))
    }
}

impl Decode for Interface {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, Interface::parse)
    }
}

/// A hardware address in lowercase with colons.
pub(super) struct Mac(pub(super) String);

impl Decode for Mac {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, crate::parse::domain::parse_mac).map(Mac)
    }
}

impl Decode for Arch {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [("amd64", Arch::Amd64), ("arm64", Arch::Arm64)];
        choice(node, path, &words, diagnostics)
    }
}

impl Decode for Encrypt {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let words = [("tpm", Encrypt::Tpm), ("node-id", Encrypt::NodeId)];
        choice(node, path, &words, diagnostics)
    }
}

impl Decode for Overlay {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        if node.as_map().is_none() {
            return Some(Overlay {
                name: Spanned::decode(node, path, diagnostics)?,
                image: None,
                options: None,
            });
        }
        let mut table = Table::new(node, path, diagnostics);
        let name = required(&mut table, "name", "\"rpi_generic\"", diagnostics);
        let image = table.optional("image", diagnostics);
        let options = read_table(&mut table, "options", diagnostics);
        table.finish(diagnostics);
        Some(Overlay {
            name: name?,
            image,
            options,
        })
    }
}
