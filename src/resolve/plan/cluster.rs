//! `[cluster]` to a [`Cluster`], and the endpoint that it has or that follows from the nodes.

use std::net::IpAddr;

use super::machines::Fleet;
use super::network::HostName;
use super::read::required;
use super::topology::{self, online};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse::domain::{Version, parse_address};
use crate::parse::table::{Decode, Table, parse_string};
use crate::resolve::lab::{Cluster, Host, Network, Role};
use crate::source::Spanned;
use crate::value::Node;

/// The port of the Kubernetes API on Talos.
const PORT: u16 = 6443;

/// Versions and endpoint of the cluster; checks that it can live on its nodes.
pub(super) fn read(
    mut table: Table<'_>,
    network: Option<&Network>,
    fleet: &Fleet,
    diagnostics: &mut Diagnostics,
) -> Option<Cluster> {
    let talos: Option<Spanned<Version>> = required(&mut table, "talos", "\"v1.11.5\"", diagnostics);
    let minor = talos
        .as_ref()
        .map_or("v1.11".to_owned(), |talos| talos.value.minor().to_string());
    let contract = required(&mut table, "contract", &format!("\"{minor}\""), diagnostics);
    let kubernetes = required(&mut table, "kubernetes", "\"v1.34.2\"", diagnostics);
    let key = "schedule_on_control_planes";
    let schedule_on_control_planes = required(&mut table, key, "true", diagnostics);
    topology::check(fleet, schedule_on_control_planes.as_ref(), diagnostics);
    let written: Option<Spanned<Endpoint>> = table.optional("endpoint", diagnostics);
    let endpoint = match (written, table.node("endpoint")) {
        (Some(endpoint), _) => {
            if let Some(network) = network {
                check_endpoint(&endpoint, network, fleet, diagnostics);
            }
            Some(endpoint.map(|endpoint| endpoint.url))
        }
        (None, Some(_)) => None,
        (None, None) => derived(&table, network, fleet, diagnostics),
    };
    table.finish(diagnostics);
    Some(Cluster {
        talos: talos?,
        contract: contract?,
        kubernetes: kubernetes?,
        schedule_on_control_planes: schedule_on_control_planes?,
        endpoint: endpoint?,
    })
}

/// The endpoint at the shared address, else at the only control plane.
fn derived(
    table: &Table<'_>,
    network: Option<&Network>,
    fleet: &Fleet,
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<String>> {
    if let Some(vip) = network?.vip {
        return Some(vip.map(|vip| url(&Host::Address(vip))));
    }
    let control_planes = online(fleet, Role::ControlPlane);
    if let [only] = control_planes.as_slice() {
        return Some(only.address.clone().map(|host| url(&host)));
    }
    if fleet.complete && control_planes.len() > 1 {
        let count = control_planes.len();
        let message = format!("`cluster.endpoint` is missing: {count} control planes could be it");
        diagnostics.push(
            Diagnostic::error(Code::ENDPOINT, table.span, message)
                .help("add an address that they share, `network.vip`")
                .help(
                    "or a load balancer of your own, `endpoint = \"https://api.example.org:6443\"`",
                ),
        );
    }
    None
}

fn url(host: &Host) -> String {
    match host {
        Host::Address(IpAddr::V6(address)) => format!("https://[{address}]:{PORT}"),
        host => format!("https://{host}:{PORT}"),
    }
}

/// Reports an address of the nodes' network that does not serve the Kubernetes API.
fn check_endpoint(
    endpoint: &Spanned<Endpoint>,
    network: &Network,
    fleet: &Fleet,
    diagnostics: &mut Diagnostics,
) {
    let Host::Address(address) = endpoint.value.host else {
        return;
    };
    let is_vip = network.vip.is_some_and(|vip| vip.value == address);
    let is_reserved = network.reserved.values().any(|host| host.value == address);
    let owner = fleet
        .machines
        .values()
        .find(|machine| machine.address.value == Host::Address(address));
    let is_control_plane = owner.is_some_and(|owner| owner.role.value == Role::ControlPlane);
    let elsewhere = !network.nodes.value.contains(&address);
    if is_vip || is_reserved || is_control_plane || (elsewhere && owner.is_none()) {
        return;
    }
    let message = format!("`cluster.endpoint` is at `{address}`, which is not a control plane's");
    let mut diagnostic = Diagnostic::error(Code::ENDPOINT, endpoint.span, message);
    if let Some(owner) = owner {
        diagnostic = diagnostic.label(owner.address.span, "the address of a worker");
    } else if let Some(gateway) = network.gateway.filter(|gateway| gateway.value == address) {
        diagnostic = diagnostic.label(gateway.span, "the address of the router");
    }
    diagnostic = match network.vip {
        Some(vip) => {
            let text = format!(
                "leave `endpoint` out: it follows from the vip, `{}`",
                vip.value
            );
            diagnostic.help(text)
        }
        None => diagnostic.help("take a control plane's address, or add a `network.vip`"),
    };
    if owner.is_none() {
        diagnostic = diagnostic.help("a load balancer of your own belongs to `network.reserved`");
    }
    diagnostics.push(diagnostic);
}

/// The URL of the Kubernetes API.
struct Endpoint {
    url: String,
    host: Host,
}

impl Decode for Endpoint {
    fn decode(node: &Node, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = parse_string(node, path, diagnostics, |text| Ok(text.to_owned()))?;
        match parse_endpoint(&text) {
            Ok(host) => Some(Endpoint { url: text, host }),
            Err(why) => {
                let message = format!("`{path}` cannot be `{text}`");
                let code = Diagnostic::error(Code::ENDPOINT, node.origin.first(), message);
                diagnostics.push(code.help(why));
                None
            }
        }
    }
}

/// The host of `https://host:port`.
fn parse_endpoint(text: &str) -> Result<Host, String> {
    let Some(rest) = text.strip_prefix("https://") else {
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
        return Err(format!("the API speaks HTTPS: write `https://{bare}`"));
    };
    if let Some((host, _)) = rest.split_once('/') {
        return Err(format!("it has no path: write `https://{host}`"));
    }
    let bare = rest.starts_with('[') && rest.ends_with(']') || parse_address(rest).is_ok();
    let (host, port) = match rest.rsplit_once(':').filter(|_| !bare) {
        Some(parts) => parts,
        None => return Err(format!("it has a port: write `https://{rest}:{PORT}`")),
    };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(format!("`{port}` is not a port; the API's is {PORT}"));
    }
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Ok(address) = parse_address(inner.unwrap_or(host)) {
        return match (address.is_ipv6(), inner) {
            (true, None) => Err(format!("write `https://[{host}]:{port}`")),
            _ => Ok(Host::Address(address)),
        };
    }
    HostName::parse(host).map(|HostName(name)| Host::Name(name))
}
