//! What two labs mean: the values that are derived, merged or made of a shorthand.

#![allow(clippy::disallowed_methods, reason = "a test reads its labs from disk")]

use std::net::IpAddr;

use labc::diag::Diagnostics;
use labc::diag::report::{Colour, text};
use labc::parse::domain::IpRange;
use labc::resolve::lab::{Arch, Disk, Engine, Link, Machine, NodeName};
use labc::resolve::plan::{AddressPlan, Claim, Sections, sections, with_defaults};
use labc::source::{SourceKind, Sources, Spanned};
use labc::syntax::toml;

struct Read {
    sections: Sections,
    sources: Sources,
}

/// A lab of `tests/messages/` with one text replaced by another.
fn read_with(name: &str, old: &str, new: &str) -> Read {
    let path = format!("{}/tests/messages/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let lab = std::fs::read_to_string(path).expect("the lab is there");
    assert!(lab.contains(old), "{old} is not in {name}");
    let lab = lab.replacen(old, new, 1);
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("lab.toml".to_owned(), lab.as_str().into(), SourceKind::Lab);
    let tree = toml::read(source, &lab, &mut diagnostics);
    let tree = with_defaults(tree, &mut sources, &mut diagnostics);
    let sections = sections(&tree, &mut diagnostics);
    assert!(
        !diagnostics.has_errors(),
        "{}",
        text(&diagnostics, &sources, Colour::No)
    );
    Read {
        sections: sections.expect("no error, so it is read"),
        sources,
    }
}

fn read(name: &str) -> Read {
    read_with(name, "", "")
}

fn machine<'a>(read: &'a Read, name: &str) -> &'a Machine {
    &read.sections.machines[&NodeName(name.to_owned())]
}

/// A link in one line: name, selector, addresses, routes, MTU.
fn line(link: &Link) -> String {
    let addresses: Vec<String> = link
        .addresses
        .iter()
        .map(|item| item.value.to_string())
        .collect();
    let routes = link.routes.iter().map(|route| {
        let network = route.network.as_ref();
        let network = network.map_or("default".to_owned(), |network| network.value.to_string());
        let gateway = route
            .gateway
            .as_ref()
            .map_or(String::new(), |hop| format!(" via {}", hop.value));
        format!("{network}{gateway}")
    });
    let routes: Vec<String> = routes.collect();
    let mac = link.mac.as_ref().map_or("-", |mac| &mac.value);
    let mtu = link.mtu.map_or("-".to_owned(), |mtu| mtu.value.to_string());
    let word = |on: bool, word: &'static str| if on { word } else { "-" };
    format!(
        "{} {} {mac} {addresses:?} {routes:?} mtu {mtu} {} {}",
        link.name.value,
        word(link.named, "named"),
        word(link.dhcp, "dhcp"),
        word(link.vip, "vip"),
    )
}

fn lines(machine: &Machine) -> Vec<String> {
    machine.links.iter().map(line).collect()
}

fn texts(list: &[Spanned<String>]) -> Vec<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

#[test]
fn a_static_link_has_address_route_mtu_and_the_shared_address() {
    let read = read("home-ops");
    assert_eq!(
        lines(machine(&read, "k8s-1")),
        [
            r#"enp86s0 named 48:21:0b:56:12:01 ["10.0.60.21/24"] ["default via 10.0.60.1"] mtu 1500 - vip"#
        ]
    );
    assert_eq!(
        lines(machine(&read, "k8s-9")),
        [
            r#"enp86s0 named 48:21:0b:56:12:09 ["10.0.60.29/24"] ["default via 10.0.60.1"] mtu 1500 - -"#,
            r#"storage - 48:21:0b:56:13:09 ["10.0.61.29/24"] [] mtu 9000 - -"#,
        ]
    );
}

#[test]
fn a_link_by_dhcp_has_nothing_of_the_plan() {
    let read = read_with("home-ops", "interface = \"enp86s0\"", "dhcp = true");
    assert_eq!(
        lines(machine(&read, "k8s-3")),
        ["main - 48:21:0b:56:12:03 [] [] mtu 1500 dhcp vip"]
    );
}

#[test]
fn a_default_route_of_the_link_replaces_the_router() {
    let read = read_with(
        "home-ops",
        "mac = \"48:21:0b:56:12:07\"",
        "links.enp86s0 = { routes = [{ network = \"0.0.0.0/0\", gateway = \"10.0.60.2\" }] }",
    );
    assert_eq!(
        lines(machine(&read, "k8s-7")),
        [r#"enp86s0 named - ["10.0.60.27/24"] ["default via 10.0.60.2"] mtu 1500 - -"#]
    );
}

#[test]
fn without_a_link_a_node_is_left_to_talos() {
    let read = read("nostramo");
    assert!(machine(&read, "node-01").links.is_empty());
}

#[test]
fn hardware_lies_below_a_node() {
    let read = read("home-ops");
    let path = |name| match &machine(&read, name).disk {
        Some(Disk::Path(path)) => path.value.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(path("k8s-1"), "/dev/nvme1n1");
    assert_eq!(path("k8s-6"), "/dev/nvme0n1");
    assert!(matches!(
        machine(&read, "k8s-8").disk,
        Some(Disk::Selector(_))
    ));
}

#[test]
fn lists_of_lab_hardware_and_node_add_up() {
    let read = read_with(
        "nostramo",
        "hardware = \"ryzen\" }",
        "hardware = \"ryzen\", extensions = [\"i915\"], kernel_args = [\"quiet\"] }",
    );
    assert_eq!(
        texts(&machine(&read, "node-01").extensions),
        [
            "iscsi-tools",
            "util-linux-tools",
            "amdgpu",
            "amd-ucode",
            "realtek-firmware",
            "i915"
        ]
    );
    assert_eq!(texts(&machine(&read, "node-01").kernel_args), ["quiet"]);
    let words = read
        .sections
        .talos
        .words
        .as_ref()
        .and_then(|words| words.as_map());
    let words: Vec<&str> = words
        .into_iter()
        .flatten()
        .map(|(word, _)| word.as_str())
        .collect();
    assert_eq!(words, ["api_server"]);
}

#[test]
fn selectors_of_disks_merge() {
    let read = read_with(
        "home-ops",
        "disk = \"/dev/nvme1n1\"",
        "disk = { model = \"Samsung*\", size = \"< 1TB\" }",
    );
    let Some(Disk::Selector(selector)) = &machine(&read, "k8s-8").disk else {
        panic!("a table over a table is a table");
    };
    let text = |key: &str| selector.get(key).and_then(|node| node.as_str());
    assert_eq!(
        (text("model"), text("size"), text("type")),
        (Some("Samsung*"), Some(">= 500GB"), Some("nvme"))
    );
}

#[test]
fn what_a_lab_does_not_say_is_derived() {
    let home_ops = read("home-ops").sections;
    assert_eq!(home_ops.cluster.endpoint.value, "https://10.0.60.10:6443");
    assert_eq!(home_ops.network.dns.value.to_string(), "10.43.0.10");
    assert_eq!(home_ops.identity.engine.value, Engine::ArgoCd);
    assert_eq!(
        home_ops.identity.repository.path_of("out"),
        "clusters/home/out"
    );
    assert!(home_ops.talos.talhelper.is_none());
    let nostramo = read("nostramo");
    assert_eq!(
        nostramo.sections.network.dns.value.to_string(),
        "10.96.0.10"
    );
    assert_eq!(nostramo.sections.network.node_ports.value, (30000, 32767));
    let dns = nostramo.sections.network.dns.span;
    assert_eq!(nostramo.sources.refer(dns), "labc:defaults.toml:18");
}

#[test]
fn the_only_control_plane_is_the_endpoint() {
    let read = read_with("minimal", "192.168.1.11", "192.168.1.12");
    assert_eq!(
        read.sections.cluster.endpoint.value,
        "https://192.168.1.12:6443"
    );
    let read = read_with(
        "minimal",
        "address = \"192.168.1.11\"",
        "dhcp = true, address = \"cp.example.org\"",
    );
    assert_eq!(
        read.sections.cluster.endpoint.value,
        "https://cp.example.org:6443"
    );
}

#[test]
fn an_overlay_is_for_arm64() {
    let read = read_with(
        "nostramo",
        "disk = \"/dev/nvme0n1\"",
        "disk = \"/dev/mmcblk0\"\noverlay = \"rpi_generic\"",
    );
    assert_eq!(machine(&read, "node-02").arch.value, Arch::Arm64);
}

#[test]
fn taints_are_spelled_as_talos_reads_them() {
    let taints = &machine(&read("home-ops"), "k8s-7").taints.clone();
    assert_eq!(taints["example.dev/gpu"].value, ":NoSchedule");
}

#[test]
fn the_address_book_lists_every_owner() {
    let read = read("home-ops");
    let mut plan = AddressPlan::new(&read.sections);
    let span = read.sections.network.nodes.span;
    let address: IpAddr = "10.0.60.203".parse().expect("an address");
    plan.claim(Claim {
        address: Some(address),
        owner: "apps.smtp-relay".to_owned(),
        span,
        source: None,
    });
    let owners: Vec<String> = plan
        .owners
        .iter()
        .map(|owner| format!("{} {}", owner.address, owner.owner))
        .collect();
    assert_eq!(
        owners.first().map(String::as_str),
        Some("10.0.60.1 network.gateway")
    );
    assert!(
        owners.contains(&"10.0.60.24 nodes.k8s-4".to_owned()),
        "an offline node keeps its address"
    );
    assert!(owners.contains(&"10.0.61.29 nodes.k8s-9.links.storage".to_owned()));
    assert_eq!(owners.len(), 16);
    let free: Vec<String> = plan.free().iter().map(ToString::to_string).collect();
    assert_eq!(free, ["10.0.60.200-10.0.60.202", "10.0.60.204-10.0.60.240"]);
}

#[test]
fn a_large_ipv6_range_is_no_work() {
    let mut read = read("minimal");
    let network = &mut read.sections.network;
    network.nodes.value = "fd00::/64".parse().expect("a network");
    network.load_balancer[0].value = IpRange::parse("fd00::1:0:0:0/80").expect("a range");
    network.gateway = None;
    let mut plan = AddressPlan::new(&read.sections);
    let span = read.sections.network.nodes.span;
    for _ in 0..2 {
        let address = Some("fd00::1:0:0:5".parse().expect("an address"));
        plan.claim(Claim {
            address,
            owner: "apps.a".to_owned(),
            span,
            source: None,
        });
    }
    plan.claim(Claim {
        address: None,
        owner: "apps.b".to_owned(),
        span,
        source: None,
    });
    let mut diagnostics = Diagnostics::default();
    plan.check(true, &read.sources, &mut diagnostics);
    assert_eq!(text(&diagnostics, &read.sources, Colour::No), "");
    assert_eq!(plan.free().len(), 2);
}

#[test]
fn a_range_without_others_has_exactly_the_rest() {
    let range = |first: u8, last: u8| {
        IpRange::parse(&format!("10.0.0.{first}-10.0.0.{last}")).expect("a range")
    };
    let whole = range(10, 20);
    let some = [
        (0, 9),
        (0, 10),
        (12, 14),
        (13, 15),
        (16, 16),
        (20, 20),
        (19, 30),
        (10, 20),
        (0, 255),
    ];
    for one in some {
        for other in some {
            let taken = [range(one.0, one.1), range(other.0, other.1)];
            let left: Vec<IpAddr> = whole
                .without(taken)
                .iter()
                .flat_map(IpRange::iter)
                .collect();
            let expected: Vec<IpAddr> = whole
                .iter()
                .filter(|address| !taken.iter().any(|taken| taken.contains(*address)))
                .collect();
            assert_eq!(left, expected, "{taken:?}");
        }
    }
    let all = IpRange::parse("::/0").expect("a range");
    assert_eq!(all.without([all]), []);
}
