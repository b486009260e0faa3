//! `out/renovate.json` against the real Renovate: with it, Renovate finds every version of every lab, each once, and none in
//! the tree; and what Renovate then does to `lab.toml` changes the one line that it should.
//!
//! What is to be found is written down here by a rule of its own, which reads `lab.toml` and the modules and knows nothing of
//! the preset. Renovate runs offline; where it is not installed, one line says that this was skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads its labs from disk and runs Renovate"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use labc::diag::Diagnostics;
use labc::source::{SourceKind, Sources};
use labc::syntax::toml;
use labc::value::{Node, Path as Way, Step};
use rayon::prelude::*;
use serde_json::{Value, json};

/// Inputs that are lists of images.
const LISTS: [&str; 1] = ["plugins"];

/// Inputs that are the tag of an image without its name: module, input, image.
const TAGS: [(&str, &str, &str); 2] = [
    ("mc-router", "tag", "docker.io/itzg/mc-router"),
    ("minecraft", "tag", "docker.io/itzg/minecraft-server"),
];

#[test]
fn every_version_is_found_once_and_none_in_the_tree() {
    let Some(bench) = bench() else { return };
    let mut wrong = Vec::new();
    for case in &bench.cases {
        let lab = &case.lab;
        let files: BTreeSet<&str> = packages(&case.found).map(|(_, file, _)| file).collect();
        let mut found: Vec<String> = packages(&case.found).map(|(.., dep)| line(dep)).collect();
        let mut expected: Vec<String> = lab.versions().iter().map(Said::line).collect();
        found.sort();
        expected.sort();
        if found != expected || files != BTreeSet::from([lab.file().as_str()]) {
            let both = format!("{files:?}\nfound {found:#?}\nexpected {expected:#?}");
            wrong.push(format!("{}: {both}", lab.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Or the test above could not fail: without the preset, Renovate looks for versions in the tree.
#[test]
fn without_the_preset_the_tree_is_looked_at() {
    let Some(bench) = bench() else { return };
    let lab = Lab::read(folder("tests/labs/home-ops"));
    let repository = Repository::of(&lab, "without");
    let found = repository.extract(&bench.renovate, &json!({}));
    let mut files = packages(&found).map(|(_, file, _)| file);
    assert!(files.any(|file| file.starts_with("out/")), "{found:#}");
}

#[test]
fn an_update_changes_its_own_line_and_no_other() {
    let Some(bench) = bench() else { return };
    let plans = bench.cases.iter().flat_map(|case| {
        // Digests are added to images, and only to those.
        [case.plan(newer), case.plan(pinned)]
    });
    let done = bench.update(&plans.collect::<Vec<Value>>().into());
    let mut wrong = Vec::new();
    for (case, done) in bench.cases.iter().zip(done.chunks(2)) {
        let said = case.lab.versions();
        let all = said.iter();
        wrong.extend(compare(case, all.clone(), &done[0]));
        wrong.extend(compare(
            case,
            all.filter(|said| said.is_reference),
            &done[1],
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the updates of a lab, each of which should change one of these versions.
fn compare<'a>(case: &Case, said: impl Iterator<Item = &'a Said>, done: &Value) -> Option<String> {
    let mut changed: Vec<String> = Vec::new();
    for update in done.as_array().expect("a list") {
        let after = update["after"].as_str().unwrap_or_default();
        let new = [&update["newValue"], &update["newDigest"]];
        let has_all = |text: &str| {
            new.iter()
                .filter_map(|new| new.as_str())
                .all(|new| text.contains(new))
        };
        match one_change(&case.lab.text, after) {
            Some((path, text)) if has_all(&text) => changed.push(path),
            _ => return Some(format!("{}: {update:#}", case.lab.name())),
        }
    }
    let mut expected: Vec<String> = said.map(|said| said.path.to_string()).collect();
    expected.sort();
    changed.sort();
    let difference = || format!("{}: {changed:#?} is not {expected:#?}", case.lab.name());
    (changed != expected).then(difference)
}

/// The rules of the preset, as Renovate decides by them.
#[test]
fn rules_let_pass_what_the_lab_can_take() {
    let Some(bench) = bench() else { return };
    let case = bench
        .cases
        .iter()
        .find(|case| case.lab.name() == "home-ops");
    let mut plan = case.expect("the lab").plan(newer);
    // As config:best-practices does, which a repository may extend before the preset.
    let rules = plan["config"]["packageRules"]
        .as_array_mut()
        .expect("rules");
    rules.insert(
        0,
        json!({ "matchDatasources": ["docker"], "pinDigests": true }),
    );
    let done = &bench.update(&json!([plan]))[0];
    let of = |name: &str| {
        let is_of = |update: &&Value| update["depName"] == name;
        let found = done.as_array().expect("a list").iter().find(is_of);
        found.unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(of("talos")["branchName"], "renovate/talos");
    assert_eq!(of("kubernetes")["branchName"], "renovate/kubernetes");
    // Talos v1.11 upgrades to v1.13 directly, and labc's tables end there; it runs Kubernetes up to v1.34.
    let offered = |name: &str| &of(name)["offered"];
    assert_eq!(*offered("talos"), json!(["v1.11.6", "v1.12.1", "v1.13.20"]));
    assert_eq!(*offered("kubernetes"), json!(["v1.34.9"]));
    assert_eq!(of("app-template")["pinDigests"], false);
    assert_eq!(of("ghcr.io/jellyfin/jellyfin")["pinDigests"], true);
}

/// What Renovate is told that there is, of Talos and of Kubernetes.
const RELEASES: [(&str, &[&str]); 2] = [
    (
        "talos",
        &[
            "v1.11.5",
            "v1.11.6",
            "v1.12.1",
            "v1.13.20",
            "v1.14.0-rc.1",
            "v1.14.0",
            "v2.0.0",
        ],
    ),
    (
        "kubernetes",
        &[
            "v1.33.9",
            "v1.34.3",
            "v1.34.9",
            "v1.35.0-rc.1",
            "v1.35.0",
            "v1.36.1",
        ],
    ),
];

const NEW_DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// A version that a lab says.
struct Said {
    /// The way to the string that it is, or is part of.
    path: Way,
    /// Whether the string is an image's whole reference.
    is_reference: bool,
    name: String,
    datasource: &'static str,
    /// The package where it has another name, or the chart's repository.
    source: String,
    value: String,
    digest: String,
}

impl Said {
    /// As [`line`] has a dependency.
    fn line(&self) -> String {
        [
            &self.name,
            self.datasource,
            &self.source,
            &self.value,
            &self.digest,
        ]
        .join(" | ")
    }
}

/// A dependency that Renovate found, in one line.
fn line(dep: &Value) -> String {
    let text = |key: &str| dep[key].as_str().unwrap_or_default();
    let registry = dep["registryUrls"][0]
        .as_str()
        .unwrap_or(text("packageName"));
    let source = registry.trim_end_matches('/');
    let parts = ["depName", "datasource", "currentValue", "currentDigest"].map(text);
    let [name, datasource, value, digest] = parts;
    [name, datasource, source, value, digest].join(" | ")
}

/// A lab as it is written.
struct Lab {
    folder: PathBuf,
    text: String,
    tree: Node,
}

/// The root lab and those of `tests/labs/`.
fn labs() -> Vec<Lab> {
    let labs = fs::read_dir(folder("tests/labs")).expect("the folder of labs");
    let folders = labs.map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "no lab was found");
    folders.push(folder(""));
    folders.into_iter().map(Lab::read).collect()
}

/// A path of the checkout.
fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Lab {
    fn read(folder: PathBuf) -> Self {
        let text = fs::read_to_string(folder.join("lab.toml")).expect("a lab");
        let tree = parse(&text);
        Lab { folder, text, tree }
    }

    fn name(&self) -> String {
        self.folder
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn string(&self, path: &[&str]) -> Option<&str> {
        self.tree.at(&Way::keys(path.iter().copied()))?.as_str()
    }

    /// A path of the lab's folder, in its repository.
    fn in_repository(&self, path: &str) -> String {
        match self.string(&["repository", "path"]) {
            Some(folder) if !folder.is_empty() => format!("{folder}/{path}"),
            _ => path.to_owned(),
        }
    }

    fn file(&self) -> String {
        self.in_repository("lab.toml")
    }

    fn preset(&self) -> Value {
        let text = fs::read_to_string(self.folder.join("out/renovate.json")).expect("a preset");
        serde_json::from_str(&text).expect("the preset is JSON")
    }

    /// The string at a path; that of the variable, where it is nothing but one.
    fn literal(&self, path: &Way) -> Option<(Way, &str)> {
        let text = self.tree.at(path)?.as_str()?;
        match text
            .strip_prefix("${{ vars.")
            .and_then(|rest| rest.strip_suffix(" }}"))
        {
            Some(name) => self.literal(&Way::keys(["vars", name])),
            None => Some((path.clone(), text)),
        }
    }

    /// Every version that it says.
    fn versions(&self) -> Vec<Said> {
        let mut said = Vec::new();
        let cluster = [
            ("talos", "github-releases", "siderolabs/talos"),
            ("kubernetes", "docker", "ghcr.io/siderolabs/kubelet"),
        ];
        for (key, datasource, source) in cluster {
            let found = self.literal(&Way::keys(["cluster", key]));
            said.extend(found.map(|(path, value)| whole(path, key, datasource, source, value)));
        }
        for (layer, name) in self.components() {
            said.extend(self.chart(layer, name));
            said.extend(self.tag(layer, name));
            let path = Way::keys([layer, name]);
            let table = self.tree.at(&path).expect("the component");
            self.images(table, &path, &mut said);
        }
        let mut paths = BTreeSet::new();
        said.retain(|said| paths.insert(said.path.clone()));
        said
    }

    /// Layer and name of the components that are on.
    fn components(&self) -> Vec<(&str, &str)> {
        let mut components = Vec::new();
        for layer in ["infrastructure", "apps"] {
            let table = self.tree.get(layer).and_then(Node::as_map);
            for (name, entry) in table.into_iter().flatten() {
                let off = labc::value::Value::Bool(false);
                if entry
                    .node
                    .get("enabled")
                    .is_none_or(|node| node.value != off)
                {
                    components.push((layer, name.as_str()));
                }
            }
        }
        // The first by name says what a version is that several share.
        components.sort_by_key(|(_, name)| *name);
        components
    }

    fn module<'a>(&'a self, layer: &str, name: &'a str) -> &'a str {
        self.string(&[layer, name, "module"]).unwrap_or(name)
    }

    fn chart(&self, layer: &str, name: &str) -> Option<Said> {
        let (path, version) = self.literal(&Way::keys([layer, name, "version"]))?;
        let (repository, chart) = match self.module(layer, name) {
            "chart" => (
                self.string(&[layer, name, "chart", "repository"])?
                    .to_owned(),
                self.string(&[layer, name, "chart", "name"])?.to_owned(),
            ),
            // Its author publishes it elsewhere since 3.7.
            "app-template" if version.starts_with("3.6.") => app_template("bjw-s"),
            "app-template" => app_template("bjw-s-labs"),
            module => self.chart_of(module)?,
        };
        let repository = repository.trim_end_matches('/');
        Some(match repository.strip_prefix("oci://") {
            Some(registry) => whole(
                path,
                &chart,
                "docker",
                &format!("{registry}/{chart}"),
                version,
            ),
            None => whole(path, &chart, "helm", repository, version),
        })
    }

    /// Repository and name of a module's chart.
    fn chart_of(&self, module: &str) -> Option<(String, String)> {
        let file = format!("modules/{module}/module.toml");
        let text = fs::read_to_string(self.folder.join(&file));
        let text = text.or_else(|_| fs::read_to_string(folder(&file))).ok()?;
        let tree = parse(&text);
        let chart = tree.get("chart")?;
        let text = |key: &str| Some(chart.get(key)?.as_str()?.to_owned());
        Some((text("repository")?, text("name")?))
    }

    fn tag(&self, layer: &str, name: &str) -> Option<Said> {
        let module = self.module(layer, name);
        let (_, input, image) = TAGS.iter().find(|(of, ..)| *of == module)?;
        let (path, value) = self.literal(&Way::keys([layer, name, input]))?;
        Some(whole(path, image, "docker", "", value))
    }

    /// What is called `image` anywhere in a component, as text or in its parts.
    fn images(&self, node: &Node, path: &Way, said: &mut Vec<Said>) {
        if let Some(map) = node.as_map() {
            for (key, entry) in map {
                let path = path.key(key);
                if key == "image" {
                    said.extend(self.image(&entry.node, &path));
                }
                if LISTS.contains(&key.as_str()) {
                    let items = entry.node.as_list().into_iter().flatten();
                    let items = items
                        .zip(0..)
                        .map(|(item, index)| (item, below(&path, index)));
                    said.extend(items.filter_map(|(item, path)| self.image(item, &path)));
                }
                self.images(&entry.node, &path, said);
            }
        }
        for (index, item) in node.as_list().into_iter().flatten().enumerate() {
            self.images(item, &below(path, index), said);
        }
    }

    fn image(&self, node: &Node, path: &Way) -> Option<Said> {
        if let (Some(repository), Some(tag)) = (node.get("repository"), node.get("tag")) {
            let registry = node.get("registry").and_then(Node::as_str);
            let registry = registry.map_or_else(String::new, |registry| format!("{registry}/"));
            let name = format!("{registry}{}", repository.as_str()?);
            return Some(whole(path.key("tag"), &name, "docker", "", tag.as_str()?));
        }
        let (path, text) = self.literal(path)?;
        if let Some((name, variable)) = text.split_once(":${{ vars.") {
            let variable = variable.strip_suffix(" }}")?;
            let (path, tag) = self.literal(&Way::keys(["vars", variable]))?;
            return Some(whole(path, name, "docker", "", tag));
        }
        let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (rest, ""),
        };
        Some(Said {
            digest: digest.to_owned(),
            is_reference: true,
            ..whole(path, name, "docker", "", tag)
        })
    }
}

/// The way to an item.
fn below(path: &Way, index: usize) -> Way {
    let mut path = path.clone();
    path.0.push(Step::Index(index));
    path
}

/// A version that is all of a string.
fn whole(path: Way, name: &str, datasource: &'static str, source: &str, value: &str) -> Said {
    Said {
        path,
        is_reference: false,
        name: name.to_owned(),
        datasource,
        source: source.to_owned(),
        value: value.to_owned(),
        digest: String::new(),
    }
}

fn app_template(owner: &str) -> (String, String) {
    (
        format!("oci://ghcr.io/{owner}/helm"),
        "app-template".to_owned(),
    )
}

fn parse(text: &str) -> Node {
    let mut sources = Sources::default();
    let source = sources.add("lab.toml".to_owned(), text.into(), SourceKind::Lab);
    let mut diagnostics = Diagnostics::default();
    let tree = toml::read(source, text, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "it is not TOML:\n{text}");
    tree
}

/// The one line that differs, if no other does: the way to what it changes, and the new value.
fn one_change(before: &str, after: &str) -> Option<(String, String)> {
    let differ = before
        .lines()
        .zip(after.lines())
        .filter(|(old, new)| old != new);
    if differ.count() != 1 || before.lines().count() != after.lines().count() {
        return None;
    }
    let (before, after) = (strings(&parse(before)), strings(&parse(after)));
    let mut changed = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(*text));
    let (path, text) = changed.next()?;
    let same_paths = before.keys().eq(after.keys());
    (changed.next().is_none() && same_paths).then(|| (path.clone(), text.clone()))
}

fn strings(tree: &Node) -> BTreeMap<String, String> {
    let mut strings = BTreeMap::new();
    tree.each_leaf(&mut |path, leaf| {
        strings.insert(
            path.to_string(),
            leaf.as_str().unwrap_or_default().to_owned(),
        );
    });
    strings
}

/// Every dependency that was found: manager, file, dependency.
fn packages(found: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let managers = found.as_object().into_iter().flatten();
    managers.flat_map(|(manager, files)| {
        let files = files.as_array().into_iter().flatten();
        files.flat_map(move |file| {
            let name = file["packageFile"].as_str().unwrap_or_default();
            let deps = file["deps"].as_array().into_iter().flatten();
            deps.map(move |dep| (manager.as_str(), name, dep))
        })
    })
}

/// What all tests look at, made once.
struct Bench {
    /// The package.
    renovate: PathBuf,
    cases: Vec<Case>,
}

/// A lab, and what Renovate finds in its repository.
struct Case {
    lab: Lab,
    repository: Repository,
    found: Value,
}

/// Every lab with what Renovate finds; nothing, after a line that says so, where Renovate is not installed.
fn bench() -> Option<&'static Bench> {
    static BENCH: OnceLock<Option<Bench>> = OnceLock::new();
    let bench = BENCH.get_or_init(|| {
        let renovate = renovate()?;
        let cases = labs().into_par_iter().map(|lab| {
            let repository = Repository::of(&lab, &lab.name());
            let found = repository.extract(&renovate, &lab.preset());
            Case {
                lab,
                repository,
                found,
            }
        });
        let cases = cases.collect();
        Some(Bench { renovate, cases })
    });
    bench.as_ref()
}

impl Case {
    /// What is found, where each dependency has the update that `update` gives it.
    fn plan(&self, update: fn(&str, &Value) -> Option<Value>) -> Value {
        let mut files = self.found.clone();
        for (manager, of_manager) in files.as_object_mut().expect("managers") {
            for file in of_manager.as_array_mut().expect("files") {
                for dep in file["deps"].as_array_mut().expect("dependencies") {
                    let updates: Vec<Value> = update(manager, dep).into_iter().collect();
                    dep["updates"] = updates.into();
                }
            }
        }
        let releases = RELEASES.map(|(name, versions)| (name.to_owned(), json!(versions)));
        json!({
            "config": self.lab.preset(),
            "repository": self.repository.0,
            "files": files,
            "releases": serde_json::Map::from_iter(releases),
        })
    }
}

impl Bench {
    /// What Renovate makes of the repositories' files, plan by plan, by each update alone.
    fn update(&self, plans: &Value) -> Vec<Value> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = format!("renovate-plans-{number}.json");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::write(&file, plans.to_string()).expect("a file");
        let output = Command::new("node")
            .args([&folder("tests/renovate/update.cjs"), &self.renovate, &file])
            .output()
            .expect("node starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "Renovate's update failed: {said}");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }
}

/// A Git repository with a lab and its tree in it.
struct Repository(PathBuf);

impl Repository {
    fn of(lab: &Lab, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("renovate-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the old one goes");
        }
        let here = folder.join(lab.in_repository(""));
        fs::create_dir_all(&here).expect("a folder");
        fs::write(here.join("lab.toml"), &lab.text).expect("a file");
        copy(&lab.folder.join("out"), &here.join("out"));
        let repository = Repository(folder);
        repository.git(&["init", "--quiet"]);
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(arguments)
            .current_dir(&self.0)
            .status();
        assert!(status.expect("git starts").success(), "git {arguments:?}");
    }

    /// What Renovate finds with a configuration: its package files by manager.
    fn extract(&self, renovate: &Path, config: &Value) -> Value {
        fs::write(self.0.join("renovate.json"), config.to_string()).expect("a file");
        self.git(&["add", "--all"]);
        let output = Command::new("node")
            .arg(renovate.join("dist/renovate.js"))
            .args(["--platform=local", "--dry-run=extract"])
            .current_dir(&self.0)
            .env("LOG_LEVEL", "debug")
            .env("LOG_FORMAT", "json")
            .env("RENOVATE_BASE_DIR", self.0.join(".git/renovate"))
            .output()
            .expect("node starts");
        let log = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<Value> = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let worse = |line: &&Value| line["level"].as_u64().is_some_and(|level| level >= 40);
        for line in lines.iter().filter(worse) {
            let is_known = line["msg"]
                .as_str()
                .is_some_and(|text| HARMLESS.contains(&text));
            assert!(is_known, "Renovate complains: {line:#}");
        }
        let found = lines.iter().find_map(|line| line.get("packageFiles"));
        let found = found.unwrap_or_else(|| panic!("Renovate found nothing: {log}"));
        found.clone()
    }
}

/// What Renovate warns of because it is offline and without compiled parts.
const HARMLESS: [&str; 2] = [
    "RE2 not usable, falling back to RegExp",
    "GitHub token is required for some dependencies",
];

/// Another version of a dependency, and another digest where it has one; the digest alone, where that is all.
fn newer(_: &str, dep: &Value) -> Option<Value> {
    let mut update = json!({ "updateType": "minor" });
    if dep["currentValue"].is_string() {
        update["newValue"] = "9.8.7".into();
        update["newVersion"] = "9.8.7".into();
    }
    if dep["currentDigest"].is_string() {
        update["newDigest"] = NEW_DIGEST.into();
    }
    Some(update)
}

/// The same version of an image with a digest, as where digests are pinned.
fn pinned(manager: &str, dep: &Value) -> Option<Value> {
    (manager == "regex").then(|| {
        json!({
            "updateType": "pinDigest",
            "isPinDigest": true,
            "newValue": dep["currentValue"],
            "newDigest": NEW_DIGEST,
        })
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// The folder of the package; nothing, after a line that says so, where it cannot be installed.
fn renovate() -> Option<PathBuf> {
    static RENOVATE: OnceLock<Option<PathBuf>> = OnceLock::new();
    RENOVATE.get_or_init(install).clone()
}

fn install() -> Option<PathBuf> {
    let tools = std::env::var_os("LABC_TOOLS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/labc-tools"),
        PathBuf::from,
    );
    let script = folder("tests/tools.sh");
    let output = Command::new("sh").arg(script).arg("renovate").output();
    let why = match output {
        Ok(output) if output.status.success() => {
            return Some(tools.join("renovate/node_modules/renovate"));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let why = why.lines().last().unwrap_or("no reason given");
    eprintln!("skipped: Renovate cannot be installed here ({why})");
    None
}
