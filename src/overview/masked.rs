//! An overview without what looks like a secret: names, versions and URLs are texts of the lab, and a text may hold one.

use super::{
    AddressFacts, AnswerFacts, ChartFacts, ComponentFacts, Overview, ResourceFacts, SecretFacts,
    UnitFacts,
};
use crate::mask::Masker;

/// Masks the texts of an overview: each secret has one word in all of it.
pub(super) fn mask(overview: &mut Overview) {
    let mut masker = Masker::default();
    let mut text = |text: &mut String| {
        let shown = masker.text(text);
        if shown != *text {
            *text = shown;
        }
    };
    for word in [
        &mut overview.name,
        &mut overview.domain,
        &mut overview.repository,
        &mut overview.endpoint,
    ] {
        text(word);
    }
    for node in &mut overview.nodes {
        text(&mut node.name);
        text(&mut node.address);
        if let Some(image) = &mut node.image {
            text(&mut image.schematic_file);
            image.patches.iter_mut().for_each(&mut text);
        }
    }
    overview
        .components
        .iter_mut()
        .for_each(|facts| component(facts, &mut text));
    overview
        .units
        .iter_mut()
        .for_each(|facts| unit(facts, &mut text));
    for AnswerFacts { ask, offer, result } in &mut overview.answers {
        [Some(ask), Some(offer), result.as_mut()]
            .into_iter()
            .flatten()
            .for_each(&mut text);
    }
    for AddressFacts { owner, .. } in &mut overview.addresses {
        text(owner);
    }
    overview
        .secrets
        .iter_mut()
        .for_each(|facts| secret(facts, &mut text));
}

fn component(component: &mut ComponentFacts, text: &mut impl FnMut(&mut String)) {
    let ComponentFacts {
        name,
        layer: _,
        module,
        namespace,
        version,
        chart,
        units,
    } = component;
    [name, module, namespace].into_iter().for_each(&mut *text);
    version.iter_mut().chain(units).for_each(&mut *text);
    if let Some(ChartFacts {
        repository,
        name,
        version,
    }) = chart
    {
        [repository, name, version].into_iter().for_each(text);
    }
}

fn unit(unit: &mut UnitFacts, text: &mut impl FnMut(&mut String)) {
    text(&mut unit.name);
    for (name, why) in &mut unit.after {
        text(name);
        text(why);
    }
    for resource in &mut unit.resources {
        let ResourceFacts {
            api_version,
            kind,
            namespace,
            name,
            file,
        } = resource;
        [api_version, kind, name, file]
            .into_iter()
            .for_each(&mut *text);
        namespace.iter_mut().for_each(&mut *text);
    }
}

fn secret(secret: &mut SecretFacts, text: &mut impl FnMut(&mut String)) {
    text(&mut secret.namespace);
    text(&mut secret.name);
    secret
        .keys
        .iter_mut()
        .chain(&mut secret.used_by)
        .for_each(text);
}
