//! The codes of all messages. Each has a page, `codes/<code>.md`.

use std::fmt;

/// The number of a message; printed as `L0203`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

impl Code {
    /// The code that a person typed as `L0203`, `l0203` or `0203`, if it exists.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_start_matches(['L', 'l']);
        let number = digits.parse().ok()?;
        let known = PAGES.binary_search_by_key(&number, |(number, _)| *number);
        (digits.len() == 4 && known.is_ok()).then_some(Code(number))
    }

    /// Every code that has a page, in order.
    pub fn all() -> impl Iterator<Item = Code> {
        PAGES.iter().map(|(number, _)| Code(*number))
    }

    /// The number of its group: 2 for the network plan, 5 for references.
    pub fn group(self) -> u16 {
        self.0 / 100
    }

    /// The page, as Markdown.
    ///
    /// # Panics
    /// When a code has no page; a test holds the two lists to each other.
    pub fn page(self) -> &'static str {
        let index = PAGES
            .binary_search_by_key(&self.0, |(number, _)| *number)
            .unwrap_or_else(|_| panic!("{self} has no page"));
        PAGES[index].1
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "L{:04}", self.0)
    }
}

/// L01: syntax and types.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const TOML_SYNTAX: Code = Code(101);
    pub const YAML_SYNTAX: Code = Code(102);
    pub const UNKNOWN_KEY: Code = Code(103);
    pub const WRONG_TYPE: Code = Code(104);
    pub const MISSING_KEY: Code = Code(105);
    pub const INVALID_VALUE: Code = Code(106);
    pub const DUPLICATE_YAML_KEY: Code = Code(107);
    pub const YAML_LIMIT: Code = Code(108);
    pub const NEWER_FORMAT: Code = Code(109);
    pub const NOT_YET: Code = Code(110);
    pub const MISSING_FILE: Code = Code(111);
    pub const INVALID_NAME: Code = Code(112);
    pub const LAB_LIMIT: Code = Code(113);
}

/// L02: the network plan.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const NETWORKS_OVERLAP: Code = Code(201);
    pub const HOST_BITS: Code = Code(202);
    pub const OUTSIDE_POOL: Code = Code(203);
    pub const OUTSIDE_NETWORK: Code = Code(204);
    pub const ADDRESS_TWICE: Code = Code(205);
    pub const MAC_TWICE: Code = Code(206);
    pub const POOL_COVERS_HOST: Code = Code(207);
    pub const POOL_EXHAUSTED: Code = Code(208);
    pub const LINK_NUMBER: Code = Code(209);
    pub const DNS_OUTSIDE_SERVICES: Code = Code(210);
    pub const NODE_NAME: Code = Code(211);
    pub const EVEN_CONTROL_PLANES: Code = Code(212);
    pub const NO_CONTROL_PLANE: Code = Code(213);
    pub const NOWHERE_TO_RUN: Code = Code(214);
    pub const UNUSABLE_ADDRESS: Code = Code(215);
    pub const POOL_OFF_LINK: Code = Code(216);
    pub const NODE_PORT: Code = Code(217);
    pub const ENDPOINT: Code = Code(218);
}

/// L03: modules and traits.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const UNKNOWN_MODULE: Code = Code(301);
    pub const MISSING_INPUT: Code = Code(302);
    pub const NO_PROVIDER: Code = Code(303);
    pub const AMBIGUOUS_OFFER: Code = Code(304);
    pub const CAPABILITY_TWICE: Code = Code(305);
    pub const MISSING_CAPABILITY: Code = Code(306);
    pub const MISSING_VERSION: Code = Code(307);
    pub const VERSION_RANGE: Code = Code(308);
    pub const UNIT_CYCLE: Code = Code(309);
    pub const INFRASTRUCTURE_AFTER_APP: Code = Code(310);
    pub const REFERENCE_CYCLE: Code = Code(311);
    pub const COMPONENT_NAME: Code = Code(312);
    pub const UNKNOWN_COMPONENT: Code = Code(313);
    pub const MOVING_TAG: Code = Code(314);
    pub const HOST_TWICE: Code = Code(315);
    pub const BOOTSTRAP_REQUIRES: Code = Code(316);
    pub const LEFT_OUT: Code = Code(317);
    pub const POD_SECURITY: Code = Code(318);
    pub const APP_ORDER: Code = Code(319);
    pub const WRONG_ENGINE: Code = Code(320);
    pub const ENGINE_CANNOT: Code = Code(321);
    pub const ARCHITECTURE: Code = Code(322);
}

/// L04: templates and patches.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const EXPRESSION_SYNTAX: Code = Code(401);
    pub const UNDEFINED: Code = Code(402);
    pub const EVALUATION: Code = Code(403);
    pub const DIRECTIVE: Code = Code(404);
    pub const DUPLICATE_TEMPLATE_KEY: Code = Code(405);
    pub const NOT_A_RESOURCE: Code = Code(406);
    pub const PATCH_MATCHES_NOTHING: Code = Code(407);
    pub const PATCH_FAILS: Code = Code(408);
    pub const PATCH_NEEDS_HYDRATED: Code = Code(409);
    pub const EXPRESSION_LIMIT: Code = Code(410);
}

/// L05: references.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const UNKNOWN_SERVICE: Code = Code(501);
    pub const UNKNOWN_PORT: Code = Code(502);
    pub const UNKNOWN_NAMESPACE: Code = Code(503);
    pub const UNKNOWN_KIND: Code = Code(504);
    pub const DANGLING_REFERENCE: Code = Code(505);
    pub const NOT_CHECKED: Code = Code(506);
    pub const UNKNOWN_NODE: Code = Code(507);
    pub const NOT_ENFORCED: Code = Code(508);
    pub const SELECTS_NOTHING: Code = Code(509);
    pub const NOT_ADMITTED: Code = Code(510);
    pub const GRANTS_NOTHING: Code = Code(511);
}

/// L06: ownership and reachability.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const RESOURCE_TWICE: Code = Code(601);
    pub const UNREACHABLE_FILE: Code = Code(602);
    pub const PATH_CLASH: Code = Code(603);
    pub const UNSAFE_PATH: Code = Code(604);
    pub const UNREAD_FILE: Code = Code(605);
    pub const FOREIGN_FILE: Code = Code(606);
}

/// L07: versions.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const TALOS_KUBERNETES: Code = Code(701);
    pub const NEWER_TALOS: Code = Code(702);
    pub const OLDER_TALOS: Code = Code(703);
    pub const KIND_NOT_SERVED: Code = Code(704);
    pub const CONTRACT_NEWER: Code = Code(705);
    pub const UNTESTED_CHART: Code = Code(706);
}

/// L08: secrets.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const UNDECLARED_SECRET: Code = Code(801);
    pub const UNDECLARED_SECRET_KEY: Code = Code(802);
    pub const UNUSED_SECRET: Code = Code(803);
    pub const PLAIN_SECRET: Code = Code(804);
    pub const SECRET_SOURCE: Code = Code(805);
    pub const SOPS_FILE: Code = Code(806);
    pub const REPOSITORY_KEY: Code = Code(807);
}

/// L09: Talos.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const UNKNOWN_EXTENSION: Code = Code(901);
    pub const UNKNOWN_OVERLAY: Code = Code(902);
    pub const NODES_DISAGREE: Code = Code(903);
    pub const UNKNOWN_TALOS_FIELD: Code = Code(904);
    pub const SECURE_BOOT: Code = Code(905);
    pub const TALOS_CONTRACT: Code = Code(906);
    pub const SCHEMATIC: Code = Code(907);
}

/// L10: lock and hand edits.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const HAND_EDIT: Code = Code(1001);
    pub const LOCK_DAMAGED: Code = Code(1002);
    pub const LOCK_NEWER: Code = Code(1003);
    pub const LOCK_CONFLICT: Code = Code(1004);
    pub const NOT_UP_TO_DATE: Code = Code(1005);
    pub const OTHER_EPOCH: Code = Code(1006);
    pub const IN_THE_WAY: Code = Code(1007);
    pub const JOURNAL: Code = Code(1008);
    pub const WRONG_MODE: Code = Code(1009);
}

/// L11: danger in a diff.
#[allow(missing_docs, reason = "each constant is explained by its page")]
impl Code {
    pub const UNEXPLAINED_REMOVAL: Code = Code(1101);
    pub const DATA_GOES: Code = Code(1102);
    pub const IMMUTABLE: Code = Code(1103);
    pub const OWNER_CHANGES: Code = Code(1104);
    pub const EXPOSED: Code = Code(1105);
    pub const PRIVILEGE: Code = Code(1106);
    pub const NODES: Code = Code(1107);
    pub const VERSION_STEP: Code = Code(1108);
    pub const ADDRESS_CHANGES: Code = Code(1109);
}
