//! The text of a new `lab.toml`, from what a person says about their cluster.

use std::net::{IpAddr, Ipv4Addr};

use super::Shelf;
use super::component::needed;
use crate::parse::domain::{IpNet, Version, parse_address};
use crate::parse::module::Module;

/// The Talos that a new lab gets where nothing else is said.
pub const TALOS: &str = "v1.12.11";

/// The Kubernetes that a new lab gets where nothing else is said: one that this Talos runs.
pub const KUBERNETES: &str = "v1.35.4";

/// What a new lab is told by whoever starts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The lab's name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Its time zone.
    pub timezone: Option<String>,
    /// `argocd` or `flux`.
    pub engine: String,
    /// The URL of its repository.
    pub repository: String,
    /// The version of Talos.
    pub talos: String,
    /// The version of Kubernetes.
    pub kubernetes: String,
    /// The machines.
    pub nodes: Vec<Node>,
    /// The network that they live in.
    pub network: String,
    /// The router.
    pub gateway: Option<String>,
    /// The address that the control planes share.
    pub vip: Option<String>,
    /// What load balancers get their addresses from.
    pub load_balancer: Option<String>,
}

/// A machine, as `NAME=ROLE@ADDRESS` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `controlplane` or `worker`.
    pub role: &'static str,
    /// Its address.
    pub address: String,
}

impl Node {
    /// The machine of `cp-1=controlplane@192.168.1.11`; a role may be shortened to its first letters.
    ///
    /// # Errors
    /// A phrase with an example.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || "a node is NAME=ROLE@ADDRESS, such as `cp-1=controlplane@192.168.1.11`".to_owned();
        let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (role, address) = rest.split_once('@').ok_or_else(wrong)?;
        let role = ["controlplane", "worker"]
            .into_iter()
            .find(|known| !role.is_empty() && known.starts_with(&role.replace('-', "")))
            .ok_or("the role of a node is `controlplane` or `worker`")?;
        crate::parse::domain::check_label(name)
            .map_err(|why| format!("a node cannot be called `{name}`: {why}"))?;
        parse_address(address)?;
        Ok(Node {
            name: name.to_owned(),
            role,
            address: address.to_owned(),
        })
    }
}

/// The network that a node probably lives in: the /24 or /64 of its address.
pub fn usual_network(address: &str) -> Option<String> {
    let address = parse_address(address).ok()?;
    let prefix = if address.is_ipv4() { 24 } else { 64 };
    let network = IpNet::new(address, prefix).ok()?;
    Some(network.trunc().to_string())
}

/// The router that a network probably has: its first address.
pub fn usual_gateway(network: &str) -> Option<String> {
    let network: IpNet = network.parse().ok()?;
    match network.network() {
        IpAddr::V4(address) => {
            let first = u32::from(address).checked_add(1)?;
            Some(Ipv4Addr::from(first).to_string())
        }
        IpAddr::V6(_) => None,
    }
}

/// The lab as TOML that compiles as it is, written for a person to go on with.
pub fn text(answers: &Answers, shelf: &Shelf) -> String {
    let mut text = String::new();
    head(answers, &mut text);
    cluster(answers, &mut text);
    network(answers, &mut text);
    nodes(answers, &mut text);
    components(answers, shelf, &mut text);
    text
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn head(answers: &Answers, text: &mut String) {
    let Answers {
        name,
        domain,
        engine,
        repository,
        ..
    } = answers;
    let timezone = answers.timezone.as_deref().unwrap_or("UTC");
    text.push_str(&format!(
        "# The lab {name}. Change this file, then run: labc build\n\
         # `labc module list` shows what there is to add, `labc add NAME` adds it.\n\n\
         [lab]\n\
         format = 1\n\
         name = {}\n\
         domain = {}\n\
         timezone = {}\n\
         engine = {}\n\n\
         [repository]                    # where {} reads out/\n\
         url = {}\n\
         branch = \"main\"\n\n",
        quoted(name),
        quoted(domain),
        quoted(timezone),
        quoted(engine),
        engine_name(engine),
        quoted(repository),
    ));
}

fn engine_name(engine: &str) -> &str {
    match engine {
        "argocd" => "Argo CD",
        "flux" => "Flux",
        other => other,
    }
}

fn cluster(answers: &Answers, text: &mut String) {
    let contract = Version::parse(&answers.talos).map(|version| version.minor().to_string());
    let contract = contract.unwrap_or_else(|_| answers.talos.clone());
    let workers = answers.nodes.iter().any(|node| node.role == "worker");
    text.push_str(&format!(
        "[cluster]\n\
         talos = {}\n\
         contract = {}              # the Talos version that the cluster is made with: an upgrade never moves it\n\
         kubernetes = {}\n",
        quoted(&answers.talos),
        quoted(&contract),
        quoted(&answers.kubernetes),
    ));
    if !workers {
        text.push_str("schedule_on_control_planes = true\n");
    }
    text.push('\n');
}

fn network(answers: &Answers, text: &mut String) {
    text.push_str(&format!(
        "[network]\nnodes = {}\n",
        quoted(&answers.network)
    ));
    if let Some(gateway) = &answers.gateway {
        text.push_str(&format!("gateway = {}\n", quoted(gateway)));
    }
    if let Some(vip) = &answers.vip {
        text.push_str(&format!(
            "vip = {}                  # the control planes share it: the Kubernetes API\n",
            quoted(vip)
        ));
    }
    match &answers.load_balancer {
        Some(range) => text.push_str(&format!("load_balancer = [{}]\n", quoted(range))),
        None => text.push_str(
            "# load_balancer = [\"first-last\"]     addresses for Services of type LoadBalancer, outside DHCP's range\n",
        ),
    }
    text.push_str(
        "# reserved = { nas = \"address\" }      hosts that are not the cluster's, so that nothing takes their address\n\n",
    );
}

fn nodes(answers: &Answers, text: &mut String) {
    text.push_str(
        "# What the machines have in common: any key of a node but role and address. Nodes name it with `hardware = \"pc\"`.\n\
         [hardware.pc]\n\
         disk = \"/dev/sda\"              # where Talos is installed: a path, or what selects it: { size = \">= 90GB\" }\n\
         # extensions = [\"intel-ucode\"]\n\n\
         [nodes]\n",
    );
    let width = answers.nodes.iter().map(|node| node.name.len()).max();
    let width = width.unwrap_or(0);
    for node in &answers.nodes {
        let Node {
            name,
            role,
            address,
        } = node;
        text.push_str(&format!(
            "{name:<width$} = {{ role = {}, address = {}, hardware = \"pc\" }}\n",
            quoted(role),
            quoted(address)
        ));
    }
}

/// The component that installs the engine, where the library has a module for it.
fn components(answers: &Answers, shelf: &Shelf, text: &mut String) {
    let Some(book) = shelf.modules.get(&answers.engine) else {
        return;
    };
    let module: &Module = &book.module;
    text.push_str(&format!("\n[infrastructure.{}]\n", module.name));
    for needed in needed(&module.name, module) {
        text.push_str(&format!("{}\n", needed.line));
    }
}
