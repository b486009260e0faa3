//! Lab to resources: the templates of every component are expanded, its values merged, its patches applied.
//!
//! Components are rendered in parallel and know nothing of each other; what refers to what is `link`'s business.

mod component;
pub mod kinds;
pub mod machine;
pub mod patch;
pub mod resource;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use resource::{Made, Resource, ResourceId};

use crate::diag::Diagnostics;
use crate::resolve::Lab;
use crate::resolve::component::Answer;
use crate::value::Node;

/// What a component is made of.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The values of its chart, merged; none without a chart.
    pub values: Option<Node>,
    /// Its resources, in the order of their ids.
    pub resources: Vec<Resource>,
}

/// Adds the resources of an answer that came after all others to those of its component, for a namespace.
pub fn add_answer(
    lab: &Lab,
    answer: &Answer,
    namespace: &Node,
    rendered: &mut Rendered,
    diagnostics: &mut Diagnostics,
) {
    let scopes = kinds::Scopes::of(lab.components.values());
    let resources = component::answer(answer, namespace, &scopes, diagnostics);
    rendered.resources.extend(resources.into_iter().flatten());
    rendered
        .resources
        .sort_by(|left, right| left.id.cmp(&right.id));
}

/// Renders every component. One that is wrong is reported and left out.
pub fn render(lab: &Lab, diagnostics: &mut Diagnostics) -> BTreeMap<String, Rendered> {
    let scopes = kinds::Scopes::of(lab.components.values());
    let components: Vec<_> = lab.components.values().collect();
    let rendered: Vec<(Option<Rendered>, Diagnostics)> = components
        .par_iter()
        .map(|component| {
            let mut found = Diagnostics::default();
            let rendered = component::render(component, &scopes, &mut found);
            (rendered, found)
        })
        .collect();
    let mut all = BTreeMap::new();
    for (component, (rendered, found)) in components.into_iter().zip(rendered) {
        diagnostics.append(found);
        if let Some(rendered) = rendered {
            all.insert(component.name.clone(), rendered);
        }
    }
    all
}
