//! An overview as data: the interface for scripts. New keys may be added; none changes its meaning.

use serde_json::{Value, json};

use super::{
    AddressFacts, ChartFacts, ComponentFacts, NodeFacts, Overview, ResourceFacts, SecretFacts,
    UnitFacts,
};

/// `{"schema": 1, "lab": ..., "cluster": ..., "nodes": [...], "components": [...], "addresses": [...], "secrets": [...]}`.
pub fn json(overview: &Overview) -> Value {
    let components = overview.components.iter();
    json!({
        "schema": 1,
        "lab": {
            "name": overview.name,
            "domain": overview.domain,
            "engine": overview.engine,
        },
        "cluster": {
            "talos": overview.talos,
            "contract": overview.contract,
            "kubernetes": overview.kubernetes,
            "endpoint": overview.endpoint,
        },
        "nodes": overview.nodes.iter().map(node).collect::<Vec<_>>(),
        "components": components.map(|facts| component(facts, overview)).collect::<Vec<_>>(),
        "addresses": overview.addresses.iter().map(address).collect::<Vec<_>>(),
        "secrets": overview.secrets.iter().map(secret).collect::<Vec<_>>(),
    })
}

fn node(node: &NodeFacts) -> Value {
    let image = node.image.as_ref();
    let schematic =
        image.map(|image| json!({ "id": image.schematic, "file": image.schematic_file }));
    json!({
        "name": node.name,
        "role": node.role,
        "status": node.status,
        "address": node.address,
        "schematic": schematic,
        "installer": image.map(|image| &image.installer),
        "patches": image.map_or(&[][..], |image| &image.patches),
    })
}

fn component(component: &ComponentFacts, overview: &Overview) -> Value {
    let units = overview.units.iter();
    let own = units.filter(|unit| component.units.contains(&unit.name));
    json!({
        "name": component.name,
        "layer": component.layer,
        "module": component.module,
        "namespace": component.namespace,
        "version": component.version,
        "chart": component.chart.as_ref().map(chart),
        "units": own.map(unit).collect::<Vec<_>>(),
    })
}

fn chart(chart: &ChartFacts) -> Value {
    json!({
        "repository": chart.repository,
        "name": chart.name,
        "version": chart.version,
    })
}

fn unit(unit: &UnitFacts) -> Value {
    let after: Vec<&String> = unit.after.iter().map(|(name, _)| name).collect();
    json!({
        "name": unit.name,
        "order": unit.order,
        "after": after,
        "resources": unit.resources.iter().map(resource).collect::<Vec<_>>(),
    })
}

fn resource(resource: &ResourceFacts) -> Value {
    json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "file": resource.file,
    })
}

fn address(address: &AddressFacts) -> Value {
    json!({ "address": address.address.to_string(), "owner": address.owner })
}

fn secret(secret: &SecretFacts) -> Value {
    json!({
        "namespace": secret.namespace,
        "name": secret.name,
        "keys": secret.keys,
        "from": secret.from,
        "used_by": secret.used_by,
    })
}
