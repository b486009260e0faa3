//! The ranges of `network.load_balancer` against the address book: what they cover, and who wants what of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::addresses::{AddressPlan, Owner};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::IpRange;
use crate::source::{Sources, Spanned};

/// How many free ranges a message offers.
const OFFERED: usize = 3;

/// Checks the ranges, then the claims.
pub(super) fn check(
    plan: &AddressPlan,
    announces_on_layer2: bool,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    for pool in &plan.pools {
        let off_link = announces_on_layer2 && is_off_link(plan, pool);
        if off_link {
            diagnostics.push(off_link_pool(plan, pool));
        }
        check_cover(plan, pool, off_link, sources, diagnostics);
    }
    if plan.complete {
        check_outside(plan, sources, diagnostics);
        check_size(plan, sources, diagnostics);
    }
}

/// Reports hosts inside a range: a load balancer would hand their addresses out.
fn check_cover(
    plan: &AddressPlan,
    pool: &Spanned<IpRange>,
    off_link: bool,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) {
    let inside = |owner: &&Owner| !owner.claimed && pool.value.contains(owner.address);
    let hosts: Vec<&Owner> = plan.owners.iter().filter(inside).collect();
    let ends: Vec<IpAddr> = plan
        .ends()
        .into_iter()
        .filter(|end| pool.value.contains(*end))
        .collect();
    if hosts.is_empty() && (ends.is_empty() || off_link) {
        return;
    }
    let mut diagnostic = if hosts.is_empty() {
        let message = "a range of `network.load_balancer` has an address that no host can have";
        Diagnostic::error(Code::UNUSABLE_ADDRESS, pool.span, message)
    } else {
        let addresses: BTreeSet<IpAddr> = hosts.iter().map(|host| host.address).collect();
        let message = match addresses.len() {
            1 => "a range of `network.load_balancer` covers the address of a host".to_owned(),
            count => {
                format!("a range of `network.load_balancer` covers the addresses of {count} hosts")
            }
        };
        Diagnostic::error(Code::POOL_COVERS_HOST, pool.span, message)
    };
    diagnostic = diagnostic.here(format!("{}", pool.value));
    for host in hosts {
        let place = sources.refer(host.span);
        diagnostic = diagnostic.note(format!("{} is `{}` ({place})", host.address, host.owner));
    }
    let nodes = &plan.nodes.value;
    for end in ends {
        let which = if end == nodes.network() {
            "first"
        } else {
            "last"
        };
        diagnostic = diagnostic.note(format!("{end} is the {which} address of {nodes}"));
    }
    diagnostics.push(diagnostic.help(largest_free(plan, &pool.value)));
}

/// The largest parts of a range that have no owner.
fn largest_free(plan: &AddressPlan, pool: &IpRange) -> String {
    let hosts = plan.owners.iter().filter(|owner| !owner.claimed);
    let taken = hosts.map(|owner| owner.address).chain(plan.ends());
    let mut free = pool.without(taken.map(IpRange::one));
    if free.is_empty() {
        return "take another range: nothing in this one is free".to_owned();
    }
    free.sort_by_key(|range| (std::cmp::Reverse(range.len()), range.first));
    free.truncate(OFFERED);
    let free: Vec<String> = free.iter().map(|range| format!("`{range}`")).collect();
    match free.as_slice() {
        [only] => format!("what is free in it is {only}"),
        many => format!("the largest free parts of it are {}", many.join(", ")),
    }
}

/// Whether a range is not all on the nodes' network; of another family nobody can say.
fn is_off_link(plan: &AddressPlan, pool: &Spanned<IpRange>) -> bool {
    let nodes = IpRange::of(&plan.nodes.value);
    let same_family = nodes.first.is_ipv4() == pool.value.first.is_ipv4();
    let inside = nodes.contains(pool.value.first) && nodes.contains(pool.value.last);
    same_family && !inside
}

/// The message about a range where no node can answer for its addresses.
fn off_link_pool(plan: &AddressPlan, pool: &Spanned<IpRange>) -> Diagnostic {
    let message = "a range of `network.load_balancer` is outside `network.nodes`";
    Diagnostic::error(Code::POOL_OFF_LINK, pool.span, message)
        .here(format!("{}", pool.value))
        .label(plan.nodes.span, "the network that the nodes answer in")
        .note("the load balancer announces on layer 2: nodes answer for its addresses in their own network only")
        .help(format!("take a range inside {}, or announce by BGP", plan.nodes.value))
}

/// Reports claims outside every range; each is offered another free address.
fn check_outside(plan: &AddressPlan, sources: &Sources, diagnostics: &mut Diagnostics) {
    let mut offered: BTreeSet<IpAddr> = BTreeSet::new();
    for claim in plan.owners.iter().filter(|owner| owner.claimed) {
        if plan.in_pool(claim.address) {
            continue;
        }
        let message = format!(
            "address `{}` is outside every load balancer range",
            claim.address
        );
        let mut diagnostic = Diagnostic::error(Code::OUTSIDE_POOL, claim.span, message)
            .here(format!("asked for by `{}`", claim.owner))
            .label(claim.source, "its value is said here");
        let host = plan
            .owners
            .iter()
            .find(|owner| !owner.claimed && owner.address == claim.address);
        if let Some(host) = host {
            let place = sources.refer(host.span);
            diagnostic =
                diagnostic.note(format!("it is the address of `{}` ({place})", host.owner));
        }
        diagnostic = match pools_written(plan, sources) {
            Some(pools) => diagnostic.note(pools),
            None => diagnostic.note("the lab has no `network.load_balancer`"),
        };
        let free = offer(plan, claim.address, &offered);
        offered.extend(free);
        diagnostics.push(diagnostic.help(match free {
            Some(free) => format!("take a free one: {free}"),
            None if plan.pools.is_empty() => {
                format!(
                    "add a range that has it: `load_balancer = [\"{}\"]`",
                    claim.address
                )
            }
            None => "no address of these is free: widen a range, or add one".to_owned(),
        }));
    }
}

/// The ranges and their lines.
fn pools_written(plan: &AddressPlan, sources: &Sources) -> Option<String> {
    let first = plan.pools.first()?;
    let line = sources.refer(first.span);
    let one_line = plan
        .pools
        .iter()
        .all(|pool| sources.refer(pool.span) == line);
    let pools: Vec<String> = if one_line {
        plan.pools
            .iter()
            .map(|pool| pool.value.to_string())
            .collect()
    } else {
        let with_line =
            |pool: &Spanned<IpRange>| format!("{} ({})", pool.value, sources.refer(pool.span));
        plan.pools.iter().map(with_line).collect()
    };
    let pools = pools.join(", ");
    let line = if one_line {
        format!(" ({line})")
    } else {
        String::new()
    };
    Some(format!("`network.load_balancer` is {pools}{line}"))
}

/// A free address for who asked for `wanted`: of its family if there is one, and none that ends in 0 or 255, which
/// some clients refuse.
pub(super) fn offer(
    plan: &AddressPlan,
    wanted: IpAddr,
    offered: &BTreeSet<IpAddr>,
) -> Option<IpAddr> {
    let odd = |address: &IpAddr| match address {
        IpAddr::V4(address) => matches!(address.octets()[3], 0 | 255),
        IpAddr::V6(_) => false,
    };
    let ranges = plan.free().into_iter();
    let mut free: Vec<IpAddr> = ranges
        .flat_map(|range| range.without(offered.iter().copied().map(IpRange::one)))
        .filter_map(|range| range.iter().take(OFFERED).find(|address| !odd(address)))
        .collect();
    free.sort_by_key(|address| address.is_ipv4() != wanted.is_ipv4());
    free.first().copied()
}

/// Reports ranges with fewer addresses than claims.
fn check_size(plan: &AddressPlan, sources: &Sources, diagnostics: &mut Diagnostics) {
    let Some(first) = plan.anywhere.first() else {
        return;
    };
    let free = plan.free();
    let count = free
        .iter()
        .fold(0u128, |sum, range| sum.saturating_add(range.len()));
    let wanted = plan.anywhere.len();
    if count >= wanted as u128 {
        return;
    }
    let message = match count {
        0 => "no address is free for load balancers".to_owned(),
        1 => format!("1 address is free for load balancers, but {wanted} are asked for"),
        count => {
            format!("{count} addresses are free for load balancers, but {wanted} are asked for")
        }
    };
    let mut diagnostic = Diagnostic::error(Code::POOL_EXHAUSTED, first.span, message)
        .here(format!("asked for by `{}`", first.owner));
    for claim in &plan.anywhere[1..] {
        diagnostic = diagnostic.label(claim.span, format!("asked for by `{}`", claim.owner));
    }
    diagnostic = match pools_written(plan, sources) {
        Some(pools) => diagnostic.note(pools),
        None => diagnostic.note("the lab has no `network.load_balancer`"),
    };
    for owner in plan
        .owners
        .iter()
        .filter(|owner| plan.in_pool(owner.address))
    {
        let place = sources.refer(owner.span);
        diagnostic = diagnostic.note(format!("{} is `{}` ({place})", owner.address, owner.owner));
    }
    diagnostics.push(diagnostic.help("widen a range of `network.load_balancer`, or add one"));
}
