//! An address by which others find something changes or goes: of a Service or gateway, of the cluster, of its networks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Context, Danger, join, quoted};
use crate::diag::{Code, Severity};
use crate::parse::domain::{IpNet, IpRange};
use crate::resolve::Lab;
use crate::source::Spanned;

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    let Some(base) = context.base else { return };
    let (old, new) = (base.lab, context.target.lab);
    found.extend(claims(context, old, new));
    found.extend(pools(context, old, new));
    found.extend(endpoint(context, old, new));
    found.extend(networks(context, old, new));
    found.extend(domain(context, old, new));
}

/// The addresses of load balancers by who claims them.
fn claimed(lab: &Lab) -> BTreeMap<&str, BTreeSet<IpAddr>> {
    let mut found: BTreeMap<&str, BTreeSet<IpAddr>> = BTreeMap::new();
    for owner in lab.addresses.owners.iter().filter(|owner| owner.claimed) {
        found.entry(&owner.owner).or_default().insert(owner.address);
    }
    found
}

fn claims(context: &Context<'_>, old: &Lab, new: &Lab) -> Vec<Danger> {
    let (before, after) = (claimed(old), claimed(new));
    let tell = |(owner, addresses): (&&str, &BTreeSet<IpAddr>)| {
        let name = owner.split('.').nth(1).unwrap_or(owner);
        let nothing = BTreeSet::new();
        let now = after.get(owner).unwrap_or(&nothing);
        let gone: Vec<&IpAddr> = addresses.difference(now).collect();
        let here: Vec<&IpAddr> = now.difference(addresses).collect();
        if gone.is_empty() || !new.components.contains_key(name) {
            return None;
        }
        let message = if here.is_empty() {
            format!("`{name}` gives up {}", join(&gone))
        } else {
            format!("`{name}` moves from {} to {}", join(&gone), join(&here))
        };
        let own = !context.causes_of(&[owner]).is_empty();
        let key = if own { *owner } else { "network.load_balancer" };
        let danger = context.of_lab(Severity::Warning, Code::ADDRESS_CHANGES, &[key], message)?;
        let taken = gone.iter().find_map(|address| {
            let mut others = after.iter().filter(|(other, _)| *other != owner);
            let (other, _) = others.find(|(_, owned)| owned.contains(*address))?;
            Some(format!(
                "whoever still asks for {address} reaches `{other}`"
            ))
        });
        Some(
            danger
                .note(taken.unwrap_or_else(|| {
                    "whoever knows the address reaches nothing there: records, port forwards, firewalls, clients".to_owned()
                }))
                .help("change what knows it in the same hour; records with a long time to live beforehand"),
        )
    };
    before.iter().filter_map(tell).collect()
}

/// Ranges that load balancers hand out no more.
fn pools(context: &Context<'_>, old: &Lab, new: &Lab) -> Option<Danger> {
    let ranges = |lab: &Lab| -> Vec<IpRange> {
        let pools = lab.sections.network.load_balancer.iter();
        pools.map(|pool| pool.value).collect()
    };
    let left = ranges(new);
    let gone: Vec<IpRange> = ranges(old)
        .iter()
        .flat_map(|range| range.without(left.iter().copied()))
        .collect();
    if gone.is_empty() {
        return None;
    }
    let message = format!("load balancers hand out {} no more", join(&gone));
    let keys = ["network.load_balancer"];
    let danger = context.of_lab(Severity::Note, Code::ADDRESS_CHANGES, &keys, message)?;
    Some(
        danger
            .note("a Service that got one of these without asking for it gets another, or waits for one")
            .help("`kubectl get services --all-namespaces` says who has which"),
    )
}

fn endpoint(context: &Context<'_>, old: &Lab, new: &Lab) -> Option<Danger> {
    let address = |lab: &Lab| lab.sections.cluster.endpoint.value.clone();
    let (before, after) = (address(old), address(new));
    let vip = |lab: &Lab| lab.sections.network.vip.as_ref().map(|vip| vip.value);
    let keys = ["cluster.endpoint", "network.vip"];
    if before == after {
        let gone = vip(old).filter(|_| vip(old) != vip(new))?;
        let message = format!("the control planes give up their shared address {gone}");
        let danger = context.of_lab(Severity::Warning, Code::ADDRESS_CHANGES, &keys, message)?;
        return Some(danger.note(format!("the cluster's endpoint stays {after}")));
    }
    let message = format!("the cluster is found at {after}, no more at {before}");
    let danger = context.of_lab(Severity::Warning, Code::ADDRESS_CHANGES, &keys, message)?;
    Some(
        danger
            .note("every node's kubelet, every kubeconfig and the API server's certificate know the endpoint")
            .help(
                "let the old address answer until every node has its new config (`out/talos/generate.sh`, `apply.sh`), then \
                 fetch a new kubeconfig: `talosctl kubeconfig --force`",
            ),
    )
}

/// A network of the cluster: its key, who has addresses of it, and what a lab says of it.
type Part = (&'static str, &'static str, fn(&Lab) -> &Vec<Spanned<IpNet>>);

/// The networks of pods and Services, which a cluster never changes.
fn networks(context: &Context<'_>, old: &Lab, new: &Lab) -> Vec<Danger> {
    let parts: [Part; 2] = [
        ("network.pods", "pods", |lab| &lab.sections.network.pods),
        ("network.services", "Services", |lab| {
            &lab.sections.network.services
        }),
    ];
    let tell = |(key, what, of): Part| {
        let list = |lab| -> Vec<IpNet> { of(lab).iter().map(|net| net.value).collect() };
        let (before, after) = (list(old), list(new));
        if before == after {
            return None;
        }
        let message = format!(
            "the network of {what} moves from {} to {}",
            join(&before),
            join(&after)
        );
        let danger = context.of_lab(Severity::Error, Code::ADDRESS_CHANGES, &[key], message)?;
        Some(
            danger
                .note("every node, pod and Service has an address of the old one: a running cluster does not survive the change")
                .help("leave it as it was when the cluster was made, or make a new cluster"),
        )
    };
    parts.into_iter().filter_map(tell).collect()
}

/// The domain that hosts without a dot are below.
fn domain(context: &Context<'_>, old: &Lab, new: &Lab) -> Option<Danger> {
    let domain = |lab: &Lab| lab.sections.identity.domain.value.clone();
    let (before, after) = (domain(old), domain(new));
    if before == after {
        return None;
    }
    let message = format!(
        "what was found below {} is found below {}",
        quoted([before]),
        quoted([after])
    );
    let danger = context.of_lab(
        Severity::Warning,
        Code::ADDRESS_CHANGES,
        &["lab.domain"],
        message,
    )?;
    Some(
        danger
            .note("hosts, certificates and records follow; bookmarks, logins by another site and cookies do not")
            .help("see that the new domain's records and certificates can be made before this is merged"),
    )
}
