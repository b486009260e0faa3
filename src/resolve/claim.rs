//! What components claim: of what the lab has once, addresses of the load balancer and ports of the nodes; and secrets, images and versions.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::component::Component;
use super::plan::{AddressPlan, Claim, Sections};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::Image;
use crate::parse::input::Releases;
use crate::source::{Origin, Sources, Span};
use crate::value::Node;

/// What components claim.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Load-balancer addresses.
    pub addresses: Vec<AddressClaim>,
    /// Ports of the nodes.
    pub node_ports: Vec<PortClaim>,
    /// Keys of secrets.
    pub secrets: Vec<SecretClaim>,
    /// Container images.
    pub images: Vec<ImageClaim>,
    /// Versions that are neither a chart's nor an image's whole reference.
    pub versions: Vec<VersionClaim>,
}

/// A component wants a load-balancer address.
#[derive(Clone, Debug)]
pub(super) struct AddressClaim {
    /// None where any one of the pool will do.
    pub address: Option<IpAddr>,
    /// The input that says so, by its path: `infrastructure.envoy-gateway.gateways.modern.address`.
    pub input: String,
    pub span: Span,
    /// Where the lab says the value that an expression at `span` reads.
    pub source: Option<Span>,
}

/// A component wants a port of the nodes.
#[derive(Clone, Debug)]
pub(super) struct PortClaim {
    pub port: u16,
    pub component: String,
    pub span: Span,
}

/// A component uses a secret.
#[derive(Clone, Debug)]
pub(super) struct SecretClaim {
    /// The entry of `[secrets]`.
    pub secret: String,
    pub component: String,
    pub span: Span,
}

/// A component runs an image.
#[derive(Clone, Debug)]
pub(super) struct ImageClaim {
    pub image: Image,
    /// What made its reference.
    pub origin: Origin,
}

/// A component says the version of something.
#[derive(Clone, Debug)]
pub(super) struct VersionClaim {
    pub releases: Releases,
    pub version: Node,
}

impl Claims {
    /// Whether nothing is claimed.
    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
            && self.node_ports.is_empty()
            && self.secrets.is_empty()
            && self.images.is_empty()
            && self.versions.is_empty()
    }

    /// Adds the claims of others behind these.
    pub(super) fn append(&mut self, other: Claims) {
        self.addresses.extend(other.addresses);
        self.node_ports.extend(other.node_ports);
        self.secrets.extend(other.secrets);
        self.images.extend(other.images);
        self.versions.extend(other.versions);
    }
}

/// The address book with every claim entered and judged.
pub(super) fn addresses(
    sections: &Sections,
    balancer: Option<&Component>,
    claims: &Claims,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> AddressPlan {
    let mut plan = AddressPlan::new(sections);
    for claim in &claims.addresses {
        plan.claim(Claim {
            address: claim.address,
            owner: owner(&claim.input).to_owned(),
            span: claim.span,
            source: claim.source,
        });
    }
    plan.check(announces_on_layer2(balancer), sources, diagnostics);
    plan
}

/// Who has the address of an input: an input of that name alone stands for what it belongs to.
fn owner(input: &str) -> &str {
    input.strip_suffix(".address").unwrap_or(input)
}

/// Whether the load balancer answers for its addresses in the nodes' own network: yes, unless its module's output
/// `announces` says `bgp`.
fn announces_on_layer2(balancer: Option<&Component>) -> bool {
    let facts = balancer.and_then(|component| component.outputs.get("announces"));
    facts.and_then(Node::as_str) != Some("bgp")
}

/// Judges the claims of node ports: each inside `network.node_ports`, and only once.
pub(super) fn node_ports(sections: &Sections, claims: &[PortClaim], diagnostics: &mut Diagnostics) {
    let range = &sections.network.node_ports;
    let (first, last) = range.value;
    let mut owners: BTreeMap<u16, &PortClaim> = BTreeMap::new();
    for claim in claims {
        if !(first..=last).contains(&claim.port) {
            let message = format!("node port {} is outside {first}-{last}", claim.port);
            diagnostics.push(
                Diagnostic::error(Code::NODE_PORT, claim.span, message)
                    .here(format!("asked for by `{}`", claim.component))
                    .help("choose one in the range, or widen `network.node_ports`"),
            );
        }
        let owner = owners.entry(claim.port).or_insert(claim);
        if owner.span != claim.span {
            let message = format!("node port {} has two owners", claim.port);
            diagnostics.push(
                Diagnostic::error(Code::NODE_PORT, claim.span, message)
                    .here(format!("`{}`", claim.component))
                    .label(owner.span, format!("`{}`", owner.component)),
            );
        }
    }
}
