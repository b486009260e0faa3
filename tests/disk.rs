//! What stands in a lab's folder that nobody expects: links, folders for files, FIFOs, full and read-only disks, and what
//! comes in the way while a build runs. Nothing outside the folder is read or written, and nothing hangs.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary in folders of its own"
)]

mod tree;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use labc::emit::{Output, sha256};
use labc::lock::{self, Journal, Known, Lock, Plan, State};
use labc::world::{Folder, Obstacle, Stop, World};
use tree::{Run, builds, copy, identity, lab, labc, ran, read, write};

const DEPLOYMENT: &str = "out/apps/one/manifests/deployment-one.yaml";
const PROGRAM: &str = "out/bootstrap/provision.sh";

/// What must never be seen in what labc says or writes.
const CANARY: &str = "canary-5f1e";

/// A folder with a built lab, `lab/`, beside a folder of somebody else's, `outside/`.
struct Place {
    lab: PathBuf,
    outside: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let lab = tree::folder(&format!("{name}/lab"), &tree::lab(&[("one", 80)]));
        builds(&lab);
        let outside = tree::folder(&format!("{name}/outside"), CANARY);
        for path in [
            "file.yaml",
            "one/manifests/deployment-one.yaml",
            "lock",
            "journal",
        ] {
            let path = outside.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            write(&path, CANARY);
        }
        Place { lab, outside }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.lab.join(path)
    }

    /// Removes what stands at a path of the lab.
    fn clear(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        match path.symlink_metadata() {
            Ok(there) if there.is_dir() => fs::remove_dir_all(&path).expect("it goes"),
            Ok(_) => fs::remove_file(&path).expect("it goes"),
            Err(_) => {}
        }
        path
    }

    fn link(&self, path: &str, to: impl AsRef<Path>) {
        symlink(to, self.clear(path)).expect("a link");
    }

    /// What the folder outside holds, byte for byte and time for time.
    fn outside(&self) -> Vec<(PathBuf, tree::Identity, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![self.outside.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let metadata = path.symlink_metadata().expect("it is there");
                found.push((path.clone(), identity(&path), metadata.mode()));
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// Runs the binary, which must end before long.
fn ends(folder: &Path, arguments: &[&str]) -> Run {
    let run = ran(Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_labc")])
        .args(arguments)
        .current_dir(folder));
    assert_ne!(run.code, 124, "labc {} hangs", arguments.join(" "));
    assert!(
        !run.said.contains(CANARY),
        "it tells what is outside: {}",
        run.said
    );
    run
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
}

/// Somebody's change to a built lab, and the path that a message must name.
struct Hostile {
    what: &'static str,
    path: &'static str,
    change: fn(&Place),
    /// Whether `--force` may put labc's own there.
    force: bool,
}

const fn hostile(
    what: &'static str,
    path: &'static str,
    force: bool,
    change: fn(&Place),
) -> Hostile {
    Hostile {
        what,
        path,
        change,
        force,
    }
}

const TREES: [Hostile; 31] = [
    hostile("a link out for the tree", "out", true, |place| {
        place.link("out", &place.outside);
    }),
    hostile("a relative link out for the tree", "out", true, |place| {
        place.link("out", "../outside");
    }),
    hostile("a link out for a layer", "out/apps", true, |place| {
        place.link("out/apps", &place.outside);
    }),
    hostile(
        "a link out for a component",
        "out/apps/one",
        true,
        |place| {
            place.link("out/apps/one", "../../../outside/one");
        },
    ),
    hostile(
        "a link within the tree for a folder",
        "out/apps/one/manifests",
        true,
        |place| {
            place.link("out/apps/one/manifests", "../../talos");
        },
    ),
    hostile("a folder that links to itself", "out/apps", true, |place| {
        place.link("out/apps", "apps");
    }),
    hostile("a folder that links to /proc", "out/apps", true, |place| {
        place.link("out/apps", "/proc/self/cwd");
    }),
    hostile(
        "an absolute link out for a file",
        DEPLOYMENT,
        true,
        |place| {
            place.link(DEPLOYMENT, place.outside.join("file.yaml"));
        },
    ),
    hostile(
        "a relative link out for a file",
        DEPLOYMENT,
        true,
        |place| {
            place.link(DEPLOYMENT, "../../../../../outside/file.yaml");
        },
    ),
    hostile(
        "an absolute link into the lab for a file",
        DEPLOYMENT,
        true,
        |place| {
            place.link(DEPLOYMENT, place.at("lab.toml"));
        },
    ),
    hostile(
        "a link to the very bytes for a file",
        DEPLOYMENT,
        true,
        |place| {
            fs::rename(place.at(DEPLOYMENT), place.at("moved.yaml")).expect("it moves");
            place.link(DEPLOYMENT, "../../../../moved.yaml");
        },
    ),
    hostile("a link to nowhere for a file", DEPLOYMENT, true, |place| {
        place.link(DEPLOYMENT, "../../../../../outside/new.yaml");
    }),
    hostile("two links in a circle", DEPLOYMENT, true, |place| {
        place.link(DEPLOYMENT, "other");
        place.link("out/apps/one/manifests/other", "deployment-one.yaml");
    }),
    hostile("a link to the environment", DEPLOYMENT, true, |place| {
        place.link(DEPLOYMENT, "/proc/self/environ");
    }),
    hostile("an empty folder for a file", DEPLOYMENT, true, |place| {
        fs::create_dir(place.clear(DEPLOYMENT)).expect("a folder");
    }),
    hostile("a full folder for a file", DEPLOYMENT, false, |place| {
        fs::create_dir(place.clear(DEPLOYMENT)).expect("a folder");
        write(&place.at(DEPLOYMENT).join("mine"), "mine");
    }),
    hostile("a file for a folder", "out/apps/one", true, |place| {
        write(&place.clear("out/apps/one"), "mine");
    }),
    hostile("a file for the tree", "out", true, |place| {
        write(&place.clear("out"), "mine");
    }),
    hostile("a FIFO for a file", DEPLOYMENT, true, |place| {
        fifo(&place.clear(DEPLOYMENT));
    }),
    hostile("a FIFO for a folder", "out/apps", true, |place| {
        fifo(&place.clear("out/apps"));
    }),
    hostile("a socket for a file", DEPLOYMENT, true, |place| {
        // A socket's path is short, and a name may be changed afterwards.
        let bound = std::env::temp_dir().join(format!("labc-{}", std::process::id()));
        drop(UnixListener::bind(&bound).expect("a socket"));
        let near = place.clear(DEPLOYMENT);
        let moved = Command::new("mv").arg(&bound).arg(&near).status();
        assert!(moved.expect("mv runs").success());
    }),
    hostile("a link out for the lock", "lab.lock", true, |place| {
        place.link("lab.lock", place.outside.join("lock"));
    }),
    hostile(
        "a link to nowhere for the lock",
        "lab.lock",
        true,
        |place| {
            place.link("lab.lock", "../outside/new.lock");
        },
    ),
    hostile("a FIFO for the lock", "lab.lock", true, |place| {
        fifo(&place.clear("lab.lock"));
    }),
    hostile("a folder for the lock", "lab.lock", false, |place| {
        fs::create_dir(place.clear("lab.lock")).expect("a folder");
        write(&place.at("lab.lock").join("mine"), "mine");
    }),
    hostile("a link out for labc's own folder", ".labc", true, |place| {
        place.link(".labc", &place.outside);
        place.clear(DEPLOYMENT);
    }),
    hostile(
        "a link out for the build lock",
        ".labc/lock",
        true,
        |place| {
            place.link(".labc/lock", place.outside.join("lock"));
            place.clear(DEPLOYMENT);
        },
    ),
    hostile("a FIFO for the build lock", ".labc/lock", true, |place| {
        fifo(&place.clear(".labc/lock"));
        place.clear(DEPLOYMENT);
    }),
    hostile(
        "a link out for the journal",
        ".labc/journal",
        true,
        |place| {
            place.link(".labc/journal", place.outside.join("journal"));
            place.clear(DEPLOYMENT);
        },
    ),
    hostile("a FIFO for the journal", ".labc/journal", true, |place| {
        fifo(&place.clear(".labc/journal"));
        place.clear(DEPLOYMENT);
    }),
    hostile("a link out for the stage", ".labc/stage", true, |place| {
        place.link(".labc/stage", &place.outside);
        place.clear(DEPLOYMENT);
    }),
];

#[test]
fn whatever_stands_in_the_tree_is_refused() {
    for case in &TREES {
        let place = Place::new("hostile");
        let outside = place.outside();
        (case.change)(&place);
        let what = case.what;
        for command in ["check", "build"] {
            let run = ends(&place.lab, &[command]);
            assert_eq!(run.code, 3, "{what}: labc {command} says {}", run.said);
            // A check asks for no lock and writes nothing, so nothing is in its way in labc's own folder.
            if command == "build" {
                let named = format!("error[L1007]: `{}` is in the way", case.path);
                assert!(run.said.contains(&named), "{what}: {}", run.said);
            }
        }
        let forced = ends(&place.lab, &["build", "--force"]);
        assert_eq!(
            forced.code,
            if case.force { 0 } else { 3 },
            "{what}: {}",
            forced.said
        );
        if case.force {
            assert_eq!(ends(&place.lab, &["check"]).code, 0, "{what}");
        }
        assert_eq!(
            place.outside(),
            outside,
            "{what}: something changed outside"
        );
    }
    println!(
        "hostile trees: {} refused with a place, nothing outside changed",
        TREES.len()
    );
}

#[test]
fn a_device_in_the_tree_is_refused() {
    let place = Place::new("device");
    let made = Command::new("mknod")
        .arg(place.clear(DEPLOYMENT))
        .args(["c", "1", "5"])
        .stderr(std::process::Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("device: skipped, only root can make one");
        return;
    }
    let run = ends(&place.lab, &["build"]);
    assert_eq!(run.code, 3, "{}", run.said);
    assert!(run.said.contains(&format!(
        "`{DEPLOYMENT}` is in the way: it is no regular file"
    )));
    assert_eq!(ends(&place.lab, &["build", "--force"]).code, 0);
}

#[test]
fn a_hard_link_is_left_to_whoever_else_has_it() {
    let place = Place::new("hard");
    let foreign = place.outside.join("file.yaml");
    fs::hard_link(&foreign, place.clear(DEPLOYMENT)).expect("a link");
    let run = ran(Command::new(env!("CARGO_BIN_EXE_labc"))
        .arg("build")
        .current_dir(&place.lab));
    assert_eq!(run.code, 3, "{}", run.said);
    builds_by_force(&place);
    assert_eq!(read(&foreign), CANARY.as_bytes());

    // A program that lost its mode is written anew: the other name keeps the mode that it has.
    let script = place.outside.join("script");
    fs::hard_link(place.at(PROGRAM), &script).expect("a link");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o640)).expect("a mode");
    builds(&place.lab);
    assert_eq!(mode(&place.at(PROGRAM)), 0o755);
    assert_eq!(mode(&script), 0o640);
}

fn builds_by_force(place: &Place) -> String {
    let run = ends(&place.lab, &["build", "--force"]);
    assert_eq!(run.code, 0, "{}", run.said);
    run.said
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("it is there").mode() & 0o7777
}

/// A lab whose component reads `values/x.yaml`, `extra/*.yaml` and a module of the lab's own.
const READER: &str = "\n[apps.reader]\nmodule = \"chart\"\n\
     chart = { repository = \"https://example.org/charts\", name = \"reader\" }\nversion = \"1.0.0\"\n\
     values_files = [\"values/x.yaml\"]\nmanifests = [\"extra/x.yaml\"]\n\n[apps.own]\nmodule = \"own\"\n";

fn reader(name: &str) -> Place {
    let place = Place::new(name);
    let text = format!("{}{READER}", lab(&[("one", 80)]));
    write(&place.at("lab.toml"), text);
    for folder in ["values", "extra", "modules/own/manifests"] {
        fs::create_dir_all(place.at(folder)).expect("a folder");
    }
    let resource = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: b\n";
    write(&place.at("values/x.yaml"), "replicas: 1\n");
    write(&place.at("extra/x.yaml"), resource);
    write(
        &place.at("modules/own/module.toml"),
        "[module]\nsummary = \"My own\"\n",
    );
    write(&place.at("modules/own/manifests/x.yaml"), resource);
    builds(&place.lab);
    place
}

#[test]
fn sources_are_read_from_the_lab_alone() {
    let sources = [
        "lab.toml",
        "values/x.yaml",
        "extra/x.yaml",
        "modules/own/module.toml",
        "modules/own/manifests/x.yaml",
    ];
    type Change = (&'static str, fn(&Place, &str));
    let changes: [Change; 9] = [
        ("an absolute link out", |place, path| {
            place.link(path, place.outside.join("file.yaml"));
        }),
        ("an absolute link into the lab", |place, path| {
            fs::copy(place.at(path), place.at("copy")).expect("a copy");
            place.link(path, place.at("copy"));
        }),
        ("a relative link out", |place, path| {
            let up = "../".repeat(path.split('/').count());
            place.link(path, format!("{up}outside/file.yaml"));
        }),
        ("a link to nowhere", |place, path| {
            place.link(path, "nothing")
        }),
        ("a link to itself", |place, path| {
            let name = path.rsplit('/').next().expect("a name");
            place.link(path, name);
        }),
        ("a link to the environment", |place, path| {
            place.link(path, "/proc/self/environ")
        }),
        ("a FIFO", |place, path| fifo(&place.clear(path))),
        ("a folder", |place, path| {
            fs::create_dir(place.clear(path)).expect("a folder")
        }),
        ("a file without end", |place, path| {
            let file = fs::File::create(place.clear(path)).expect("a file");
            file.set_len(1 << 40).expect("a length");
        }),
    ];
    let mut count = 0;
    for path in sources {
        for (what, change) in changes {
            // A folder for a file of a module is a folder of the module.
            if what == "a folder" && path.starts_with("modules") {
                continue;
            }
            let place = reader("sources");
            let outside = place.outside();
            change(&place, path);
            let run = ends(&place.lab, &["build"]);
            assert_eq!(run.code, 1, "{what} for {path}: {}", run.said);
            let is_named = run.said.contains(path) || run.said.contains("modules/own");
            assert!(is_named, "{what} for {path}: {}", run.said);
            assert_eq!(place.outside(), outside, "{what} for {path}");
            count += 1;
        }
    }
    println!("hostile sources: {count} refused with a place, nothing outside read");
}

#[test]
fn folders_of_sources_stay_in_the_lab() {
    let place = reader("source-folders");
    place.link("modules/own", &place.outside);
    let run = ends(&place.lab, &["build"]);
    assert!(
        [1, 4].contains(&run.code) && run.said.contains("modules/own"),
        "{}",
        run.said
    );

    let place = reader("source-folders");
    place.link("modules/own/manifests", "../../../outside");
    let run = ends(&place.lab, &["build"]);
    assert!(
        run.code == 1 && run.said.contains("modules/own/manifests"),
        "{}",
        run.said
    );

    // Links that stay inside are followed, and one that leads up to where it is ends.
    let place = reader("source-folders");
    fs::rename(place.at("values"), place.at("elsewhere")).expect("it moves");
    place.link("values", "elsewhere");
    fs::rename(place.at("modules/own/manifests"), place.at("manifests")).expect("it moves");
    place.link("modules/own/manifests", "../../manifests");
    let run = ends(&place.lab, &["check"]);
    assert_eq!(run.code, 0, "{}", run.said);
    place.link("manifests/loop", ".");
    let run = ends(&place.lab, &["check"]);
    assert_eq!(run.code, 0, "{}", run.said);

    let place = reader("source-folders");
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"\xff.yaml");
    write(&place.at("modules/own/manifests").join(name), "a: b\n");
    let run = ends(&place.lab, &["build"]);
    assert!(
        run.code == 1 && run.said.contains("not UTF-8"),
        "{}",
        run.said
    );
}

#[test]
fn what_may_not_be_read_or_written_fails_with_its_path() {
    let place = Place::new("rights");
    let binary = place.outside.join("labc");
    fs::copy(env!("CARGO_BIN_EXE_labc"), &binary).expect("a copy");
    let nobody = |folder: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&binary).arg("build").current_dir(folder);
        command
    };
    let owned = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(&place.lab)
        .output();
    let is_root = owned.is_ok_and(|owned| owned.status.success());
    if !is_root
        || nobody(&place.lab)
            .output()
            .map_or(true, |run| !run.status.success())
    {
        println!("rights: skipped, only root can become somebody else");
        return;
    }
    for (path, closed) in [
        (DEPLOYMENT, 0o000),
        ("out/apps/one", 0o000),
        ("lab.lock", 0o000),
        ("lab.toml", 0o000),
    ] {
        let before = mode(&place.at(path));
        fs::set_permissions(place.at(path), fs::Permissions::from_mode(closed)).expect("a mode");
        let run = ran(&mut nobody(&place.lab));
        assert_eq!(run.code, 4, "{path}: {}", run.said);
        assert!(
            run.said.contains(path) && run.said.contains("os error 13"),
            "{}",
            run.said
        );
        fs::set_permissions(place.at(path), fs::Permissions::from_mode(before)).expect("a mode");
    }
    // A lab that may only be read: fine as long as nothing is to be written.
    for path in [".", ".labc"] {
        fs::set_permissions(place.at(path), fs::Permissions::from_mode(0o555)).expect("a mode");
    }
    let run = ran(&mut nobody(&place.lab));
    assert_eq!(run.code, 0, "{}", run.said);
    write(&place.at("lab.toml"), lab(&[("one", 81)]));
    let run = ran(&mut nobody(&place.lab));
    assert_eq!(run.code, 4, "{}", run.said);
    assert!(
        run.said.contains(".labc/") && run.said.contains("os error 13"),
        "{}",
        run.said
    );
    for path in [".", ".labc"] {
        fs::set_permissions(place.at(path), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    assert_eq!(ran(&mut nobody(&place.lab)).code, 0);
}

/// A file system in memory, gone when it is dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(name: &str, options: &str) -> Option<Self> {
        let folder = tree::folder(name, "");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&folder)
            .output();
        let mounted = mounted.is_ok_and(|mounted| mounted.status.success());
        mounted.then_some(Mount(folder))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let remounted = Command::new("mount")
            .args(["-o", &options])
            .arg(&self.0)
            .status();
        assert!(remounted.expect("mount runs").success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_leaves_the_tree_as_it_was() {
    let (small, large) = (
        lab(&[("one", 80)]),
        lab(&[("one", 81), ("two", 80), ("three", 80)]),
    );
    let mut failed = 0;
    let sizes = (9..20).map(|pages| format!("size={}k", pages * 16));
    let inodes = (40..62)
        .step_by(3)
        .map(|inodes| format!("size=4m,nr_inodes={inodes}"));
    for options in sizes.chain(inodes) {
        let Some(mount) = Mount::new("full", "size=4m") else {
            println!("full disk: skipped, nothing can be mounted here");
            return;
        };
        let lab = &mount.0;
        write(&lab.join("lab.toml"), &small);
        builds(lab);
        let before = tree::tree(lab);
        let folders = tree::folders(lab);
        write(&lab.join("lab.toml"), &large);
        let limit = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(lab)
            .output();
        if !limit.is_ok_and(|limit| limit.status.success()) {
            // What is there already takes more than that.
            continue;
        }
        let run = labc(lab, &["build"]);
        if run.code == 0 {
            continue;
        }
        failed += 1;
        assert_eq!(run.code, 4, "{options}: {}", run.said);
        assert!(run.said.contains("os error 28"), "{options}: {}", run.said);
        let there = tree::tree(lab);
        assert!(there == before, "{options}: something of the tree changed");
        assert_eq!(
            tree::folders(lab),
            folders,
            "{options}: folders were left behind"
        );
        mount.remount("size=4m,nr_inodes=1000");
        builds(lab);
        assert_eq!(labc(lab, &["check"]).code, 0);
    }
    println!(
        "full disk: {failed} builds found no room, each left the old tree, and the next one healed"
    );
    assert!(failed >= 4, "only {failed} builds found no room");
}

#[test]
fn a_read_only_lab_is_fine_until_something_must_be_written() {
    let Some(mount) = Mount::new("read-only", "size=4m") else {
        println!("read-only: skipped, nothing can be mounted here");
        return;
    };
    write(&mount.0.join("lab.toml"), lab(&[("one", 80)]));
    builds(&mount.0);
    // With and without labc's own folder.
    for step in 0..2 {
        mount.remount("ro");
        for command in [["build"].as_slice(), &["check"], &["build", "--locked"]] {
            let run = labc(&mount.0, command);
            assert_eq!(run.code, 0, "{}", run.said);
        }
        mount.remount("rw");
        write(&mount.0.join("lab.toml"), lab(&[("one", 81 + step)]));
        mount.remount("ro");
        let run = labc(&mount.0, &["build"]);
        assert_eq!(run.code, 4, "{}", run.said);
        assert!(
            run.said.contains(".labc") && run.said.contains("os error 30"),
            "{}",
            run.said
        );
        mount.remount("rw");
        builds(&mount.0);
        fs::remove_dir_all(mount.0.join(".labc")).expect("it goes");
    }
}

#[test]
fn few_open_files_are_enough_or_said() {
    let place = Place::new("few");
    let old = tree::tree(&place.lab);
    let new = lab(&[("one", 81), ("two", 80)]);
    let other = tree::folder("few-new", &new);
    builds(&other);
    let new_tree = tree::tree(&other);
    let mut failed = 0;
    for limit in 4..20 {
        write(&place.at("lab.toml"), &new);
        let run = ran(Command::new("prlimit")
            .args([
                &format!("--nofile={limit}"),
                env!("CARGO_BIN_EXE_labc"),
                "build",
            ])
            .env("RAYON_NUM_THREADS", "2")
            .current_dir(&place.lab));
        if run.code != 0 {
            failed += 1;
            // With too few to start at all, nothing of labc has run yet.
            assert!([4, 127].contains(&run.code), "{limit}: {}", run.said);
            assert!(
                run.said.contains("os error 24") || run.code == 127,
                "{limit}: {}",
                run.said
            );
            let there = tree::tree(&place.lab);
            let is_known = |(path, bytes): (&String, &Vec<u8>)| {
                old.get(path) == Some(bytes) || new_tree.get(path) == Some(bytes)
            };
            assert!(there.iter().all(is_known), "{limit}: something is torn");
        }
        write(&place.at("lab.toml"), lab(&[("one", 80)]));
        builds(&place.lab);
    }
    println!("few open files: {failed} of 16 limits were too small, each was said");
    assert!(failed > 0);
}

#[test]
fn a_folder_that_is_gone_is_said() {
    let folder = tree::folder("gone", "");
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" build";
    let run = ran(Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_labc")])
        .current_dir(&folder));
    assert_eq!(run.code, 4, "{}", run.said);
    let run = labc(&folder, &["-C", "nothing", "build"]);
    assert_eq!(run.code, 4, "{}", run.said);
    assert!(run.said.contains("nothing"), "{}", run.said);
}

#[test]
fn what_is_swapped_in_during_a_build_wins_nothing() {
    let place = reader("swap");
    let base = lab(&[("one", 80)]) + READER;
    let other = lab(&[("one", 81)]) + READER;
    fs::create_dir_all(place.outside.join("values")).expect("a folder");
    write(
        &place.outside.join("values/x.yaml"),
        format!("replicas: {CANARY}\n"),
    );
    let outside = place.outside();
    let is_done = AtomicBool::new(false);
    let mut ended = [0; 5];
    std::thread::scope(|scope| {
        let flip = || {
            let mut count = 0;
            while !is_done.load(Ordering::Relaxed) {
                for (path, to) in [
                    ("out/apps", place.outside.clone()),
                    ("values", place.outside.join("values")),
                ] {
                    flip(&place.at(path), &to);
                }
                count += 1;
            }
            count
        };
        let flipping = scope.spawn(flip);
        for round in 0..100 {
            write(&place.at("lab.toml"), [&base, &other][round % 2]);
            let run = ends(&place.lab, &["build"]);
            let code = usize::try_from(run.code).expect("a code");
            assert!(code < 5, "{}", run.said);
            ended[code] += 1;
        }
        is_done.store(true, Ordering::Relaxed);
        let flips: usize = flipping.join().expect("it ends");
        println!("swaps: 100 builds, {flips} swaps; by exit code: {ended:?}");
        assert!(flips > 100);
    });
    assert_eq!(place.outside(), outside, "something changed outside");
    for (path, bytes) in tree::tree(&place.lab) {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(CANARY),
            "{path} was read from outside"
        );
    }
    builds_by_force(&place);
    assert_eq!(labc(&place.lab, &["check"]).code, 0);
}

/// Puts a link where a folder is, and the folder back.
fn flip(path: &Path, to: &Path) {
    let kept = path.with_extension("kept");
    if fs::rename(path, &kept).is_err() {
        return;
    }
    let linked = symlink(to, path).is_ok();
    std::thread::yield_now();
    if linked {
        let _ = fs::remove_file(path);
    }
    // A build may have made a folder there meanwhile: then that one stays.
    if fs::rename(&kept, path).is_err() {
        let _ = fs::remove_dir_all(&kept);
    }
    std::thread::yield_now();
}

#[test]
fn modes_and_times_are_what_git_and_make_expect() {
    for umask in ["000", "022", "077", "277"] {
        let folder = tree::folder(&format!("umask-{umask}"), &lab(&[("one", 80)]));
        let script = format!("umask {umask} && exec \"$0\" build");
        let run = ran(Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_labc")])
            .current_dir(&folder));
        // Who may not write into the folders that he makes cannot build a tree; root may.
        if run.code == 4 && umask == "277" {
            continue;
        }
        assert_eq!(run.code, 0, "{umask}: {}", run.said);
        for path in tree::tree(&folder).keys() {
            let expected = if path.ends_with(".sh") { 0o755 } else { 0o644 };
            assert_eq!(mode(&folder.join(path)), expected, "{umask}: {path}");
        }
    }
    let place = Place::new("times");
    let files: Vec<String> = tree::tree(&place.lab).into_keys().collect();
    let identities = || -> Vec<_> { files.iter().map(|path| identity(&place.at(path))).collect() };
    let before = identities();
    builds(&place.lab);
    assert_eq!(
        identities(),
        before,
        "a build that changes nothing touches nothing"
    );
    write(&place.at("lab.toml"), lab(&[("one", 80), ("two", 80)]));
    builds(&place.lab);
    let talos = identity(&place.at("out/talos/README.md"));
    assert!(
        before.contains(&talos),
        "what is not changed is not touched"
    );
}

#[test]
fn empty_folders_go_and_what_is_not_labcs_stays() {
    let place = Place::new("prune");
    write(&place.at("out/apps/one/notes.txt"), "mine");
    write(&place.at("lab.toml"), lab(&[("two", 80)]));
    builds(&place.lab);
    assert!(!place.at("out/apps/one/manifests").exists());
    assert_eq!(read(&place.at("out/apps/one/notes.txt")), b"mine");
    fs::remove_file(place.at("out/apps/one/notes.txt")).expect("it goes");
    fs::remove_dir(place.at("out/apps/one")).expect("it is empty");
    write(&place.at("lab.toml"), lab(&[]));
    builds(&place.lab);
    assert!(!place.at("out/apps").exists());
}

#[test]
fn what_an_engine_would_apply_beside_labcs_files_is_said() {
    let place = Place::new("foreign");
    write(&place.at("out/apps/one/notes.yaml"), "mine");
    write(&place.at("out/apps/one/manifests/notes.txt"), "mine");
    write(&place.at("out/apps/one/manifests/.notes.yaml"), "mine");
    for command in ["check", "build"] {
        let run = labc(&place.lab, &[command]);
        assert!(run.code == 0 && !run.said.contains("L0606"), "{}", run.said);
    }
    for name in ["extra.yaml", "kustomization.yaml", "below/extra.json"] {
        let path = format!("out/apps/one/manifests/{name}");
        fs::create_dir_all(place.at(&path).parent().expect("a folder")).expect("a folder");
        write(&place.at(&path), "mine");
        for command in ["check", "build"] {
            let run = labc(&place.lab, &[command]);
            let warned = format!("warning[L0606]: `{path}` is not labc's");
            assert!(run.code == 0 && run.said.contains(&warned), "{}", run.said);
        }
        assert_eq!(read(&place.at(&path)), b"mine");
    }
}

#[test]
fn what_is_restored_and_overwritten_is_said() {
    let place = Place::new("said");
    fs::remove_file(place.at(DEPLOYMENT)).expect("it goes");
    assert!(builds(&place.lab).contains(&format!("restored {DEPLOYMENT}")));
    write(&place.at(DEPLOYMENT), "mine");
    assert_eq!(labc(&place.lab, &["build"]).code, 3);
    assert!(builds_by_force(&place).contains(&format!("overwrote {DEPLOYMENT}")));
    write(&place.at("out/apps/two"), "mine");
    write(&place.at("lab.toml"), lab(&[("two", 80)]));
    assert_eq!(labc(&place.lab, &["build"]).code, 3);
    assert!(builds_by_force(&place).contains("removed out/apps/two, which was a file"));
}

#[test]
fn a_damaged_or_newer_journal_is_said_and_not_guessed_at() {
    for (journal, words) in [
        ("labc journal 1\n", "is damaged: its end is missing"),
        ("labc journal 7\nx", "has format 7"),
        ("", "is damaged: it has no title"),
    ] {
        let place = Place::new("journal");
        write(&place.at(".labc/journal"), journal);
        for command in ["build", "check"] {
            let run = labc(&place.lab, &[command]);
            assert_eq!(run.code, 1, "{}", run.said);
            assert!(
                run.said.contains("error[L1008]") && run.said.contains(words),
                "{}",
                run.said
            );
        }
        builds_by_force(&place);
        assert_eq!(labc(&place.lab, &["check"]).code, 0);
        assert!(!place.at(".labc/journal").exists(), "{journal}");
    }
}

#[test]
fn a_lock_with_conflict_marks_is_said_and_made_anew() {
    let place = Place::new("conflict");
    let lock = String::from_utf8(read(&place.at("lab.lock"))).expect("text");
    let (before, after) = lock.split_once("\n[[output]]").expect("an entry");
    let marks = format!("{before}\n<<<<<<< HEAD\n=======\n>>>>>>> other\n[[output]]{after}");
    write(&place.at("lab.lock"), marks);
    let run = labc(&place.lab, &["build"]);
    assert_eq!(run.code, 1, "{}", run.said);
    assert!(
        run.said.contains("error[L1004]") && run.said.contains("labc lock --resolve"),
        "{}",
        run.said
    );
    builds_by_force(&place);
    assert_eq!(read(&place.at("lab.lock")), lock.as_bytes());
}

#[test]
fn a_lock_that_names_what_is_not_of_the_tree_prunes_nothing() {
    for path in [
        "lab.toml",
        "secrets/x.yaml",
        "../outside/file.yaml",
        "out/../lab.toml",
        "out/../../outside/file.yaml",
    ] {
        let place = Place::new("names");
        fs::create_dir_all(place.at("secrets")).expect("a folder");
        write(&place.at("secrets/x.yaml"), CANARY);
        let bytes = if path.ends_with("lab.toml") {
            read(&place.at("lab.toml"))
        } else {
            CANARY.into()
        };
        let entry = format!(
            "\n[[output]]\npath = \"{path}\"\nsha256 = \"{}\"\n",
            sha256(&bytes)
        );
        let lock = String::from_utf8(read(&place.at("lab.lock"))).expect("text");
        write(&place.at("lab.lock"), lock + &entry);
        let run = labc(&place.lab, &["build"]);
        assert_eq!(run.code, 1, "{path}: {}", run.said);
        assert!(
            run.said.contains("error[L1002]") && run.said.contains(path),
            "{}",
            run.said
        );
        builds_by_force(&place);
        assert!(place.at("lab.toml").exists() && place.at("secrets/x.yaml").exists());
        assert!(place.outside.join("file.yaml").exists());
    }
}

/// A folder with a tree of these files, as a build leaves it.
struct Bare {
    path: PathBuf,
    folder: Folder,
    lock: Lock,
}

fn output(path: &str, text: &str) -> Output {
    let bytes = text.as_bytes().to_vec();
    Output {
        path: path.to_owned(),
        sha256: sha256(&bytes),
        bytes,
        executable: false,
    }
}

impl Bare {
    fn new(name: &str) -> Self {
        let path = tree::folder(name, "");
        let folder = Folder::open(&path).expect("a folder");
        let lock = Lock {
            epoch: lock::EPOCH,
            charts: Default::default(),
            modules: Default::default(),
            schematics: Default::default(),
            outputs: Default::default(),
            lines: Default::default(),
        };
        Bare { path, folder, lock }
    }

    /// Writes a tree; `meanwhile` happens between the look at the disk and the writing.
    fn build(&mut self, outputs: &[Output], meanwhile: impl FnOnce(&Path)) -> Result<(), Stop> {
        let guard = self.folder.guard(|| {})?;
        let known = Known::new(Some(&self.lock), None);
        let verdicts = lock::compare(&World::Folder(self.folder.clone()), outputs, &known)?;
        let refused = verdicts.iter().find(|verdict| verdict.state.is_refused());
        assert!(refused.is_none(), "{refused:?}");
        let plan = Plan {
            outputs,
            verdicts: &verdicts,
            known: &known,
            old: Some(&self.lock),
            journal: None,
            lock: None,
        };
        let transaction = plan.transaction();
        meanwhile(&self.path);
        self.folder.commit(&guard, &transaction)?;
        let made = |output: &Output| (output.path.clone(), output.sha256.clone());
        self.lock.outputs = outputs.iter().map(made).collect();
        Ok(())
    }
}

#[test]
fn a_hand_that_is_faster_than_the_build_loses_nothing() {
    type Hand = (&'static str, fn(&Path));
    let hands: [Hand; 7] = [
        ("edits a file", |path| {
            write(&path.join("out/b/file"), "mine")
        }),
        ("replaces a file", |path| {
            write(&path.join("mine"), "old b");
            fs::rename(path.join("mine"), path.join("out/b/file")).expect("it moves");
        }),
        ("removes a file", |path| {
            fs::remove_file(path.join("out/b/file")).expect("it goes")
        }),
        ("puts a link for a file", |path| {
            fs::remove_file(path.join("out/b/file")).expect("it goes");
            symlink("../../lab.toml", path.join("out/b/file")).expect("a link");
        }),
        ("puts a link for a folder", |path| {
            fs::rename(path.join("out/b"), path.join("mine")).expect("it moves");
            symlink("../mine", path.join("out/b")).expect("a link");
        }),
        ("makes a new file", |path| {
            fs::create_dir_all(path.join("out/c")).expect("a folder");
            write(&path.join("out/c/file"), "mine");
        }),
        ("edits an obsolete file", |path| {
            write(&path.join("out/d/file"), "mine")
        }),
    ];
    for (what, hand) in hands {
        let mut bare = Bare::new("hand");
        let old = [
            output("out/a", "old a"),
            output("out/b/file", "old b"),
            output("out/d/file", "old d"),
        ];
        let new = [
            output("out/a", "new a"),
            output("out/b/file", "new b"),
            output("out/c/file", "new c"),
        ];
        bare.build(&old, |_| {}).expect("it is built");
        let mut there = Vec::new();
        let path = bare.path.clone();
        let stopped = bare.build(&new, |path| {
            hand(path);
            there = ["out/b/file", "out/c/file", "out/d/file", "mine/file"]
                .map(|at| fs::read(path.join(at)).ok())
                .to_vec();
        });
        let stopped = stopped.expect_err(what);
        assert!(!matches!(stopped, Stop::Failed(_)), "{what}: {stopped:?}");
        for (at, before) in ["out/b/file", "out/c/file", "out/d/file", "mine/file"]
            .iter()
            .zip(there)
        {
            let now = fs::read(path.join(at)).ok();
            let is_kept = before.as_deref() != Some(b"mine") || now == before;
            assert!(is_kept, "{what}: {at} is lost");
        }
        assert_eq!(read(&path.join("lab.toml")), b"", "{what}");
        let journal = Journal::decode(&read(&path.join(".labc/journal"))).expect("a journal");
        assert!(journal.paths.contains_key("out/a"), "{what}");
    }
}

#[test]
fn a_file_may_become_a_folder_and_a_folder_a_file() {
    let mut bare = Bare::new("turns");
    let file = [output("out/a", "file")];
    let folder = [output("out/a/b/c", "below"), output("out/a/d", "below")];
    for outputs in [&file[..], &folder, &file, &folder] {
        bare.build(outputs, |_| {}).expect("it is built");
        let there: Vec<String> = tree::tree(&bare.path).into_keys().collect();
        let made: Vec<String> = outputs.iter().map(|output| output.path.clone()).collect();
        assert_eq!(there, made);
    }
    // With something of somebody's in it, the folder stays.
    write(&bare.path.join("out/a/mine"), "mine");
    let known = Known::new(Some(&bare.lock), None);
    let verdicts =
        lock::compare(&World::Folder(bare.folder.clone()), &file, &known).expect("it is looked at");
    let blocked = verdicts
        .iter()
        .any(|verdict| verdict.state == State::Blocked(Obstacle::Folder));
    assert!(blocked, "{verdicts:?}");
}

#[test]
fn other_commands_write_whole_files_too() {
    let place = Place::new("others");
    place.link("lab.toml", place.outside.join("file.yaml"));
    let outside = place.outside();
    fs::create_dir_all(place.at("modules")).expect("a folder");
    symlink(&place.outside, place.at("modules/mine")).expect("a link");
    for arguments in [
        ["add", "longhorn"].as_slice(),
        &["module", "new", "mine"],
        &["init"],
    ] {
        let run = ends(&place.lab, arguments);
        assert!(run.code != 0, "{}", run.said);
    }
    let elsewhere = copy(&place.lab, "others-elsewhere");
    write(&elsewhere.join("lab.toml"), lab(&[("one", 80)]));
    fs::create_dir(elsewhere.join("to")).expect("a folder");
    symlink(&place.outside, elsewhere.join("to/apps")).expect("a link");
    let run = ends(&elsewhere, &["build", "--out", "to"]);
    assert_eq!(run.code, 4, "{}", run.said);
    assert!(run.said.contains("apps"), "{}", run.said);
    assert_eq!(place.outside(), outside, "something changed outside");
}
