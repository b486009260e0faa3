//! `[network]` to a [`Network`].

use std::net::IpAddr;

use super::read::{invalid, required};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{IpNet, IpRange, check_host, nth_address, parse_address, parse_network};
use crate::parse::table::{Decode, OneOrMany, Table, parse_string};
use crate::resolve::lab::Network;
use crate::source::Spanned;
use crate::value::{Node, Value};

/// Which address of the Services' network cluster DNS has: Kubernetes' convention, and Talos' default.
const DNS_OFFSET: u128 = 10;

/// The network's plan as written; how its parts fit each other is checked elsewhere.
pub(super) fn read(mut table: Table<'_>, diagnostics: &mut Diagnostics) -> Option<Network> {
    let nodes = required(&mut table, "nodes", "\"192.168.1.0/24\"", diagnostics);
    let gateway = table.optional("gateway", diagnostics);
    let vip = table.optional("vip", diagnostics);
    let load_balancer: OneOrMany<Spanned<Pool>> = table.or_default("load_balancer", diagnostics);
    let reserved = table.or_default("reserved", diagnostics);
    let pods = families(&mut table, "pods", diagnostics);
    let services = families(&mut table, "services", diagnostics);
    let dns = table.optional("dns", diagnostics);
    let nameservers: OneOrMany<_> = table.or_default("nameservers", diagnostics);
    let search: OneOrMany<Spanned<HostName>> = table.or_default("search", diagnostics);
    let ntp: OneOrMany<Spanned<TimeServer>> = table.or_default("ntp", diagnostics);
    let mtu = table.optional::<Spanned<Mtu>>("mtu", diagnostics);
    let node_ports =
        required::<Spanned<Ports>>(&mut table, "node_ports", "\"30000-32767\"", diagnostics);
    table.finish(diagnostics);
    let services = services?;
    Some(Network {
        nodes: block(nodes?),
        gateway,
        vip,
        load_balancer: each(load_balancer, |Pool(range)| range),
        reserved,
        pods: pods?,
        dns: dns.or_else(|| derived_dns(&services, diagnostics))?,
        services,
        nameservers: nameservers.0,
        search: each(search, |HostName(name)| name),
        ntp: each(ntp, |TimeServer(name)| name),
        mtu: mtu.map(|mtu| mtu.map(|Mtu(mtu)| mtu)),
        node_ports: node_ports?.map(|Ports(first, last)| (first, last)),
    })
}

fn each<T, U>(list: OneOrMany<Spanned<T>>, open: impl Fn(T) -> U) -> Vec<Spanned<U>> {
    list.0.into_iter().map(|item| item.map(&open)).collect()
}

fn block(block: Spanned<Block>) -> Spanned<IpNet> {
    block.map(|Block(network)| network)
}

/// One network, or one of each family.
fn families(
    table: &mut Table<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Spanned<IpNet>>> {
    let path = table.path_of(key);
    let node = table.node(key);
    if let Some(node) = node.filter(|node| node.as_list().is_some_and(<[Node]>::is_empty)) {
        let help = "it is one network, or one for IPv4 and one for IPv6";
        let message = format!("`{path}` has no network");
        diagnostics.push(invalid(node.origin.first(), message, help));
    }
    let list: OneOrMany<Spanned<Block>> = required(table, key, "\"10.0.0.0/16\"", diagnostics)?;
    let list: Vec<Spanned<IpNet>> = list.0.into_iter().map(block).collect();
    if let [first, second] = list.as_slice()
        && family(&first.value) == family(&second.value)
    {
        let message = format!("`{path}` has two networks of one family");
        let help = "it is one network, or one for IPv4 and one for IPv6";
        diagnostics.push(invalid(second.span, message, help).label(first.span, "the first one"));
        return None;
    }
    if let Some(third) = list.get(2) {
        let message = format!("`{path}` has more than two networks");
        let help = "it is one network, or one for IPv4 and one for IPv6";
        diagnostics.push(invalid(third.span, message, help));
        return None;
    }
    (!list.is_empty()).then_some(list)
}

/// The word for a network's family.
pub(super) fn family(network: &IpNet) -> &'static str {
    if network.addr().is_ipv4() {
        "IPv4"
    } else {
        "IPv6"
    }
}

fn derived_dns(
    services: &[Spanned<IpNet>],
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<IpAddr>> {
    let first = services.first()?;
    let address = nth_address(&first.value, DNS_OFFSET);
    if address.is_none() {
        let message = "`network.services` has no address for cluster DNS";
        diagnostics.push(
            Diagnostic::error(Code::DNS_OUTSIDE_SERVICES, first.span, message)
                .here("cluster DNS is the tenth address")
                .help("take a larger network, or set `network.dns`"),
        );
    }
    Some(Spanned::new(address?, first.span))
}

/// A network whose host bits are zero.
pub(super) struct Block(pub(super) IpNet);

impl Decode for Block {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let network = parse_string(node, path, diagnostics, parse_network)?;
        check_host_bits(node, path, &network, diagnostics);
        Some(Block(network.trunc()))
    }
}

/// Reports a network that is written with an address inside it.
fn check_host_bits(node: &Node, path: &str, network: &IpNet, diagnostics: &mut Diagnostics) {
    let right = network.trunc();
    if *network != right {
        let message = format!("`{path}` is an address with a prefix, not a network");
        diagnostics.push(
            Diagnostic::error(Code::HOST_BITS, node.origin.first(), message)
                .here("it has host bits set")
                .help(format!("the network that it lies in is `{right}`")),
        );
    }
}

/// A range of addresses; as a CIDR, one without host bits.
struct Pool(IpRange);

impl Decode for Pool {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let range = parse_string(node, path, diagnostics, IpRange::parse)?;
        let written = node.as_str().and_then(|text| parse_network(text).ok());
        if let Some(network) = written {
            check_host_bits(node, path, &network, diagnostics);
        }
        Some(Pool(range))
    }
}

/// A DNS name that is no address with a typing error.
pub(super) struct HostName(pub(super) String);

impl HostName {
    /// The host of a name.
    ///
    /// # Errors
    /// A phrase that names the rule.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let last = text.rsplit('.').next().unwrap_or_default();
        if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("an address has four numbers from 0 to 255".to_owned());
        }
        if text.starts_with('*') {
            return Err("this names one host, without `*`".to_owned());
        }
        check_host(text).map(|()| HostName(text.to_owned()))
    }
}

impl Decode for HostName {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, HostName::parse)
    }
}

/// A time server, by name or address.
struct TimeServer(String);

impl Decode for TimeServer {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_string(node, path, diagnostics, |text| {
            if parse_address(text).is_err() {
                HostName::parse(text)?;
            }
            Ok(TimeServer(text.to_owned()))
        })
    }
}

/// The size of the largest packet of a link, in bytes.
pub(super) struct Mtu(pub(super) u16);

impl Decode for Mtu {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let help =
            "an MTU is 576 to 9216 bytes; most networks have 1500, or 9000 with jumbo frames";
        number(node, path, 576..=9216, help, diagnostics).map(Mtu)
    }
}

/// The number of a VLAN.
pub(super) struct Vlan(pub(super) u16);

impl Decode for Vlan {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let help = "a VLAN has a number from 1 to 4094; leave the key out for untagged frames";
        number(node, path, 1..=4094, help, diagnostics).map(Vlan)
    }
}

fn number(
    node: &Node,
    path: &str,
    range: std::ops::RangeInclusive<u16>,
    help: &str,
    diagnostics: &mut Diagnostics,
) -> Option<u16> {
    let number = i64::decode(node, path, diagnostics)?;
    let value = u16::try_from(number).ok();
    let value = value.filter(|value| range.contains(value));
    if value.is_none() {
        let message = format!("`{path}` cannot be {number}");
        diagnostics
            .push(Diagnostic::error(Code::LINK_NUMBER, node.origin.first(), message).help(help));
    }
    value
}

/// The first and the last port of a range.
struct Ports(u16, u16);

impl Decode for Ports {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = match &node.value {
            Value::Str(text) => text.to_string(),
            _ => String::decode(node, path, diagnostics)?,
        };
        let ends = text.split_once('-');
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let ends = ends.and_then(|(first, last)| Some((port(first)?, port(last)?)));
        match ends {
            Some((first, last)) if first < last => Some(Ports(first, last)),
            _ => {
                let message = format!("`{path}` cannot be `{text}`");
                diagnostics.push(
                    Diagnostic::error(Code::NODE_PORT, node.origin.first(), message)
                        .help("a range of ports is like `30000-32767`, the lower one first"),
                );
                None
            }
        }
    }
}
