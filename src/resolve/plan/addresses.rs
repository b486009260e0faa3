//! The address book of a lab: who owns which address, and what is free for load balancers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Sections, pools};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{IpNet, IpRange};
use crate::resolve::lab::{Host, Machine, Network};
use crate::source::{Sources, Span, Spanned};

/// An address and who has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The address.
    pub address: IpAddr,
    /// Who has it, as its path in `lab.toml`: `nodes.cp-1`, `network.gateway`, `apps.smtp-relay`.
    pub owner: String,
    /// Where that is written.
    pub span: Span,
    /// Whether it was claimed of a load balancer, rather than being a host's own.
    pub claimed: bool,
    /// Where the lab says the value that an expression at `span` reads.
    pub source: Option<Span>,
}

/// A component's claim of an address of the load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address, or nothing where any one will do.
    pub address: Option<IpAddr>,
    /// Who claims it, as its path in `lab.toml`: `apps.smtp-relay`.
    pub owner: String,
    /// Where the claim is written.
    pub span: Span,
    /// Where the lab says the value that an expression at `span` reads.
    pub source: Option<Span>,
}

/// Every owner of every address, and the ranges that load balancers take theirs from.
#[derive(Clone, Debug)]
pub struct AddressPlan {
    /// The owners by address; those of one address in the order in which they are written.
    pub owners: Vec<Owner>,
    /// Who claims an address of the load balancer without saying which.
    pub(super) anywhere: Vec<Claim>,
    /// `network.load_balancer`.
    pub(super) pools: Vec<Spanned<IpRange>>,
    /// `network.nodes`.
    pub(super) nodes: Spanned<IpNet>,
    /// Whether all of `[network]` could be read: if not, nobody knows what is missing from it.
    pub(super) complete: bool,
}

impl AddressPlan {
    /// The book of gateway, shared address, machines and reserved hosts.
    pub fn new(sections: &Sections) -> Self {
        let network = &sections.network;
        let mut owners = hosts(network);
        owners.extend(sections.machines.values().flat_map(of_machine));
        owners.sort_by_key(|owner| (owner.address, owner.span));
        AddressPlan {
            owners,
            anywhere: Vec::new(),
            pools: network.load_balancer.clone(),
            nodes: network.nodes,
            complete: sections.network_complete,
        }
    }

    /// Enters a claim; [`AddressPlan::check`] judges it.
    pub fn claim(&mut self, claim: Claim) {
        let Some(address) = claim.address else {
            self.anywhere.push(claim);
            return;
        };
        let owner = Owner {
            address,
            owner: claim.owner,
            span: claim.span,
            claimed: true,
            source: claim.source,
        };
        let key = (address, owner.span);
        let place = self
            .owners
            .partition_point(|owner| (owner.address, owner.span) < key);
        if self.owners.get(place) != Some(&owner) {
            self.owners.insert(place, owner);
        }
    }

    /// What nobody owns of the load balancers' ranges, in order.
    pub fn free(&self) -> Vec<IpRange> {
        let pools = self.pools.iter();
        pools
            .flat_map(|pool| pool.value.without(self.taken()))
            .collect()
    }

    /// Reports addresses with two owners, ranges that cover hosts, and claims that no range can answer.
    ///
    /// `announces_on_layer2` says how the lab's load balancer makes its addresses known: by answering for them in the
    /// nodes' network (true), or by routes (BGP; false). Call it also where a component could not be read: most of
    /// what it finds is about hosts.
    pub fn check(
        &self,
        announces_on_layer2: bool,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) {
        self.check_twice(diagnostics);
        pools::check(self, announces_on_layer2, sources, diagnostics);
    }

    /// Every owned address, and those of the nodes' network that no host can have.
    pub(super) fn taken(&self) -> impl Iterator<Item = IpRange> {
        let owned = self.owners.iter().map(|owner| owner.address);
        owned.chain(self.ends()).map(IpRange::one)
    }

    /// The first and the last address of an IPv4 network of nodes.
    pub(super) fn ends(&self) -> Vec<IpAddr> {
        let nodes = &self.nodes.value;
        if nodes.addr().is_ipv4() && nodes.prefix_len() < 31 {
            vec![nodes.network(), nodes.broadcast()]
        } else {
            Vec::new()
        }
    }

    /// Whether a load balancer may hand the address out.
    pub(super) fn in_pool(&self, address: IpAddr) -> bool {
        self.pools.iter().any(|pool| pool.value.contains(address))
    }

    fn check_twice(&self, diagnostics: &mut Diagnostics) {
        let mut by_address: BTreeMap<IpAddr, Vec<&Owner>> = BTreeMap::new();
        for owner in &self.owners {
            // A claim outside every range has its own message.
            if !owner.claimed || self.in_pool(owner.address) {
                by_address.entry(owner.address).or_default().push(owner);
            }
        }
        let mut free = self.free_hosts();
        for owners in by_address.values() {
            let [first, others @ ..] = owners.as_slice() else {
                continue;
            };
            for other in others {
                if !is_router(first, other) {
                    let next = match other.claimed {
                        true => pools::offer(self, other.address, &BTreeSet::new()),
                        false => free.next(),
                    };
                    diagnostics.push(twice(first, other, next));
                }
            }
        }
    }

    /// Addresses of the nodes' network that a host can take: those above every host first.
    fn free_hosts(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let nodes = IpRange::of(&self.nodes.value);
        let hosts = self.owners.iter().filter(|owner| !owner.claimed);
        let hosts = hosts
            .map(|owner| owner.address)
            .filter(|host| nodes.contains(*host));
        let upper = IpRange {
            first: hosts.max().unwrap_or(nodes.first),
            last: nodes.last,
        };
        let pools = self.pools.iter().map(|pool| pool.value);
        let taken: Vec<IpRange> = self
            .taken()
            .chain(pools)
            .chain([IpRange::one(nodes.first)])
            .collect();
        let above = upper.without(taken.iter().copied());
        let below = nodes.without(taken.into_iter().chain([upper]));
        above
            .into_iter()
            .chain(below)
            .flat_map(|range| range.iter())
    }
}

/// Whether the two are the router, which may be a reserved host by its name as well.
fn is_router(one: &Owner, other: &Owner) -> bool {
    let is = |owner: &Owner, path: &str| owner.owner.starts_with(path);
    let pair = |one, other| is(one, "network.gateway") && is(other, "network.reserved.");
    pair(one, other) || pair(other, one)
}

fn twice(first: &Owner, other: &Owner, next: Option<IpAddr>) -> Diagnostic {
    let message = format!("address `{}` has two owners", other.address);
    let diagnostic = Diagnostic::error(Code::ADDRESS_TWICE, other.span, message)
        .here(format!("`{}`", other.owner))
        .label(other.source, "its value is said here");
    let diagnostic = if first.span == other.span {
        diagnostic.note(format!(
            "the other one is `{}`, by the same line",
            first.owner
        ))
    } else {
        diagnostic.label(first.span, format!("`{}`", first.owner))
    };
    diagnostic.maybe_help(next.map(|next| format!("take a free one: {next}")))
}

fn hosts(network: &Network) -> Vec<Owner> {
    let host = |path: String, host: &Spanned<IpAddr>| Owner {
        address: host.value,
        owner: path,
        span: host.span,
        claimed: false,
        source: None,
    };
    let gateway = network.gateway.iter();
    let gateway = gateway.map(|gateway| host("network.gateway".to_owned(), gateway));
    let vip = network
        .vip
        .iter()
        .map(|vip| host("network.vip".to_owned(), vip));
    let reserved = network.reserved.iter();
    let reserved = reserved.map(|(name, found)| host(format!("network.reserved.{name}"), found));
    gateway.chain(vip).chain(reserved).collect()
}

/// The addresses of a machine: its own, then those of its links.
fn of_machine(machine: &Machine) -> Vec<Owner> {
    let path = format!("nodes.{}", machine.name.value);
    let owner = |address: IpAddr, owner: String, span: Span| Owner {
        address,
        owner,
        span,
        claimed: false,
        source: None,
    };
    let mut owners = Vec::new();
    let own = match machine.address.value {
        Host::Address(address) => Some(address),
        Host::Name(_) => None,
    };
    if let Some(address) = own {
        owners.push(owner(address, path.clone(), machine.address.span));
    }
    for link in &machine.links {
        for address in &link.addresses {
            if Some(address.value.addr()) != own {
                let path = format!("{path}.links.{}", link.name.value);
                owners.push(owner(address.value.addr(), path, address.span));
            }
        }
    }
    owners
}
