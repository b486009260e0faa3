//! The vocabulary to Talos' own fields: into the v1alpha1 config, or into documents where the contract has them.
//!
//! Knows no node: links, disks and host names are [`super::network`]'s and [`super::install`]'s business. Every
//! word lands somewhere, or is an error that says which contract or version it needs.

use std::collections::BTreeMap;

use super::patch::{Patch, deletion, push, put, table};
use super::{Target, cri, groups};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::render::machine::facts::{Fact, Facts, Said, keys};
use crate::source::Origin;
use crate::value::{Node, Value};

/// Adds what `facts` say to `patch`.
pub(super) fn lower(
    facts: &Facts,
    target: Target,
    patch: &mut Patch,
    diagnostics: &mut Diagnostics,
) {
    for (path, said) in &facts.said {
        let keys = keys(path);
        let word = Word {
            keys: &keys,
            said,
            target,
        };
        word.lower(patch, diagnostics);
    }
    groups::lower(facts, target, patch, diagnostics);
    cri::lower(facts, target, patch, diagnostics);
    admission_control(facts, target, patch);
    host_dns(facts, target, patch);
}

/// One path and what is said there.
struct Word<'a> {
    keys: &'a [&'a str],
    said: &'a Said,
    target: Target,
}

impl Word<'_> {
    /// Lowers a word that stands alone; those that belong together are lowered as groups.
    fn lower(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        match *self.keys {
            ["sysctls", name] => self.set(
                patch,
                &["machine", "sysctls", name],
                "SysctlConfig",
                &["params", name],
            ),
            ["kernel_args"] if !self.target.contract_has(12) => {
                self.each(patch, &["machine", "install", "extraKernelArgs"]);
            }
            ["kubelet", ..] => self.kubelet(patch, diagnostics),
            [
                "api_server" | "controller_manager" | "scheduler" | "etcd" | "core_dns" | "proxy",
                ..,
            ] => {
                self.control_plane(patch, diagnostics);
            }
            ["cni", ..] => self.cni(patch),
            ["node_labels", key] => self.metadata(patch, "nodeLabels", "labels", key),
            ["node_annotations", key] => {
                self.metadata(patch, "nodeAnnotations", "annotations", key)
            }
            ["node_taints", key] => self.metadata(patch, "nodeTaints", "taints", key),
            ["schedule_on_control_planes"] => {
                self.value(|node| patch.set(&["cluster", "allowSchedulingOnControlPlanes"], node));
            }
            ["cert_sans"] => self.each(patch, &["machine", "certSANs"]),
            ["kube_prism", word] => self.kube_prism(patch, word),
            ["talos_api_access", word] => self.talos_api_access(patch, word),
            ["nameservers" | "search" | "disable_search_domain" | "ntp" | "pods" | "services"] => {
                self.network(patch)
            }
            _ => {}
        }
    }

    fn fact(&self) -> Option<&Fact> {
        self.said.first()
    }

    fn value(&self, then: impl FnOnce(Node)) {
        if let Some(fact) = self.fact() {
            then(fact.node.clone());
        }
    }

    /// Sets a value in the v1alpha1 config, or in the document that replaced it in the 1.14 contract.
    fn set(&self, patch: &mut Patch, old: &[&str], kind: &'static str, new: &[&str]) {
        self.value(|node| {
            if self.target.contract_has(14) {
                let origin = node.origin.clone();
                put(patch.document(kind, None, &origin), new, node);
            } else {
                patch.set(old, node);
            }
        });
    }

    fn each(&self, patch: &mut Patch, path: &[&str]) {
        for fact in self.said.facts() {
            patch.push(path, fact.node.clone());
        }
    }

    fn each_in(&self, patch: &mut Patch, kind: &'static str, path: &[&str]) {
        for fact in self.said.facts() {
            let origin = fact.node.origin.clone();
            push(patch.document(kind, None, &origin), path, fact.node.clone());
        }
    }

    fn each_of(&self, patch: &mut Patch, old: &[&str], kind: &'static str, new: &[&str]) {
        if self.target.contract_has(14) {
            self.each_in(patch, kind, new);
        } else {
            self.each(patch, old);
        }
    }

    /// Sets a value, or each item of a list, of another program's configuration.
    fn tree(&self, patch: &mut Patch, old: &[&str], kind: &'static str, new: &[&str]) {
        match self.said {
            Said::One(_) => self.set(patch, old, kind, new),
            Said::Each(_) => self.each_of(patch, old, kind, new),
        }
    }

    fn kubelet(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        match &self.keys[1..] {
            ["args", flag] => {
                self.flag(
                    patch,
                    &["machine", "kubelet", "extraArgs"],
                    "KubeletConfig",
                    flag,
                    diagnostics,
                );
            }
            ["config", rest @ ..] => {
                let old = [&["machine", "kubelet", "extraConfig"], rest].concat();
                self.tree(patch, &old, "KubeletConfig", &[&["config"], rest].concat());
            }
            ["node_ip_subnets"] => {
                let old = ["machine", "kubelet", "nodeIP", "validSubnets"];
                self.each_of(patch, &old, "KubeNodeConfig", &["nodeIP", "validSubnets"]);
            }
            ["default_seccomp"] => {
                let word = "defaultRuntimeSeccompProfileEnabled";
                self.set(
                    patch,
                    &["machine", "kubelet", word],
                    "KubeletConfig",
                    &[word],
                );
            }
            _ => {}
        }
    }

    fn control_plane(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        let (field, kind) = match self.keys[0] {
            "api_server" => ("apiServer", "KubeAPIServerConfig"),
            "controller_manager" => ("controllerManager", "KubeControllerManagerConfig"),
            "scheduler" => ("scheduler", "KubeSchedulerConfig"),
            "core_dns" => ("coreDNS", "KubeCoreDNSConfig"),
            "proxy" => ("proxy", "KubeProxyConfig"),
            _ => return self.etcd(patch, diagnostics),
        };
        let old = |rest: &[&'static str]| [&["cluster", field], rest].concat();
        match &self.keys[1..] {
            ["args", flag] => self.flag(patch, &old(&["extraArgs"]), kind, flag, diagnostics),
            ["env", name] => self.set(
                patch,
                &["cluster", field, "env", name],
                kind,
                &["env", name],
            ),
            [word @ ("config" | "resources"), rest @ ..] => {
                let old = [&["cluster", field, word], rest].concat();
                self.tree(patch, &old, kind, &[&[*word], rest].concat());
            }
            ["audit_policy", rest @ ..] => {
                let old = [&["cluster", "apiServer", "auditPolicy"], rest].concat();
                self.tree(
                    patch,
                    &old,
                    "KubeAuditPolicyConfig",
                    &[&["configuration"], rest].concat(),
                );
            }
            ["cert_sans"] => self.each_of(patch, &old(&["certSANs"]), kind, &["certExtraSANs"]),
            ["disabled"] if self.target.contract_has(14) => self.value(|node| {
                let enabled = node.value == Value::Bool(false);
                let origin = node.origin;
                put(
                    patch.document(kind, None, &origin),
                    &["enabled"],
                    Node::new(enabled, origin.clone()),
                );
            }),
            [word @ ("disabled" | "image" | "mode")] => {
                self.set(patch, &["cluster", field, word], kind, &[word]);
            }
            _ => {}
        }
    }

    fn etcd(&self, patch: &mut Patch, diagnostics: &mut Diagnostics) {
        match &self.keys[1..] {
            ["args", flag] => {
                self.v1_flag(patch, &["cluster", "etcd", "extraArgs", flag], diagnostics)
            }
            ["advertised_subnets"] => self.each(patch, &["cluster", "etcd", "advertisedSubnets"]),
            ["listen_subnets"] => self.each(patch, &["cluster", "etcd", "listenSubnets"]),
            _ => {}
        }
    }

    fn flag(
        &self,
        patch: &mut Patch,
        old: &[&str],
        kind: &'static str,
        flag: &str,
        diagnostics: &mut Diagnostics,
    ) {
        if !self.target.contract_has(14) {
            return self.v1_flag(patch, &[old, &[flag]].concat(), diagnostics);
        }
        if let Some(node) = self.flag_value(flag, diagnostics) {
            let origin = node.origin.clone();
            put(
                patch.document(kind, None, &origin),
                &["extraArgs", flag],
                node,
            );
        }
    }

    fn v1_flag(&self, patch: &mut Patch, path: &[&str], diagnostics: &mut Diagnostics) {
        let flag = path.last().copied().unwrap_or_default();
        if let Some(node) = self.flag_value(flag, diagnostics) {
            patch.set(path, node);
        }
    }

    /// The value of a flag. Talos repeats a flag for a list only since 1.13; before, the list is one value.
    fn flag_value(&self, flag: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
        let facts = match self.said {
            Said::One(fact) => return Some(fact.node.clone()),
            Said::Each(facts) => facts,
        };
        let first = facts.first()?;
        let nodes: Vec<Node> = facts.iter().map(|fact| fact.node.clone()).collect();
        if self.target.talos_has(13) {
            return Some(Node::new(nodes, first.node.origin.clone()));
        }
        if REPEATED_FLAGS.contains(&flag) && nodes.len() > 1 {
            let span = first.node.origin.first();
            let message = format!(
                "Talos {} gives the flag `{flag}` only once",
                self.target.talos
            );
            diagnostics.push(
                Diagnostic::error(Code::TALOS_CONTRACT, span, message)
                    .here("several values need Talos v1.13"),
            );
            return None;
        }
        let texts: Vec<&str> = nodes.iter().filter_map(Node::as_str).collect();
        let origin = nodes
            .iter()
            .fold(Origin::none(), |all, node| all.with(&node.origin));
        Some(Node::new(texts.join(","), origin))
    }

    fn cni(&self, patch: &mut Patch) {
        match (&self.keys[1..], self.target.contract_has(14)) {
            ([], false) => {
                self.value(|node| patch.set(&["cluster", "network", "cni", "name"], node))
            }
            ([], true) => self.value(|node| {
                if node.as_str() == Some("none") {
                    patch.delete_document("KubeFlannelCNIConfig", None, &node.origin);
                }
            }),
            (["urls"], false) => {
                self.each(patch, &["cluster", "network", "cni", "urls"]);
                self.value(|node| {
                    let name = Node::new("custom", node.origin);
                    patch.set(&["cluster", "network", "cni", "name"], name);
                });
            }
            (["urls"], true) => {
                self.value(|node| {
                    patch.delete_document("KubeFlannelCNIConfig", None, &node.origin)
                });
                for (index, fact) in self.said.facts().iter().enumerate() {
                    let name = if index == 0 {
                        "cni".to_owned()
                    } else {
                        format!("cni-{}", index + 1)
                    };
                    let origin = &fact.node.origin;
                    let document =
                        patch.document("KubeExternalManifestConfig", Some(&name), origin);
                    put(document, &["url"], fact.node.clone());
                }
            }
            _ => {}
        }
    }

    fn metadata(&self, patch: &mut Patch, old: &str, new: &str, key: &str) {
        self.value(|node| {
            let node = match node.value {
                Value::Null => deletion(&node.origin),
                _ => node,
            };
            if self.target.contract_has(14) {
                let origin = node.origin.clone();
                put(
                    patch.document("KubeNodeConfig", None, &origin),
                    &[new, key],
                    node,
                );
            } else {
                patch.set(&["machine", old, key], node);
            }
        });
    }

    fn kube_prism(&self, patch: &mut Patch, word: &str) {
        self.value(|node| match (self.target.contract_has(14), &node.value) {
            (false, _) => patch.set(&["machine", "features", "kubePrism", word], node),
            (true, Value::Bool(false)) => {
                patch.delete_document("KubePrismConfig", None, &node.origin)
            }
            (true, Value::Int(_)) => {
                let origin = node.origin.clone();
                put(
                    patch.document("KubePrismConfig", None, &origin),
                    &["port"],
                    node,
                );
            }
            (true, _) => {}
        });
    }

    /// Whoever says who may have access says that there is one.
    fn talos_api_access(&self, patch: &mut Patch, word: &str) {
        let field = match word {
            "roles" => "allowedRoles",
            _ => "allowedKubernetesNamespaces",
        };
        if self.target.contract_has(14) {
            return self.each_in(patch, "KubeTalosAPIAccessConfig", &[field]);
        }
        let feature = ["machine", "features", "kubernetesTalosAPIAccess"];
        self.value(|node| {
            let enabled = [&feature[..], &["enabled"]].concat();
            patch.set(&enabled, Node::new(true, node.origin));
        });
        self.each(patch, &[&feature[..], &[field]].concat());
    }

    fn network(&self, patch: &mut Patch) {
        let documents = self.target.contract_has(12);
        match self.keys[0] {
            "nameservers" if documents => {
                for fact in self.said.facts() {
                    let item = table([("address", fact.node.clone())]);
                    let origin = item.origin.clone();
                    push(
                        patch.document("ResolverConfig", None, &origin),
                        &["nameservers"],
                        item,
                    );
                }
            }
            "nameservers" => self.each(patch, &["machine", "network", "nameservers"]),
            "search" if documents => {
                self.each_in(patch, "ResolverConfig", &["searchDomains", "domains"])
            }
            "search" => self.each(patch, &["machine", "network", "searchDomains"]),
            "disable_search_domain" if documents => self.value(|node| {
                let document = patch.document("ResolverConfig", None, &node.origin);
                put(document, &["searchDomains", "disableDefault"], node);
            }),
            "disable_search_domain" => {
                self.value(|node| patch.set(&["machine", "network", "disableSearchDomain"], node));
            }
            "ntp" if documents => self.each_in(patch, "TimeSyncConfig", &["ntp", "servers"]),
            "ntp" => self.each(patch, &["machine", "time", "servers"]),
            "pods" => {
                let old = ["cluster", "network", "podSubnets"];
                self.each_of(patch, &old, "KubeNetworkConfig", &["podSubnets"]);
            }
            _ => {
                let old = ["cluster", "network", "serviceSubnets"];
                self.each_of(patch, &old, "KubeNetworkConfig", &["serviceSubnets"]);
            }
        }
    }
}

/// Flags of Kubernetes that are repeated instead of taking a list with commas.
const REPEATED_FLAGS: [&str; 3] = [
    "service-account-issuer",
    "service-account-key-file",
    "tls-sni-cert-key",
];

fn admission_control(facts: &Facts, target: Target, patch: &mut Patch) {
    if let Some(disabled) = facts.one(&["api_server", "admission_control"]) {
        if target.contract_has(14) {
            patch.delete_document(
                "KubeAdmissionControlConfig",
                Some("PodSecurity"),
                &disabled.origin,
            );
        } else {
            let path = ["cluster", "apiServer", "admissionControl"];
            patch.set(&path, deletion(&disabled.origin));
        }
    }
    let mut plugins: BTreeMap<String, Node> = BTreeMap::new();
    for (path, said) in &facts.said {
        let keys = keys(path);
        let ["api_server", "admission_control", plugin, rest @ ..] = keys.as_slice() else {
            continue;
        };
        let Some(fact) = said.first() else {
            continue;
        };
        let entry = plugins
            .entry((*plugin).to_owned())
            .or_insert_with(|| Node::new(Value::map(), fact.node.origin.clone()));
        match said {
            Said::One(fact) if rest.is_empty() => entry.add_origin(&fact.node.origin),
            Said::One(fact) => put(entry, rest, fact.node.clone()),
            Said::Each(facts) => facts
                .iter()
                .for_each(|fact| push(entry, rest, fact.node.clone())),
        }
    }
    for (plugin, configuration) in plugins {
        let origin = configuration.origin.clone();
        if target.contract_has(14) {
            let document = patch.document("KubeAdmissionControlConfig", Some(&plugin), &origin);
            document.insert("configuration", configuration);
            continue;
        }
        let entry = table([
            ("name", Node::new(plugin, origin)),
            ("configuration", configuration),
        ]);
        patch.push(&["cluster", "apiServer", "admissionControl"], entry);
    }
}

fn host_dns(facts: &Facts, target: Target, patch: &mut Patch) {
    const FIELDS: [(&str, &str); 3] = [
        ("enabled", "enabled"),
        ("forward_kube_dns_to_host", "forwardKubeDNSToHost"),
        ("resolve_member_names", "resolveMemberNames"),
    ];
    let said = |word: &str| facts.one(&["host_dns", word]).cloned();
    let off = said("enabled").filter(|node| node.value == Value::Bool(false));
    for (word, field) in FIELDS {
        // cluster DNS cannot ask what does not run
        let implied = off.clone().filter(|_| word == "forward_kube_dns_to_host");
        let Some(node) = said(word).or(implied) else {
            continue;
        };
        if target.contract_has(14) {
            let origin = node.origin.clone();
            put(
                patch.document("ResolverConfig", None, &origin),
                &["hostDNS", field],
                node,
            );
        } else {
            patch.set(&["machine", "features", "hostDNS", field], node);
        }
    }
}
