//! The keys of one link, of a node or of its hardware.

use std::net::IpAddr;

use super::keys::{Interface, Mac};
use super::network::{Block, Mtu, Vlan};
use super::read::invalid;
use crate::diag::Diagnostics;
use crate::parse::domain::{IpNet, parse_address, parse_mac, parse_network};
use crate::parse::table::{Decode, OneOrMany, Table, parse_string};
use crate::resolve::lab::Route;
use crate::source::{Origin, Span, Spanned};
use crate::value::Node;

/// The keys of a link; all of them may be missing.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkKeys {
    pub(super) mac: Option<Spanned<String>>,
    pub(super) bond: Vec<Spanned<String>>,
    pub(super) bond_options: Option<Node>,
    pub(super) vlan: Option<Spanned<u16>>,
    pub(super) addresses: Vec<Spanned<LinkAddress>>,
    pub(super) dhcp: Option<Spanned<bool>>,
    pub(super) mtu: Option<Spanned<u16>>,
    pub(super) routes: Vec<Route>,
    /// Where its name is written, if it has one.
    pub(super) name: Option<Span>,
}

impl LinkKeys {
    /// Reads a link of `links`, whose name is written at `name`.
    pub(super) fn read(
        name: Option<Span>,
        node: &Node,
        path: String,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut table = Table::new(node, path.clone(), diagnostics);
        let mac = table.optional::<Spanned<Mac>>("mac", diagnostics);
        let bond: Vec<Spanned<Member>> = table.or_default("bond", diagnostics);
        let keys = LinkKeys {
            mac: mac.map(|mac| mac.map(|Mac(mac)| mac)),
            bond: bond
                .into_iter()
                .map(|link| link.map(|Member(link)| link))
                .collect(),
            bond_options: table.optional("bond_options", diagnostics),
            vlan: table
                .optional::<Spanned<Vlan>>("vlan", diagnostics)
                .map(|vlan| vlan.map(|Vlan(vlan)| vlan)),
            addresses: table.or_default::<OneOrMany<_>>("address", diagnostics).0,
            dhcp: table.optional("dhcp", diagnostics),
            mtu: table
                .optional::<Spanned<Mtu>>("mtu", diagnostics)
                .map(|mtu| mtu.map(|Mtu(mtu)| mtu)),
            routes: table.or_default("routes", diagnostics),
            name,
        };
        table.finish(diagnostics);
        if let (Some(mac), Some(first)) = (&keys.mac, keys.bond.first()) {
            let message = format!("`{path}` has both `mac` and `bond`");
            let help = "a bond has no hardware address of its own: list its links in `bond`";
            diagnostics.push(invalid(mac.span, message, help).label(first.span, "the bond"));
        }
        keys
    }

    /// These keys, and those of `below` where these say nothing.
    pub(super) fn over(self, below: LinkKeys) -> LinkKeys {
        LinkKeys {
            mac: self.mac.or(below.mac),
            bond: either(self.bond, below.bond),
            bond_options: self.bond_options.or(below.bond_options),
            vlan: self.vlan.or(below.vlan),
            addresses: either(self.addresses, below.addresses),
            dhcp: self.dhcp.or(below.dhcp),
            mtu: self.mtu.or(below.mtu),
            routes: either(self.routes, below.routes),
            name: self.name.or(below.name),
        }
    }

    /// Whether it asks DHCP for addresses.
    pub(super) fn uses_dhcp(&self) -> bool {
        self.dhcp.is_some_and(|dhcp| dhcp.value)
    }

    /// Where it is written.
    pub(super) fn origin(&self) -> Origin {
        let spans = [
            self.name,
            self.mac.as_ref().map(|mac| mac.span),
            self.vlan.map(|vlan| vlan.span),
            self.dhcp.map(|dhcp| dhcp.span),
            self.mtu.map(|mtu| mtu.span),
        ];
        let bond = self.bond.iter().map(|link| link.span);
        let addresses = self.addresses.iter().map(|address| address.span);
        Origin::from_spans(spans.into_iter().flatten().chain(bond).chain(addresses))
    }
}

fn either<T>(upper: Vec<T>, lower: Vec<T>) -> Vec<T> {
    if upper.is_empty() { lower } else { upper }
}

/// An address of a link as written.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinkAddress {
    /// With its prefix.
    Whole(IpNet),
    /// Without.
    Bare(IpAddr),
}

impl Decode for LinkAddress {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            if let Ok(address) = parse_address(text) {
                return Ok(LinkAddress::Bare(address));
            }
            let whole = parse_network(text).map(LinkAddress::Whole);
            whole.map_err(|_| "an address of a link is like `192.168.1.10/24`".to_owned())
        })
    }
}

/// A link of a bond, by name or hardware address.
struct Member(String);

impl Decode for Member {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            if text.contains(':') {
                return parse_mac(text).map(Member);
            }
            let name = Interface::parse(text).map(|Interface(name)| Member(name));
            name.map_err(|_| "it is an interface like `eno1`, or a MAC address".to_owned())
        })
    }
}

impl Decode for Route {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::new(node, path, diagnostics);
        let network: Option<Spanned<Block>> = table.optional("network", diagnostics);
        let gateway = table.optional("gateway", diagnostics);
        let metric = table.optional("metric", diagnostics);
        if network.is_none() && gateway.is_none() {
            let message = format!("`{path}` says neither where to nor through whom");
            let help =
                "a route is like `{ network = \"10.9.0.0/16\", gateway = \"192.168.1.254\" }`";
            diagnostics.push(invalid(table.span, message, help));
        }
        table.finish(diagnostics);
        // Talos writes a default route without a destination.
        let network = network.map(|block| block.map(|Block(network)| network));
        Some(Route {
            network: network.filter(|network| network.value.prefix_len() > 0),
            gateway,
            metric,
        })
    }
}
