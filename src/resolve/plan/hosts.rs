//! The hosts of a lab, one by one: whether each address is of its network and usable, each MAC address of one link.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::links::is_link_local;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{IpNet, nth_address};
use crate::resolve::lab::{Host, Link, Machine, Network, NodeName};
use crate::source::{Span, Spanned};

/// Checks gateway, shared address and machines.
pub(super) fn check(
    network: &Network,
    machines: &BTreeMap<NodeName, Machine>,
    diagnostics: &mut Diagnostics,
) {
    if let Some(gateway) = &network.gateway
        && !(gateway.value.is_ipv6() && is_link_local(gateway.value))
    {
        check_address("network.gateway", gateway, &network.nodes, diagnostics);
    }
    if let Some(vip) = &network.vip {
        check_address("network.vip", vip, &network.nodes, diagnostics);
    }
    for machine in machines.values() {
        check_machine(machine, network, diagnostics);
    }
    check_names(machines, diagnostics);
    check_macs(machines, diagnostics);
    check_way_out(network, machines, diagnostics);
}

fn check_machine(machine: &Machine, network: &Network, diagnostics: &mut Diagnostics) {
    let path = format!("nodes.{}", machine.name.value);
    if let Host::Address(address) = machine.address.value {
        let address = Spanned::new(address, machine.address.span);
        check_address(
            &format!("{path}.address"),
            &address,
            &network.nodes,
            diagnostics,
        );
    }
    for link in &machine.links {
        for address in &link.addresses {
            if address.span == machine.address.span {
                continue;
            }
            let path = format!("{path}.links.{}.address", link.name.value);
            check_usable(
                &path,
                address.value.addr(),
                address.span,
                &address.value,
                diagnostics,
            );
        }
    }
}

/// Checks that an address is one of the nodes' network that a host can have.
fn check_address(
    path: &str,
    address: &Spanned<IpAddr>,
    nodes: &Spanned<IpNet>,
    diagnostics: &mut Diagnostics,
) {
    if nodes.value.contains(&address.value) {
        check_usable(path, address.value, address.span, &nodes.value, diagnostics);
        return;
    }
    let message = format!("`{path}` is outside `network.nodes`");
    diagnostics.push(
        Diagnostic::error(Code::OUTSIDE_NETWORK, address.span, message)
            .here(format!("not in {}", nodes.value))
            .label(nodes.span, "the network that nodes, gateway and vip share"),
    );
}

/// Checks that a host can have an address of `network`.
fn check_usable(
    path: &str,
    address: IpAddr,
    span: Span,
    network: &IpNet,
    diagnostics: &mut Diagnostics,
) {
    let Some(what) = unusable(address, network) else {
        return;
    };
    let message = format!("`{path}` is `{address}`, which no host can have");
    diagnostics.push(Diagnostic::error(Code::UNUSABLE_ADDRESS, span, message).here(what));
}

/// Why no host of `network` can have `address`, if that is so.
pub(super) fn unusable(address: IpAddr, network: &IpNet) -> Option<String> {
    if address.is_ipv4() && network.prefix_len() < 31 {
        if address == network.network() {
            return Some(format!(
                "the first address of {} names the network",
                network.trunc()
            ));
        }
        if address == network.broadcast() {
            return Some(format!(
                "the last address of {} is for broadcasts",
                network.trunc()
            ));
        }
    }
    if address.is_unspecified() {
        return Some("this stands for no address".to_owned());
    }
    if address.is_loopback() {
        return Some("every host reaches itself by this address".to_owned());
    }
    address
        .is_multicast()
        .then(|| "this is a multicast address".to_owned())
}

/// Checks that no two machines have one host name as their address.
fn check_names(machines: &BTreeMap<NodeName, Machine>, diagnostics: &mut Diagnostics) {
    let mut names: BTreeMap<&str, &Machine> = BTreeMap::new();
    for machine in in_order(machines) {
        let Host::Name(name) = &machine.address.value else {
            continue;
        };
        let first = *names.entry(name).or_insert(machine);
        if first.name != machine.name {
            let message = format!("`{name}` is the address of two nodes");
            diagnostics.push(
                Diagnostic::error(Code::ADDRESS_TWICE, machine.address.span, message)
                    .here(format!("`nodes.{}`", machine.name.value))
                    .label(first.address.span, format!("`nodes.{}`", first.name.value))
                    .help("one name leads to one machine: give each its own"),
            );
        }
    }
}

/// Checks that no two links have one hardware address, but for VLANs on one link of one machine.
fn check_macs(machines: &BTreeMap<NodeName, Machine>, diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<&str, (&Machine, &Link, Span)> = BTreeMap::new();
    for machine in in_order(machines) {
        for link in &machine.links {
            let members = link.bond.iter().filter(|member| member.value.contains(':'));
            for mac in link.mac.iter().chain(members) {
                let (first, other, span) = *owners
                    .entry(&mac.value)
                    .or_insert((machine, link, mac.span));
                let is_first = first.name == machine.name && other.name == link.name;
                let is_vlan = first.name == machine.name && other.vlan != link.vlan;
                if is_first || is_vlan {
                    continue;
                }
                let message = format!("MAC address `{}` is used twice", mac.value);
                let mut diagnostic = Diagnostic::error(Code::MAC_TWICE, mac.span, message)
                    .here(of_link(machine, link));
                if span == mac.span {
                    diagnostic =
                        diagnostic.note(format!("it is also that of {}", of_link(first, other)));
                } else {
                    diagnostic = diagnostic.label(span, of_link(first, other));
                }
                diagnostics.push(
                    diagnostic.help("`talosctl get links` shows the MAC addresses of a node"),
                );
            }
        }
    }
}

fn of_link(machine: &Machine, link: &Link) -> String {
    if machine.links.len() == 1 {
        format!("`nodes.{}`", machine.name.value)
    } else {
        format!(
            "link `{}` of `nodes.{}`",
            link.name.value, machine.name.value
        )
    }
}

/// Warns about nodes with static addresses and no default route.
fn check_way_out(
    network: &Network,
    machines: &BTreeMap<NodeName, Machine>,
    diagnostics: &mut Diagnostics,
) {
    let is_stuck = |machine: &&Machine| {
        let leads_out =
            |link: &Link| link.dhcp || link.routes.iter().any(|route| route.network.is_none());
        !machine.links.is_empty() && !machine.links.iter().any(leads_out)
    };
    if network.gateway.is_some() {
        return;
    }
    let stuck: Vec<&Machine> = in_order(machines).into_iter().filter(is_stuck).collect();
    let router = nth_address(&network.nodes.value, 1);
    if let Some(first) = stuck.first() {
        let message = format!(
            "`network.gateway` is missing: {} with a static address {} no way out",
            if stuck.len() == 1 {
                "a node".to_owned()
            } else {
                format!("{} nodes", stuck.len())
            },
            if stuck.len() == 1 { "has" } else { "have" },
        );
        diagnostics.push(
            Diagnostic::warning(Code::MISSING_KEY, network.nodes.span, message)
                .here("their network")
                .label(first.address.span, "a static address")
                .maybe_help(router.map(|router| format!("write it like `gateway = \"{router}\"`"))),
        );
    }
}

/// The machines in the order in which they are written.
fn in_order(machines: &BTreeMap<NodeName, Machine>) -> Vec<&Machine> {
    let mut machines: Vec<&Machine> = machines.values().collect();
    machines.sort_by_key(|machine| machine.span);
    machines
}
