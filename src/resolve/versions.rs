//! The versions of `[cluster]` against each other: which Kubernetes a Talos runs, and which contract it can follow.
//!
//! Knows no machine config: what a contract changes is `lower`'s business.

use super::lab::Cluster;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::Minor;

/// What one minor of Talos runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The minor.
    pub talos: Minor,
    /// The newest patch release that this table was made with.
    pub newest: &'static str,
    /// The oldest Kubernetes minor that it runs.
    pub oldest_kubernetes: Minor,
    /// The newest Kubernetes minor that it runs.
    pub newest_kubernetes: Minor,
    /// The Kubernetes that it installs where nobody says which.
    pub default_kubernetes: &'static str,
    /// The oldest Talos minor that upgrades to it directly.
    pub upgrades_from: Minor,
}

/// Talos' own compatibility table (siderolabs/talos, `pkg/machinery/compatibility` and `pkg/machinery/constants`,
/// at the tag that `newest` names).
pub const RELEASES: [Release; 6] = [
    release(9, "v1.9.6", (27, 32), "1.32.4", 8),
    release(10, "v1.10.9", (28, 33), "1.33.6", 8),
    release(11, "v1.11.6", (29, 34), "1.34.1", 9),
    release(12, "v1.12.11", (30, 35), "1.35.4", 10),
    release(13, "v1.13.9", (31, 36), "1.36.3", 11),
    release(14, "v1.14.0-rc.1", (32, 37), "1.37.0-rc.0", 12),
];

/// The newest minor whose release, not its candidate, made these tables.
pub const NEWEST_TALOS: Minor = minor(13);

/// The oldest minor that labc writes for.
pub const OLDEST_TALOS: Minor = minor(9);

const fn minor(minor: u64) -> Minor {
    Minor { major: 1, minor }
}

const fn release(
    talos: u64,
    newest: &'static str,
    kubernetes: (u64, u64),
    default_kubernetes: &'static str,
    upgrades_from: u64,
) -> Release {
    Release {
        talos: minor(talos),
        newest,
        oldest_kubernetes: minor(kubernetes.0),
        newest_kubernetes: minor(kubernetes.1),
        default_kubernetes,
        upgrades_from: minor(upgrades_from),
    }
}

/// What a minor of Talos runs, if the tables know it.
pub fn release_of(talos: Minor) -> Option<&'static Release> {
    RELEASES.iter().find(|release| release.talos == talos)
}

/// Reports what the versions of `[cluster]` cannot be together.
pub fn check(cluster: &Cluster, diagnostics: &mut Diagnostics) {
    let talos = cluster.talos.value.minor();
    if talos < OLDEST_TALOS {
        diagnostics.push(older_talos(cluster));
        return;
    }
    if talos > NEWEST_TALOS {
        diagnostics.push(newer_talos(cluster));
    }
    if cluster.contract.value > talos {
        diagnostics.push(newer_contract(cluster));
    }
    if let Some(release) = release_of(talos) {
        let kubernetes = cluster.kubernetes.value.minor();
        if kubernetes < release.oldest_kubernetes || kubernetes > release.newest_kubernetes {
            diagnostics.push(wrong_kubernetes(cluster, release));
        }
    }
}

fn older_talos(cluster: &Cluster) -> Diagnostic {
    let message = format!(
        "Talos `{}` is older than labc writes for",
        cluster.talos.value
    );
    Diagnostic::error(Code::OLDER_TALOS, cluster.talos.span, message)
        .here(format!("the oldest is {OLDEST_TALOS}"))
        .help(format!(
            "upgrade the nodes to {} first, one minor after the other",
            RELEASES[0].newest
        ))
}

fn newer_talos(cluster: &Cluster) -> Diagnostic {
    let talos = &cluster.talos.value;
    let message = format!("Talos `{talos}` is newer than labc's tables");
    let warning = Diagnostic::warning(Code::NEWER_TALOS, cluster.talos.span, message)
        .here(format!("the tables end with {NEWEST_TALOS}"));
    let Some(release) = release_of(talos.minor()) else {
        return warning.note(
            "not checked: whether it runs this Kubernetes, which extensions and overlays it has, and the fields of \
             your own patches",
        );
    };
    warning.note(format!(
        "its Kubernetes range and its documents come from {}; not checked: the fields of your own patches",
        release.newest
    ))
}

fn newer_contract(cluster: &Cluster) -> Diagnostic {
    let contract = cluster.contract.value;
    let talos = &cluster.talos.value;
    let message = format!("contract `{contract}` is newer than Talos `{talos}`");
    Diagnostic::error(Code::CONTRACT_NEWER, cluster.contract.span, message)
        .here("these nodes cannot read such a machine config")
        .label(cluster.talos.span, "what the nodes run")
        .help(format!(
            "write the version that the cluster was created with, at most `{}`",
            talos.minor()
        ))
}

fn wrong_kubernetes(cluster: &Cluster, release: &Release) -> Diagnostic {
    let talos = &cluster.talos.value;
    let kubernetes = &cluster.kubernetes.value;
    let (oldest, newest) = (release.oldest_kubernetes, release.newest_kubernetes);
    let message = format!("Talos `{talos}` does not run Kubernetes `{kubernetes}`");
    Diagnostic::error(Code::TALOS_KUBERNETES, cluster.kubernetes.span, message)
        .here(format!("Talos {} runs {oldest} to {newest}", release.talos))
        .label(cluster.talos.span, "the Talos of the nodes")
        .maybe_help(talos_for(kubernetes.minor()))
        .help(format!("or take a Kubernetes from {oldest} to {newest}"))
}

/// "take a Talos that runs ...", with the minors that do.
fn talos_for(kubernetes: Minor) -> Option<String> {
    let runs = |release: &&Release| {
        release.oldest_kubernetes <= kubernetes && kubernetes <= release.newest_kubernetes
    };
    let released = |release: &&Release| runs(release) && release.talos <= NEWEST_TALOS;
    let oldest = RELEASES.iter().find(runs)?;
    let newest = RELEASES.iter().rev().find(released).unwrap_or(oldest);
    Some(if oldest.talos == newest.talos {
        format!(
            "take Talos {}, which runs Kubernetes {kubernetes}",
            oldest.talos
        )
    } else {
        format!(
            "take Talos {} to {}, which run Kubernetes {kubernetes}",
            oldest.talos, newest.talos
        )
    })
}
