//! Images of pods, and of charts where the lab says them, have a tag that does not move, or a digest.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::index::Index;
use crate::link::read;
use crate::link::reference::Reference;
use crate::parse::domain::Image;
use crate::resolve::Component;
use crate::source::SourceKind;
use crate::value::Node;

pub(super) fn check(index: &Index<'_>, diagnostics: &mut Diagnostics) {
    for pod in index.pods.iter() {
        let containers = pod
            .containers()
            .filter_map(|container| container.get("image"));
        for node in containers {
            let Some(text) = node.as_str() else { continue };
            if Image::parse(text).is_ok_and(|image| image.moves()) {
                let reference = Reference {
                    from: pod.place,
                    node,
                };
                let found = index.error(Code::MOVING_TAG, reference, moves(text));
                diagnostics.push(found.help(HELP));
            }
        }
    }
    for (name, values) in index.values {
        if let (Some(component), Some(values)) = (index.lab.components.get(name), values) {
            in_values(index, component, values, diagnostics);
        }
    }
}

const HELP: &str = "name a version, or add a digest: `@sha256:...`";

fn moves(image: &str) -> String {
    format!("image `{image}` may be another one tomorrow")
}

/// Looks for what charts call an image, a map with `repository` and `tag`, as far as the lab wrote the tag.
fn in_values(index: &Index<'_>, component: &Component, node: &Node, diagnostics: &mut Diagnostics) {
    let repository = read::text(node, "repository");
    if let (Some(repository), Some(tag)) = (repository, node.get("tag")) {
        let text = tag.as_str().unwrap_or_default();
        let image = Image {
            registry: String::new(),
            repository: repository.to_owned(),
            tag: text.to_owned(),
            digest: read::text(node, "digest").unwrap_or_default().to_owned(),
        };
        let spans = tag.origin.spans().iter();
        let mut in_lab =
            spans.filter(|span| index.sources.file(span.source).kind == SourceKind::Lab);
        // An empty tag is the one that the chart was made for.
        if let Some(span) = in_lab.next().filter(|_| !text.is_empty() && image.moves()) {
            let message = moves(&format!("{repository}:{text}"));
            diagnostics.push(
                Diagnostic::error(Code::MOVING_TAG, *span, message)
                    .here(format!("in the values of `{}`", component.name))
                    .help(HELP),
            );
        }
    }
    for (_, entry) in node.as_map().into_iter().flatten() {
        in_values(index, component, &entry.node, diagnostics);
    }
    for item in node.as_list().into_iter().flatten() {
        in_values(index, component, item, diagnostics);
    }
}
