//! A node's links: to interfaces of the v1alpha1 config, or to the documents of the 1.12 contract and later.
//!
//! Knows no word of the vocabulary: name servers and their like are everybody's and go through [`super::words`].

use std::net::IpAddr;

use super::Target;
use super::patch::{Patch, push, table};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::resolve::lab::{Link, Machine, Network, Route};
use crate::source::{Origin, Spanned};
use crate::value::{Node, Value};

/// Adds the links of a node.
pub(super) fn lower(
    machine: &Machine,
    network: &Network,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    for link in &machine.links {
        let vip = network.vip.as_ref().filter(|_| link.vip);
        let wired = Wired { link, vip, target };
        if target.contract_has(12) {
            wired.documents(patch, diagnostics);
        } else {
            patch.push(
                &["machine", "network", "interfaces"],
                wired.interface(diagnostics),
            );
        }
    }
}

/// A link with what the network says about it.
struct Wired<'a> {
    link: &'a Link,
    vip: Option<&'a Spanned<IpAddr>>,
    target: Target,
}

impl Wired<'_> {
    fn name(&self) -> Node {
        spanned(&self.link.name.value, &self.link.name)
    }

    /// The hardware address, where the link's name is only the lab's own word.
    fn selector(&self) -> Option<&Spanned<String>> {
        self.link.mac.as_ref().filter(|_| !self.link.named)
    }

    /// An entry of `machine.network.interfaces`.
    fn interface(&self, diagnostics: &mut Diagnostics) -> Node {
        let link = self.link;
        let mut entry = Node::new(Value::map(), link.origin.clone());
        match self.selector() {
            Some(mac) => {
                // a VLAN or a bond has its link's address, and is not physical
                let physical = Node::new(true, Origin::at(mac.span));
                let selector = table([
                    ("hardwareAddr", spanned(&mac.value, mac)),
                    ("physical", physical),
                ]);
                entry.insert("deviceSelector", selector);
            }
            None => drop(entry.insert("interface", self.name())),
        }
        if !link.bond.is_empty() {
            entry.insert("bond", self.old_bond(diagnostics));
        }
        if let Some(mtu) = &self.link.mtu {
            entry.insert("mtu", number(mtu));
        }
        match &link.vlan {
            Some(vlan) => {
                let mut below = table([("vlanId", number(vlan))]);
                if let Some(mtu) = &self.link.mtu {
                    below.insert("mtu", number(mtu));
                }
                self.old_addressing(&mut below);
                entry.insert("vlans", Node::new(vec![below], Origin::at(vlan.span)));
            }
            None => self.old_addressing(&mut entry),
        }
        entry
    }

    fn old_addressing(&self, entry: &mut Node) {
        let link = self.link;
        if link.dhcp {
            entry.insert("dhcp", Node::new(true, link.origin.clone()));
        }
        for address in &link.addresses {
            push(
                entry,
                &["addresses"],
                spanned(&address.value.to_string(), address),
            );
        }
        for route in &link.routes {
            push(entry, &["routes"], old_route(route, &link.origin));
        }
        if let Some(vip) = self.vip {
            entry.insert("vip", table([("ip", spanned(&vip.value.to_string(), vip))]));
        }
    }

    fn old_bond(&self, diagnostics: &mut Diagnostics) -> Node {
        let mut bond = Node::new(Value::map(), self.link.origin.clone());
        let by_address = self.link.bond.iter().any(|member| is_mac(&member.value));
        for member in &self.link.bond {
            let node = spanned(&member.value, member);
            if by_address {
                push(
                    &mut bond,
                    &["deviceSelectors"],
                    table([("permanentAddr", node)]),
                );
            } else {
                push(&mut bond, &["interfaces"], node);
            }
        }
        if by_address
            && let Some(member) = self.link.bond.iter().find(|member| !is_mac(&member.value))
        {
            let message = format!(
                "the bond `{}` has members by name and by address",
                self.link.name.value
            );
            diagnostics.push(
                Diagnostic::error(Code::TALOS_CONTRACT, member.span, message)
                    .here("this one is named")
                    .help(format!(
                        "contract {} takes either names or addresses",
                        self.target.contract
                    )),
            );
        }
        for (option, node) in self.options() {
            if self.known_option(option, &node, diagnostics).is_some() {
                bond.insert(option, node);
            }
        }
        if bond.get("mode").is_none() {
            bond.insert("mode", Node::new(DEFAULT_MODE, self.link.origin.clone()));
        }
        bond
    }

    fn options(&self) -> Vec<(&str, Node)> {
        let table = self.link.bond_options.as_ref().and_then(Node::as_map);
        let entries = table.into_iter().flatten();
        entries
            .map(|(option, entry)| (option.as_str(), entry.node.clone()))
            .collect()
    }

    /// The name of a bond option in documents, after a report of one that does not exist.
    fn known_option(
        &self,
        option: &str,
        node: &Node,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'static str> {
        let known = BOND_OPTIONS.iter().find(|(old, _)| *old == option);
        if known.is_none() {
            let names = BOND_OPTIONS.iter().map(|(old, _)| *old);
            let message = format!("unknown bond option `{option}`");
            diagnostics.push(
                Diagnostic::error(Code::UNKNOWN_TALOS_FIELD, node.origin.first(), message)
                    .maybe_help(did_you_mean(option, names)),
            );
        }
        known.map(|(_, new)| *new)
    }

    /// The documents of a link: what names it, what it is, and what runs on it.
    fn documents(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        let link = self.link;
        let name = link.name.value.as_str();
        if let Some(mac) = self.selector() {
            alias(name, mac, patch);
        }
        let kind = if link.bond.is_empty() {
            "LinkConfig"
        } else {
            "BondConfig"
        };
        let document = patch.document(kind, Some(name), &link.origin);
        document.insert("up", Node::new(true, link.origin.clone()));
        if let Some(mtu) = &self.link.mtu {
            document.insert("mtu", number(mtu));
        }
        if kind == "BondConfig" {
            self.bond(patch, diagnostics);
        }
        let Some(vlan) = &link.vlan else {
            self.addressing(kind, name, patch);
            return;
        };
        let vlan_name = vlan_name(name, vlan.value);
        let document = patch.document("VLANConfig", Some(&vlan_name), &Origin::at(vlan.span));
        document.insert("vlanID", number(vlan));
        document.insert("parent", self.name());
        document.insert("up", Node::new(true, Origin::at(vlan.span)));
        if let Some(mtu) = &self.link.mtu {
            document.insert("mtu", number(mtu));
        }
        self.addressing("VLANConfig", &vlan_name, patch);
    }

    fn addressing(&self, kind: &'static str, name: &str, patch: &mut Patch) {
        let link = self.link;
        let document = patch.document(kind, Some(name), &link.origin);
        for address in &link.addresses {
            let node = table([("address", spanned(&address.value.to_string(), address))]);
            push(document, &["addresses"], node);
        }
        for route in &link.routes {
            push(document, &["routes"], new_route(route, &link.origin));
        }
        if link.dhcp {
            patch.document("DHCPv4Config", Some(name), &link.origin);
        }
        if let Some(vip) = self.vip {
            let address = vip.value.to_string();
            let document = patch.document("Layer2VIPConfig", Some(&address), &Origin::at(vip.span));
            document.insert("link", Node::new(name, Origin::at(link.name.span)));
        }
    }

    fn bond(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        let name = self.link.name.value.as_str();
        let mut members = Vec::new();
        for member in &self.link.bond {
            let mut called = member.value.clone();
            if is_mac(&member.value) {
                called = format!("m{}", member.value.replace(':', ""));
                alias(&called, member, patch);
            }
            members.push(Node::new(called, Origin::at(member.span)));
        }
        let options = self.options();
        let document = patch.document("BondConfig", Some(name), &self.link.origin);
        document.insert("links", Node::new(members, self.link.origin.clone()));
        for (option, node) in options {
            let Some(field) = self.known_option(option, &node, diagnostics) else {
                continue;
            };
            if field.is_empty() {
                let word = format!("links.{name}.{option}");
                let help = "leave it out: Talos chooses";
                diagnostics.push(self.target.no_place(&word, &node.origin, help));
            } else {
                document.insert(field, node);
            }
        }
        if document.get("bondMode").is_none() {
            document.insert(
                "bondMode",
                Node::new(DEFAULT_MODE, self.link.origin.clone()),
            );
        }
    }
}

/// Kubernetes' nodes live on one network: the mode that works with every switch.
const DEFAULT_MODE: &str = "active-backup";

/// Bond options as the v1alpha1 config and as `BondConfig` call them; empty where there is none.
const BOND_OPTIONS: [(&str, &str); 25] = [
    ("mode", "bondMode"),
    ("xmitHashPolicy", "xmitHashPolicy"),
    ("lacpRate", "lacpRate"),
    ("miimon", "miimon"),
    ("updelay", "updelay"),
    ("downdelay", "downdelay"),
    ("useCarrier", "useCarrier"),
    ("arpInterval", "arpInterval"),
    ("arpValidate", "arpValidate"),
    ("arpAllTargets", "arpAllTargets"),
    ("primary", ""),
    ("primaryReselect", "primaryReselect"),
    ("failOverMac", "failOverMac"),
    ("adSelect", "adSelect"),
    ("adActorSysPrio", "adActorSysPrio"),
    ("adUserPortKey", "adUserPortKey"),
    ("resendIgmp", "resendIGMP"),
    ("minLinks", "minLinks"),
    ("lpInterval", "lpInterval"),
    ("packetsPerSlave", "packetsPerSlave"),
    ("numPeerNotif", "numPeerNotif"),
    ("tlbDynamicLb", "tlbLogicalLb"),
    ("allSlavesActive", "allSlavesActive"),
    ("peerNotifyDelay", "peerNotifDelay"),
    ("adActorSystem", ""),
];

/// A document that gives the link with this hardware address a name.
fn alias(name: &str, mac: &Spanned<String>, patch: &mut Patch) {
    let origin = Origin::at(mac.span);
    let expression = format!("mac(link.permanent_addr) == \"{}\"", mac.value);
    let selector = table([("match", Node::new(expression, origin.clone()))]);
    patch
        .document("LinkAliasConfig", Some(name), &origin)
        .insert("selector", selector);
}

/// The name of a VLAN's link: Linux takes 15 characters.
fn vlan_name(parent: &str, vlan: u16) -> String {
    let name = format!("{parent}.{vlan}");
    if name.len() <= 15 {
        name
    } else {
        format!("vlan{vlan}")
    }
}

fn is_mac(text: &str) -> bool {
    text.contains(':')
}

fn spanned<T>(text: &str, place: &Spanned<T>) -> Node {
    Node::new(text, Origin::at(place.span))
}

fn number(value: &Spanned<u16>) -> Node {
    Node::new(i64::from(value.value), Origin::at(value.span))
}

fn old_route(route: &Route, origin: &Origin) -> Node {
    let is_v6 = route
        .gateway
        .as_ref()
        .is_some_and(|gateway| gateway.value.is_ipv6());
    let network = match &route.network {
        Some(network) => spanned(&network.value.to_string(), network),
        None => {
            let gateway = route
                .gateway
                .as_ref()
                .map(|gateway| Origin::at(gateway.span));
            let origin = gateway.unwrap_or_else(|| origin.clone());
            Node::new(if is_v6 { "::/0" } else { "0.0.0.0/0" }, origin)
        }
    };
    let mut entry = table([("network", network)]);
    finish_route(&mut entry, route);
    entry
}

/// A default route has no destination here.
fn new_route(route: &Route, origin: &Origin) -> Node {
    let mut entry = Node::new(Value::map(), origin.clone());
    let network = route
        .network
        .as_ref()
        .filter(|network| network.value.prefix_len() > 0);
    if let Some(network) = network {
        entry.insert("destination", spanned(&network.value.to_string(), network));
    }
    finish_route(&mut entry, route);
    entry
}

fn finish_route(entry: &mut Node, route: &Route) {
    if let Some(gateway) = &route.gateway {
        entry.insert("gateway", spanned(&gateway.value.to_string(), gateway));
    }
    if let Some(metric) = &route.metric {
        entry.insert("metric", Node::new(metric.value, Origin::at(metric.span)));
    }
}
