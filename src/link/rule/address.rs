//! Addresses that manifests ask a load balancer for lie in its ranges and have no other owner.
//!
//! Those that `lab.toml` gives out are judged with the network plan; what is written into a manifest is judged here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::diag::{Code, Diagnostics};
use crate::link::index::{Index, Place};
use crate::link::read;
use crate::link::reference::Reference;

/// The annotations by which load balancers are told the address of a Service: MetalLB's, Cilium's, kube-vip's.
const ANNOTATIONS: [&str; 5] = [
    "io.cilium/lb-ipam-ips",
    "kube-vip.io/loadbalancerIPs",
    "lbipam.cilium.io/ips",
    "metallb.io/loadBalancerIPs",
    "metallb.universe.tf/loadBalancerIPs",
];

/// The annotations by which Services may have one address together.
const SHARING: [&str; 4] = [
    "io.cilium/lb-ipam-sharing-key",
    "lbipam.cilium.io/sharing-key",
    "metallb.io/allow-shared-ip",
    "metallb.universe.tf/allow-shared-ip",
];

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<IpAddr, Place<'_>> = BTreeMap::new();
    for from in index.of_kind("", "Service") {
        let annotations = ANNOTATIONS
            .iter()
            .filter_map(|key| read::annotation(from.node(), key));
        let field = read::one(from.node(), "spec.loadBalancerIP");
        for node in annotations.chain(field) {
            for text in node.as_str().unwrap_or_default().split(',') {
                if let Ok(address) = text.trim().parse() {
                    judge(
                        index,
                        Reference { from, node },
                        address,
                        &mut owners,
                        diagnostics,
                    );
                }
            }
        }
    }
}

fn judge<'a>(
    index: &Index<'a>,
    reference: Reference<'a>,
    address: IpAddr,
    owners: &mut BTreeMap<IpAddr, Place<'a>>,
    diagnostics: &mut Diagnostics,
) {
    let plan = &index.lab.addresses;
    let from = plan.owners.partition_point(|owner| owner.address < address);
    let owner = plan
        .owners
        .get(from)
        .filter(|owner| owner.address == address);
    let is_own_claim = |span| reference.node.origin.spans().contains(&span);
    match owner {
        // The network plan has judged it.
        Some(owner) if owner.claimed && is_own_claim(owner.span) => return,
        Some(owner) => {
            let message = format!("address `{address}` has two owners");
            diagnostics.push(
                index
                    .error(Code::ADDRESS_TWICE, reference, message)
                    .label(owner.span, format!("`{}` has it", owner.owner)),
            );
            return;
        }
        None => {}
    }
    let ranges = &index.lab.sections.network.load_balancer;
    let is_inside = ranges.iter().any(|range| range.value.contains(address));
    if !is_inside && index.lab.sections.network_complete {
        let list: Vec<String> = ranges.iter().map(|range| range.value.to_string()).collect();
        let message = format!("address `{address}` is outside every load balancer range");
        let diagnostic = index.error(Code::OUTSIDE_POOL, reference, message);
        diagnostics.push(match list.as_slice() {
            [] => diagnostic.note("`network.load_balancer` is empty"),
            list => diagnostic.note(format!("`network.load_balancer` is {}", list.join(", "))),
        });
    }
    let shares = |place: Place<'_>| {
        let mut keys = SHARING.iter();
        keys.any(|key| read::annotation(place.node(), key).is_some())
    };
    let first = *owners.entry(address).or_insert(reference.from);
    let is_other = first.resource.id != reference.from.resource.id;
    if is_other && !(shares(first) && shares(reference.from)) {
        let message = format!("address `{address}` has two owners");
        diagnostics.push(index.error(Code::ADDRESS_TWICE, reference, message).label(
            index.name_span(first),
            format!("{} has it", first.resource.id),
        ));
    }
}
