//! Holds `out/README.md` to the manifests that it speaks of, both ways, for every lab of the tests and the root lab.

#![allow(clippy::disallowed_methods, reason = "a test reads its labs from disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use labc::diag::{Diagnostics, Severity};
use labc::emit::emit;
use labc::parse::domain::{IpNet, IpRange};
use labc::resolve::lab::Engine;
use labc::source::{SourceKind, Sources};
use labc::syntax::yaml;
use labc::value::{Node, Path as ValuePath, Step};
use labc::world::World;
use labc::{Product, compile};

/// A compiled lab: its document, its other files, and the objects in them.
struct Lab {
    name: String,
    product: Product,
    document: Document,
    files: BTreeMap<String, String>,
    objects: BTreeMap<String, Vec<Node>>,
}

impl Lab {
    fn new(name: &str, world: &World) -> Self {
        let compiled = compile(world).expect("the lab can be read");
        let errors = compiled.diagnostics.count(Severity::Error);
        assert_eq!(errors, 0, "{name} is wrong");
        let product = compiled.product.expect("the lab compiles");
        let mut files: BTreeMap<String, String> = emit(&product.tree)
            .into_iter()
            .map(|output| {
                let text = String::from_utf8(output.bytes).expect("it is text");
                (output.path, text)
            })
            .collect();
        let document = files.remove("out/README.md").expect("there is a document");
        let mut sources = Sources::default();
        let objects = files
            .iter()
            .filter(|(path, _)| path.ends_with(".yaml"))
            .map(|(path, text)| {
                let source = sources.add(path.clone(), text.as_str().into(), SourceKind::Lab);
                let mut found = Diagnostics::default();
                let nodes = yaml::read(source, text, &mut found);
                assert!(!found.has_errors(), "{path} is no YAML");
                (path.clone(), nodes)
            })
            .collect();
        Lab {
            name: name.to_owned(),
            product,
            document: Document::read(&document),
            files,
            objects,
        }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Node> {
        let objects = self.objects.values().flatten();
        let kind = kind.to_owned();
        objects.filter(move |object| text(object, &["kind"]) == Some(&kind))
    }

    /// The Applications of components by name.
    fn applications(&self) -> BTreeMap<&str, &Node> {
        self.of_kind("Application")
            .filter_map(|object| Some((text(object, &["metadata", "name"])?, object)))
            .filter(|(name, _)| !["root", "namespaces"].contains(name))
            .collect()
    }

    /// What Flux's Kustomizations of units wait for, by name; empty under Argo CD.
    fn kustomizations(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let own = ["flux-system", "namespaces", "sources"];
        self.of_kind("Kustomization")
            .filter_map(|object| {
                let after = object.at(&ValuePath::keys(["spec", "dependsOn"]));
                let after = after.and_then(Node::as_list).unwrap_or_default().iter();
                let after = after.filter_map(|entry| text(entry, &["name"]));
                let name = text(object, &["metadata", "name"])?;
                Some((name, after.filter(|name| !own.contains(name)).collect()))
            })
            .filter(|(name, _)| !own.contains(name))
            .collect()
    }

    /// The version of a chart as Flux is told it: the namespace and name of the release, and the version.
    fn releases(&self) -> BTreeSet<(&str, &str, &str)> {
        let releases = self.of_kind("HelmRelease").filter_map(|release| {
            let version = text(release, &["spec", "chart", "spec", "version"]);
            let registry = || {
                let name = text(release, &["spec", "chartRef", "name"])?;
                let mut all = self.of_kind("OCIRepository");
                let is_it = |source: &&Node| text(source, &["metadata", "name"]) == Some(name);
                text(all.find(is_it)?, &["spec", "ref", "tag"])
            };
            let name = text(release, &["metadata", "name"])?;
            let namespace = text(release, &["metadata", "namespace"])?;
            Some((namespace, name, version.or_else(registry)?))
        });
        releases.collect()
    }

    fn is_flux(&self) -> bool {
        self.product.lab.sections.identity.engine.value == Engine::Flux
    }

    /// Every text of the objects in files whose path begins with `folder`.
    fn leaves(&self, folder: &str) -> Vec<&str> {
        let mut leaves = Vec::new();
        for (_, objects) in self
            .objects
            .iter()
            .filter(|(path, _)| path.starts_with(folder))
        {
            for object in objects {
                object.each_leaf(&mut |_, leaf| leaves.extend(leaf.as_str()));
            }
        }
        leaves
    }

    fn script(&self) -> &str {
        &self.files["out/bootstrap/provision.sh"]
    }
}

/// The tables of a document by heading, and its whole text.
struct Document {
    text: String,
    tables: BTreeMap<String, Vec<Table>>,
}

/// The rows of a table, as maps from column to what the cell says.
type Table = Vec<BTreeMap<String, String>>;

impl Document {
    fn read(text: &str) -> Self {
        let mut tables: BTreeMap<String, Vec<Table>> = BTreeMap::new();
        let mut heading = String::new();
        let mut columns: Vec<String> = Vec::new();
        let mut is_code = false;
        for line in text.lines() {
            is_code ^= line.starts_with("```");
            if let Some(title) = line.strip_prefix("## ").filter(|_| !is_code) {
                heading = title.to_owned();
            }
            if is_code || !line.starts_with('|') {
                columns.clear();
                continue;
            }
            let cells = cells(line);
            if columns.is_empty() {
                columns = cells;
                tables.entry(heading.clone()).or_default().push(Vec::new());
                continue;
            }
            assert_eq!(cells.len(), columns.len(), "{line}");
            if cells.iter().all(|cell| cell == "---") {
                continue;
            }
            let row = columns.iter().cloned().zip(cells).collect();
            let table = tables
                .get_mut(&heading)
                .and_then(|tables| tables.last_mut());
            table.expect("it has begun").push(row);
        }
        Document {
            text: text.to_owned(),
            tables,
        }
    }

    /// The rows of the table number `index` below a heading; none where there is no such table.
    fn table(&self, heading: &str, index: usize) -> &[BTreeMap<String, String>] {
        let tables = self.tables.get(heading);
        tables
            .and_then(|tables| tables.get(index))
            .map_or(&[], Vec::as_slice)
    }

    /// The values of a column.
    fn column<'a>(&'a self, heading: &str, index: usize, column: &str) -> BTreeSet<&'a str> {
        self.table(heading, index)
            .iter()
            .map(|row| row[column].as_str())
            .collect()
    }

    fn mermaid(&self) -> Vec<&str> {
        let lines = self.text.lines().skip_while(|line| *line != "```mermaid");
        lines.skip(1).take_while(|line| *line != "```").collect()
    }
}

/// The cells of a row, as a reader sees them.
fn cells(line: &str) -> Vec<String> {
    let inside = line
        .strip_prefix("| ")
        .and_then(|line| line.strip_suffix(" |"));
    let inside = inside.or_else(|| line.strip_prefix('|')?.strip_suffix('|'));
    let inside = inside.unwrap_or_else(|| panic!("this is no row: {line}"));
    inside.split('|').map(|cell| shown(cell.trim())).collect()
}

/// Markdown as it is shown, as far as the document uses any.
fn shown(cell: &str) -> String {
    let plain = cell
        .replace(['`'], "")
        .replace("<code>", "")
        .replace("</code>", "");
    let mut text = String::new();
    let mut rest = plain.as_str();
    while let Some(start) = rest.find("&#") {
        let end = start + rest[start..].find(';').expect("a reference ends");
        let number: u32 = rest[start + 2..end].parse().expect("a number");
        text.push_str(&rest[..start]);
        text.push(char::from_u32(number).expect("a character"));
        rest = &rest[end + 1..];
    }
    text + rest
}

fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.at(&ValuePath::keys(path.iter().copied()))?.as_str()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The root lab and every lab of the tests.
fn labs() -> Vec<Lab> {
    let mut folders = vec![folder(""), folder("tests/provision")];
    let cases = fs::read_dir(folder("tests/labs")).expect("the folder of cases");
    folders.extend(cases.map(|entry| entry.expect("an entry").path()));
    folders.sort();
    let lab = |folder: &PathBuf| {
        let name = folder.display().to_string();
        Lab::new(&name, &World::open(folder).expect("the folder is there"))
    };
    folders
        .iter()
        .filter(|folder| folder.is_dir())
        .map(lab)
        .collect()
}

fn assert_same<T: Ord + std::fmt::Debug>(
    lab: &Lab,
    what: &str,
    document: &BTreeSet<T>,
    manifests: &BTreeSet<T>,
) {
    let name = &lab.name;
    assert_eq!(document, manifests, "{name}: {what}: document, manifests");
}

#[test]
fn components_are_those_of_the_manifests() {
    for lab in labs() {
        if lab.is_flux() {
            components_of_flux(&lab);
            continue;
        }
        let applications = lab.applications();
        let names: BTreeSet<&str> = applications.keys().copied().collect();
        let shown = lab.document.column("Order", 0, "Application");
        assert_same(&lab, "Applications", &shown, &names);
        let listed = lab.document.column("Components", 0, "component");
        let main = names.iter().copied().filter(|name| {
            let of = name.strip_suffix("-late");
            of.is_none_or(|of| !names.contains(of))
        });
        assert_same(&lab, "components", &listed, &main.collect());
        for row in lab.document.table("Components", 0) {
            let application = applications[row["component"].as_str()];
            let namespace = text(application, &["spec", "destination", "namespace"]);
            assert_eq!(namespace, Some(row["namespace"].as_str()), "{}", lab.name);
            let sources = application.at(&ValuePath::keys(["spec", "sources"]));
            let sources = sources.and_then(Node::as_list).expect("it has sources");
            let chart = sources.iter().find(|source| source.get("chart").is_some());
            if let Some(chart) = chart {
                let version = text(chart, &["targetRevision"]);
                assert_eq!(version, Some(row["version"].as_str()), "{}", lab.name);
            }
        }
    }
}

fn components_of_flux(lab: &Lab) {
    let mut releases = lab.releases();
    assert!(!releases.is_empty());
    for row in lab.document.table("Components", 0) {
        let release = [&row["namespace"], &row["component"], &row["version"]];
        let [namespace, name, version] = release.map(String::as_str);
        assert_eq!(
            releases.remove(&(namespace, name, version)),
            !version.is_empty()
        );
    }
    assert!(releases.is_empty(), "{releases:?}");
}

#[test]
fn images_are_those_of_the_manifests() {
    let mut seen = 0;
    for lab in labs() {
        for row in lab.document.table("Components", 0) {
            let folder = format!("out/{}/{}/manifests/", row["layer"], row["component"]);
            let mut run = BTreeSet::new();
            let files = lab.objects.iter();
            for (_, objects) in files.filter(|(path, _)| path.starts_with(&folder)) {
                for object in objects {
                    object.each_leaf(&mut |path, leaf| {
                        if path.0.last() == Some(&Step::Key("image".into())) {
                            run.extend(leaf.as_str());
                        }
                    });
                }
            }
            if row["version"].is_empty() && !run.is_empty() {
                let what = row["what"].trim_end_matches(" (suspended)");
                let shown = what.split(", ").collect();
                seen += run.len();
                assert_same(&lab, "images", &shown, &run);
            }
        }
    }
    assert!(seen > 4, "some apps run images");
}

#[test]
fn the_order_is_that_of_the_manifests() {
    for lab in labs() {
        let applications = lab.applications();
        let kustomizations = lab.kustomizations();
        for row in lab
            .document
            .table("Order", 0)
            .iter()
            .filter(|_| lab.is_flux())
        {
            let names = row["after"].split(", ").filter(|name| !name.is_empty());
            assert_eq!(
                kustomizations[row["unit"].as_str()],
                names.collect(),
                "{row:?}"
            );
        }
        let shown = lab.document.table("Order", 0).iter();
        for row in shown.filter(|_| !lab.is_flux()) {
            let application = applications[row["Application"].as_str()];
            let annotations = application.at(&ValuePath::keys(["metadata", "annotations"]));
            let wave = annotations.and_then(|all| text(all, &["argocd.argoproj.io/sync-wave"]));
            assert_eq!(wave, Some(row["wave"].as_str()), "{} {row:?}", lab.name);
        }
        let shown = lab.document.column("Order", 0, "unit");
        let mut units = BTreeSet::new();
        for path in lab.files.keys() {
            let parts: Vec<&str> = path.split('/').collect();
            if let ["out", "infrastructure" | "apps", component, folder, _] = parts.as_slice() {
                units.extend(match *folder {
                    "manifests" => Some((*component).to_owned()),
                    "config" => Some(format!("{component}-config")),
                    "late" => Some(format!("{component}-late")),
                    _ => None,
                });
            }
        }
        for (name, application) in &applications {
            let sources = application.at(&ValuePath::keys(["spec", "sources"]));
            let sources = sources.and_then(Node::as_list).unwrap_or_default();
            if sources.iter().any(|source| source.get("chart").is_some()) {
                units.insert((*name).to_owned());
            }
        }
        units.remove("namespaces");
        units.remove("sources");
        let shown: BTreeSet<String> = shown.into_iter().map(str::to_owned).collect();
        assert_same(&lab, "units", &shown, &units);
        let mut before = BTreeSet::new();
        for row in lab.document.table("Order", 0) {
            let names = row["after"].split(", ").filter(|name| !name.is_empty());
            for name in names {
                assert!(before.contains(name), "{}: {name} comes too late", lab.name);
            }
            before.insert(row["unit"].as_str());
        }
    }
}

#[test]
fn namespaces_are_those_of_the_manifests() {
    for lab in labs() {
        let mut shown = lab.document.column("Components", 0, "namespace");
        shown.extend(lab.document.column("Secrets", 0, "namespace"));
        // Every cluster has these.
        let own = ["kube-system", "default"];
        let shown: BTreeSet<&str> = shown
            .into_iter()
            .filter(|name| !own.contains(name))
            .collect();
        let made = lab
            .of_kind("Namespace")
            .filter_map(|object| text(object, &["metadata", "name"]))
            .filter(|name| !own.contains(name))
            // What the lab only declares is for things that labc does not know.
            .filter(|name| {
                let declared = &lab.product.lab.sections.namespaces;
                shown.contains(name) || !declared.contains_key(*name)
            });
        let made = made.collect();
        assert_same(&lab, "namespaces", &shown, &made);
    }
}

/// Every IPv4 address in a text.
fn addresses(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .filter_map(|word| word.trim_matches('.').parse().ok())
}

#[test]
fn addresses_are_those_of_the_manifests_and_of_the_lab() {
    for lab in labs() {
        let nodes: IpNet = lab.product.lab.sections.network.nodes.value;
        let is_ours = |address: &Ipv4Addr| {
            let address = std::net::IpAddr::from(*address);
            nodes.contains(&address) && address != nodes.network()
        };
        let rows = lab.document.table("Addresses", 0);
        let owned: BTreeSet<Ipv4Addr> = rows
            .iter()
            .filter_map(|row| row["address"].parse().ok())
            .collect();
        let networks = lab.document.table("Addresses", 1);
        let pools: Vec<&str> = networks
            .iter()
            .filter(|row| row["network"] == "load balancer")
            .map(|row| row["range"].as_str())
            .collect();
        let ends: BTreeSet<Ipv4Addr> = pools.iter().copied().flat_map(addresses).collect();
        for leaf in lab.leaves("out/") {
            for address in addresses(leaf).filter(is_ours) {
                let known = owned.contains(&address) || ends.contains(&address);
                assert!(known, "{}: {address} is not in the document", lab.name);
            }
        }
        let leaves: BTreeSet<Ipv4Addr> =
            lab.leaves("out/").into_iter().flat_map(addresses).collect();
        for row in rows.iter().filter(|row| {
            row["owner"].starts_with("infrastructure.") || row["owner"].starts_with("apps.")
        }) {
            let address = row["address"].parse().expect("an address");
            assert!(leaves.contains(&address), "{}: {row:?}", lab.name);
        }
        let source = Path::new(&lab.name).join("lab.toml");
        let source = fs::read_to_string(source).expect("the lab is there");
        let facts = source
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let written: BTreeSet<Ipv4Addr> = facts.flat_map(addresses).filter(is_ours).collect();
        let shown: BTreeSet<Ipv4Addr> = owned.union(&ends).copied().collect();
        assert_same(&lab, "addresses", &shown, &written);
        let talos: String = lab
            .files
            .iter()
            .filter(|(path, _)| path.starts_with("out/talos/"))
            .map(|(_, text)| text.as_str())
            .collect();
        for row in lab.document.table("Nodes", 0) {
            if !talos.is_empty() && row["status"] == "online" {
                assert!(talos.contains(&row["node"]), "{}: {row:?}", lab.name);
                assert!(talos.contains(&row["address"]), "{}: {row:?}", lab.name);
            }
        }
    }
}

#[test]
fn what_is_free_is_what_nobody_has() {
    for lab in labs() {
        let owned: BTreeSet<String> = lab
            .document
            .column("Addresses", 0, "address")
            .into_iter()
            .map(str::to_owned)
            .collect();
        for row in lab.document.table("Addresses", 1) {
            if row["network"] != "load balancer" {
                continue;
            }
            let pool = IpRange::parse(&row["range"]).expect("a range");
            let free: BTreeSet<String> = row["free"]
                .split(", ")
                .filter(|range| *range != "none")
                .flat_map(|range| {
                    let (range, count) = range.split_once(" (").expect("a count");
                    let range = IpRange::parse(range).expect("a range");
                    let counted = count.split(' ').next().and_then(|text| text.parse().ok());
                    assert_eq!(counted, Some(range.len()));
                    range.iter().map(|address| address.to_string())
                })
                .collect();
            let expected = pool
                .iter()
                .map(|address| address.to_string())
                .filter(|address| !owned.contains(address))
                .collect();
            assert_same(&lab, "free", &free, &expected);
        }
    }
}

/// Every text of a spec below a key that names hosts.
fn hosts<'a>(object: &'a Node, found: &mut BTreeSet<&'a str>) {
    let names = ["host", "hosts", "hostnames"];
    let names_hosts = |step: &Step| matches!(step, Step::Key(key) if names.contains(&key.as_str()));
    let Some(spec) = object.get("spec") else {
        return;
    };
    spec.each_leaf(&mut |path, leaf| {
        if path.0.iter().any(names_hosts) {
            found.extend(leaf.as_str());
        }
    });
}

#[test]
fn hosts_are_those_of_the_manifests() {
    let mut seen = 0;
    for lab in labs() {
        let mut routed = BTreeSet::new();
        for kind in ["Ingress", "HTTPRoute", "Route"] {
            lab.of_kind(kind)
                .for_each(|object| hosts(object, &mut routed));
        }
        let shown = lab.document.column("Hosts", 0, "where");
        let shown = shown
            .into_iter()
            .filter(|place| !place.starts_with("port "));
        let hosts: BTreeSet<&str> = shown
            .map(|url| {
                let url = url.trim_matches(['<', '>']);
                let host = url.split("://").nth(1).expect("a URL");
                host.split('/').next().unwrap_or(host)
            })
            .collect();
        seen += hosts.len();
        assert_same(&lab, "hosts", &hosts, &routed);
    }
    assert!(seen > 4, "some lab shows something");
}

/// Namespace, name and keys of a Secret that is encrypted.
fn encrypted(object: &Node) -> Option<Vec<&str>> {
    object.get("sops")?;
    let data = object.get("stringData")?.as_map()?;
    let mut words = vec![
        text(object, &["metadata", "namespace"])?,
        text(object, &["metadata", "name"])?,
    ];
    words.extend(data.keys().map(|key| key.as_str()));
    Some(words)
}

#[test]
fn secrets_are_those_of_the_script_and_of_the_manifests() {
    let mut seen = 0;
    for lab in labs() {
        let rows = lab.document.table("Secrets", 0);
        let is_filled = |row: &&BTreeMap<String, String>| row["from"].starts_with("external");
        let by_hand = rows.iter().filter(|row| !is_filled(row));
        let shown: BTreeSet<Vec<&str>> = by_hand
            .map(|row| {
                let keys = row["keys"].split(", ");
                [row["namespace"].as_str(), &row["name"]]
                    .into_iter()
                    .chain(keys)
                    .collect()
            })
            .collect();
        let made: BTreeSet<Vec<&str>> = lab
            .script()
            .lines()
            .filter_map(|line| line.strip_prefix("  \"$1\"_"))
            // Those are among the encrypted ones below.
            .filter(|line| !line.starts_with("sops "))
            .map(|line| {
                let words = line.split(' ').skip(1);
                words.filter(|word| !word.contains('=')).collect()
            })
            .collect();
        let encrypted = lab.objects.values().flatten().filter_map(encrypted);
        assert_same(
            &lab,
            "secrets",
            &shown,
            &made.into_iter().chain(encrypted).collect(),
        );
        for row in rows {
            let users = row["used by"].split(", ");
            for user in users.filter(|user| lab.product.lab.components.contains_key(*user)) {
                let layer = lab.product.lab.components[user].layer;
                let leaves = lab.leaves(&format!("out/{layer}/{user}/"));
                assert!(
                    leaves.contains(&row["name"].as_str()),
                    "{}: {row:?}",
                    lab.name
                );
                seen += 1;
            }
            for key in row["keys"].split(", ") {
                let path = format!("$LABC_SECRETS/{}/{}/{key}", row["namespace"], row["name"]);
                let line = lab.document.text.lines().find(|line| *line == path);
                let is_manual = row["from"] == "manual";
                assert_eq!(line.is_some(), is_manual, "{}: {path}", lab.name);
            }
        }
    }
    assert!(seen > 2, "some component uses a secret");
}

#[test]
fn steps_are_those_of_the_script() {
    for lab in labs() {
        let shown: Vec<(String, String)> = lab
            .document
            .table("Bringing it up", 0)
            .iter()
            .map(|row| (row["step"].clone(), row["does"].clone()))
            .collect();
        let list = lab.script().split("steps() {\n  cat <<'END'\n").nth(1);
        let list = list.and_then(|rest| rest.split("\nEND\n").next());
        let steps: Vec<(String, String)> = list
            .expect("the script lists its steps")
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, does)| (name.to_owned(), does.trim().to_owned()))
            .collect();
        assert!(!shown.is_empty());
        assert_eq!(shown, steps, "{}", lab.name);
        let tools = lab
            .script()
            .lines()
            .find_map(|line| line.strip_prefix("tools=("));
        for tool in tools
            .expect("it names its tools")
            .trim_end_matches(')')
            .split(' ')
        {
            let taken = format!("`{tool}`");
            assert!(lab.document.text.contains(&taken), "{}: {tool}", lab.name);
        }
        for (name, _) in steps {
            let function = format!("\nstep_{name}() {{\n");
            assert!(lab.script().contains(&function), "{}: {name}", lab.name);
        }
    }
}

#[test]
fn what_it_says_of_retries_is_what_argo_cd_is_told() {
    let lab = Lab::new(
        "root",
        &World::open(folder("")).expect("the folder is there"),
    );
    let root = &lab.objects["out/bootstrap/root.yaml"][0];
    let longest = text(
        root,
        &["spec", "syncPolicy", "retry", "backoff", "maxDuration"],
    );
    assert_eq!(longest, Some("3m"));
    assert!(lab.document.text.contains("at most three minutes apart"));
    let values = &lab.objects["out/infrastructure/argocd/values.yaml"][0];
    let timeout = text(
        values,
        &["configs", "params", "controller.sync.timeout.seconds"],
    );
    assert_eq!(timeout, Some("7200"));
    assert!(lab.document.text.contains("ended after 2 hours"));
    assert!(
        lab.document
            .text
            .contains("commit something, or run `argocd app sync root`")
    );
}

/// Checks that every line of a diagram is one of the few forms that Mermaid is given, and returns its boxes and edges.
fn check_diagram(lab: &Lab) -> (BTreeMap<String, String>, BTreeSet<(String, String)>) {
    let lines = lab.document.mermaid();
    assert_eq!(lines.first(), Some(&"flowchart LR"));
    let mut boxes = BTreeMap::new();
    let mut edges = BTreeSet::new();
    for line in &lines[1..] {
        let line = line.trim();
        if let Some((from, to)) = line.split_once(" --> ") {
            edges.insert((from.to_owned(), to.to_owned()));
        } else if let Some((id, label)) = line.split_once('[') {
            let label = label.trim_end_matches([']', ')']);
            let label = label
                .strip_prefix('"')
                .and_then(|label| label.strip_suffix('"'));
            let label = label.unwrap_or_else(|| panic!("{line} has no quoted label"));
            assert!(!label.contains(['"', '`', '<', '>', '|', '\\']), "{line}");
            let id = id.trim_start_matches("subgraph ").trim_end_matches('(');
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
                "{line}"
            );
            boxes.insert(id.to_owned(), label.to_owned());
        } else {
            assert_eq!(line, "end");
        }
    }
    for (from, to) in &edges {
        assert!(
            boxes.contains_key(from) && boxes.contains_key(to),
            "{from} --> {to}"
        );
    }
    (boxes, edges)
}

#[test]
fn the_diagram_shows_every_component_once() {
    for lab in labs() {
        let (boxes, _) = check_diagram(&lab);
        let drawn: Vec<&str> = boxes
            .values()
            .filter_map(|label| label.split(' ').next())
            .collect();
        for row in lab.document.table("Components", 0) {
            let count = drawn
                .iter()
                .filter(|name| **name == row["component"])
                .count();
            assert_eq!(count, 1, "{}: {}", lab.name, row["component"]);
        }
    }
}

#[test]
fn words_of_a_lab_stay_words() {
    let lab = Lab::new(
        "corner",
        &World::open(folder("tests/provision")).expect("the folder is there"),
    );
    let hardware = lab.document.column("Nodes", 0, "hardware");
    assert!(hardware.contains("a`b&c_d"), "{hardware:?}");
    let what = lab.document.column("Components", 0, "what");
    let expected = "Pod network | of `one` <script>alert(1)</script> | two *stars* [link](x) ${{";
    assert!(what.contains(expected), "{what:?}");
    assert!(!lab.document.text.contains("<script"));
}

/// A lab of 10 components of infrastructure that come after each other in all ways, and 30 apps that use them.
fn large_lab() -> World {
    let base = fs::read_to_string(folder("tests/provision/lab.toml")).expect("the lab is there");
    let end = base
        .find("# The engine sorts")
        .expect("its components begin");
    let mut lab = base[..end].replace("secret = \"deploy-key\"\n", "");
    for number in 0..10 {
        let needs: Vec<String> = (0..number)
            .map(|other| format!("\"base-{other}\""))
            .collect();
        lab += &format!(
            "[infrastructure.base-{number}]\nmodule = \"thing\"\nneeds = [{}]\n",
            needs.join(", ")
        );
    }
    for number in 0..30 {
        lab += &format!(
            "[apps.app-{number}]\nmodule = \"thing\"\nneeds = [\"base-3\", \"base-9\", \"base-{}\"]\n",
            number % 10
        );
    }
    let module = "[module]\nsummary = \"Thing\"\n";
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${{ component.name }}\n";
    let files = [
        ("lab.toml", lab.as_str()),
        ("modules/thing/module.toml", module),
        ("modules/thing/manifests/object.yaml", manifest),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    World::Memory(BTreeMap::from(files))
}

#[test]
fn the_diagram_stays_readable_with_forty_components() {
    let lab = Lab::new("large", &large_lab());
    let (boxes, edges) = check_diagram(&lab);
    // 40 components, the repository, the engine, two layers
    assert_eq!(boxes.len(), 44);
    // 9 edges in a row through the infrastructure, and 4 around the layers
    assert_eq!(edges.len(), 13, "{edges:#?}");
}
