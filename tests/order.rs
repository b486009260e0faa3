//! Replays what an engine does with a compiled tree, from the tree alone. Argo CD: Applications wave by wave, inside one the
//! resources wave by wave, each applied only when the cluster is ready for it. Flux: see `order/flux.rs`. What comes out of
//! a chart is what its module declares.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its cases from disk"
)]

#[path = "order/flux.rs"]
mod flux;
#[path = "engines/swap.rs"]
mod swap;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use labc::link::Linked;
use labc::lower::{Content, Tree};
use labc::render::kinds::is_builtin;
use labc::resolve::{Component, Lab};
use labc::value::{Node, Path as KeyPath};
use labc::world::World;
use labc::{Product, compile};

/// What a cluster has by now.
#[derive(Clone, Debug, Default)]
struct Cluster {
    namespaces: BTreeSet<String>,
    /// Kinds that are served and whose controllers run, so that their webhooks answer.
    kinds: BTreeSet<(String, String)>,
    /// Classes of storage and of Ingresses: kind and name.
    classes: BTreeSet<(String, String)>,
    /// Components that are synced and healthy.
    components: BTreeSet<String>,
}

impl Cluster {
    /// The chart of a component is healthy: its kinds are served, its controllers run.
    fn install(&mut self, component: &Component) {
        let own = component.kinds.iter();
        let kinds = own.map(|kind| (kind.group.clone(), kind.kind.clone()));
        self.kinds.extend(kinds);
        for created in &component.creates {
            let kind = created.kind.rsplit('/').next().unwrap_or_default();
            self.classes.insert((kind.to_owned(), created.name.clone()));
        }
    }
}

/// An Application as the tree says it.
#[derive(Clone, Debug)]
struct Application {
    name: String,
    wave: i64,
    namespace: String,
    /// The release of its chart.
    release: Option<String>,
    /// Its resources, with their waves.
    resources: Vec<(i64, Node)>,
}

fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.at(&KeyPath::keys(path.iter().copied()))?.as_str()
}

fn wave(node: &Node) -> i64 {
    let path = ["metadata", "annotations", "argocd.argoproj.io/sync-wave"];
    text(node, &path).map_or(0, |wave| wave.parse().expect("a wave is a number"))
}

/// Every Application of a tree but the root.
fn applications(tree: &Tree) -> Vec<Application> {
    let documents: BTreeMap<&str, &Node> = tree
        .files
        .iter()
        .filter_map(|file| match &file.content {
            Content::Yaml(documents) => Some((file.path.as_str(), &**documents.first()?)),
            _ => None,
        })
        .collect();
    let is_application = |node: &&&Node| text(node, &["kind"]) == Some("Application");
    let all = documents.values().filter(is_application);
    let read = |node: &&Node| {
        let sources = node.at(&KeyPath::keys(["spec", "sources"]));
        let sources = sources.and_then(Node::as_list).expect("sources");
        let mut resources = Vec::new();
        for folder in sources.iter().filter_map(|source| text(source, &["path"])) {
            let prefix = format!("{folder}/");
            let inside = documents
                .iter()
                .filter(|(path, _)| path.starts_with(&prefix));
            resources.extend(inside.map(|(_, node)| (wave(node), (*node).clone())));
        }
        let release = |source: &Node| text(source, &["helm", "releaseName"]).map(str::to_owned);
        Application {
            name: text(node, &["metadata", "name"])
                .expect("a name")
                .to_owned(),
            wave: wave(node),
            namespace: text(node, &["spec", "destination", "namespace"])
                .expect("a namespace")
                .to_owned(),
            release: sources.iter().find_map(release),
            resources,
        }
    };
    let all = all.map(read);
    all.filter(|application| application.name != "root")
        .collect()
}

/// What is wrong with an object in a cluster that is not ready for it.
fn refused(cluster: &Cluster, node: &Node) -> Option<String> {
    let api = text(node, &["apiVersion"]).unwrap_or_default();
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let kind = text(node, &["kind"]).unwrap_or_default();
    let name = text(node, &["metadata", "name"]).unwrap_or_default();
    let is_served =
        is_builtin(group) || cluster.kinds.contains(&(group.to_owned(), kind.to_owned()));
    if !is_served {
        return Some(format!("{kind} `{name}`: nothing serves the kind"));
    }
    let namespace = text(node, &["metadata", "namespace"]);
    if namespace.is_some_and(|namespace| !cluster.namespaces.contains(namespace)) {
        return Some(format!("{kind} `{name}`: no namespace {namespace:?}"));
    }
    let classes = [
        ("StorageClass", text(node, &["spec", "storageClassName"])),
        ("IngressClass", text(node, &["spec", "ingressClassName"])),
    ];
    for (of, class) in classes {
        let class = class.filter(|class| !class.is_empty());
        if let Some(class) = class
            && !cluster.classes.contains(&(of.to_owned(), class.to_owned()))
        {
            return Some(format!("{kind} `{name}`: no {of} `{class}`"));
        }
    }
    None
}

/// The cluster after a sync, or what stopped it.
fn sync(application: &Application, cluster: &Cluster, lab: &Lab) -> Result<Cluster, String> {
    let mut after = cluster.clone();
    let name = application
        .name
        .strip_suffix("-late")
        .unwrap_or(&application.name);
    let component = lab.components.get(name);
    let is_late = application.name != name;
    if let Some(component) = component.filter(|_| !is_late) {
        if !cluster.namespaces.contains(&application.namespace) {
            return Err(format!("no namespace `{}`", application.namespace));
        }
        for required in &component.requires {
            if !cluster.components.contains(&required.provider) {
                return Err(format!("`{}` is not ready", required.provider));
            }
        }
        assert_eq!(component.chart.is_some(), application.release.is_some());
    }
    let waves: BTreeSet<i64> = application
        .resources
        .iter()
        .map(|(wave, _)| *wave)
        .chain([0])
        .collect();
    assert!(waves.iter().all(|wave| [0, 1].contains(wave)), "{waves:?}");
    for wave in waves {
        let here = application.resources.iter().filter(|(own, _)| *own == wave);
        for (_, node) in here {
            if let Some(why) = refused(&after, node) {
                return Err(why);
            }
            apply(node, &mut after);
        }
        if let Some(component) = component.filter(|_| wave == 0 && !is_late) {
            after.install(component);
        }
    }
    after.components.insert(application.name.clone());
    Ok(after)
}

fn apply(node: &Node, cluster: &mut Cluster) {
    let name = text(node, &["metadata", "name"])
        .unwrap_or_default()
        .to_owned();
    match text(node, &["kind"]).unwrap_or_default() {
        "Namespace" => {
            cluster.namespaces.insert(name);
        }
        kind @ ("StorageClass" | "IngressClass") => {
            cluster.classes.insert((kind.to_owned(), name));
        }
        "CustomResourceDefinition" => {
            let part = |path| text(node, path).unwrap_or_default().to_owned();
            let kind = (part(&["spec", "group"]), part(&["spec", "names", "kind"]));
            cluster.kinds.insert(kind);
        }
        _ => {}
    }
}

/// Applies everything wave by wave; what went wrong. In the last wave, what can do without at first is tried again.
fn replay(applications: &[Application], lab: &Lab) -> Vec<String> {
    let mut cluster = Cluster::default();
    let built_in = ["default", "kube-system", "kube-public", "kube-node-lease"];
    cluster.namespaces.extend(built_in.map(str::to_owned));
    let mut wrong = Vec::new();
    let waves: BTreeSet<i64> = applications.iter().map(|one| one.wave).collect();
    for wave in waves {
        let before = cluster.clone();
        let (mut late, main): (Vec<&Application>, Vec<&Application>) = applications
            .iter()
            .filter(|one| one.wave == wave)
            .partition(|one| one.name.ends_with("-late"));
        for one in main {
            // All of a wave start together, so none may need another of the same wave.
            match sync(one, &before, lab) {
                Ok(after) => merge(&mut cluster, after),
                Err(why) => wrong.push(format!("wave {wave}: `{}`: {why}", one.name)),
            }
        }
        loop {
            let count = late.len();
            late.retain(|one| match sync(one, &cluster.clone(), lab) {
                Ok(after) => {
                    merge(&mut cluster, after);
                    false
                }
                Err(_) => true,
            });
            if late.len() == count {
                break;
            }
        }
        for one in late {
            let why = sync(one, &cluster, lab).expect_err("it was refused");
            wrong.push(format!("wave {wave}: `{}`: {why}", one.name));
        }
    }
    wrong
}

fn merge(cluster: &mut Cluster, after: Cluster) {
    cluster.namespaces.extend(after.namespaces);
    cluster.kinds.extend(after.kinds);
    cluster.classes.extend(after.classes);
    cluster.components.extend(after.components);
}

fn compiled(world: &World) -> Product {
    let compiled = compile(world).expect("the lab can be read");
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics.first()
    );
    compiled.product.expect("a lab without errors has a tree")
}

fn lab(components: &str) -> Product {
    lab_for("argocd", components)
}

fn lab_for(engine: &str, components: &str) -> Product {
    let lab = format!(
        r#"
[lab]
name = "home"
domain = "example.org"
engine = "{engine}"

[repository]
url = "https://git.example.org/home.git"

[cluster]
talos = "v1.11.5"
contract = "v1.11"
kubernetes = "v1.34.2"
schedule_on_control_planes = true

[network]
nodes = "192.168.1.0/24"
gateway = "192.168.1.1"
load_balancer = ["192.168.1.200-192.168.1.240"]

[nodes]
cp-1 = {{ role = "controlplane", address = "192.168.1.11", disk = "/dev/sda" }}
{components}"#
    );
    let files = BTreeMap::from([("lab.toml".to_owned(), lab.into_bytes())]);
    compiled(&World::Memory(files))
}

/// The place of a unit in the order that the linker made.
fn order(linked: &Linked, unit: &str) -> usize {
    let found = linked.units.iter().find(|one| one.id.to_string() == unit);
    found.unwrap_or_else(|| panic!("no unit `{unit}`")).order
}

const TRIANGLE: &str = r#"
[infrastructure.metallb]
version = "0.15.3"

[infrastructure.longhorn]
version = "1.10.2"
expose = "longhorn"

[infrastructure.traefik]
version = "38.0.2"
address = "192.168.1.200"

[infrastructure.victoria-metrics]
version = "0.66.1"

[infrastructure.cert-manager]
version = "v1.19.6"
self_signed = true

[apps.web]
module = "workload"
image = "nginx:1.29.3"
port = 8080
metrics = "/metrics"
expose = "web"
storage = { data = { size = "1Gi", mount = "/data" } }
"#;

#[test]
fn storage_that_is_shown_by_an_ingress_that_is_watched_by_metrics_that_are_stored_has_an_order() {
    let product = lab(TRIANGLE);
    let applications = applications(&product.tree);
    assert!(applications.len() > 8, "the Applications were not found");
    assert_eq!(replay(&applications, &product.lab), [""; 0]);
    let linked = &product.linked;
    assert!(order(linked, "longhorn") < order(linked, "victoria-metrics"));
    assert!(order(linked, "traefik") < order(linked, "longhorn-late"));
    assert!(order(linked, "victoria-metrics") < order(linked, "traefik-late"));
    assert!(order(linked, "metallb-config") < order(linked, "traefik"));
}

#[test]
fn the_root_lab_comes_up_in_its_order() {
    let product =
        compiled(&World::open(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the folder is there"));
    let applications = applications(&product.tree);
    assert!(applications.len() > 8, "the Applications were not found");
    assert_eq!(replay(&applications, &product.lab), [""; 0]);
}

#[test]
fn a_lab_without_waves_does_not_come_up() {
    let product = lab(TRIANGLE);
    let mut applications = applications(&product.tree);
    for one in &mut applications {
        one.wave = 0;
    }
    let wrong = replay(&applications, &product.lab);
    for name in ["web", "traefik", "victoria-metrics"] {
        let own = format!("wave 0: `{name}`");
        assert!(
            wrong.iter().any(|wrong| wrong.starts_with(&own)),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_lab_whose_resources_have_no_waves_does_not_come_up() {
    let product = lab(TRIANGLE);
    let mut applications = applications(&product.tree);
    for one in &mut applications {
        one.resources.iter_mut().for_each(|(wave, _)| *wave = 0);
    }
    let wrong = replay(&applications, &product.lab);
    assert!(
        wrong.iter().any(|wrong| wrong.contains("`metallb`")),
        "{wrong:?}"
    );
}

#[test]
fn flux_brings_up_every_lab() {
    let mut checked = 0;
    for (name, files) in swap::labs() {
        let product = compiled(&World::Memory(swap::for_engine(&files, swap::FLUX)));
        let all = flux::kustomizations(&product.tree);
        assert!(!all.is_empty(), "{name}: no Kustomization was found");
        assert_eq!(flux::replay(&all, &product.lab), [""; 0], "{name}");
        checked += all.len();
    }
    assert!(checked > 60, "only {checked} Kustomizations");
}

/// Edges that nothing else implies: the Kustomization, what it would no longer wait for, and what then goes wrong.
const NEEDED: [(&str, &str, &str); 7] = [
    ("longhorn", "namespaces", "no namespace"),
    ("metallb-config", "metallb", "nothing serves the kind"),
    ("traefik", "metallb-config", "`metallb-config` is not ready"),
    ("longhorn-late", "traefik", "no IngressClass"),
    (
        "traefik-late",
        "victoria-metrics",
        "nothing serves the kind",
    ),
    ("victoria-metrics", "longhorn", "no StorageClass"),
    ("web", "traefik", "no IngressClass"),
];

#[test]
fn flux_does_not_bring_up_a_lab_that_lacks_an_edge() {
    let product = lab_for("flux", TRIANGLE);
    let all = flux::kustomizations(&product.tree);
    assert_eq!(flux::replay(&all, &product.lab), [""; 0]);
    for (name, dependency, why) in NEEDED {
        let mut without = all.clone();
        let one = without.get_mut(name).expect("it is there");
        assert!(one.after.remove(dependency), "{name} has no such edge");
        let wrong = flux::replay(&without, &product.lab);
        let own = format!("`{name}`: ");
        let is_told = wrong
            .iter()
            .any(|wrong| wrong.starts_with(&own) && wrong.contains(why));
        assert!(is_told, "{name} without {dependency}: {wrong:?}");
    }
}

#[test]
fn flux_waits_for_ever_in_a_circle() {
    let product = lab_for("flux", TRIANGLE);
    let mut all = flux::kustomizations(&product.tree);
    let first = all.get_mut("metallb").expect("it is there");
    first.after.insert("traefik".to_owned());
    let wrong = flux::replay(&all, &product.lab);
    assert!(
        wrong.iter().any(|wrong| wrong.contains("waits for ever")),
        "{wrong:?}"
    );
}

#[test]
fn under_flux_needs_between_apps_is_an_edge() {
    let apps = r#"
[apps.web]
module = "workload"
image = "nginx:1.29.3"
needs = ["database"]

[apps.database]
module = "workload"
image = "postgres:18.1"
"#;
    let product = lab_for("flux", apps);
    let all = flux::kustomizations(&product.tree);
    assert!(all["web"].after.contains("database"));
    let suspended = lab_for("flux", &format!("{apps}suspend = true\n"));
    let all = flux::kustomizations(&suspended.tree);
    assert!(!all["web"].after.contains("database"));
    assert_eq!(flux::replay(&all, &suspended.lab), [""; 0]);
}
