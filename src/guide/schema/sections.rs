//! The keys of `lab.toml` that do not depend on modules, as data.

use super::shape::{Key, Shape};
use crate::render::machine::vocabulary::{LAB_WORDS, WORDS, Word};

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        shape,
        required: false,
    }
}

const fn must(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        doc,
        shape,
        required: true,
    }
}

/// Every table but those of components.
pub const SECTIONS: &[Key] = &[
    must(
        "lab",
        Shape::Table(LAB),
        "What the lab is called, and who consumes what labc makes of it.",
    ),
    must(
        "repository",
        Shape::Table(REPOSITORY),
        "Where the engine reads the compiled tree.",
    ),
    key(
        "vars",
        Shape::Open(&[]),
        "Facts of your own: `${{ vars.email }}`.",
    ),
    must("cluster", Shape::Table(CLUSTER), "Versions and endpoint."),
    must(
        "network",
        Shape::Table(NETWORK),
        "The network's plan: who may have which address.",
    ),
    key(
        "talos",
        Shape::Words(WORDS_OF_LAB, TALOS),
        "What all nodes have: the words of a module's [[talos]].",
    ),
    key(
        "hardware",
        Shape::Names(&Shape::Table(HARDWARE)),
        "What nodes have in common, by name.",
    ),
    must(
        "nodes",
        Shape::Names(&Shape::Table(NODE)),
        "The machines, by name.",
    ),
    key(
        "namespaces",
        Shape::Names(&Shape::Table(NAMESPACE)),
        "Only where a default must change: all other namespaces follow from the components.",
    ),
    key(
        "defaults",
        Shape::Names(&Shape::Text),
        "Who answers a trait where several could: trait = offer, such as `storage = \"longhorn\"`.",
    ),
    key(
        "secrets",
        Shape::Names(&Shape::Table(SECRET)),
        "Secrets that exist outside the compiler: where they come from, and which keys they have.",
    ),
];

const LAB: &[Key] = &[
    key(
        "format",
        Shape::Integer(1, 1),
        "The format of this file: 1.",
    ),
    must("name", Shape::Text, "The lab's name: a DNS label."),
    must(
        "domain",
        Shape::Text,
        "The domain that hosts without a dot get.",
    ),
    key(
        "timezone",
        Shape::Text,
        "A time zone such as `Europe/Berlin`. Default: `UTC`.",
    ),
    must(
        "engine",
        Shape::Choice(&["argocd", "flux"]),
        "Who consumes the tree. The component that installs it is an ordinary one.",
    ),
    key(
        "render",
        Shape::Choice(&["reference", "hydrated"]),
        "Who renders charts: the engine (`reference`, the default), or labc (`hydrated`).",
    ),
    key(
        "modules",
        Shape::List(&Shape::Text),
        "Folders with more modules, inside the same repository.",
    ),
];

const REPOSITORY: &[Key] = &[
    must(
        "url",
        Shape::Text,
        "Its URL, as the engine in the cluster clones it.",
    ),
    key("branch", Shape::Text, "The branch. Default: `main`."),
    key(
        "path",
        Shape::Text,
        "The lab's folder in the repository. Default: its root.",
    ),
    key(
        "secret",
        Shape::Text,
        "The name of [secrets] with the credentials of a private repository.",
    ),
];

const CLUSTER: &[Key] = &[
    must(
        "talos",
        Shape::Text,
        "The version of Talos that the nodes run.",
    ),
    must(
        "contract",
        Shape::Text,
        "The Talos version whose machine-config format the patches follow: fixed when the cluster was made.",
    ),
    must("kubernetes", Shape::Text, "The version of Kubernetes."),
    key(
        "schedule_on_control_planes",
        Shape::Boolean,
        "Whether pods of apps may run on control planes. Default: false.",
    ),
    key(
        "endpoint",
        Shape::Text,
        "The URL of the Kubernetes API. Default: at the vip, else at the only control plane.",
    ),
];

const NETWORK: &[Key] = &[
    must(
        "nodes",
        Shape::Text,
        "The network that the nodes live in: `192.168.1.0/24`.",
    ),
    key("gateway", Shape::Text, "The router."),
    key(
        "vip",
        Shape::Text,
        "The address that the control planes share.",
    ),
    key(
        "load_balancer",
        Shape::OneOrMany(&Shape::Text),
        "Ranges for Services of type LoadBalancer: `192.168.1.60-192.168.1.69`.",
    ),
    key(
        "reserved",
        Shape::Names(&Shape::Text),
        "Hosts that are not the cluster's, by name, so that nothing takes their address.",
    ),
    key(
        "pods",
        Shape::OneOrMany(&Shape::Text),
        "The pods' network, one a family. Default: 10.244.0.0/16.",
    ),
    key(
        "services",
        Shape::OneOrMany(&Shape::Text),
        "The Services' network, one a family. Default: 10.96.0.0/12.",
    ),
    key(
        "dns",
        Shape::Text,
        "The address of cluster DNS. Default: the tenth of `services`.",
    ),
    key(
        "nameservers",
        Shape::OneOrMany(&Shape::Text),
        "Name servers of the nodes.",
    ),
    key(
        "search",
        Shape::OneOrMany(&Shape::Text),
        "Search domains of the nodes.",
    ),
    key(
        "ntp",
        Shape::OneOrMany(&Shape::Text),
        "Time servers of the nodes.",
    ),
    key(
        "mtu",
        Shape::Integer(576, 9216),
        "The MTU of every link that does not say its own.",
    ),
    key(
        "node_ports",
        Shape::Text,
        "The ports that NodePort Services may take. Default: 30000-32767.",
    ),
];

const EXTENSIONS: Key = key(
    "extensions",
    Shape::List(&Shape::Text),
    "System extensions of the image; `siderolabs/` may be left out.",
);
const PATCHES: Key = key(
    "patches",
    Shape::List(&Shape::Text),
    "Files with machine-config patches of your own.",
);

/// The words of `[talos]`.
static WORDS_OF_LAB: &[&[Word]] = &[WORDS, LAB_WORDS];

/// The words of a node's `talos`.
static WORDS_OF_NODE: &[&[Word]] = &[WORDS];

/// What stands beside the words of the nodes' vocabulary.
const TALOS: &[Key] = &[
    PATCHES,
    key(
        "talhelper",
        Shape::Choice(&["beside", "instead"]),
        "Write a talconfig.yaml for talhelper: beside the patches, or instead of the scripts.",
    ),
];

const DISK: Key = key(
    "disk",
    Shape::Either(&[Shape::Text, Shape::Table(DISK_SELECTOR)]),
    "Where Talos is installed: a path such as `/dev/nvme0n1`, or what selects the disk.",
);
const DISK_SELECTOR: &[Key] = &[
    key("size", Shape::Text, "`>= 90GB`."),
    key("model", Shape::Text, "The disk's model."),
    key("serial", Shape::Text, "The disk's serial number."),
    key("modalias", Shape::Text, "The disk's modalias."),
    key("uuid", Shape::Text, "The disk's UUID."),
    key("wwid", Shape::Text, "The disk's world-wide id."),
    key(
        "type",
        Shape::Choice(&["ssd", "hdd", "nvme", "sd"]),
        "The disk's type.",
    ),
    key("busPath", Shape::Text, "The disk's path on the bus."),
];
const INTERFACE: Key = key(
    "interface",
    Shape::Text,
    "The network interface, such as `eno1`.",
);
const MAC: Key = key(
    "mac",
    Shape::Text,
    "The hardware address that selects the link.",
);
const MTU: Key = key("mtu", Shape::Integer(576, 9216), "The link's MTU.");
const VLAN: Key = key(
    "vlan",
    Shape::Integer(1, 4094),
    "The VLAN that carries the addresses.",
);
const DHCP: Key = key(
    "dhcp",
    Shape::Boolean,
    "Whether the link asks DHCP for addresses.",
);
const LINKS: Key = key(
    "links",
    Shape::Names(&Shape::Table(LINK)),
    "Network links by interface or name, where there is more than one.",
);
const LINK: &[Key] = &[
    MAC,
    key(
        "bond",
        Shape::List(&Shape::Text),
        "The links that a bond consists of.",
    ),
    key(
        "bond_options",
        Shape::Open(&[]),
        "Bond options as Talos spells them.",
    ),
    VLAN,
    key(
        "address",
        Shape::OneOrMany(&Shape::Text),
        "Addresses, such as `192.168.1.10/24`.",
    ),
    DHCP,
    MTU,
    key(
        "routes",
        Shape::List(&Shape::Table(ROUTE)),
        "Routes through this link.",
    ),
];
const ROUTE: &[Key] = &[
    key(
        "network",
        Shape::Text,
        "Where to. Without it, everywhere else.",
    ),
    key("gateway", Shape::Text, "Through whom."),
    key(
        "metric",
        Shape::Integer(0, i64::MAX),
        "Its priority: the lower one wins.",
    ),
];
const ARCH: Key = key(
    "arch",
    Shape::Choice(&["amd64", "arm64"]),
    "The processor's architecture. Default: `amd64`, with an overlay `arm64`.",
);
const OVERLAY: Key = key(
    "overlay",
    Shape::Either(&[Shape::Text, Shape::Table(OVERLAY_TABLE)]),
    "The overlay of a single-board computer.",
);
const OVERLAY_TABLE: &[Key] = &[
    must("name", Shape::Text, "Its name, such as `rpi_generic`."),
    key("image", Shape::Text, "Its image."),
    key("options", Shape::Open(&[]), "Its options."),
];
const LABELS: Key = key(
    "labels",
    Shape::Names(&Shape::Any),
    "Labels of the Kubernetes Node.",
);
const TAINTS: Key = key(
    "taints",
    Shape::Names(&Shape::Text),
    "Taints of the Kubernetes Node: key = `value:Effect`.",
);
const STATUS: Key = key(
    "status",
    Shape::Choice(&["online", "offline"]),
    "An offline node keeps its address and gets no files.",
);
const SECURE_BOOT: Key = key("secure_boot", Shape::Boolean, "UEFI secure boot.");
const ENCRYPT: Key = key(
    "encrypt",
    Shape::Choice(&["tpm", "node-id"]),
    "How the disks are encrypted: by the TPM (needs secure boot), or by the node's id.",
);
const KERNEL_ARGS: Key = key(
    "kernel_args",
    Shape::List(&Shape::Text),
    "Kernel arguments.",
);
const VOLUMES: Key = key(
    "volumes",
    Shape::Word("volumes"),
    "Volumes by name, in the words of [[talos]].",
);
const NODE_TALOS: Key = key(
    "talos",
    Shape::Words(WORDS_OF_NODE, &[]),
    "The words of [[talos]].",
);

const HARDWARE: &[Key] = &[
    DISK,
    INTERFACE,
    MAC,
    MTU,
    VLAN,
    DHCP,
    LINKS,
    ARCH,
    OVERLAY,
    EXTENSIONS,
    LABELS,
    TAINTS,
    STATUS,
    SECURE_BOOT,
    ENCRYPT,
    KERNEL_ARGS,
    VOLUMES,
    NODE_TALOS,
    PATCHES,
];

const NODE: &[Key] = &[
    must(
        "role",
        Shape::Choice(&["controlplane", "worker"]),
        "What it is for.",
    ),
    must(
        "address",
        Shape::Text,
        "Its address; with `dhcp`, also a host name.",
    ),
    key(
        "hardware",
        Shape::Text,
        "The entry of [hardware] whose keys it takes where it has none of its own.",
    ),
    DISK,
    INTERFACE,
    MAC,
    MTU,
    VLAN,
    DHCP,
    LINKS,
    ARCH,
    OVERLAY,
    EXTENSIONS,
    LABELS,
    TAINTS,
    STATUS,
    SECURE_BOOT,
    ENCRYPT,
    KERNEL_ARGS,
    VOLUMES,
    NODE_TALOS,
    PATCHES,
];

const NAMESPACE: &[Key] = &[
    key(
        "pod_security",
        Shape::Choice(&["privileged", "baseline", "restricted"]),
        "The level that its pods must keep to. Default: what its components need.",
    ),
    key("labels", Shape::Names(&Shape::Text), "More labels."),
    key(
        "annotations",
        Shape::Names(&Shape::Text),
        "More annotations.",
    ),
    key(
        "keep",
        Shape::Boolean,
        "Whether it outlives its last component.",
    ),
];

const SECRET: &[Key] = &[
    must(
        "from",
        Shape::Choice(&["manual", "sops", "external"]),
        "Where its data comes from: a person, a SOPS file of the lab, or a store.",
    ),
    must(
        "keys",
        Shape::Either(&[Shape::List(&Shape::Text), Shape::Names(&Shape::Text)]),
        "Its keys. With `from = \"external\"`, a table: key = place in the store.",
    ),
    key(
        "via",
        Shape::Text,
        "With `from = \"external\"`: the offer that fills it, where several could.",
    ),
    key(
        "name",
        Shape::Text,
        "The Secret's name, where the consumer fixes it.",
    ),
    key(
        "namespace",
        Shape::Text,
        "Its namespace, where the consumer fixes it.",
    ),
];

/// The keys of every component.
pub const COMPONENT_KEYS: &[Key] = &[
    key(
        "module",
        Shape::Text,
        "What it deploys. Default: the component's own name.",
    ),
    key(
        "enabled",
        Shape::Boolean,
        "Off, it is no part of the tree: the engine deletes it.",
    ),
    key(
        "suspend",
        Shape::Boolean,
        "On, it stays in the tree and the engine leaves it alone.",
    ),
    key("version", Shape::Text, "The version of its chart, exactly."),
    key(
        "namespace",
        Shape::Text,
        "Where it lives. Default: the module's namespace, else its own name.",
    ),
    key(
        "render",
        Shape::Choice(&["reference", "hydrated"]),
        "Who renders its chart: the engine, or labc.",
    ),
    key(
        "values",
        Shape::Open(&[]),
        "Values of the chart, merged last. A null is `\"${{ none }}\"`.",
    ),
    key(
        "values_files",
        Shape::OneOrMany(&Shape::Text),
        "Files with values of the chart, merged in order before `values`.",
    ),
    key(
        "manifests",
        Shape::OneOrMany(&Shape::Text),
        "Files with more resources, or patterns such as `extra/*.yaml`.",
    ),
    key(
        "patches",
        Shape::List(&Shape::Table(PATCH)),
        "Changes to the resources that labc writes for it.",
    ),
    key(
        "needs",
        Shape::List(&Shape::Text),
        "Components that it comes after, where nothing else shows it.",
    ),
    key(
        "keep",
        Shape::Boolean,
        "Whether its claims survive pruning. Default: true for anything with storage.",
    ),
    key(
        "drift",
        Shape::List(&Shape::Table(DRIFT)),
        "Fields that controllers write, which the engine is to leave alone.",
    ),
    key(
        "addresses",
        Shape::Names(&Shape::Text),
        "Addresses of the load balancer by name: `${{ component.addresses.NAME }}`.",
    ),
];

const TARGET: &[Key] = &[
    must("kind", Shape::Text, "The kind."),
    key("group", Shape::Text, "The API group."),
    key("version", Shape::Text, "The version behind the group."),
    key("name", Shape::Text, "The name."),
    key("namespace", Shape::Text, "The namespace."),
];

const PATCH: &[Key] = &[
    must(
        "target",
        Shape::Table(TARGET),
        "Which resources it changes: at least one must match.",
    ),
    key("merge", Shape::Any, "A JSON merge patch."),
    key("strategic", Shape::Any, "A strategic merge patch."),
    key(
        "json",
        Shape::List(&Shape::Table(OPERATION)),
        "The operations of a JSON patch (RFC 6902).",
    ),
    key(
        "file",
        Shape::Text,
        "A file with a strategic merge patch, or with the operations of a JSON patch.",
    ),
];

const OPERATION: &[Key] = &[
    must(
        "op",
        Shape::Choice(&["add", "remove", "replace", "move", "copy", "test"]),
        "What it does.",
    ),
    must("path", Shape::Text, "Where: a JSON pointer."),
    key("from", Shape::Text, "Where from."),
    key("value", Shape::Any, "What."),
];

const DRIFT: &[Key] = &[
    key("target", Shape::Table(TARGET), "Which resources."),
    key("paths", Shape::List(&Shape::Text), "JSON pointers."),
    key(
        "jq",
        Shape::List(&Shape::Text),
        "jq path expressions; for Argo CD only.",
    ),
];

/// The keys of an entry of every trait.
pub(super) const ENTRY_KEYS: &[Key] = &[key(
    "via",
    Shape::Text,
    "Who answers, where several could: an offer such as `envoy-gateway.internal`.",
)];
