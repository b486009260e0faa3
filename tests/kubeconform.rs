//! Holds every Kubernetes object of every lab's tree, and of every module's own lab, to its schema, by the real kubeconform,
//! which refuses unknown fields.
//!
//! Schemas of Kubernetes' own kinds are made from its OpenAPI document, in the minor version that the lab runs. Schemas of
//! custom resources are facts of upstream that lie beside the project, not in it. `tests/tools.sh kubeconform` installs the
//! program and the first; what is absent is skipped with a line that says so.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its cases from disk and runs kubeconform"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::compile;
use labc::emit::emit;
use labc::render::kinds::is_builtin;
use labc::world::World;
use serde_json::{Value, json};

#[test]
fn every_object_fits_the_schema_of_its_kind() {
    let Some(tools) = tools() else { return };
    let custom = scratch("custom");
    write_custom_schemas(&custom);
    let mut seen = Seen::default();
    let labs = labs();
    for lab in labs.iter().chain(&module_labs()) {
        seen.look_at(lab, &tools, &custom);
    }
    println!("valid: {:?}", seen.valid);
    println!("no schema: {:?}", seen.unknown);
    assert!(seen.wrong.is_empty(), "{}", seen.wrong.join("\n"));
    assert!(seen.valid.len() > 5, "hardly anything was checked");
}

/// An object that must be refused, or the test above could not fail.
#[test]
fn a_wrong_field_is_refused() {
    let Some(tools) = tools() else { return };
    let folder = scratch("wrong");
    let wrong = "apiVersion: v1\nkind: Service\nmetadata:\n  name: x\nspec:\n  prots: []\n";
    let file = folder.join("service-x.yaml");
    fs::write(&file, wrong).expect("a file");
    let found = kubeconform(&tools, &tools.join("v1.34"), &folder, &[file]);
    assert_eq!(found[0]["status"], "statusInvalid", "{found:?}");
}

/// Kinds whose schemas do not say which kind they are of: told by fields that only they have, the newest version first.
const SIGNATURES: &[(&str, &[&str])] = &[
    (
        "argoproj.io/v1alpha1 application",
        &[
            "spec.syncPolicy",
            "spec.ignoreDifferences",
            "spec.destination",
        ],
    ),
    (
        "argoproj.io/v1alpha1 appproject",
        &["spec.sourceRepos", "spec.clusterResourceWhitelist"],
    ),
    (
        "kustomize.toolkit.fluxcd.io/v1 kustomization",
        &["spec.decryption", "spec.postBuild", "spec.healthCheckExprs"],
    ),
    (
        "helm.toolkit.fluxcd.io/v2 helmrelease",
        &[
            "spec.chartRef",
            "spec.driftDetection",
            "spec.install.strategy",
        ],
    ),
    (
        "source.toolkit.fluxcd.io/v1 ocirepository",
        &["spec.layerSelector"],
    ),
    (
        "source.toolkit.fluxcd.io/v1 helmrepository",
        &["spec.passCredentials", "spec.provider"],
    ),
    (
        "source.toolkit.fluxcd.io/v1 gitrepository",
        &["spec.recurseSubmodules", "spec.sparseCheckout"],
    ),
    (
        "fluxcd.controlplane.io/v1 fluxinstance",
        &["spec.distribution", "spec.cluster"],
    ),
    (
        "notification.toolkit.fluxcd.io/v1 receiver",
        &["spec.events", "spec.resourceFilter"],
    ),
    (
        "notification.toolkit.fluxcd.io/v1beta3 alert",
        &["spec.eventSources", "spec.eventMetadata"],
    ),
    (
        "notification.toolkit.fluxcd.io/v1beta3 provider",
        &["spec.channel", "spec.commitStatusExpr"],
    ),
    (
        "cert-manager.io/v1 clusterissuer",
        &["spec.acme", "spec.selfSigned"],
    ),
    (
        "cert-manager.io/v1 issuer",
        &["spec.acme", "spec.selfSigned"],
    ),
    (
        "cert-manager.io/v1 certificate",
        &["spec.dnsNames", "spec.issuerRef", "spec.secretTemplate"],
    ),
    ("metallb.io/v1beta1 ipaddresspool", &["spec.avoidBuggyIPs"]),
    (
        "metallb.io/v1beta1 l2advertisement",
        &["spec.ipAddressPoolSelectors", "spec.interfaces"],
    ),
    (
        "gateway.networking.k8s.io/v1 gateway",
        &["spec.gatewayClassName", "spec.listeners"],
    ),
    (
        "gateway.networking.k8s.io/v1 gatewayclass",
        &["spec.controllerName", "spec.parametersRef"],
    ),
    (
        "gateway.networking.k8s.io/v1 httproute",
        &["spec.hostnames", "spec.rules[].matches[].queryParams"],
    ),
    (
        "external-secrets.io/v1 externalsecret",
        &["spec.secretStoreRef", "spec.dataFrom", "spec.target"],
    ),
    (
        "external-secrets.io/v1 clustersecretstore",
        &["spec.provider.infisical", "spec.conditions"],
    ),
    (
        "cilium.io/v2 ciliumloadbalancerippool",
        &["spec.blocks", "spec.serviceSelector"],
    ),
    (
        "cilium.io/v2alpha1 ciliuml2announcementpolicy",
        &["spec.loadBalancerIPs", "spec.externalIPs"],
    ),
    (
        "externaldns.k8s.io/v1alpha1 dnsendpoint",
        &["spec.endpoints[].dnsName"],
    ),
    (
        "gateway.envoyproxy.io/v1alpha1 envoyproxy",
        &["spec.backendTLS", "spec.provider", "spec.telemetry"],
    ),
    (
        "gateway.envoyproxy.io/v1alpha1 clienttrafficpolicy",
        &["spec.clientIPDetection"],
    ),
    (
        "gateway.envoyproxy.io/v1alpha1 backendtrafficpolicy",
        &["spec.circuitBreaker", "spec.targetRefs"],
    ),
    ("traefik.io/v1alpha1 middleware", &["spec.stripPrefix"]),
    (
        "snapshot.storage.k8s.io/v1 volumesnapshotclass",
        &["driver", "deletionPolicy", "parameters"],
    ),
    ("velero.io/v1 schedule", &["spec.schedule", "spec.template"]),
];

#[derive(Default)]
struct Seen {
    /// How many objects of a kind fit.
    valid: BTreeMap<String, usize>,
    /// Kinds of which there is no schema.
    unknown: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Seen {
    fn look_at(&mut self, lab: &Path, tools: &Path, custom: &Path) {
        let minor = kubernetes_minor(lab);
        let schemas = tools.join(&minor);
        if !schemas.is_dir() {
            let lab = lab.display();
            self.wrong.push(format!(
                "{lab}: no schemas of Kubernetes {minor}: name it in tests/tools.sh"
            ));
            return;
        }
        for found in kubeconform(tools, &schemas, custom, &objects(lab)) {
            let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
            let kind = format!("{} {}", text("version"), text("kind"));
            let group = found["version"]
                .as_str()
                .and_then(|version| version.split_once('/'));
            let group = group.map_or("", |(group, _)| group);
            match &*text("status") {
                "statusValid" => *self.valid.entry(kind).or_default() += 1,
                "statusError"
                    if text("msg").contains("could not find schema") && !is_builtin(group) =>
                {
                    self.unknown.insert(kind);
                }
                _ => self
                    .wrong
                    .push(format!("{}: {kind}: {}", text("filename"), text("msg"))),
            }
        }
    }
}

/// What kubeconform says of files.
fn kubeconform(tools: &Path, builtin: &Path, custom: &Path, files: &[PathBuf]) -> Vec<Value> {
    let builtin = format!(
        "{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        builtin.display()
    );
    let custom = format!(
        "{}/{{{{.Group}}}}/{{{{.ResourceKind}}}}-{{{{.ResourceAPIVersion}}}}.json",
        custom.display()
    );
    let output = Command::new(tools.join("kubeconform"))
        .args(["-strict", "-verbose", "-output", "json"])
        .args(["-schema-location", &builtin, "-schema-location", &custom])
        .args(files)
        .output()
        .expect("kubeconform runs");
    let said = String::from_utf8(output.stdout).expect("it prints text");
    let said: Value = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    said["resources"].as_array().cloned().unwrap_or_default()
}

fn kubernetes_minor(lab: &Path) -> String {
    let text = fs::read_to_string(lab.join("lab.toml")).expect("a lab");
    let mut lines = text.lines();
    let version = lines.find_map(|line| line.strip_prefix("kubernetes = \"v"));
    let version = version.expect("a lab has a version of Kubernetes");
    let numbers: Vec<&str> = version.split('.').collect();
    format!("v{}.{}", numbers[0], numbers[1])
}

/// The files of a tree that hold objects for Kubernetes: no values, machine configs, or copies of what was encrypted elsewhere.
fn objects(lab: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![lab.join("out")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the tree") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path != lab.join("out/talos") {
                folders.push(path);
            } else if is_object(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn is_object(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let other = ["values.yaml", "kustomization.yaml"].contains(&name);
    if other || !name.ends_with(".yaml") {
        return false;
    }
    let text = fs::read_to_string(path).expect("a file of the tree");
    !text.contains("\nsops:")
}

fn labs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(root.join("tests/labs")).expect("the folder of cases");
    let cases = folder.map(|entry| entry.expect("an entry").path());
    let mut labs: Vec<PathBuf> = cases.filter(|path| path.is_dir()).collect();
    labs.push(root.to_owned());
    labs.sort();
    labs
}

/// The lab of each module, compiled into a folder of its own.
fn module_labs() -> Vec<PathBuf> {
    let into = scratch("modules");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules");
    let labs = fs::read_dir(folder).expect("the folder of modules' labs");
    let mut made = Vec::new();
    for lab in labs.map(|entry| entry.expect("an entry").path()) {
        let text = fs::read(&lab).expect("a lab");
        let world = World::Memory(BTreeMap::from([("lab.toml".to_owned(), text.clone())]));
        let product = compile(&world).expect("memory can be read").product;
        let product = product.unwrap_or_else(|| panic!("{} compiles", lab.display()));
        let folder = into.join(lab.file_stem().expect("a name"));
        let mut files = emit(&product.tree);
        files.push(labc::emit::Output {
            path: "lab.toml".to_owned(),
            bytes: text,
            executable: false,
            sha256: String::new(),
        });
        for file in files {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, file.bytes).expect("a file");
        }
        made.push(folder);
    }
    made.sort();
    made
}

/// An empty folder for this test run.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("kubeconform")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder of the last run can go");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn tools() -> Option<PathBuf> {
    let tools = std::env::var_os("LABC_TOOLS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/labc-tools"),
        PathBuf::from,
    );
    let folder = tools.join("kubeconform");
    if folder.join("kubeconform").is_file() {
        return Some(folder);
    }
    println!(
        "skipped: kubeconform is not in {}: run tests/tools.sh kubeconform",
        folder.display()
    );
    None
}

/// Writes `GROUP/KIND-VERSION.json` for every custom resource whose schema can be had.
fn write_custom_schemas(into: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/schemas");
    if !folder.is_dir() {
        println!(
            "skipped: custom resources, there are no schemas in {}",
            folder.display()
        );
        return;
    }
    let strict = unpack("xz", &folder.join("crds-strict.json.xz")).unwrap_or_default();
    let strict: Value = serde_json::from_str(&strict).unwrap_or_default();
    for (version, kinds) in strict.as_object().into_iter().flatten() {
        for (kind, schema) in kinds.as_object().expect("kinds") {
            write_custom(into, version, kind, schema.clone());
        }
    }
    let lines = unpack("zstd", &folder.join("crds.jsonl.zst")).unwrap_or_default();
    let nameless: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a schema is JSON"))
        .collect();
    for (id, fields) in SIGNATURES {
        let fits = |schema: &&Value| fields.iter().all(|field| has_field(schema, field));
        let found = nameless.iter().find(fits);
        let schema = found.unwrap_or_else(|| panic!("no schema has the fields of {id}"));
        let (version, kind) = id.split_once(' ').expect("a version and a kind");
        write_custom(into, version, kind, schema.clone());
    }
}

fn write_custom(into: &Path, version: &str, kind: &str, mut schema: Value) {
    let (group, version) = version
        .split_once('/')
        .expect("a custom resource has a group");
    // What Kubernetes itself checks of every object is not the CRD's to say.
    schema["properties"]["metadata"] = json!({ "type": "object" });
    let folder = into.join(group);
    fs::create_dir_all(&folder).expect("a folder of schemas");
    fs::write(
        folder.join(format!("{kind}-{version}.json")),
        schema.to_string(),
    )
    .expect("a schema");
}

/// Whether a schema has a field; `[]` after a name goes on with the list's items.
fn has_field(schema: &Value, path: &str) -> bool {
    let mut at = schema;
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        at = &at["properties"][name];
        if part.ends_with("[]") {
            at = &at["items"];
        }
    }
    !at.is_null()
}

fn unpack(program: &str, path: &Path) -> Option<String> {
    match Command::new(program).arg("-dc").arg(path).output() {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8(output.stdout).expect("schemas are text"))
        }
        _ => {
            println!("skipped: `{program}` cannot unpack {}", path.display());
            None
        }
    }
}
