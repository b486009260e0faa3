//! The table of Kubernetes' own kinds: what is known of single releases, and, where the tables that it was made from are
//! at hand (beside the project, not in it), every row of it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads facts from disk"
)]

use std::collections::BTreeSet;

use labc::link::served::{NEWEST, OLDEST, rows};
use labc::render::kinds::is_builtin;

/// `group/version Kind` of everything that a minor release serves.
fn served(minor: u8) -> BTreeSet<String> {
    let in_release = rows().filter(|(.., first, last)| (*first..=*last).contains(&minor));
    in_release
        .map(|(group, kind, version, ..)| match group {
            "" => format!("{version} {kind}"),
            group => format!("{group}/{version} {kind}"),
        })
        .collect()
}

#[test]
fn releases_differ_where_kubernetes_says_so() {
    let only = |minor: u8, row: &str, before: bool, after: bool| {
        assert_eq!(
            served(minor - 1).contains(row),
            before,
            "{row} in 1.{}",
            minor - 1
        );
        assert_eq!(served(minor).contains(row), after, "{row} in 1.{minor}");
    };
    only(
        26,
        "autoscaling/v2beta2 HorizontalPodAutoscaler",
        true,
        false,
    );
    only(27, "storage.k8s.io/v1beta1 CSIStorageCapacity", true, false);
    only(
        29,
        "flowcontrol.apiserver.k8s.io/v1 FlowSchema",
        false,
        true,
    );
    only(
        30,
        "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy",
        false,
        true,
    );
    only(34, "resource.k8s.io/v1 ResourceClaim", false, true);
    for minor in OLDEST..=NEWEST {
        assert!(served(minor).contains("apps/v1 Deployment"));
    }
}

#[test]
fn every_group_is_known_to_have_kinds_of_kubernetes_own() {
    for (group, ..) in rows() {
        assert!(is_builtin(group), "{group}");
    }
}

#[test]
fn the_table_is_what_it_was_made_from() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../shared/data/kubernetes-kinds-by-minor.json");
    if !path.is_file() {
        println!("skipped: there is no {}", path.display());
        return;
    }
    let text = std::fs::read_to_string(&path).expect("the facts can be read");
    let facts: serde_json::Value = serde_json::from_str(&text).expect("they are JSON");
    let releases = facts.as_object().expect("releases by name");
    assert_eq!(releases.len(), usize::from(NEWEST - OLDEST) + 1);
    for (release, kinds) in releases {
        let minor = release
            .rsplit('.')
            .next()
            .and_then(|minor| minor.parse().ok());
        let listed = kinds.as_array().expect("a list").iter();
        let listed: BTreeSet<String> = listed
            .map(|kind| kind.as_str().expect("a text").to_owned())
            .collect();
        assert_eq!(
            served(minor.expect("a minor release")),
            listed,
            "1.{release}"
        );
    }
}
