//! Holds the standard modules to facts of the real charts, and Argo CD's health rule to a real Lua.
//!
//! The facts of a chart are made by `tests/charts/facts.py` from the chart's folder and a real helm, and committed. They
//! are of the values that the module's own lab, `tests/modules/NAME.toml`, gives the chart.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its facts from disk and runs Lua"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use labc::diag::report::{Colour, text};
use labc::diag::{Code, Severity};
use labc::parse::library::names;
use labc::resolve::Component;
use labc::template::convert::json;
use labc::value::Node;
use labc::world::World;
use labc::{Compiled, Product, compile};
use rayon::prelude::*;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the lab that a module is tried in: `tests/modules/NAME.toml`.
fn lab_of(module: &str) -> String {
    let path = root().join(format!("tests/modules/{module}.toml"));
    std::fs::read_to_string(path).unwrap_or_else(|_| panic!("no tests/modules/{module}.toml"))
}

fn compiled(lab: String) -> Compiled {
    let files = BTreeMap::from([("lab.toml".to_owned(), lab.into_bytes())]);
    compile(&World::Memory(files)).expect("memory can be read")
}

/// Every module of the library with the lab that it is tried in.
fn tried() -> Vec<(String, Product)> {
    let names = names(&World::Memory(BTreeMap::new())).expect("the library is built in");
    let product = |name: String| {
        let product = compiled(lab_of(&name)).product;
        let product = product.unwrap_or_else(|| panic!("tests/modules/{name}.toml compiles"));
        (name, product)
    };
    names.into_par_iter().map(product).collect()
}

fn facts(module: &str) -> Option<Value> {
    let path = root().join(format!("tests/charts/{module}.json"));
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).expect("facts are JSON"))
}

/// The component that is called like its module, in the module's own lab, with the facts of its chart: of every module
/// that has a chart of its own.
fn charts(tried: &[(String, Product)]) -> Vec<(&Product, &Component, Value)> {
    let mut charts = Vec::new();
    for (module, product) in tried {
        let component = product.lab.components.get(module);
        let component = component.unwrap_or_else(|| panic!("{module} is in its own lab"));
        if let Some(facts) = facts(module).filter(|_| component.chart.is_some()) {
            charts.push((product, component, facts));
        }
    }
    charts
}

#[test]
fn every_chart_module_has_facts_of_its_tested_version() {
    let world = World::Memory(BTreeMap::new());
    let mut checked = 0;
    for name in names(&world).expect("the library is built in") {
        let Some(tested) = tested(&name) else {
            continue;
        };
        let facts = facts(&name).unwrap_or_else(|| panic!("no facts of `{name}`'s chart"));
        let version = facts["chart"]["version"].as_str().expect("a version");
        let bare = |text: &str| text.trim_matches('"').trim_start_matches('v').to_owned();
        assert_eq!(bare(&tested), bare(version), "{name}");
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} modules with a chart");
}

#[test]
fn values_are_those_that_the_chart_was_rendered_with() {
    let tried = tried();
    for (product, component, facts) in charts(&tried) {
        let values = product.linked.values[&component.name].as_ref();
        let values = values.map_or(Value::Null, json);
        let name = &component.name;
        assert_eq!(
            values, facts["module"]["values"],
            "{name}: make the facts again"
        );
        assert_eq!(
            facts["module"]["unknown"],
            Value::Array(Vec::new()),
            "{name}"
        );
    }
}

#[test]
fn charts_make_what_modules_say_they_make() {
    let tried = tried();
    let mut wrong = Vec::new();
    for (_, component, facts) in charts(&tried) {
        let rendered = &facts["module"];
        for service in component
            .services
            .iter()
            .filter(|service| !service.at_runtime)
        {
            if let Err(why) = has_service(rendered, &service.node) {
                wrong.push(format!(
                    "{}: Service `{}`: {why}",
                    component.name, service.name
                ));
            }
        }
        for created in component
            .creates
            .iter()
            .filter(|created| !created.at_runtime)
        {
            if !has_object(rendered, &created.kind, &created.name) {
                let name = &component.name;
                wrong.push(format!(
                    "{name}: the chart makes no {} `{}`",
                    created.kind, created.name
                ));
            }
        }
        for kind in component
            .kinds
            .iter()
            .filter(|kind| kind.crd.is_none() && !kind.at_runtime)
        {
            let found = facts["crds"].as_array().expect("CRDs").iter().any(|crd| {
                let versions = crd["versions"].as_array().expect("versions");
                crd["group"] == kind.group.as_str()
                    && crd["kind"] == kind.kind.as_str()
                    && versions
                        .iter()
                        .any(|version| version == kind.version.as_str())
                    && (crd["scope"] == "Namespaced") == kind.namespaced
            });
            if !found {
                wrong.push(format!(
                    "{}: no CRD of {}/{} {}",
                    component.name, kind.group, kind.version, kind.kind
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_service(rendered: &Value, declared: &Node) -> Result<(), String> {
    let text = |key: &str| declared.get(key).and_then(Node::as_str);
    let services = rendered["services"].as_array().expect("services");
    let found = services
        .iter()
        .find(|service| service["name"].as_str() == text("name"));
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = services
            .iter()
            .filter_map(|service| service["name"].as_str())
            .collect();
        format!("the chart makes only {}", names.join(", "))
    })?;
    let port = declared.get("port").map(json).unwrap_or_default();
    let ports = found["ports"].as_array().expect("ports");
    let port = ports.iter().find(|pair| pair[1] == port);
    let port = port.ok_or_else(|| format!("its ports are {}", found["ports"]))?;
    if text("port_name").is_some_and(|name| port[0] != name) {
        return Err(format!("the port is named {}", port[0]));
    }
    let labels = declared.get("labels").map(json).unwrap_or_default();
    for (key, value) in labels.as_object().into_iter().flatten() {
        if found["labels"].get(key) != Some(value) {
            return Err(format!(
                "it has no label {key}={value}, but {}",
                found["labels"]
            ));
        }
    }
    Ok(())
}

fn has_object(rendered: &Value, kind: &str, name: &str) -> bool {
    let bare = |kind: &str| kind.rsplit('/').next().unwrap_or_default().to_owned();
    let listed = |list: &Value| {
        let names = list.as_array().into_iter().flatten();
        names.into_iter().any(|entry| entry == name)
    };
    let objects = rendered["objects"].as_object().expect("objects");
    objects
        .iter()
        .filter(|(known, _)| bare(known) == bare(kind))
        .any(|(_, namespaces)| {
            let namespaces = namespaces.as_object().expect("namespaces");
            namespaces.values().any(listed)
        })
}

#[test]
fn what_a_controller_makes_names_who_says_so() {
    let tried = tried();
    let components = tried
        .iter()
        .flat_map(|(_, product)| product.lab.components.values());
    for component in components {
        let services = component
            .services
            .iter()
            .map(|service| (service.at_runtime, &service.node));
        let created = component
            .creates
            .iter()
            .map(|created| (created.at_runtime, &created.node));
        let kinds = component
            .kinds
            .iter()
            .map(|kind| (kind.at_runtime, &kind.node));
        for (at_runtime, node) in services.chain(created).chain(kinds) {
            let source = node.get("source").and_then(Node::as_str);
            let named = source.is_some_and(|source| !source.is_empty());
            assert!(!at_runtime || named, "{}: {node:?}", component.name);
        }
    }
}

/// Helm's pre-hooks run before anything else of an Application exists.
#[test]
fn hooks_name_nothing_that_comes_after_them() {
    let tried = tried();
    for (_, component, facts) in charts(&tried) {
        for hook in facts["module"]["hooks"].as_array().expect("hooks") {
            let early = hook["hooks"]
                .as_array()
                .expect("kinds of hooks")
                .iter()
                .any(|kind| matches!(kind.as_str(), Some("pre-install" | "pre-upgrade")));
            let names = hook.get("names").and_then(Value::as_array);
            for named in names.into_iter().flatten().filter(|_| early) {
                let fine = named["hook"] == true || named["made"] == false;
                assert!(fine, "{}: {} names {named}", component.name, hook["name"]);
            }
        }
    }
}

fn shown(module: &str) -> String {
    let path = root().join(format!("modules/{module}/module.toml"));
    std::fs::read_to_string(path).expect("a module")
}

/// The version that a module was checked against, in quotes.
fn tested(module: &str) -> Option<String> {
    let shown = shown(module);
    let mut lines = shown.lines();
    lines.find_map(|line| line.strip_prefix("tested = ").map(str::to_owned))
}

fn said(compiled: &Compiled) -> String {
    text(&compiled.diagnostics, &compiled.sources, Colour::No)
}

#[test]
fn every_module_compiles_in_a_lab_of_its_own() {
    let world = World::Memory(BTreeMap::new());
    for name in names(&world).expect("the library is built in") {
        let compiled = compiled(lab_of(&name));
        let said = said(&compiled);
        assert!(!compiled.diagnostics.has_errors(), "{name}:\n{said}");
    }
}

/// The lab of a module in which its own component says its version and nothing else.
fn version_alone(module: &str) -> String {
    let mut lab = String::new();
    let mut own = false;
    for line in lab_of(module).lines() {
        if line.starts_with('[') {
            let table = line.trim_matches(['[', ']']);
            let name = table.split('.').nth(1).unwrap_or_default();
            let layer = table.split('.').next().unwrap_or_default();
            own = name == module && ["infrastructure", "apps"].contains(&layer);
        }
        let kept = ["[", "version", "module", "chart = ", "image"];
        if !own || kept.iter().any(|start| line.starts_with(start)) {
            lab.push_str(line);
            lab.push('\n');
        }
    }
    lab
}

/// What a module cannot derive, it asks for: with the line to add.
#[test]
fn every_module_compiles_with_its_version_alone_or_says_what_it_needs() {
    let world = World::Memory(BTreeMap::new());
    let names = names(&world).expect("the library is built in");
    assert!(names.len() >= 11, "only {} modules", names.len());
    for name in names {
        let compiled = compiled(version_alone(&name));
        let said = said(&compiled);
        let errors = compiled.diagnostics.iter();
        for error in errors.filter(|found| found.severity == Severity::Error) {
            assert!(
                error.code == Code::MISSING_INPUT && !error.help.is_empty(),
                "{name}:\n{said}"
            );
        }
    }
}

#[test]
fn the_health_rule_of_applications_holds_in_a_real_lua() {
    let folder = root().join("tests/argocd-health");
    let Some(lua) = ["lua5.1", "lua5.3", "lua"]
        .into_iter()
        .find(|lua| runs(lua))
    else {
        println!("skipped: there is no Lua");
        return;
    };
    let script: PathBuf = folder.join("run.py");
    let output = Command::new("python3")
        .arg(script)
        .args(["--lua", lua])
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no Python");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let cases: Value = serde_json::from_str(&said).expect("the runner prints JSON");
    let cases = cases.as_array().expect("a list of cases");
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    for case in cases {
        assert_eq!(case["ok"], true, "{case}");
    }
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("-v").output().is_ok()
}
