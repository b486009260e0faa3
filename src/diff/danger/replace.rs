//! Components that are deleted and made anew because something that names all of their objects changed: the component's
//! own name, or its namespace.
//!
//! Knows no engine: what becomes of the old objects is [`super::fate`]'s business.

use std::collections::BTreeSet;

use super::Context;
use super::object::Object;
use crate::parse::domain::Image;
use crate::resolve::Component;
use crate::template::convert;
use crate::value::{Path, Step};

/// A component that another one, or itself elsewhere, takes the place of.
#[derive(Clone, Debug)]
pub(super) struct Replacement<'a> {
    /// Its name at the base.
    pub(super) from: &'a str,
    /// Its name in the target.
    pub(super) to: &'a str,
    /// Its namespaces before and after, where only they differ.
    pub(super) namespaces: Option<(&'a str, &'a str)>,
}

/// From which share of equal fields on two components are one under two names.
const ALIKE: f64 = 0.7;

/// Every component that is replaced.
pub(super) fn find<'a>(context: &Context<'a>) -> Vec<Replacement<'a>> {
    let Some(base) = context.base else {
        return Vec::new();
    };
    let (old, new) = (&base.lab.components, &context.target.lab.components);
    let mut found = Vec::new();
    for (name, before) in old {
        if let Some(after) = new.get(name) {
            found.extend(rehomed(before, after));
            continue;
        }
        let added = new.values().filter(|after| !old.contains_key(&after.name));
        let alike = added.filter(|after| are_one(context, before, after));
        found.extend(alike.take(1).map(|after| Replacement {
            from: &before.name,
            to: &after.name,
            namespaces: None,
        }));
    }
    found
}

fn rehomed<'a>(before: &'a Component, after: &'a Component) -> Option<Replacement<'a>> {
    let namespaces = (before.namespace(), after.namespace());
    (namespaces.0 != namespaces.1).then_some(Replacement {
        from: &before.name,
        to: &after.name,
        namespaces: Some(namespaces),
    })
}

/// Whether two components of different names make the same: by their module, their chart, their images and their fields.
fn are_one(context: &Context<'_>, before: &Component, after: &Component) -> bool {
    let chart = |component: &Component| {
        let chart = component.chart.as_ref()?;
        Some((chart.repository.clone(), chart.name.clone()))
    };
    if before.module.name != after.module.name || chart(before) != chart(after) {
        return false;
    }
    let old = Traits::new(context, before, |object| object.before);
    let new = Traits::new(context, after, |object| object.after);
    let common = old.fields.intersection(&new.fields).count() as f64;
    let all = old.fields.union(&new.fields).count() as f64;
    !old.fields.is_empty() && old.images == new.images && common / all >= ALIKE
}

/// What a component is told by, whatever it is called.
#[derive(Default)]
struct Traits {
    fields: BTreeSet<String>,
    images: BTreeSet<String>,
}

impl Traits {
    fn new<'a>(
        context: &Context<'a>,
        component: &Component,
        side: fn(&Object<'a>) -> Option<&'a crate::value::Node>,
    ) -> Self {
        let mut traits = Traits::default();
        let own = context
            .objects()
            .filter(|object| object.component() == Some(&component.name));
        for node in own.filter_map(|object| side(&object)) {
            node.each_leaf(&mut |path, leaf| {
                let value = convert::text(leaf).unwrap_or_default();
                if matches!(path.0.last(), Some(Step::Key(key)) if key == "image")
                    && let Ok(image) = Image::parse(&value)
                {
                    traits.images.insert(image.repository);
                    return;
                }
                let field = format!("{}={value}", keys(path));
                traits.fields.insert(field.replace(&component.name, "*"));
            });
        }
        traits
    }
}

fn keys(path: &Path) -> String {
    let keys = path.0.iter().map(|step| match step {
        Step::Key(key) => key.to_string(),
        Step::Index(_) => String::new(),
    });
    keys.collect::<Vec<_>>().join(".")
}
