//! An overview for people: a few tables.

use std::net::IpAddr;

use super::{Overview, UnitFacts};

/// The overview as text that ends in a line break.
pub fn text(overview: &Overview) -> String {
    let sections = [
        head(overview),
        nodes(overview),
        networks(overview),
        addresses(overview),
        components(overview),
        answers(overview),
        units(overview),
        secrets(overview),
    ];
    let filled: Vec<String> = sections.into_iter().flatten().collect();
    filled.join("\n")
}

fn head(overview: &Overview) -> Option<String> {
    let rows = [
        ("lab", format!("{} ({})", overview.name, overview.domain)),
        (
            "engine",
            format!("{}, reads {}", overview.engine, overview.repository),
        ),
        (
            "cluster",
            format!(
                "Kubernetes {} on Talos {} (contract {}) at {}",
                overview.kubernetes, overview.talos, overview.contract, overview.endpoint
            ),
        ),
    ];
    let lines = rows.map(|(name, value)| format!("{name:<8}  {value}\n"));
    Some(lines.concat())
}

fn nodes(overview: &Overview) -> Option<String> {
    let rows = overview.nodes.iter().map(|node| {
        let installer = node.image.as_ref().map(|image| image.installer.clone());
        let status = match node.status {
            "online" => String::new(),
            other => other.to_owned(),
        };
        let role = node.role.to_owned();
        vec![
            node.name.clone(),
            role,
            node.address.clone(),
            installer.unwrap_or_default(),
            status,
        ]
    });
    table("Nodes", rows.collect())
}

fn networks(overview: &Overview) -> Option<String> {
    let rows = overview.networks.iter();
    let row = |(name, value): &(&str, String)| vec![(*name).to_owned(), value.clone()];
    table("Network", rows.map(row).collect())
}

/// Owned addresses and free ranges, by address.
fn addresses(overview: &Overview) -> Option<String> {
    let owned = overview.addresses.iter().map(|address| {
        let row = vec![address.address.to_string(), address.owner.clone()];
        (address.address, row)
    });
    let free = overview.free.iter().map(|range| {
        let count = match range.len() {
            1 => "free".to_owned(),
            count => format!("free: {count} addresses"),
        };
        (range.first, vec![range.to_string(), count])
    });
    let mut rows: Vec<(IpAddr, Vec<String>)> = owned.chain(free).collect();
    rows.sort();
    let rows = rows.into_iter().map(|(_, row)| row);
    table("Addresses", rows.collect())
}

fn components(overview: &Overview) -> Option<String> {
    let rows = overview.components.iter().map(|component| {
        let module = match component.module == component.name {
            true => String::new(),
            false => format!("module {}", component.module),
        };
        vec![
            format!("{}.{}", component.layer, component.name),
            component.version.clone().unwrap_or_else(|| "-".to_owned()),
            component.namespace.clone(),
            module,
        ]
    });
    table("Components", rows.collect())
}

fn units(overview: &Overview) -> Option<String> {
    let rows = overview.units.iter().map(|unit| {
        vec![
            (unit.order + 1).to_string(),
            unit.name.clone(),
            resources(unit),
            after(unit),
        ]
    });
    table("Units, in order", rows.collect())
}

fn answers(overview: &Overview) -> Option<String> {
    let rows = overview.answers.iter().map(|answer| {
        vec![
            answer.ask.clone(),
            format!("by {}", answer.offer),
            answer.result.clone().unwrap_or_default(),
        ]
    });
    table("Answers", rows.collect())
}

fn resources(unit: &UnitFacts) -> String {
    let count = match unit.resources.len() {
        0 => None,
        1 => Some("1 resource".to_owned()),
        count => Some(format!("{count} resources")),
    };
    let chart = unit.has_chart.then(|| "a chart".to_owned());
    let parts: Vec<String> = chart.into_iter().chain(count).collect();
    parts.join(", ")
}

fn after(unit: &UnitFacts) -> String {
    let names: Vec<&str> = unit.after.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("after {}", names.join(", "))
}

fn secrets(overview: &Overview) -> Option<String> {
    let rows = overview.secrets.iter().map(|secret| {
        vec![
            format!("{}/{}", secret.namespace, secret.name),
            secret.from.to_owned(),
            secret.keys.join(", "),
            format!("for {}", secret.used_by.join(", ")),
        ]
    });
    table("Secrets", rows.collect())
}

/// Rows under a heading, each column as wide as its widest cell; none without rows.
fn table(heading: &str, rows: Vec<Vec<String>>) -> Option<String> {
    let columns = rows.first()?.len();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = format!("{heading}\n");
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            line.push_str(&format!(" {cell:<width$} "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Some(text)
}
