//! Fields of well-known custom resources that a rule of their own CRD keeps as they were made.
//!
//! Knows rules of a schema (`x-kubernetes-validations`, `self == oldSelf`): what a webhook refuses, it does not know.
//! Such a rule holds where the field stands on both sides: to leave it out, or to say it at last, is not refused, unless
//! another rule says so.

use crate::diff::danger::object::{Object, at};
use crate::value::Node;

/// A kind, and its fields by their dotted names.
struct Ruled {
    group: &'static str,
    kind: &'static str,
    /// Fields that stay what they are where they stay.
    same: &'static [&'static str],
    /// Fields that neither come nor go, either.
    fixed: &'static [&'static str],
}

const fn ruled(
    group: &'static str,
    kind: &'static str,
    same: &'static [&'static str],
    fixed: &'static [&'static str],
) -> Ruled {
    Ruled {
        group,
        kind,
        same,
        fixed,
    }
}

const CNPG: &str = "postgresql.cnpg.io";
const CEPH: &str = "ceph.rook.io";
const LONGHORN: &str = "longhorn.io";
const SNAPSHOT: &str = "snapshot.storage.k8s.io";
const GROUP_SNAPSHOT: &str = "groupsnapshot.storage.k8s.io";
const GRAFANA: &str = "grafana.integreatly.org";

const SELECTOR: &str = "spec.instanceSelector";

/// The rules of CRDs as they are in these files upstream:
///
/// | group | source |
/// | --- | --- |
/// | `postgresql.cnpg.io` | cloudnative-pg/cloudnative-pg, `config/crd/bases/` |
/// | `ceph.rook.io` | rook/rook, `deploy/examples/crds.yaml` |
/// | `longhorn.io` | longhorn/longhorn-manager, `k8s/crds.yaml` |
/// | `snapshot.storage.k8s.io`, `groupsnapshot.storage.k8s.io` | kubernetes-csi/external-snapshotter, `client/config/crd/` |
/// | `csi.ceph.io` | ceph/ceph-csi-operator, `config/crd/bases/csi.ceph.io_clientprofiles.yaml` |
/// | `grafana.integreatly.org` | grafana/grafana-operator, `config/crd/bases/` |
/// | `metallb.io` | metallb/metallb, `config/crd/bases/metallb.io_bgppeers.yaml` |
/// | `fluxcd.controlplane.io` | controlplaneio-fluxcd/flux-operator, `config/crd/bases/fluxcd.controlplane.io_fluxinstances.yaml` |
///
/// The CRDs of cert-manager, external-secrets and VolSync have no such rule; that of Gateway API is among Kubernetes' own.
const RULED: [Ruled; 36] = [
    ruled(CNPG, "Backup", &["spec"], &[]),
    ruled(CNPG, "Cluster", &["spec.serviceAccountName"], &[]),
    ruled(
        CNPG,
        "Database",
        &[
            "spec.builtinLocale",
            "spec.cluster",
            "spec.collationVersion",
            "spec.encoding",
            "spec.icuLocale",
            "spec.icuRules",
            "spec.locale",
            "spec.localeCType",
            "spec.localeCollate",
            "spec.localeProvider",
            "spec.name",
            "spec.template",
        ],
        &[],
    ),
    ruled(CNPG, "DatabaseRole", &["spec.cluster", "spec.name"], &[]),
    ruled(
        CNPG,
        "Pooler",
        &["spec.cluster", "spec.serviceAccountName"],
        &[],
    ),
    ruled(
        CNPG,
        "Publication",
        &[
            "spec.cluster",
            "spec.dbname",
            "spec.name",
            "spec.target.allTables",
        ],
        &[],
    ),
    ruled(CNPG, "ScheduledBackup", &["spec.cluster"], &[]),
    ruled(
        CNPG,
        "Subscription",
        &["spec.cluster", "spec.dbname", "spec.name"],
        &[],
    ),
    ruled(
        CEPH,
        "CephBlockPoolRadosNamespace",
        &["spec.blockPoolName", "spec.clusterID", "spec.name"],
        &[],
    ),
    ruled(CEPH, "CephClient", &["spec.secretName"], &[]),
    ruled(CEPH, "CephCluster", &["spec.dataDirHostPath"], &[]),
    ruled(
        CEPH,
        "CephFilesystemSubVolumeGroup",
        &[
            "spec.clusterID",
            "spec.csiMetadataRadosNamespace",
            "spec.filesystemName",
            "spec.name",
        ],
        &[],
    ),
    ruled(
        CEPH,
        "CephObjectStore",
        &[
            "spec.sharedPools.dataPoolName",
            "spec.sharedPools.metadataPoolName",
        ],
        &[],
    ),
    ruled(
        CEPH,
        "CephObjectStoreAccount",
        &["spec.accountID", "spec.store"],
        &[],
    ),
    ruled(CEPH, "CephObjectStoreUser", &["spec.accountRef"], &[]),
    ruled(
        CEPH,
        "CephObjectZone",
        &[
            "spec.sharedPools.dataPoolName",
            "spec.sharedPools.metadataPoolName",
        ],
        &[],
    ),
    ruled(
        LONGHORN,
        "Volume",
        &[
            "spec.backingImage",
            "spec.dataLayout",
            "spec.encrypted",
            "spec.topologyRequirement",
        ],
        &[],
    ),
    ruled(
        SNAPSHOT,
        "VolumeSnapshot",
        &[],
        &[
            "spec.source.persistentVolumeClaimName",
            "spec.source.volumeSnapshotContentName",
        ],
    ),
    ruled(
        SNAPSHOT,
        "VolumeSnapshotContent",
        &["spec.sourceVolumeMode"],
        &["spec.source.snapshotHandle", "spec.source.volumeHandle"],
    ),
    ruled(
        GROUP_SNAPSHOT,
        "VolumeGroupSnapshot",
        &[],
        &[
            "spec.source.selector",
            "spec.source.volumeGroupSnapshotContentName",
        ],
    ),
    ruled(
        GROUP_SNAPSHOT,
        "VolumeGroupSnapshotClass",
        &["deletionPolicy", "driver", "parameters"],
        &[],
    ),
    ruled(
        "csi.ceph.io",
        "ClientProfile",
        &[
            "spec.cephFs.radosNamespace",
            "spec.nvmeof.radosNamespace",
            "spec.rbd.radosNamespace",
        ],
        &[],
    ),
    ruled(GRAFANA, "Grafana", &["spec.external.tenantNamespace"], &[]),
    ruled(
        GRAFANA,
        "GrafanaAlertRuleGroup",
        &[SELECTOR],
        &["spec.editable", "spec.folderRef", "spec.folderUID"],
    ),
    ruled(
        GRAFANA,
        "GrafanaContactPoint",
        &[SELECTOR, "spec.uid"],
        &["spec.editable", "spec.name"],
    ),
    ruled(GRAFANA, "GrafanaDashboard", &[SELECTOR], &["spec.uid"]),
    ruled(GRAFANA, "GrafanaDatasource", &[SELECTOR], &["spec.uid"]),
    ruled(GRAFANA, "GrafanaFolder", &[SELECTOR], &["spec.uid"]),
    ruled(GRAFANA, "GrafanaLibraryPanel", &[SELECTOR], &["spec.uid"]),
    ruled(
        GRAFANA,
        "GrafanaManifest",
        &[
            SELECTOR,
            "spec.template.kind",
            "spec.template.metadata.name",
        ],
        &["spec.template.metadata.namespace"],
    ),
    ruled(
        GRAFANA,
        "GrafanaMuteTiming",
        &[SELECTOR, "spec.editable"],
        &[],
    ),
    ruled(
        GRAFANA,
        "GrafanaNotificationPolicy",
        &[SELECTOR],
        &["spec.editable"],
    ),
    ruled(
        GRAFANA,
        "GrafanaNotificationTemplate",
        &[SELECTOR],
        &["spec.editable"],
    ),
    ruled(
        GRAFANA,
        "GrafanaServiceAccount",
        &["spec.instanceName"],
        &["spec.name"],
    ),
    ruled(
        "metallb.io",
        "BGPPeer",
        &["spec.enableGracefulRestart"],
        &[],
    ),
    ruled(
        "fluxcd.controlplane.io",
        "FluxInstance",
        &["spec.sync.name"],
        &[],
    ),
];

/// Groups whose objects stand for data: one that is made anew is empty.
const KEEPERS: [&str; 5] = [CNPG, CEPH, LONGHORN, SNAPSHOT, GROUP_SNAPSHOT];

/// The fields of an object that its CRD does not let it change, and that differ.
pub(super) fn differing(object: &Object<'_>, before: &Node, after: &Node) -> Vec<String> {
    let ruled = RULED
        .iter()
        .find(|ruled| object.is(ruled.group, ruled.kind));
    let Some(ruled) = ruled else {
        return Vec::new();
    };
    let sides = |field: &str| {
        let keys: Vec<&str> = field.split('.').collect();
        [before, after].map(|node| at(Some(node), &keys))
    };
    let is_another = |field: &&&str| matches!(sides(field), [Some(old), Some(new)] if old != new);
    let is_not_same = |field: &&&str| {
        let [old, new] = sides(field);
        old != new
    };
    let same = ruled.same.iter().filter(is_another);
    let fixed = ruled.fixed.iter().filter(is_not_same);
    same.chain(fixed).map(|field| (*field).to_owned()).collect()
}

/// Whether an object stands for data, so that it must not be made anew under its name.
pub(super) fn keeps_data(object: &Object<'_>) -> bool {
    KEEPERS.contains(&object.id.group.as_str())
}
