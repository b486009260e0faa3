//! The Talos plane against Talos itself: every patch that labc writes, applied, reloaded and validated by the library
//! of the version that the nodes run. Without Go, one line says that this was skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its labs from disk and runs Talos' own decoder"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::diag::{Diagnostics, Severity};
use labc::lower::Content;
use labc::lower::talos::files;
use labc::render::machine::facts::Facts;
use labc::render::machine::vocabulary::{self, Shape};
use labc::render::machine::{Machines, RawPatch};
use labc::resolve::lab::{NodeName, Reach};
use labc::source::{SourceKind, Sources};
use labc::value::Node;

#[path = "talos/bench.rs"]
mod bench;

use bench::{
    Case, Compiled, Scratch, asked_by_scripts, case, compile, content, documents, errors_of,
    folder, json, lab_text, minor, needs_of, oracles, run_json, set_by,
};

/// Each contract with its own Talos, and older contracts that outlived an upgrade.
const CASES: [Case; 28] = [
    case("rich", "v1.9.5", "v1.9", "v1.32.4"),
    case("rich", "v1.10.6", "v1.10", "v1.33.6"),
    case("rich", "v1.11.6", "v1.11", "v1.34.1"),
    case("rich", "v1.12.7", "v1.12", "v1.35.4"),
    case("rich", "v1.13.9", "v1.13", "v1.36.3"),
    case("rich", "v1.9.5", "v1.7", "v1.32.4"),
    case("rich", "v1.12.7", "v1.9", "v1.35.4"),
    case("rich", "v1.13.9", "v1.11", "v1.36.3"),
    case("rich", "v1.13.9", "v1.12", "v1.36.3"),
    case("plain", "v1.9.5", "v1.9", "v1.32.4"),
    case("plain", "v1.13.9", "v1.13", "v1.36.3"),
    case("custom-cni", "v1.9.5", "v1.9", "v1.32.4"),
    case("custom-cni", "v1.11.6", "v1.11", "v1.34.1"),
    case("custom-cni", "v1.12.7", "v1.12", "v1.35.4"),
    case("custom-cni", "v1.13.9", "v1.13", "v1.36.3"),
    case("home-ops", "v1.10.6", "v1.10", "v1.33.6"),
    case("home-ops", "v1.11.6", "v1.11", "v1.34.1"),
    case("home-ops", "v1.12.7", "v1.12", "v1.35.4"),
    case("home-ops", "v1.13.9", "v1.13", "v1.36.3"),
    case("raspberry", "v1.9.5", "v1.9", "v1.32.4"),
    case("raspberry", "v1.12.7", "v1.12", "v1.35.4"),
    case("raspberry", "v1.13.9", "v1.13", "v1.36.3"),
    case("ragas", "v1.10.6", "v1.10", "v1.33.6"),
    case("ragas", "v1.11.6", "v1.11", "v1.34.1"),
    case("ragas", "v1.13.9", "v1.13", "v1.36.3"),
    case("ha", "v1.9.5", "v1.9", "v1.32.4"),
    case("ha", "v1.12.7", "v1.12", "v1.35.4"),
    case("ha", "v1.13.9", "v1.13", "v1.36.3"),
];

/// What Talos says about each node.
struct Verdict {
    errors: Vec<String>,
    config: String,
}

fn judge(oracles: &Path, scratch: &Path, compiled: &Compiled) -> BTreeMap<String, Verdict> {
    let cluster = &compiled.machines.cluster;
    let nodes = compiled.plane.nodes.iter().map(|(name, files)| {
        let patches = files.patches.iter();
        let patches: Vec<String> = patches
            .map(|path| scratch.join("out").join(path).display().to_string())
            .collect();
        let role = compiled.machines.nodes[name].machine.role.value.word();
        serde_json::json!({ "name": name.0, "role": role, "patches": patches })
    });
    let asked = serde_json::json!({
        "name": "test",
        "endpoint": cluster.endpoint.value,
        "contract": cluster.contract.value.to_string(),
        "kubernetes": cluster.kubernetes.value.semver.to_string(),
        "nodes": nodes.collect::<Vec<_>>(),
    });
    let talos = cluster.talos.value.minor();
    let program = oracles.join(format!("oracle-{talos}"));
    verdicts(&run_json(&program, "check", &asked))
}

/// What Talos says about a compiled tree, going by its own scripts; nothing where its Talos has no decoder here.
fn judge_tree(oracles: &Path, tree: &Path) -> Option<BTreeMap<String, Verdict>> {
    let upgrade = fs::read_to_string(tree.join("talos/upgrade.sh")).expect("a script");
    let talos = minor(&set_by(&upgrade, "talos"));
    let program = oracles.join(format!("oracle-v1.{talos}"));
    program
        .exists()
        .then(|| verdicts(&run_json(&program, "check", &asked_by_scripts(tree))))
}

fn verdicts(answers: &serde_json::Value) -> BTreeMap<String, Verdict> {
    let answers = answers.as_object().expect("an object").iter();
    let verdict = |(name, answer): (&String, &serde_json::Value)| {
        let errors = answer["errors"].as_array().expect("a list").iter();
        let errors = errors.map(|error| error.as_str().expect("text").to_owned());
        let config = answer["config"].as_str().expect("text").to_owned();
        let errors = errors.collect();
        (name.clone(), Verdict { errors, config })
    };
    answers.map(verdict).collect()
}

#[test]
fn talos_accepts_every_patch() {
    let Some(oracles) = oracles() else {
        return;
    };
    let mut wrong = String::new();
    for case in CASES {
        let compiled = compile(&lab_text(&case), &needs_of(case.lab), &[]);
        let name = format!("{}-{}-{}", case.lab, case.talos, case.contract);
        assert_eq!(
            compiled.diagnostics.count(Severity::Error),
            0,
            "{name}\n{}",
            errors_of(&compiled)
        );
        let scratch = Scratch::new(&name);
        scratch.write(&compiled.plane);
        for (node, verdict) in judge(&oracles, &scratch.0, &compiled) {
            for error in verdict.errors {
                writeln!(wrong, "{name}: {node}: {error}").expect("a string takes it");
            }
        }
    }
    assert!(wrong.is_empty(), "Talos refuses:\n{wrong}");
}

/// Every kind of document that a Talos up to 1.13 has.
const KINDS: [&str; 44] = [
    "BlackholeRouteConfig",
    "BondConfig",
    "BridgeConfig",
    "DHCPv4Config",
    "DHCPv6Config",
    "DummyLinkConfig",
    "EnvironmentConfig",
    "EthernetConfig",
    "EventSinkConfig",
    "ExistingVolumeConfig",
    "ExtensionServiceConfig",
    "ExternalVolumeConfig",
    "HCloudVIPConfig",
    "HostnameConfig",
    "ImageVerificationConfig",
    "KmsgLogConfig",
    "KubeSpanConfig",
    "KubeSpanEndpointsConfig",
    "Layer2VIPConfig",
    "LinkAliasConfig",
    "LinkConfig",
    "NetworkDefaultActionConfig",
    "NetworkRuleConfig",
    "OOMConfig",
    "PCIDriverRebindConfig",
    "RawVolumeConfig",
    "RegistryAuthConfig",
    "RegistryMirrorConfig",
    "RegistryTLSConfig",
    "ResolverConfig",
    "RoutingRuleConfig",
    "SideroLinkConfig",
    "StaticHostConfig",
    "SwapVolumeConfig",
    "TCPProbeConfig",
    "TimeSyncConfig",
    "TrustedRootsConfig",
    "UserVolumeConfig",
    "VLANConfig",
    "VRFConfig",
    "VolumeConfig",
    "WatchdogTimerConfig",
    "WireguardConfig",
    "ZswapConfig",
];

#[test]
fn the_table_of_fields_is_what_talos_decodes() {
    let Some(oracles) = oracles() else {
        return;
    };
    // path to its type in the newest version, and the first minor that has it
    let mut fields: BTreeMap<Vec<String>, (String, u32)> = BTreeMap::new();
    for minor in 9..=13 {
        let output = Command::new(oracles.join(format!("oracle-v1.{minor}")))
            .arg("fields")
            .args(KINDS)
            .output()
            .expect("the decoder starts");
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (path, kind) = line.split_once(' ').expect("a path and a type");
            let path = path.split('.').map(str::to_owned).collect();
            let since = fields.get(&path).map_or(minor, |(_, since)| *since);
            fields.insert(path, (kind.to_owned(), since));
        }
    }
    let mut table = String::from(
        "# The fields of Talos' machine config, from its own library (v1.9.5, v1.10.6, v1.11.6, v1.12.7, v1.13.9).\n",
    );
    for (path, (kind, since)) in &fields {
        let name = path.last().expect("a path has a name");
        let space = " ".repeat(path.len() - 1);
        let above = fields
            .get(&path[..path.len() - 1])
            .map_or(9, |(_, since)| *since);
        let since = if *since > above {
            format!(" 1.{since}")
        } else {
            String::new()
        };
        writeln!(table, "{space}{name} {kind}{since}").expect("a string takes it");
    }
    let file = folder("src/render/machine/fields.txt");
    if std::env::var_os("LABC_BLESS").is_some() {
        fs::write(file, table).expect("a file");
        return;
    }
    let committed = fs::read_to_string(file).expect("the table is there");
    assert!(
        committed == table,
        "src/render/machine/fields.txt is not what Talos decodes"
    );
}

/// What a machine config says at a path, as JSON; `Kind/name:path` is in a document, a path alone in the config.
fn at(documents: &[Node], place: &str) -> String {
    let (document, path) = place.split_once(':').unwrap_or(("", place));
    let (kind, name) = document.split_once('/').unwrap_or((document, ""));
    let is_it = |node: &&Node| {
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        text("kind") == kind && (name.is_empty() || text("name") == name)
    };
    let found = documents.iter().find(is_it);
    let found = found.and_then(|found| {
        path.split(' ')
            .try_fold(found, |node, key| match key.parse::<usize>() {
                Ok(index) => node.as_list()?.get(index),
                Err(_) => node.get(key),
            })
    });
    found.map_or_else(|| "nothing".to_owned(), |node| json(node).to_string())
}

/// The trees that are committed: the root lab's, and those of the labs of the tests.
fn committed_trees() -> Vec<PathBuf> {
    let labs = fs::read_dir(folder("tests/labs")).into_iter().flatten();
    let mut trees: Vec<PathBuf> = labs
        .map(|lab| lab.expect("an entry").path().join("out"))
        .collect();
    trees.push(folder("out"));
    trees.retain(|tree| tree.join("talos/generate.sh").exists());
    trees.sort();
    trees
}

#[test]
fn talos_accepts_every_committed_tree() {
    let Some(oracles) = oracles() else {
        return;
    };
    for tree in committed_trees() {
        let Some(verdicts) = judge_tree(&oracles, &tree) else {
            eprintln!("skipped: no decoder for the Talos of {}", tree.display());
            continue;
        };
        for (node, verdict) in verdicts {
            assert!(
                verdict.errors.is_empty(),
                "{}: {node}: {:?}",
                tree.display(),
                verdict.errors
            );
        }
    }
}

#[test]
fn a_wrong_tree_is_noticed() {
    let Some(oracles) = oracles() else {
        return;
    };
    let case = case("plain", "v1.12.7", "v1.12", "v1.35.4");
    let scratch = Scratch::new("wrong");
    scratch.write(&compile(&lab_text(&case), "", &[]).plane);
    let tree = scratch.0.join("out");
    let errors = |node: &str| {
        judge_tree(&oracles, &tree).expect("a decoder")[node]
            .errors
            .clone()
    };
    assert_eq!(errors("worker-1"), [""; 0]);
    let patch = tree.join("talos/patches/nodes/worker-1.yaml");
    fs::write(&patch, "cluster: {etcd: {}}\n").expect("a file");
    let said = errors("worker-1").join("\n");
    assert!(
        said.contains("etcd config is only allowed on control plane machines"),
        "{said}"
    );
    fs::write(&patch, "machine: {sysctl: {}}\n").expect("a file");
    let said = errors("worker-1").join("\n");
    assert!(said.contains("unknown keys"), "{said}");
}

#[test]
fn machine_configs_say_what_the_lab_says() {
    let Some(oracles) = oracles() else {
        return;
    };
    let (mut wrong, mut count) = (String::new(), BTreeMap::new());
    for case in CASES
        .iter()
        .filter(|case| minor(case.talos) == minor(case.contract))
    {
        let path = folder(&format!("tests/talos/labs/{}.expected.txt", case.lab));
        let Ok(expected) = fs::read_to_string(path) else {
            continue;
        };
        let compiled = compile(&lab_text(case), &needs_of(case.lab), &[]);
        let scratch = Scratch::new(&format!("says-{}-{}", case.lab, case.contract));
        scratch.write(&compiled.plane);
        let verdicts = judge(&oracles, &scratch.0, &compiled);
        for line in expected
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let mut parts = line.splitn(3, " | ");
            let mut next = || parts.next().expect("a line has three parts");
            let (who, place, value) = (next(), next(), next());
            let (contract, node) = who.split_once(' ').expect("a contract and a node");
            if contract != "all" && contract != case.contract {
                continue;
            }
            *count.entry(case.lab).or_insert(0) += 1;
            let said = at(&documents(&verdicts[node].config), place);
            if said != value {
                let (lab, contract) = (case.lab, case.contract);
                writeln!(
                    wrong,
                    "{lab} {contract}: {node}: {place} is {said}, not {value}"
                )
                .expect("a string takes it");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    for (lab, least) in [
        ("rich", 150),
        ("home-ops", 60),
        ("raspberry", 20),
        ("ragas", 40),
        ("ha", 20),
        ("custom-cni", 10),
    ] {
        let count = count.get(lab).copied().unwrap_or(0);
        assert!(count >= least, "{lab}: only {count} were compared");
    }
}

#[test]
fn an_offline_node_has_no_files() {
    let case = case("home-ops", "v1.11.6", "v1.11", "v1.34.1");
    let compiled = compile(&lab_text(&case), "", &[]);
    let offline: Vec<&str> = compiled
        .machines
        .offline
        .keys()
        .map(|name| name.0.as_str())
        .collect();
    assert_eq!(offline, ["worker-4", "worker-5"]);
    for file in &compiled.plane.files {
        let text = String::from_utf8_lossy(&content(file)).into_owned();
        let may = file.path == "out/talos/README.md";
        assert!(
            may || !text.contains("worker-4") && !file.path.contains("worker-4"),
            "{} speaks of it",
            file.path
        );
    }
}

/// A lab of one control plane and one worker, and what is said about a patch for all of its nodes.
fn said_about(patch: &str, contract: &'static str, talos: &'static str) -> String {
    let case = case("plain", talos, contract, "v1.32.4");
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let source = sources.add("talos/x.yaml".to_owned(), patch.into(), SourceKind::Lab);
    let raw = RawPatch {
        reach: Reach::All,
        nodes: Vec::new(),
        documents: labc::syntax::yaml::read(source, patch, &mut diagnostics),
        bytes: Some(patch.as_bytes().to_vec()),
        span: None,
    };
    let compiled = compile(&lab_text(&case), "", &[raw]);
    let messages = compiled.diagnostics.sorted(&compiled.sources);
    messages
        .iter()
        .map(|message| format!("{} {}\n", message.code, message.message))
        .collect()
}

#[test]
fn patches_of_your_own_are_read_field_by_field() {
    let volume = "apiVersion: v1alpha1\nkind: VolumeConfig\nname: STATE\n";
    let cases = [
        (
            "machine: {sysctls: {a: 1}, kubelet: {extraConfig: {maxPods: 1}}}",
            "v1.11",
            "",
        ),
        ("machine: {nodeLabels: {$patch: delete}}", "v1.11", ""),
        (
            "cluster: {apiServer: {admissionControl: {$patch: delete}}}",
            "v1.11",
            "",
        ),
        (volume, "v1.11", ""),
        (
            "cluster: {proxy: {config: {ipvs: {strictARP: true}}}}",
            "v1.11",
            "L0904 a machine config has no field `cluster.proxy.config`\n",
        ),
        (
            "machine: {sysctl: {a: b}}",
            "v1.11",
            "L0904 a machine config has no field `machine.sysctl`\n",
        ),
        (
            "machine: {install: {wipe: 'true'}}",
            "v1.11",
            "L0904 `machine.install.wipe` must be a boolean, but is a string\n",
        ),
        (
            "machine: {certSANs: a.example.org}",
            "v1.11",
            "L0904 `machine.certSANs` must be a list, but is a string\n",
        ),
        (
            "cluster: {network: {cni: {flannel: {kubeNetworkPoliciesEnabled: true}}}}",
            "v1.11",
            "L0904 `cluster.network.cni.flannel.kubeNetworkPoliciesEnabled` needs Talos v1.13\n",
        ),
        (
            "apiVersion: v1alpha1\nkind: LinkConfig\nname: eno1\n",
            "v1.11",
            "L0904 `LinkConfig` needs Talos v1.12\n",
        ),
        (
            "apiVersion: v1alpha1\nkind: VolumesConfig\nname: x\n",
            "v1.11",
            "L0904 Talos has no document of the kind `VolumesConfig`\n",
        ),
        (
            "- op: add\n  path: /machine/sysctls\n  value: {}\n",
            "v1.11",
            "",
        ),
        (
            "- op: add\n  path: /machine/sysctls\n  value: {}\n",
            "v1.12",
            "L0906 contract v1.12 takes no list of operations as a patch\n",
        ),
        ("machine: {network: {hostname: x}}", "v1.11", ""),
        (
            "machine: {network: {hostname: x}}",
            "v1.12",
            "L0906 `machine.network.hostname` cannot be said in contract v1.12\n",
        ),
        (
            "# nothing\n",
            "v1.11",
            "L0106 this patch says nothing, and Talos refuses such a patch\n",
        ),
        (
            "machine: {token: abc.def}",
            "v1.11",
            "L0804 `machine.token` holds a secret in plain text\n",
        ),
        (
            "machine: {registries: {config: {ghcr.io: {auth: {password: x}}}}}",
            "v1.11",
            "L0804 `machine.registries.config.\"ghcr.io\".auth` holds a secret in plain text\n",
        ),
        (
            "apiVersion: v1alpha1\nkind: RegistryAuthConfig\nname: ghcr.io\nusername: me\npassword: x\n",
            "v1.12",
            "L0804 `password` holds a secret in plain text\n",
        ),
    ];
    for (patch, contract, expected) in cases {
        let talos = if contract == "v1.11" {
            "v1.11.6"
        } else {
            "v1.12.7"
        };
        let said: String = said_about(patch, contract, talos)
            .lines()
            .filter(|line| !line.starts_with("L0701"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(said, expected, "{patch}");
    }
}

#[test]
fn a_volume_is_said_in_one_patch_only() {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let patch =
        "apiVersion: v1alpha1\nkind: VolumeConfig\nname: EPHEMERAL\nprovisioning: {grow: true}\n";
    let source = sources.add("talos/x.yaml".to_owned(), patch.into(), SourceKind::Lab);
    let raw = |node: &str| RawPatch {
        reach: Reach::Nodes,
        nodes: vec![NodeName(node.to_owned()), NodeName("gone".to_owned())],
        documents: labc::syntax::yaml::read(source, patch, &mut diagnostics),
        bytes: None,
        span: None,
    };
    let [one, other] = ["cp-1", "worker-1"].map(raw);
    let case = case("plain", "v1.11.6", "v1.11", "v1.34.1");
    let fine = compile(&lab_text(&case), "", &[one.clone(), other.clone()]);
    assert_eq!(errors_of(&fine), "");
    let files = &fine.plane.nodes[&NodeName("cp-1".to_owned())].patches;
    assert_eq!(
        files[1..],
        [
            "talos/patches/nodes/cp-1.yaml",
            "talos/patches/nodes/cp-1.01.yaml"
        ]
    );
    let wrong = compile(&lab_text(&case), "", &[one.clone(), one, other]);
    let said = errors_of(&wrong);
    assert!(
        said.contains("a second patch speaks of `VolumeConfig EPHEMERAL`"),
        "{said}"
    );
}

#[test]
fn modules_that_disagree_are_both_named() {
    let needs = r#"
[[need]]
owner = "component `longhorn`"
on = "all"
sysctls."vm.nr_hugepages" = "1024"

[[need]]
owner = "component `mayastor`"
on = "worker"
sysctls."vm.nr_hugepages" = "2048"
cni.urls = ["https://example.org/cni.yaml"]
"#;
    let case = case("plain", "v1.11.6", "v1.11", "v1.34.1");
    let said = errors_of(&compile(&lab_text(&case), needs, &[]));
    assert_eq!(
        said,
        "\
error[L0903]: `sysctls.\"vm.nr_hugepages\"` cannot be both `1024` and `2048`
  --> module.toml:10:29
   |
 5 | sysctls.\"vm.nr_hugepages\" = \"1024\"
   |                             ------ component `longhorn` says `1024`
...
10 | sysctls.\"vm.nr_hugepages\" = \"2048\"
   |                             ^^^^^^ component `mayastor` says `2048`
   |
   = help: make the two equal, or take one of them out

error[L0106]: `cni.urls` is about control planes, and this is for none
  --> module.toml:11:13
   |
11 | cni.urls = [\"https://example.org/cni.yaml\"]
   |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ said by component `mayastor`
   |
   = help: say it for `controlplane`, or for all nodes
"
    );
}

#[test]
fn what_all_nodes_share_is_said_once() {
    let need = |on: &str, size: &str| {
        format!(
            "[[need]]\nowner = \"component `longhorn`\"\non = {on}\nmounts = [\"/var/lib/longhorn\"]\n\
             sysctls = {{ \"vm.nr_hugepages\" = \"{size}\" }}\n"
        )
    };
    let case = case("plain", "v1.11.6", "v1.11", "v1.34.1");
    let where_it_is = |needs: &str| {
        let compiled = compile(&lab_text(&case), needs, &[]);
        assert_eq!(errors_of(&compiled), "");
        let said = |word: &str| -> Vec<String> {
            let files = compiled
                .plane
                .files
                .iter()
                .filter(|file| file.path.contains("/patches/"));
            let files = files.filter(|file| String::from_utf8_lossy(&content(file)).contains(word));
            files
                .map(|file| {
                    file.path
                        .trim_start_matches("out/talos/patches/")
                        .to_owned()
                })
                .collect()
        };
        (said("/var/lib/longhorn"), said("vm.nr_hugepages"))
    };
    let both = |one: &str, other: &str| {
        let needs = need("\"controlplane\"", one) + &need("\"worker\"", other);
        where_it_is(&needs)
    };
    let file = |name: &str| vec![name.to_owned()];
    assert_eq!(both("1", "1"), (file("all.yaml"), file("all.yaml")));
    let each = vec!["controlplane.yaml".to_owned(), "worker.yaml".to_owned()];
    assert_eq!(both("1", "2"), (file("all.yaml"), each));
    let named = |on: &str| where_it_is(&need(on, "1"));
    assert_eq!(
        named("[\"worker-1\", \"cp-1\"]"),
        (file("all.yaml"), file("all.yaml"))
    );
    assert_eq!(
        named("[\"worker-1\"]"),
        (file("worker.yaml"), file("worker.yaml"))
    );
}

#[test]
fn a_schematic_is_named_by_what_has_it() {
    let case = case("rich", "v1.12.7", "v1.12", "v1.35.4");
    let compiled = compile(&lab_text(&case), &needs_of("rich"), &[]);
    let names: Vec<(&str, &str)> = compiled
        .machines
        .nodes
        .iter()
        .map(|(node, intent)| (node.0.as_str(), intent.schematic.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("cp-1", "nuc"),
            ("cp-2", "nuc"),
            ("cp-3", "cp-3"),
            ("worker-1", "pi"),
            ("worker-2", "worker-2"),
            ("worker-3", "cp-3"),
        ]
    );
    let written = compiled
        .plane
        .files
        .iter()
        .find(|file| file.path.ends_with("schematics/nuc.yaml"));
    let bytes = content(written.expect("it is written"));
    let expected = compiled.machines.schematics["nuc"].canonical();
    assert_eq!(String::from_utf8(bytes).expect("text"), expected);
}

/// Everything that a lab's plane says, in one text.
fn outcome(machines: &Machines) -> String {
    let mut diagnostics = Diagnostics::default();
    let plane = files(machines, "test", &mut diagnostics);
    let mut all = format!("{diagnostics:?}");
    for file in &plane.files {
        all.push_str(&file.path);
        all.push_str(&String::from_utf8_lossy(&content(file)));
    }
    all
}

/// The layers of a lab, each with its name.
fn layers(machines: &mut Machines) -> Vec<(String, &mut Facts)> {
    let layers = &mut machines.layers;
    let mut all = vec![("all".to_owned(), &mut layers.all)];
    let roles = layers.roles.iter_mut();
    all.extend(roles.map(|(role, facts)| (role.word().to_owned(), facts)));
    let nodes = layers.nodes.iter_mut();
    all.extend(nodes.map(|(node, facts)| (node.0.clone(), facts)));
    all
}

#[test]
fn nothing_that_is_said_is_forgotten() {
    // parts of the image, not of the machine config
    let of_the_image = ["extensions", "kernel_args"];
    // refused as a whole there
    let no_place = ["files", "mounts", "extra_volumes"];
    for case in [
        case("rich", "v1.9.5", "v1.9", "v1.32.4"),
        case("rich", "v1.13.9", "v1.13", "v1.36.3"),
        case("rich", "v1.14.0-rc.1", "v1.14", "v1.36.3"),
        case("custom-cni", "v1.11.6", "v1.11", "v1.34.1"),
        case("custom-cni", "v1.14.0-rc.1", "v1.14", "v1.36.3"),
    ] {
        let mut machines = compile(&lab_text(&case), &needs_of(case.lab), &[]).machines;
        let complete = outcome(&machines);
        let paths: Vec<(usize, Vec<_>)> = layers(&mut machines)
            .iter()
            .enumerate()
            .map(|(index, (_, facts))| (index, facts.said.keys().cloned().collect()))
            .collect();
        for (index, paths) in paths {
            for path in paths {
                let text = path.to_string();
                let refused =
                    case.contract == "v1.14" && no_place.iter().any(|word| text.contains(word));
                if refused || of_the_image.contains(&text.as_str()) {
                    continue;
                }
                let said = layers(&mut machines)[index].1.said.remove(&path);
                let less = outcome(&machines);
                let (name, facts) = layers(&mut machines).swap_remove(index);
                assert!(
                    less != complete,
                    "{}: {name}: {path} changes nothing",
                    case.contract
                );
                facts.said.extend(said.map(|said| (path, said)));
            }
        }
    }
}

#[test]
fn every_word_is_in_a_lab_of_these_tests() {
    let mut said = std::collections::BTreeSet::new();
    for lab in ["rich", "custom-cni"] {
        let case = case(lab, "v1.13.9", "v1.13", "v1.36.3");
        let mut machines = compile(&lab_text(&case), &needs_of(lab), &[]).machines;
        for (_, facts) in layers(&mut machines) {
            said.extend(facts.said.keys().map(|path| path.to_string()));
        }
    }
    let mut missing = Vec::new();
    for word in vocabulary::WORDS {
        leaves(&word.shape, word.name, &mut |pattern| {
            if !said.iter().any(|path| fits(path, pattern)) {
                missing.push(pattern.to_owned());
            }
        });
    }
    assert_eq!(missing, [""; 0], "no lab says these");
}

/// Calls `visit` with every path that the vocabulary has, names as `*`.
fn leaves(shape: &Shape, path: &str, visit: &mut impl FnMut(&str)) {
    match shape {
        Shape::One(_) | Shape::Each(_) | Shape::Flag | Shape::Tree => visit(path),
        Shape::Table(words) | Shape::Short(_, words) => {
            for word in *words {
                leaves(&word.shape, &format!("{path}.{}", word.name), visit);
            }
        }
        Shape::Names(each) => leaves(each, &format!("{path}.*"), visit),
        Shape::Keyed(keyed) => {
            for word in keyed.words {
                leaves(&word.shape, &format!("{path}.*.{}", word.name), visit);
            }
        }
        Shape::Or(_, other) => leaves(other, path, visit),
    }
}

/// Whether a path is one of a pattern's, or below it.
fn fits(path: &str, pattern: &str) -> bool {
    let (mut path, mut quoted) = (path.chars(), false);
    let mut keys = vec![String::new()];
    for letter in path.by_ref() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => keys.push(String::new()),
            letter => keys.last_mut().expect("there is one").push(letter),
        }
    }
    let pattern: Vec<&str> = pattern.split('.').collect();
    let pairs = pattern.iter().zip(&keys);
    keys.len() >= pattern.len()
        && pairs
            .into_iter()
            .all(|(want, key)| *want == "*" || want == key)
}

#[test]
fn extensions_are_sorted_unless_the_lab_orders_them() {
    let case = case("plain", "v1.11.6", "v1.11", "v1.34.1");
    let needs = "[[need]]\nowner = \"component `longhorn`\"\non = \"all\"\n\
                 extensions = [\"iscsi-tools\", \"util-linux-tools\"]\n";
    let id = |words: &str| {
        let lab = format!("{}\n[talos]\n{words}", lab_text(&case));
        let compiled = compile(&lab, needs, &[]);
        assert_eq!(errors_of(&compiled), "");
        compiled.machines.schematics["all"].id()
    };
    let list = "extensions = [\"amdgpu\", \"amd-ucode\", \"iscsi-tools\", \"realtek-firmware\", \
                \"siderolabs/util-linux-tools\", \"i915\", \"intel-ucode\"]\n";
    assert!(id(list).starts_with("809056ed"), "sorted: {}", id(list));
    let ordered = format!("{list}extension_order = \"as-written\"\n");
    assert!(
        id(&ordered).starts_with("1ae05acd"),
        "as written: {}",
        id(&ordered)
    );
}

#[test]
fn everything_in_a_patch_says_where_it_comes_from() {
    for case in CASES.iter().filter(|case| case.lab == "rich") {
        let compiled = compile(&lab_text(case), &needs_of("rich"), &[]);
        for file in &compiled.plane.files {
            let Content::Yaml(documents) = &file.content else {
                continue;
            };
            for document in documents {
                document.each_leaf(&mut |path, leaf| {
                    assert!(
                        leaf.origin.first().is_some(),
                        "{}: {path} comes from nowhere",
                        file.path
                    );
                });
            }
        }
    }
}
