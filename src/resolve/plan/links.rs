//! The network links of a node: which there are, and which one carries the node's own address.

use std::net::IpAddr;

use super::keys::Keys;
use super::link_keys::{LinkAddress, LinkKeys};
use super::read::invalid;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::IpNet;
use crate::parse::table::list;
use crate::resolve::lab::{Host, Link, Network, Role, Route};
use crate::source::{Origin, Span, Spanned};

/// The name of the link that a node's `mac` alone describes.
const UNNAMED: &str = "main";

/// The least MTU of a link with IPv6 (RFC 8200).
const LEAST_IPV6: u16 = 1280;

/// Whose links they are.
pub(super) struct Whom<'a> {
    /// What messages call the node.
    pub(super) path: &'a str,
    /// Where its name is written.
    pub(super) span: Span,
    /// What it is for.
    pub(super) role: Role,
    /// How it is reached.
    pub(super) address: &'a Spanned<Host>,
}

/// The links of a node, by name; none where it leaves its network to Talos (DHCP on every link).
pub(super) fn read(
    keys: &Keys,
    whom: &Whom<'_>,
    network: &Network,
    diagnostics: &mut Diagnostics,
) -> Vec<Link> {
    let mut named = keys.links.clone();
    if let Some((name, short)) = shorthand(keys, diagnostics) {
        let longhand = named.remove(&name).unwrap_or_default();
        named.insert(name, longhand.over(short));
    }
    let mut links: Vec<Link> = named
        .into_iter()
        .map(|(name, link)| make(name, link, keys, whom, network, diagnostics))
        .collect();
    if let Some(primary) = primary(&links, keys, whom, diagnostics) {
        complete(&mut links[primary], whom, network);
    }
    for link in &links {
        check(link, whom, network, diagnostics);
    }
    links
}

/// The link that `interface`, `mac`, `mtu`, `vlan` and `dhcp` are short for.
///
/// A message names no node, so that what the hardware of many says is said once.
fn shorthand(keys: &Keys, diagnostics: &mut Diagnostics) -> Option<(String, LinkKeys)> {
    let mut short = keys.short.clone();
    if let Some(interface) = &keys.interface {
        short.name = Some(interface.span);
        return Some((interface.value.clone(), short));
    }
    if short.mac.is_some() {
        return Some((UNNAMED.to_owned(), short));
    }
    let loose = [
        ("mtu", short.mtu.map(|mtu| mtu.span)),
        ("vlan", short.vlan.map(|vlan| vlan.span)),
        (
            "dhcp = false",
            short.dhcp.filter(|dhcp| !dhcp.value).map(|dhcp| dhcp.span),
        ),
    ];
    for (key, span) in loose {
        if let Some(span) = span {
            let message = format!("`{key}` is said, but not of which link");
            let diagnostic = Diagnostic::error(Code::MISSING_KEY, span, message);
            diagnostics.push(
                diagnostic.help("add `interface = \"eno1\"` or `mac = \"52:54:00:12:34:56\"`"),
            );
        }
    }
    None
}

fn make(
    name: String,
    link: LinkKeys,
    keys: &Keys,
    whom: &Whom<'_>,
    network: &Network,
    diagnostics: &mut Diagnostics,
) -> Link {
    let span = link.name.or_else(|| link.mac.as_ref().map(|mac| mac.span));
    let is_interface = keys
        .interface
        .as_ref()
        .is_some_and(|interface| interface.value == name);
    let origin = link.origin();
    let path = format!("{}.links.{name}", whom.path);
    let addresses = link.addresses.iter();
    Link {
        named: is_interface || link.mac.is_none(),
        addresses: addresses
            .filter_map(|address| with_prefix(address, &path, network, diagnostics))
            .collect(),
        dhcp: link.uses_dhcp(),
        name: Spanned::new(name, span.unwrap_or(whom.span)),
        mac: link.mac,
        bond: link.bond,
        bond_options: link.bond_options,
        vlan: link.vlan,
        mtu: link.mtu.or(network.mtu),
        routes: link.routes,
        vip: false,
        origin,
    }
}

/// An address of a link; one of the nodes' network may leave out its prefix.
fn with_prefix(
    address: &Spanned<LinkAddress>,
    path: &str,
    network: &Network,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<IpNet>> {
    let bare = match address.value {
        LinkAddress::Whole(whole) => return Some(Spanned::new(whole, address.span)),
        LinkAddress::Bare(bare) => bare,
    };
    if !network.nodes.value.contains(&bare) {
        let message = format!("`{path}.address` has no prefix");
        let help = format!(
            "write it like `{bare}/24`: it is not in `network.nodes`, whose prefix is known"
        );
        diagnostics.push(invalid(address.span, message, help));
        return None;
    }
    let whole = IpNet::new(bare, network.nodes.value.prefix_len()).ok()?;
    Some(Spanned::new(whole, address.span))
}

/// The place of the link that carries the node's own address.
fn primary(
    links: &[Link],
    keys: &Keys,
    whom: &Whom<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<usize> {
    let short = match &keys.interface {
        Some(interface) => Some(interface.value.as_str()),
        None => keys.short.mac.as_ref().map(|_| UNNAMED),
    };
    let has_own = |link: &Link| match &whom.address.value {
        Host::Address(own) => link
            .addresses
            .iter()
            .any(|address| address.value.addr() == *own),
        Host::Name(_) => false,
    };
    let is_short = |link: &Link| Some(link.name.value.as_str()) == short;
    let is_free = |link: &Link| !link.dhcp && link.addresses.is_empty();
    let only = |wanted: &dyn Fn(&Link) -> bool| {
        let mut found = (0..links.len()).filter(|index| wanted(&links[*index]));
        found.next().filter(|_| found.next().is_none())
    };
    let static_address = matches!(whom.address.value, Host::Address(_));
    let found = only(&has_own)
        .or_else(|| only(&is_short))
        .or_else(|| only(&|_| true))
        .or_else(|| only(&is_free).filter(|_| static_address))
        .or_else(|| only(&|link| link.dhcp));
    if found.is_none() && !links.is_empty() {
        let names: Vec<&str> = links.iter().map(|link| link.name.value.as_str()).collect();
        let message = format!(
            "it is not clear which link of `{}` has the address `{}`",
            whom.path, whom.address.value
        );
        let help = format!("add it as `address` to one of {}", list(&names));
        diagnostics.push(invalid(whom.address.span, message, help));
    }
    found
}

/// Gives the link what follows from the node and the network: the address, the way out, the shared address.
fn complete(link: &mut Link, whom: &Whom<'_>, network: &Network) {
    link.vip = network.vip.is_some() && whom.role == Role::ControlPlane;
    let Host::Address(own) = whom.address.value else {
        return;
    };
    if link.dhcp {
        return;
    }
    if link
        .addresses
        .iter()
        .all(|address| address.value.addr() != own)
        && let Ok(address) = IpNet::new(own, network.nodes.value.prefix_len())
    {
        link.addresses
            .insert(0, Spanned::new(address, whom.address.span));
        link.origin = link.origin.with(&Origin::at(whom.address.span));
    }
    let Some(gateway) = network.gateway else {
        return;
    };
    if !link
        .routes
        .iter()
        .any(|route| is_default(route, gateway.value))
    {
        link.routes.insert(
            0,
            Route {
                network: None,
                gateway: Some(gateway),
                metric: None,
            },
        );
    }
}

/// Whether it is a default route of the family of `gateway`.
fn is_default(route: &Route, gateway: IpAddr) -> bool {
    let other = |hop: &Spanned<IpAddr>| hop.value.is_ipv4() != gateway.is_ipv4();
    route.network.is_none() && !route.gateway.as_ref().is_some_and(other)
}

fn check(link: &Link, whom: &Whom<'_>, network: &Network, diagnostics: &mut Diagnostics) {
    let v6 = link
        .addresses
        .iter()
        .find(|address| address.value.addr().is_ipv6());
    if let (Some(mtu), Some(v6)) = (link.mtu, v6)
        && mtu.value < LEAST_IPV6
    {
        let message = format!("an MTU of {} is too small for IPv6", mtu.value);
        diagnostics.push(
            Diagnostic::error(Code::LINK_NUMBER, mtu.span, message)
                .label(v6.span, "an IPv6 address on this link")
                .help(format!("IPv6 needs at least {LEAST_IPV6}")),
        );
    }
    for route in &link.routes {
        let Some(gateway) = route.gateway else {
            continue;
        };
        // The gateway of `network` is judged where it is written.
        let own = network
            .gateway
            .is_some_and(|known| known.span == gateway.span);
        let reachable = |address: &Spanned<IpNet>| address.value.contains(&gateway.value);
        if own || link.dhcp || is_link_local(gateway.value) || link.addresses.iter().any(reachable)
        {
            continue;
        }
        let name = &link.name.value;
        let message = format!(
            "next hop `{}` is outside every network of link `{name}` of `{}`",
            gateway.value, whom.path
        );
        let mut diagnostic = Diagnostic::error(Code::OUTSIDE_NETWORK, gateway.span, message)
            .help("a next hop is a neighbour: give the link an address in its network");
        for address in &link.addresses {
            let network = address.value.trunc();
            diagnostic = diagnostic.label(address.span, format!("the link is in {network}"));
        }
        diagnostics.push(diagnostic);
    }
}

/// Whether an address is good for one link only, as an IPv6 router's often is.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
