//! The words of `[talos]`, of a node's `talos` and of a module's `[[talos]]`, as a table.
//!
//! Says how a word is written and how it merges; [`super::words`] reads it, and what a word becomes in a machine
//! config is `lower`'s business.

/// A word and what stands behind it.
#[derive(Debug)]
pub struct Word {
    /// As it is written.
    pub name: &'static str,
    /// One sentence for editors and the documentation.
    pub doc: &'static str,
    /// How its value is written.
    pub shape: Shape,
}

/// How a value is written, and thereby how two of them merge.
#[derive(Debug)]
pub enum Shape {
    /// One value: two different ones disagree.
    One(Kind),
    /// A list that adds up.
    Each(Kind),
    /// A flag of a Kubernetes program: one value, or a list that adds up.
    Flag,
    /// A table with these words.
    Table(&'static [Word]),
    /// A table whose keys are names.
    Names(&'static Shape),
    /// Another program's own configuration: tables merge, lists add up.
    Tree,
    /// A list of tables that a key tells apart.
    Keyed(Keyed),
    /// A value of this kind, or the other shape.
    Or(Kind, &'static Shape),
    /// A table; a value alone is short for a table with this word.
    Short(&'static str, &'static [Word]),
}

/// A list of tables that a key tells apart; a text is short for a table with the key alone.
#[derive(Debug)]
pub struct Keyed {
    /// The word that tells two entries apart.
    pub key: &'static str,
    /// The word that stands in for a missing key.
    pub or: Option<&'static str>,
    /// What the key's value is.
    pub kind: Kind,
    /// The other words.
    pub words: &'static [Word],
}

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name of a system extension, with or without `siderolabs/`.
    Extension,
    /// Text of at least one character.
    Text,
    /// Text, a number or a boolean, which becomes text.
    Plain,
    /// The value of a kernel parameter: text or an integer.
    Sysctl,
    /// `true` or `false`.
    Bool,
    /// A TCP port.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path from the root.
    AbsolutePath,
    /// A file that Talos lets a machine config write: below `/var`, or the CRI's customization.
    FilePath,
    /// Permissions: an integer, or octal digits as text.
    Mode,
    /// A network, with `!` before it to leave it out.
    Subnet,
    /// A host name or an address.
    Host,
    /// The name of a Kubernetes namespace.
    Namespace,
    /// A URL.
    Url,
    /// A certificate as PEM.
    Certificate,
    /// A size in bytes with a unit: `100GB`, `20GiB`.
    Size,
    /// A size, or a share of the disk: `50%`.
    SizeOrShare,
    /// The value of a Kubernetes label; null removes the label.
    Label,
    /// The value of an annotation; null removes the annotation.
    Annotation,
    /// A taint's `value:Effect` or `:Effect`; null removes the taint.
    Taint,
}

const fn word(name: &'static str, shape: Shape, doc: &'static str) -> Word {
    Word { name, doc, shape }
}

/// Every word.
pub static WORDS: &[Word] = &[
    word(
        "extensions",
        Shape::Each(Kind::Extension),
        "System extensions of the node's image; `siderolabs/` may be left out.",
    ),
    word(
        "kernel_args",
        Shape::Each(Kind::Text),
        "Arguments of the kernel's command line.",
    ),
    word(
        "sysctls",
        Shape::Names(&Shape::One(Kind::Sysctl)),
        "Kernel parameters, by name.",
    ),
    word(
        "kernel_modules",
        Shape::Keyed(Keyed {
            key: "name",
            or: None,
            kind: Kind::Text,
            words: &[word(
                "parameters",
                Shape::Each(Kind::Text),
                "Parameters of the module.",
            )],
        }),
        "Kernel modules to load.",
    ),
    word("kubelet", Shape::Table(KUBELET), "The kubelet."),
    word(
        "mounts",
        Shape::Keyed(Keyed {
            key: "destination",
            or: Some("source"),
            kind: Kind::AbsolutePath,
            words: MOUNT,
        }),
        "Folders of the node that the kubelet sees; a path alone is mounted where it is.",
    ),
    word(
        "volumes",
        Shape::Names(&Shape::Table(VOLUME)),
        "Volumes by name: `/var/mnt/<name>`, or Talos' own in capitals.",
    ),
    word(
        "api_server",
        Shape::Table(API_SERVER),
        "The Kubernetes API server.",
    ),
    word(
        "controller_manager",
        Shape::Table(CONTROLLER_MANAGER),
        "The Kubernetes controller manager.",
    ),
    word(
        "scheduler",
        Shape::Table(SCHEDULER),
        "The Kubernetes scheduler.",
    ),
    word("etcd", Shape::Table(ETCD), "etcd."),
    word(
        "core_dns",
        Shape::Table(CORE_DNS),
        "The cluster DNS that Talos installs.",
    ),
    word(
        "proxy",
        Shape::Table(PROXY),
        "The kube-proxy that Talos installs.",
    ),
    word(
        "cni",
        Shape::Or(
            Kind::Choice(&["none", "flannel"]),
            &Shape::Table(&[word(
                "urls",
                Shape::Each(Kind::Url),
                "Manifests of the pod network.",
            )]),
        ),
        "The pod network that Talos installs.",
    ),
    word(
        "node_labels",
        Shape::Names(&Shape::One(Kind::Label)),
        "Labels of the Node; none removes one.",
    ),
    word(
        "node_annotations",
        Shape::Names(&Shape::One(Kind::Annotation)),
        "Annotations of the Node; none removes one.",
    ),
    word(
        "node_taints",
        Shape::Names(&Shape::One(Kind::Taint)),
        "Taints of the Node: `value:Effect` or `:Effect`.",
    ),
    word(
        "files",
        Shape::Keyed(Keyed {
            key: "path",
            or: None,
            kind: Kind::FilePath,
            words: FILE,
        }),
        "Files that Talos writes.",
    ),
    word(
        "cri",
        Shape::Tree,
        "containerd's configuration in its own tables, merged into Talos' own.",
    ),
    word(
        "registries",
        Shape::Table(REGISTRIES),
        "Container registries.",
    ),
    word(
        "cert_sans",
        Shape::Each(Kind::Host),
        "More names of the Talos and Kubernetes API servers.",
    ),
    word(
        "kube_prism",
        Shape::Short("enabled", KUBE_PRISM),
        "The local load balancer of the Kubernetes API.",
    ),
    word(
        "host_dns",
        Shape::Short("enabled", HOST_DNS),
        "The node's own DNS cache.",
    ),
    word(
        "disable_search_domain",
        Shape::One(Kind::Bool),
        "Whether Talos makes no search domain of the node's own domain.",
    ),
    word(
        "talos_api_access",
        Shape::Table(TALOS_API_ACCESS),
        "Which pods may talk to Talos itself: those of these namespaces, with these roles.",
    ),
];

/// The words of `[talos]` alone: they are about the lab, not about a machine.
pub static LAB_WORDS: &[Word] = &[word(
    "extension_order",
    Shape::One(Kind::Choice(&["sorted", "as-written"])),
    "Whether extensions are sorted, or keep the lab's order: another order is another schematic.",
)];

/// The keys of `[talos]` that are about the lab, not about a machine: those of [`LAB_WORDS`], and what `resolve` reads.
pub static LAB_KEYS: [&str; 3] = ["extension_order", "patches", "talhelper"];

/// The words about control planes alone: wherever they are said, no worker hears them.
pub static CONTROL_PLANE_WORDS: [&str; 8] = [
    "api_server",
    "controller_manager",
    "scheduler",
    "etcd",
    "core_dns",
    "proxy",
    "cni",
    "talos_api_access",
];

static KUBELET: &[Word] = &[
    word("args", ARGS, "Flags."),
    word("config", Shape::Tree, "Its KubeletConfiguration."),
    word(
        "node_ip_subnets",
        Shape::Each(Kind::Subnet),
        "Where the Node's own address is looked for.",
    ),
    word(
        "default_seccomp",
        Shape::One(Kind::Bool),
        "Whether pods get the runtime's seccomp profile.",
    ),
];

static MOUNT: &[Word] = &[
    word(
        "source",
        Shape::One(Kind::AbsolutePath),
        "The folder of the node.",
    ),
    word(
        "type",
        Shape::One(Kind::Text),
        "The type of the mount: `bind`.",
    ),
    word(
        "options",
        Shape::Each(Kind::Text),
        "Mount options; `bind`, `rshared`, `rw` where none are given.",
    ),
];

static VOLUME: &[Word] = &[
    word(
        "type",
        Shape::One(Kind::Choice(&["partition", "disk", "directory"])),
        "`partition` where it is not given.",
    ),
    word(
        "size",
        Shape::One(Kind::Size),
        "The least size that it needs.",
    ),
    word(
        "max_size",
        Shape::One(Kind::SizeOrShare),
        "The most that it takes.",
    ),
    word(
        "grow",
        Shape::One(Kind::Bool),
        "Whether it grows as far as it may.",
    ),
    word(
        "disk",
        DISK_SHAPE,
        "On which disk: a path, a selector, or `match` with an expression.",
    ),
    word(
        "filesystem",
        Shape::One(Kind::Choice(&["xfs", "ext4"])),
        "`xfs` where it is not given.",
    ),
    word(
        "encrypt",
        Shape::One(Kind::Choice(&["tpm", "node-id"])),
        "What its key is sealed with.",
    ),
];

/// A disk: its path, or what it must be like.
const DISK_SHAPE: Shape = Shape::Or(Kind::AbsolutePath, &Shape::Table(DISK));

/// The words of a disk selector.
static DISK: &[Word] = &[
    word(
        "size",
        Shape::One(Kind::Text),
        "Its size: `>= 90GB`, `< 2TB`, `500GB`.",
    ),
    word(
        "type",
        Shape::One(Kind::Choice(&["nvme", "ssd", "hdd", "sd"])),
        "What kind of disk it is.",
    ),
    word(
        "model",
        Shape::One(Kind::Text),
        "Its model; `*` stands for anything.",
    ),
    word("serial", Shape::One(Kind::Text), "Its serial number."),
    word("modalias", Shape::One(Kind::Text), "Its modalias."),
    word("uuid", Shape::One(Kind::Text), "Its UUID."),
    word("wwid", Shape::One(Kind::Text), "Its WWID."),
    word("busPath", Shape::One(Kind::Text), "Its place on the bus."),
    word(
        "match",
        Shape::One(Kind::Text),
        "An expression of Talos' own, instead of all others.",
    ),
];

static API_SERVER: &[Word] = &[
    word("args", ARGS, "Flags."),
    word(
        "env",
        Shape::Names(&Shape::One(Kind::Plain)),
        "Environment variables.",
    ),
    word(
        "admission_control",
        Shape::Or(Kind::Choice(&["disabled"]), &Shape::Names(&Shape::Tree)),
        "Admission plugins by name, with their configuration; `disabled` takes out Talos' Pod Security.",
    ),
    word(
        "audit_policy",
        Shape::Tree,
        "The audit policy, instead of Talos' own.",
    ),
    word(
        "extra_volumes",
        EXTRA_VOLUMES,
        "Folders of the node that it sees.",
    ),
    word("resources", Shape::Tree, "Requests and limits."),
];

static CONTROLLER_MANAGER: &[Word] = &[
    word("args", ARGS, "Flags."),
    word(
        "env",
        Shape::Names(&Shape::One(Kind::Plain)),
        "Environment variables.",
    ),
    word(
        "extra_volumes",
        EXTRA_VOLUMES,
        "Folders of the node that it sees.",
    ),
    word("resources", Shape::Tree, "Requests and limits."),
];

static SCHEDULER: &[Word] = &[
    word("args", ARGS, "Flags."),
    word(
        "env",
        Shape::Names(&Shape::One(Kind::Plain)),
        "Environment variables.",
    ),
    word("config", Shape::Tree, "Its KubeSchedulerConfiguration."),
    word(
        "extra_volumes",
        EXTRA_VOLUMES,
        "Folders of the node that it sees.",
    ),
    word("resources", Shape::Tree, "Requests and limits."),
];

const ARGS: Shape = Shape::Names(&Shape::Flag);

const EXTRA_VOLUMES: Shape = Shape::Keyed(Keyed {
    key: "mount_path",
    or: Some("host_path"),
    kind: Kind::AbsolutePath,
    words: &[
        word(
            "host_path",
            Shape::One(Kind::AbsolutePath),
            "The folder of the node.",
        ),
        word(
            "read_only",
            Shape::One(Kind::Bool),
            "Whether it may only be read.",
        ),
    ],
});

static ETCD: &[Word] = &[
    word("args", ARGS, "Flags."),
    word(
        "advertised_subnets",
        Shape::Each(Kind::Subnet),
        "The networks that members reach each other in.",
    ),
    word(
        "listen_subnets",
        Shape::Each(Kind::Subnet),
        "The networks that it listens in.",
    ),
];

static CORE_DNS: &[Word] = &[
    word(
        "disabled",
        Shape::One(Kind::Bool),
        "Whether Talos leaves it out.",
    ),
    word("image", Shape::One(Kind::Text), "Its image."),
];

static PROXY: &[Word] = &[
    word(
        "disabled",
        Shape::One(Kind::Bool),
        "Whether Talos leaves it out.",
    ),
    word(
        "mode",
        Shape::One(Kind::Choice(&["iptables", "ipvs", "nftables"])),
        "How it forwards.",
    ),
    word("args", ARGS, "Flags."),
    word("image", Shape::One(Kind::Text), "Its image."),
];

static FILE: &[Word] = &[
    word(
        "op",
        Shape::One(Kind::Choice(&["create", "append", "overwrite"])),
        "`create` where it is not given.",
    ),
    word(
        "permissions",
        Shape::One(Kind::Mode),
        "`0o644` where they are not given.",
    ),
    word("content", Shape::One(Kind::Text), "What it holds."),
];

static REGISTRIES: &[Word] = &[
    word(
        "mirrors",
        Shape::Names(&Shape::Table(&[
            word(
                "endpoints",
                Shape::Each(Kind::Url),
                "Where its images come from instead, in this order.",
            ),
            word(
                "skip_fallback",
                Shape::One(Kind::Bool),
                "Whether the registry itself is never asked.",
            ),
            word(
                "override_path",
                Shape::One(Kind::Bool),
                "Whether the endpoints' paths are complete.",
            ),
        ])),
        "Mirrors, by the registry's host.",
    ),
    word(
        "tls",
        Shape::Names(&Shape::Table(&[
            word(
                "ca",
                Shape::One(Kind::Certificate),
                "The certificate that it is trusted by, as PEM.",
            ),
            word(
                "insecure_skip_verify",
                Shape::One(Kind::Bool),
                "Whether its certificate is not looked at.",
            ),
        ])),
        "How a registry is trusted, by its host.",
    ),
];

static KUBE_PRISM: &[Word] = &[
    word(
        "enabled",
        Shape::One(Kind::Bool),
        "Whether it runs; it does where nobody says otherwise.",
    ),
    word(
        "port",
        Shape::One(Kind::Port),
        "Its port on the node; 7445 where it is not given.",
    ),
];

static HOST_DNS: &[Word] = &[
    word(
        "enabled",
        Shape::One(Kind::Bool),
        "Whether it runs; it does where nobody says otherwise.",
    ),
    word(
        "forward_kube_dns_to_host",
        Shape::One(Kind::Bool),
        "Whether cluster DNS asks it.",
    ),
    word(
        "resolve_member_names",
        Shape::One(Kind::Bool),
        "Whether it knows the cluster's nodes by name.",
    ),
];

static TALOS_API_ACCESS: &[Word] = &[
    word(
        "roles",
        Shape::Each(Kind::Choice(&[
            "os:admin",
            "os:operator",
            "os:reader",
            "os:etcd:backup",
            "os:impersonator",
        ])),
        "What pods may ask to be.",
    ),
    word(
        "namespaces",
        Shape::Each(Kind::Namespace),
        "Where these pods run.",
    ),
];
