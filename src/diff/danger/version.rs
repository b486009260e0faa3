//! The versions of the cluster: a step that Talos or Kubernetes does not take, up or down.
//!
//! Sources: siderolabs/docs, `upgrading-talos` (every minor on the way) and siderolabs/talos, `pkg/machinery/compatibility`;
//! kubernetes.io, `releases/version-skew-policy`.

use super::{Context, Danger, join};
use crate::diag::{Code, Severity};
use crate::parse::domain::{Minor, Version};
use crate::resolve::versions::{RELEASES, Release};

const TALOS: &str = "cluster.talos";
const KUBERNETES: &str = "cluster.kubernetes";

pub(super) fn check(context: &Context<'_>, found: &mut Vec<Danger>) {
    let Some(base) = context.base else { return };
    let clusters = [base.lab, context.target.lab].map(|lab| &lab.sections.cluster);
    let talos = clusters.map(|cluster| &cluster.talos.value);
    let kubernetes = clusters.map(|cluster| &cluster.kubernetes.value);
    found.extend(talos_step(context, talos));
    found.extend(kubernetes_step(context, kubernetes));
    found.extend(order(context, talos, kubernetes));
}

fn is_same_or_next(from: Minor, to: Minor) -> bool {
    from.major == to.major && (to.minor == from.minor || to.minor == from.minor + 1)
}

fn release(talos: Minor) -> Option<&'static Release> {
    RELEASES.iter().find(|release| release.talos == talos)
}

fn talos_step(context: &Context<'_>, [old, new]: [&Version; 2]) -> Option<Danger> {
    let (from, to) = (old.minor(), new.minor());
    if new.semver < old.semver {
        return downgraded_talos(context, old, new);
    }
    if is_same_or_next(from, to) {
        return None;
    }
    let is_refused = release(to).is_some_and(|release| from < release.upgrades_from);
    let severity = if is_refused {
        Severity::Error
    } else {
        Severity::Warning
    };
    let message = format!("Talos goes from {old} to {new}, past {}", between(from, to));
    let danger = context.of_lab(severity, Code::VERSION_STEP, &[TALOS], message)?;
    let note = if is_refused {
        "its installer refuses to start from a version that old"
    } else {
        "upgrades are made and tested from one minor to the next, each with its newest patch release"
    };
    Some(
        danger
            .note(note)
            .help(format!("first {}", newest(next(from)))),
    )
}

fn downgraded_talos(context: &Context<'_>, old: &Version, new: &Version) -> Option<Danger> {
    if old.minor() == new.minor() {
        return None;
    }
    let message = format!("Talos goes back from {old} to {new}");
    let danger = context.of_lab(Severity::Error, Code::VERSION_STEP, &[TALOS], message)?;
    Some(
        danger
            .note("an older Talos may not know what the newer one has written: its config, its partitions, etcd's data")
            .help("`talosctl rollback` goes back to the version before, right after an upgrade; else stay, and go forward"),
    )
}

fn kubernetes_step(context: &Context<'_>, [old, new]: [&Version; 2]) -> Option<Danger> {
    let (from, to) = (old.minor(), new.minor());
    if is_same_or_next(from, to) {
        return None;
    }
    let is_back = to < from;
    let message = if is_back {
        format!("Kubernetes goes back from {old} to {new}")
    } else {
        format!(
            "Kubernetes goes from {old} to {new}, past {}",
            between(from, to)
        )
    };
    let danger = context.of_lab(Severity::Error, Code::VERSION_STEP, &[KUBERNETES], message)?;
    Some(if is_back {
        danger
            .note("what a newer API server has stored in etcd an older one may not read; no minor is ever gone back")
            .help("restore etcd from a snapshot of that time, or go forward")
    } else {
        danger
            .note("the API servers of a cluster may be one minor apart, so it goes up one minor at a time")
            .help(format!("first Kubernetes {}, then the next", next(from)))
    })
}

/// Talos comes first, then Kubernetes: so the new Talos has to run the old Kubernetes.
fn order(context: &Context<'_>, talos: [&Version; 2], kubernetes: [&Version; 2]) -> Option<Danger> {
    let release = release(talos[1].minor())?;
    let oldest = release.oldest_kubernetes;
    if talos[0].minor() == talos[1].minor() || kubernetes[0].minor() >= oldest {
        return None;
    }
    let message = format!(
        "Talos {} does not run Kubernetes {}, which the cluster has until it is upgraded",
        talos[1], kubernetes[0]
    );
    let keys = [TALOS, KUBERNETES];
    let danger = context.of_lab(Severity::Error, Code::VERSION_STEP, &keys, message)?;
    Some(
        danger
            .note(format!(
                "it runs {oldest} and newer, and `upgrade.sh` upgrades Talos before Kubernetes"
            ))
            .help(format!(
                "first Kubernetes {oldest} with Talos {}, in a change of its own",
                talos[0]
            )),
    )
}

fn next(minor: Minor) -> Minor {
    Minor {
        minor: minor.minor + 1,
        ..minor
    }
}

/// The minors that a step leaves out.
fn between(from: Minor, to: Minor) -> String {
    let minors = (from.minor + 1..to.minor).map(|minor| Minor { minor, ..from });
    join(minors)
}

fn newest(minor: Minor) -> String {
    match release(minor) {
        Some(release) => format!("Talos {}, then the next minor", release.newest),
        None => format!("the newest Talos {minor}, then the next minor"),
    }
}
