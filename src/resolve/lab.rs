//! What a lab's fixed sections say, typed: repository, cluster, network, nodes.
//!
//! Types only; [`super::plan`] reads and checks them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::parse::domain::{IpNet, IpRange, Minor, Version};
use crate::source::{Origin, Span, Spanned};
use crate::value::Node;

/// Who consumes the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
}

/// Who renders charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Render {
    /// The engine: labc writes source, version and values.
    Reference,
    /// labc: the tree holds what the chart makes.
    Hydrated,
}

/// `[lab]` and `[repository]`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `lab.name`.
    pub name: Spanned<String>,
    /// `lab.domain`.
    pub domain: Spanned<String>,
    /// `lab.timezone`.
    pub timezone: Spanned<String>,
    /// `lab.engine`.
    pub engine: Spanned<Engine>,
    /// `lab.render`, unless a component says otherwise.
    pub render: Spanned<Render>,
    /// `lab.modules`: folders with modules elsewhere in the repository, relative to the lab's folder.
    pub modules: Vec<Spanned<String>>,
    /// `repository`.
    pub repository: Repository,
}

/// `[repository]`: where the engine reads the tree.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The URL as an engine clones it.
    pub url: Spanned<String>,
    /// The branch.
    pub branch: Spanned<String>,
    /// The lab's folder in it, without slashes at its ends; empty for the root.
    pub path: Spanned<String>,
    /// The name of the `[secrets]` entry with the credentials of a private repository.
    pub secret: Option<Spanned<String>>,
}

impl Repository {
    /// The path in the repository of a path below the lab's folder.
    pub fn path_of(&self, path: &str) -> String {
        if self.path.value.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.path.value)
        }
    }
}

/// `[cluster]`.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The version of Talos that the nodes run.
    pub talos: Spanned<Version>,
    /// The Talos version whose machine-config format the patches follow.
    pub contract: Spanned<Minor>,
    /// The version of Kubernetes.
    pub kubernetes: Spanned<Version>,
    /// Whether pods of apps may run on control planes.
    pub schedule_on_control_planes: Spanned<bool>,
    /// The URL of the Kubernetes API, with its port.
    pub endpoint: Spanned<String>,
}

/// `[network]`.
#[derive(Clone, Debug)]
pub struct Network {
    /// The network that the nodes live in.
    pub nodes: Spanned<IpNet>,
    /// The router.
    pub gateway: Option<Spanned<IpAddr>>,
    /// The address that the control planes share.
    pub vip: Option<Spanned<IpAddr>>,
    /// What `LoadBalancer` Services get their addresses from.
    pub load_balancer: Vec<Spanned<IpRange>>,
    /// Hosts that are not the cluster's: name and address.
    pub reserved: BTreeMap<String, Spanned<IpAddr>>,
    /// The pods' networks, one a family; the origin of a default is the built-in defaults file.
    pub pods: Vec<Spanned<IpNet>>,
    /// The Services' networks, one a family.
    pub services: Vec<Spanned<IpNet>>,
    /// The address of cluster DNS.
    pub dns: Spanned<IpAddr>,
    /// Name servers of the nodes.
    pub nameservers: Vec<Spanned<IpAddr>>,
    /// Search domains of the nodes.
    pub search: Vec<Spanned<String>>,
    /// Time servers of the nodes.
    pub ntp: Vec<Spanned<String>>,
    /// The MTU of every link that does not say its own.
    pub mtu: Option<Spanned<u16>>,
    /// The ports that `NodePort` Services may take, both ends included; default 30000-32767 (Kubernetes').
    pub node_ports: Spanned<(u16, u16)>,
}

/// The name of a node: a DNS label. `k8s-2` comes before `k8s-10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(pub String);

impl Ord for NodeName {
    fn cmp(&self, other: &Self) -> Ordering {
        by_number(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for NodeName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two names with the numbers in them as numbers.
fn by_number(one: &str, other: &str) -> Ordering {
    let key = |part: &str| match part.bytes().all(|letter| letter.is_ascii_digit()) {
        true => {
            let digits = part.trim_start_matches('0');
            (0, digits.len(), digits.to_owned())
        }
        false => (1, 0, part.to_owned()),
    };
    runs(one).map(key).cmp(runs(other).map(key))
}

/// A name in its runs of digits and of other letters.
fn runs(name: &str) -> impl Iterator<Item = &str> {
    let is_digit = |letter: &u8| letter.is_ascii_digit();
    name.as_bytes()
        .chunk_by(move |one, next| is_digit(one) == is_digit(next))
        .filter_map(|run| std::str::from_utf8(run).ok())
}

impl fmt::Display for NodeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Runs etcd and the control plane.
    ControlPlane,
    /// Runs pods only.
    Worker,
}

impl Role {
    /// The word of `lab.toml` and of Talos' file names.
    pub fn word(self) -> &'static str {
        match self {
            Role::ControlPlane => "controlplane",
            Role::Worker => "worker",
        }
    }
}

/// How a node is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// By address.
    Address(IpAddr),
    /// By name (only with `dhcp`): used by scripts and the endpoint, left out of the address plan.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(address) => address.fmt(formatter),
            Host::Name(name) => formatter.write_str(name),
        }
    }
}

/// One machine: an entry of `[nodes]` with what its hardware says merged in.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name, which is its host name.
    pub name: Spanned<NodeName>,
    /// What it is for.
    pub role: Spanned<Role>,
    /// How it is reached.
    pub address: Spanned<Host>,
    /// Whether it takes part: an offline node keeps its address and gets no files.
    pub online: Spanned<bool>,
    /// The `[hardware]` entry that it uses.
    pub hardware: Option<Spanned<String>>,
    /// Where Talos is installed.
    pub disk: Option<Disk>,
    /// Its network links. A node without any keeps Talos' default: DHCP on every link.
    pub links: Vec<Link>,
    /// `amd64` or `arm64`.
    pub arch: Spanned<Arch>,
    /// The overlay of a single-board computer.
    pub overlay: Option<Overlay>,
    /// System extensions of lab, hardware and node, in that order and as written (with or without `siderolabs/`).
    pub extensions: Vec<Spanned<String>>,
    /// Kernel arguments of hardware and node.
    pub kernel_args: Vec<Spanned<String>>,
    /// Labels of the Kubernetes Node; a null value removes one that Talos sets.
    pub labels: BTreeMap<String, Node>,
    /// Taints of the Kubernetes Node: key to `value:Effect` or `:Effect`.
    pub taints: BTreeMap<String, Spanned<String>>,
    /// UEFI secure boot.
    pub secure_boot: Spanned<bool>,
    /// How STATE and EPHEMERAL are encrypted.
    pub encrypt: Option<Spanned<Encrypt>>,
    /// `volumes.<name>` of hardware and node, as the vocabulary of `[[talos]]` has them.
    pub volumes: Option<Node>,
    /// The `talos` table of hardware and node: the vocabulary of `[[talos]]`, hardware first.
    pub talos: Vec<Node>,
    /// Patch files of hardware and node.
    pub patches: Vec<Spanned<String>>,
    /// Where the node is written.
    pub span: Span,
}

/// Where Talos is installed.
#[derive(Clone, Debug)]
pub enum Disk {
    /// A device: `/dev/nvme0n1`.
    Path(Spanned<String>),
    /// Talos' `installDiskSelector`: keys such as `size`, `model`, `type`, `serial`, `wwid`, `busPath`, with their values.
    Selector(Node),
}

/// One network link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The interface (`eno1`), the bond (`bond0`) or, with `mac` alone, a name of the lab's own.
    pub name: Spanned<String>,
    /// The hardware address that selects it, in lowercase with colons.
    pub mac: Option<Spanned<String>>,
    /// Whether `name` is the interface's own name, or only the lab's word for the link that `mac` selects.
    pub named: bool,
    /// The links that a bond consists of: interface names or hardware addresses.
    pub bond: Vec<Spanned<String>>,
    /// Bond options as Talos spells them (`mode`, `miimon`, ...), if given.
    pub bond_options: Option<Node>,
    /// The VLAN on this link that carries the addresses.
    pub vlan: Option<Spanned<u16>>,
    /// Addresses with prefix. The node's own address is here, too, unless it comes by DHCP.
    pub addresses: Vec<Spanned<IpNet>>,
    /// Whether it asks DHCP for addresses.
    pub dhcp: bool,
    /// The MTU.
    pub mtu: Option<Spanned<u16>>,
    /// Routes: the network (none: the default route) and the next hop.
    pub routes: Vec<Route>,
    /// Whether the shared address of the control planes lives here.
    pub vip: bool,
    /// Everything that made it.
    pub origin: Origin,
}

/// One route of a link.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where to; none is the default route.
    pub network: Option<Spanned<IpNet>>,
    /// Through whom.
    pub gateway: Option<Spanned<IpAddr>>,
    /// Its priority.
    pub metric: Option<Spanned<i64>>,
}

/// Processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// Every one that Talos runs on.
    pub const ALL: [Arch; 2] = [Arch::Amd64, Arch::Arm64];

    /// As Talos, Kubernetes and images say it.
    pub fn word(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }
}

/// An Image Factory overlay.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Its name, `rpi_generic`.
    pub name: Spanned<String>,
    /// Its image, `siderolabs/sbc-raspberrypi`; part of the schematic's identity.
    pub image: Option<Spanned<String>>,
    /// Its options.
    pub options: Option<Node>,
}

/// How a node's disks are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encrypt {
    /// By a key sealed in the TPM.
    Tpm,
    /// By a key derived from the node's id.
    NodeId,
}

/// Which form of talhelper's `talconfig.yaml` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talhelper {
    /// Beside the patches.
    Beside,
    /// Instead of the patches' scripts.
    Instead,
}

/// `[talos]` without the lab's extensions, which every [`Machine`] has already.
#[derive(Clone, Debug, Default)]
pub struct TalosRules {
    /// The words of the vocabulary of `[[talos]]`, for all nodes.
    pub words: Option<Node>,
    /// Patch files for all nodes.
    pub patches: Vec<Spanned<String>>,
    /// Whether talhelper is served.
    pub talhelper: Option<Spanned<Talhelper>>,
}

/// `[namespaces.<name>]`: where a default must change.
#[derive(Clone, Debug)]
pub struct NamespaceRules {
    /// The level that its pods must keep to.
    pub pod_security: Option<Spanned<PodSecurity>>,
    /// More labels.
    pub labels: BTreeMap<String, Spanned<String>>,
    /// More annotations.
    pub annotations: BTreeMap<String, Spanned<String>>,
    /// Whether it outlives its last component.
    pub keep: bool,
    /// Where it is written.
    pub span: Span,
}

/// A pod-security level of Kubernetes. The greater one allows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodSecurity {
    /// Hardened pods only.
    Restricted,
    /// No known privilege escalation.
    Baseline,
    /// Anything.
    Privileged,
}

impl PodSecurity {
    /// The word of `lab.toml` and of Kubernetes' label.
    pub fn word(self) -> &'static str {
        match self {
            PodSecurity::Restricted => "restricted",
            PodSecurity::Baseline => "baseline",
            PodSecurity::Privileged => "privileged",
        }
    }
}

/// `[secrets.<id>]`: a secret that exists outside the compiler.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Where it comes from.
    pub from: Spanned<SecretSource>,
    /// The offer that fills it, where it comes from a store and several could.
    pub via: Option<Spanned<String>>,
    /// Its keys.
    pub keys: BTreeMap<String, SecretKey>,
    /// The Secret's name, where the consumer fixes it; else the entry's.
    pub name: Option<Spanned<String>>,
    /// Its namespace, where the consumer fixes it.
    pub namespace: Option<Spanned<String>>,
    /// Where it is written.
    pub span: Span,
}

/// Where the data of a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A person provides it when the cluster is made.
    Manual,
    /// A SOPS file of the lab.
    Sops,
    /// A store, through an offer of the trait `secret`.
    External,
}

/// One key of a [`Secret`].
#[derive(Clone, Debug)]
pub struct SecretKey {
    /// Where an external store has it, as the store's module reads it: `media/jellyfin#api-key`.
    pub reference: Option<Spanned<String>>,
    /// Where it is written.
    pub span: Span,
}

/// Somebody's wish about the machine config of some nodes: the vocabulary of `[[talos]]`, evaluated.
#[derive(Clone, Debug)]
pub struct Need {
    /// Whose wish it is, as messages say it: "component `longhorn`", "`[talos]`", "hardware `nuc`", "node `cp-1`".
    pub owner: String,
    /// The nodes that it is for, offline ones included.
    pub nodes: Vec<NodeName>,
    /// Whether `nodes` are all of the lab, or all of a role: decides which patch file says it.
    pub reach: Reach,
    /// The words: a map of the vocabulary.
    pub words: Node,
}

/// Which patch file says a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// `all.yaml`.
    All,
    /// `controlplane.yaml` or `worker.yaml`.
    Role(Role),
    /// `nodes/<node>.yaml`.
    Nodes,
}
