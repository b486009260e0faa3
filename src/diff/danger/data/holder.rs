//! The kinds whose objects are more than what Git says of them: what happens when one is deleted.

use crate::diff::danger::object::Object;

/// A kind whose objects are more than what Git says of them.
pub(super) struct Holder {
    group: &'static str,
    pub(super) kind: &'static str,
    pub(super) holds: Holds,
    /// What happens when an object of it is deleted.
    pub(super) then: &'static str,
}

/// What a kind is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Data, which is gone with it.
    Data,
    /// Backups, which are made no more.
    Backup,
    /// Storage, which others ask for by its name.
    Class,
}

const fn data(group: &'static str, kind: &'static str, then: &'static str) -> Holder {
    Holder {
        group,
        kind,
        holds: Holds::Data,
        then,
    }
}

const fn backup(group: &'static str, kind: &'static str) -> Holder {
    Holder {
        group,
        kind,
        holds: Holds::Backup,
        then: "what it backed up is backed up no more",
    }
}

const fn class(group: &'static str, kind: &'static str, then: &'static str) -> Holder {
    Holder {
        group,
        kind,
        holds: Holds::Class,
        then,
    }
}

const VOLUME: &str = "the volume goes with its claim, unless it says `Retain`";
const CLAIMS: &str = "its operator deletes the volumes with it";
const POOL: &str = "its operator destroys the pool with all volumes in it";

const HOLDERS: [Holder; 24] = [
    data("", "Namespace", "everything in it goes with it, claims too"),
    data("", "PersistentVolumeClaim", VOLUME),
    data("", "PersistentVolume", "its claim loses its volume"),
    data(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "every object of its kind goes with it",
    ),
    data("postgresql.cnpg.io", "Cluster", CLAIMS),
    data("ceph.rook.io", "CephCluster", POOL),
    data("ceph.rook.io", "CephBlockPool", POOL),
    data("ceph.rook.io", "CephFilesystem", POOL),
    data("ceph.rook.io", "CephObjectStore", POOL),
    data("longhorn.io", "Volume", "its replicas are deleted with it"),
    data("k8s.mariadb.com", "MariaDB", CLAIMS),
    data(
        "snapshot.storage.k8s.io",
        "VolumeSnapshot",
        "the snapshot goes with it, unless its class says `Retain`",
    ),
    data(
        "snapshot.storage.k8s.io",
        "VolumeSnapshotContent",
        "the snapshot goes with it, unless it says `Retain`",
    ),
    backup("volsync.backube", "ReplicationSource"),
    backup("velero.io", "Schedule"),
    backup("velero.io", "BackupStorageLocation"),
    backup("velero.io", "VolumeSnapshotLocation"),
    backup("postgresql.cnpg.io", "ScheduledBackup"),
    backup("barmancloud.cnpg.io", "ObjectStore"),
    backup("longhorn.io", "RecurringJob"),
    backup("longhorn.io", "BackupTarget"),
    backup("k8s.mariadb.com", "Backup"),
    class(
        "storage.k8s.io",
        "StorageClass",
        "claims that ask for it wait for ever, and volumes of it cannot grow",
    ),
    class(
        "snapshot.storage.k8s.io",
        "VolumeSnapshotClass",
        "no snapshot is made by it any more",
    ),
];

/// What an object is, where it is such a one.
pub(super) fn holder(object: &Object<'_>) -> Option<&'static Holder> {
    HOLDERS
        .iter()
        .find(|holder| object.is(holder.group, holder.kind))
}
