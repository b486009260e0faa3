//! The rules that a lab's objects are held to: one file each, and the table of all.
//!
//! A rule sees every object at once, through the linker's index, and reports; it changes nothing and knows no other rule.

mod account;
mod address;
mod affinity;
mod arch;
mod backend;
mod claim;
mod class;
mod config_map;
mod container;
mod declared;
mod gateway;
mod grant;
mod host;
mod image;
mod issuer;
mod kind;
mod name;
mod namespace;
mod node;
mod node_port;
mod plain_secret;
mod pod_security;
mod policy;
mod port;
mod quantity;
mod scale;
mod scrape;
mod secret;
mod selector;
mod sops;
mod twice;
mod volume;

use rayon::prelude::*;

use super::index::Index;
use crate::diag::{Code, Diagnostics};

/// One rule.
pub struct Rule {
    /// What it is about.
    pub name: &'static str,
    /// The codes that it may raise.
    pub codes: &'static [Code],
    check: fn(&Index<'_>, &mut Diagnostics),
}

/// Every rule.
pub static RULES: &[Rule] = &[
    Rule {
        name: "one owner for each object",
        codes: &[Code::RESOURCE_TWICE],
        check: twice::check,
    },
    Rule {
        name: "what is declared without a chart is there",
        codes: &[Code::UNKNOWN_SERVICE, Code::DANGLING_REFERENCE],
        check: declared::check,
    },
    Rule {
        name: "every namespace is the lab's",
        codes: &[Code::UNKNOWN_NAMESPACE],
        check: namespace::check,
    },
    Rule {
        name: "kinds and versions that the cluster serves",
        codes: &[Code::UNKNOWN_KIND, Code::KIND_NOT_SERVED, Code::NOT_CHECKED],
        check: kind::check,
    },
    Rule {
        name: "names that Kubernetes takes",
        codes: &[Code::INVALID_NAME],
        check: name::check,
    },
    Rule {
        name: "quantities that Kubernetes takes",
        codes: &[Code::INVALID_VALUE],
        check: quantity::check,
    },
    Rule {
        name: "Services behind routes and webhooks",
        codes: &[
            Code::UNKNOWN_SERVICE,
            Code::UNKNOWN_PORT,
            Code::UNKNOWN_NAMESPACE,
            Code::DANGLING_REFERENCE,
            Code::NOT_CHECKED,
        ],
        check: backend::check,
    },
    Rule {
        name: "Services and pods that are scraped",
        codes: &[
            Code::SELECTS_NOTHING,
            Code::UNKNOWN_PORT,
            Code::UNKNOWN_NAMESPACE,
            Code::NOT_CHECKED,
        ],
        check: scrape::check,
    },
    Rule {
        name: "ports of Services and probes",
        codes: &[Code::UNKNOWN_PORT, Code::NODE_PORT, Code::INVALID_VALUE],
        check: port::check,
    },
    Rule {
        name: "node ports that a Service is given",
        codes: &[Code::NODE_PORT],
        check: node_port::check,
    },
    Rule {
        name: "addresses of Services and Gateways",
        codes: &[Code::OUTSIDE_POOL, Code::ADDRESS_TWICE],
        check: address::check,
    },
    Rule {
        name: "selectors that select something",
        codes: &[Code::SELECTS_NOTHING, Code::NOT_CHECKED],
        check: selector::check,
    },
    Rule {
        name: "pods that are placed by other pods",
        codes: &[Code::SELECTS_NOTHING],
        check: affinity::check,
    },
    Rule {
        name: "names in a pod, each once",
        codes: &[Code::INVALID_NAME],
        check: container::check,
    },
    Rule {
        name: "pods that their namespace admits",
        codes: &[Code::POD_SECURITY],
        check: pod_security::check,
    },
    Rule {
        name: "Secrets and their keys",
        codes: &[
            Code::UNDECLARED_SECRET,
            Code::UNDECLARED_SECRET_KEY,
            Code::UNUSED_SECRET,
            Code::UNKNOWN_NAMESPACE,
            Code::NOT_CHECKED,
        ],
        check: secret::check,
    },
    Rule {
        name: "Secrets that the engine can read",
        codes: &[Code::SECRET_SOURCE, Code::SOPS_FILE, Code::UNUSED_SECRET],
        check: sops::check,
    },
    Rule {
        name: "no secret in the source",
        codes: &[Code::PLAIN_SECRET],
        check: plain_secret::check,
    },
    Rule {
        name: "ConfigMaps and their keys",
        codes: &[Code::DANGLING_REFERENCE, Code::NOT_CHECKED],
        check: config_map::check,
    },
    Rule {
        name: "volumes and their claims",
        codes: &[Code::DANGLING_REFERENCE, Code::NOT_CHECKED],
        check: claim::check,
    },
    Rule {
        name: "mounts of a pod's own volumes",
        codes: &[Code::DANGLING_REFERENCE],
        check: volume::check,
    },
    Rule {
        name: "classes and other objects by name",
        codes: &[Code::DANGLING_REFERENCE, Code::NOT_CHECKED],
        check: class::check,
    },
    Rule {
        name: "accounts and roles",
        codes: &[
            Code::DANGLING_REFERENCE,
            Code::UNKNOWN_NAMESPACE,
            Code::NOT_CHECKED,
        ],
        check: account::check,
    },
    Rule {
        name: "issuers of certificates",
        codes: &[Code::DANGLING_REFERENCE, Code::NOT_CHECKED],
        check: issuer::check,
    },
    Rule {
        name: "routes that a Gateway admits",
        codes: &[
            Code::DANGLING_REFERENCE,
            Code::NOT_ADMITTED,
            Code::UNKNOWN_NAMESPACE,
            Code::NOT_CHECKED,
        ],
        check: gateway::check,
    },
    Rule {
        name: "grants that somebody needs",
        codes: &[Code::GRANTS_NOTHING],
        check: grant::check,
    },
    Rule {
        name: "what is scaled",
        codes: &[Code::DANGLING_REFERENCE, Code::NOT_CHECKED],
        check: scale::check,
    },
    Rule {
        name: "nodes by name",
        codes: &[Code::UNKNOWN_NODE],
        check: node::check,
    },
    Rule {
        name: "machines that can run a component's images",
        codes: &[Code::ARCHITECTURE],
        check: arch::check,
    },
    Rule {
        name: "network policies that somebody enforces",
        codes: &[Code::NOT_ENFORCED],
        check: policy::check,
    },
    Rule {
        name: "one owner for each host",
        codes: &[Code::HOST_TWICE],
        check: host::check,
    },
    Rule {
        name: "images that do not move",
        codes: &[Code::MOVING_TAG],
        check: image::check,
    },
];

/// Holds a lab to every rule.
pub(super) fn run(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    let check = |rule: &Rule| {
        let mut found = Diagnostics::default();
        (rule.check)(index, &mut found);
        debug_assert!(
            found.iter().all(|found| rule.codes.contains(&found.code)),
            "the rule about {} raises a code that it does not list",
            rule.name
        );
        found
    };
    // Each rule by itself: some take ten times as long as others.
    let rules = RULES.par_iter().with_max_len(1);
    let found: Vec<Diagnostics> = rules.map(check).collect();
    found
        .into_iter()
        .for_each(|found| diagnostics.append(found));
}
