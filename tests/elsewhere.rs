//! The same source gives the same bytes in another folder, locale and time zone, with another home, umask and number of
//! threads, however its folders list their files; and a build that changes nothing writes nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a test makes folders and runs the binary"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// One way in which a machine can differ.
struct Variation {
    name: &'static str,
    /// The folder that the lab lies in.
    folder: &'static str,
    environment: &'static [(&'static str, &'static str)],
    umask: &'static str,
    /// In what order the source's files are made: a folder of some file systems lists them by it.
    order: Order,
    /// What stands before the command and behind it, in a shell.
    around: (&'static str, &'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Forward,
    Backward,
    /// Every third file first, then the others.
    Mixed,
}

const PLAIN: Variation = Variation {
    name: "plain",
    folder: "lab",
    environment: &[],
    umask: "022",
    order: Order::Forward,
    around: ("", ""),
};

fn variations() -> Vec<Variation> {
    vec![
        PLAIN,
        Variation {
            name: "again",
            ..PLAIN
        },
        Variation {
            name: "blanks",
            folder: "a folder with  blanks",
            ..PLAIN
        },
        Variation {
            name: "letters",
            folder: "Größe/実験 é",
            ..PLAIN
        },
        Variation {
            name: "long",
            folder: "a/rather/deep/folder/that/goes/on/and/on/with/many/parts/in/it",
            ..PLAIN
        },
        Variation {
            name: "home",
            environment: &[
                ("HOME", "/nonexistent"),
                ("USER", "somebody"),
                ("LOGNAME", "else"),
                ("HOSTNAME", "elsewhere"),
            ],
            ..PLAIN
        },
        Variation {
            name: "turkish",
            environment: &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")],
            ..PLAIN
        },
        Variation {
            name: "estonian",
            environment: &[("LC_ALL", "et_EE.UTF-8"), ("LC_COLLATE", "et_EE")],
            ..PLAIN
        },
        Variation {
            name: "no-locale",
            environment: &[("LC_ALL", "C"), ("LANG", "")],
            ..PLAIN
        },
        Variation {
            name: "east",
            environment: &[
                ("TZ", "Pacific/Kiritimati"),
                ("SOURCE_DATE_EPOCH", "4102444800"),
            ],
            ..PLAIN
        },
        Variation {
            name: "west",
            environment: &[("TZ", "garbage/\u{7f}"), ("SOURCE_DATE_EPOCH", "x")],
            ..PLAIN
        },
        Variation {
            name: "open-umask",
            umask: "000",
            ..PLAIN
        },
        Variation {
            name: "closed-umask",
            umask: "077",
            ..PLAIN
        },
        Variation {
            name: "one-thread",
            environment: &[("RAYON_NUM_THREADS", "1")],
            ..PLAIN
        },
        Variation {
            name: "two-threads",
            environment: &[("RAYON_NUM_THREADS", "2")],
            ..PLAIN
        },
        Variation {
            name: "many-threads",
            environment: &[("RAYON_NUM_THREADS", "16")],
            ..PLAIN
        },
        Variation {
            name: "backward",
            order: Order::Backward,
            ..PLAIN
        },
        Variation {
            name: "mixed",
            order: Order::Mixed,
            ..PLAIN
        },
        Variation {
            name: "no-input",
            around: ("", "<&-"),
            ..PLAIN
        },
        Variation {
            name: "no-streams",
            around: ("", "<&- >&- 2>&-"),
            ..PLAIN
        },
        Variation {
            name: "file-input",
            around: ("", "< /proc/self/cmdline > /dev/null"),
            ..PLAIN
        },
        Variation {
            name: "ci",
            environment: &[
                ("CI", "true"),
                ("NO_COLOR", "1"),
                ("GITHUB_ACTIONS", "true"),
                ("TERM", "dumb"),
            ],
            ..PLAIN
        },
        Variation {
            name: "colours",
            environment: &[
                ("CLICOLOR_FORCE", "1"),
                ("FORCE_COLOR", "3"),
                ("COLUMNS", "20"),
                ("TERM", "xterm-256color"),
            ],
            ..PLAIN
        },
        Variation {
            name: "garbage",
            environment: &[
                ("LABC", "x"),
                ("LABC_SECRETS", "/nonexistent"),
                ("RUST_BACKTRACE", "full"),
                ("RUST_LOG", "trace"),
                ("PATH", "/usr/bin:/bin"),
                ("TMPDIR", "/nonexistent"),
                ("GIT_DIR", "/nonexistent"),
                ("PWD", "/etc"),
                ("KUBECONFIG", "/etc/hostname"),
            ],
            ..PLAIN
        },
        Variation {
            name: "little-memory",
            around: ("ulimit -v 4000000;", ""),
            ..PLAIN
        },
        Variation {
            name: "few-files",
            around: ("ulimit -n 32;", ""),
            ..PLAIN
        },
    ]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for the labs of a test: in memory where there is such a file system, since it lists by age.
fn temporary(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() {
        memory.join(format!("labc-elsewhere-{}", std::process::id()))
    } else {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere")
    };
    let folder = base.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Every file below a folder.
fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(&inner).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below");
                let bytes = fs::read(&path).expect("a file");
                found.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    found
}

/// The source of a lab that uses files of every kind: those of the cases in `tests/labs/`, without what was compiled.
fn source(lab: &str) -> Files {
    let mut source = files(&root().join("tests/labs").join(lab));
    source.retain(|path, _| !path.starts_with("out/") && path != "lab.lock");
    source
}

/// Makes the files of a lab in some order.
fn make(folder: &Path, source: &Files, order: Order) {
    let mut paths: Vec<(usize, &String)> = source.keys().enumerate().collect();
    match order {
        Order::Forward => {}
        Order::Backward => paths.reverse(),
        Order::Mixed => paths.sort_by_key(|(place, _)| (place % 3, *place)),
    }
    for (_, path) in paths {
        let bytes = &source[path];
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

/// Builds in a lab's folder under a variation; says whether it worked.
fn build(folder: &Path, variation: &Variation) -> bool {
    let (before, behind) = variation.around;
    let umask = variation.umask;
    let script = format!("umask {umask} && {before} exec \"$0\" build -q {behind}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .arg(env!("CARGO_BIN_EXE_labc"))
        .current_dir(folder)
        .envs(variation.environment.iter().copied())
        .stdin(Stdio::null());
    command.status().expect("it runs").success()
}

/// The hash of everything that a build wrote: paths, bytes, and which files are programs.
fn hash(folder: &Path) -> String {
    let mut hash = Sha256::new();
    let mut compiled = files(folder);
    compiled.retain(|path, _| path.starts_with("out/") || path == "lab.lock");
    assert!(compiled.len() > 10, "{} files", compiled.len());
    for (path, bytes) in compiled {
        let mode = fs::metadata(folder.join(&path))
            .expect("it is there")
            .mode();
        hash.update(format!("{path} {} {}\n", mode & 0o100, bytes.len()));
        hash.update(bytes);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn one_hash_everywhere() {
    let base = temporary("variations");
    let mut hashes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let all = variations();
    for lab in ["templates", "patches", "workload"] {
        let source = source(lab);
        hashes.clear();
        for variation in &all {
            let folder = base.join(lab).join(variation.name).join(variation.folder);
            make(&folder, &source, variation.order);
            assert!(
                build(&folder, variation),
                "{lab}, {}: no build",
                variation.name
            );
            hashes
                .entry(hash(&folder))
                .or_default()
                .push(variation.name);
        }
        assert_eq!(hashes.len(), 1, "{lab}: {hashes:#?}");
    }
    println!("{} builds of 3 labs, one hash each", all.len() * 3);
    let _ = fs::remove_dir_all(base);
}

/// The names in a folder as the system lists them.
fn listing(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    entries.map(name).collect()
}

/// A lab whose folders list their files in the opposite order gives the same bytes, and the order really is another.
#[test]
fn the_order_of_a_listing_does_not_matter() {
    let base = temporary("listing");
    let mut source = source("templates");
    for number in 0..20 {
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m{number}\n");
        source.insert(
            format!("modules/demo/manifests/m{number}.yaml"),
            text.into_bytes(),
        );
    }
    let orders = [Order::Forward, Order::Backward, Order::Mixed];
    let mut seen = Vec::new();
    for (number, order) in orders.into_iter().enumerate() {
        let folder = base.join(number.to_string());
        make(&folder, &source, order);
        let listed = listing(&folder.join("modules/demo/manifests"));
        assert!(build(&folder, &PLAIN), "no build");
        seen.push((listed, hash(&folder)));
    }
    assert!(
        seen.iter().all(|(_, hash)| *hash == seen[0].1),
        "the order of files matters"
    );
    if base.starts_with("/dev/shm") {
        assert!(
            seen[0].0 != seen[1].0,
            "this file system lists in one order: nothing was tested"
        );
    }
    let _ = fs::remove_dir_all(base);
}

/// A second build leaves every file as it is: neither its bytes nor its times nor its number change.
#[test]
fn a_second_build_writes_nothing() {
    let base = temporary("second");
    for lab in ["templates", "patches", "workload"] {
        let folder = base.join(lab);
        make(&folder, &source(lab), Order::Forward);
        assert!(build(&folder, &PLAIN), "no build");
        let stamps = |folder: &Path| -> BTreeMap<String, (u64, i64, i64)> {
            let paths = files(folder).into_keys();
            let stamp = |path: String| {
                let metadata = fs::metadata(folder.join(&path)).expect("it is there");
                let stamp = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
                (path, stamp)
            };
            paths.map(stamp).collect()
        };
        let before = stamps(&folder);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(build(&folder, &PLAIN), "no second build");
        assert_eq!(before, stamps(&folder), "{lab}: a second build writes");
    }
    let _ = fs::remove_dir_all(base);
}

/// Output folders of the root lab and of all cases.
fn compiled() -> Vec<PathBuf> {
    let mut folders = vec![root().join("out")];
    let cases = fs::read_dir(root().join("tests/labs")).expect("the cases");
    folders.extend(cases.map(|case| case.expect("a case").path().join("out")));
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    folders
}

/// Nothing of a machine is in any output: no folder, no person, no host, no day.
#[test]
fn no_output_names_a_machine() {
    let here = root().display().to_string();
    let command = |program: &str| {
        let output = Command::new(program).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    };
    let mut forbidden = vec![here, env!("CARGO_TARGET_TMPDIR").to_owned()];
    // The root user's home is a folder of many images, too.
    let home = std::env::var("HOME").ok();
    let home = home.filter(|home| home.len() > 1 && home != "/root");
    forbidden.extend(home.map(|home| format!("{home}/")));
    forbidden.extend(command("hostname").filter(|host| host.len() > 3 && host != "localhost"));
    let day = command("date").and_then(|_| {
        let output = Command::new("date").arg("+%Y-%m-%d").output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    forbidden.extend(day.map(|day| day.trim().to_owned()));
    let mut looked_at = 0;
    for folder in compiled() {
        for (path, bytes) in files(&folder) {
            let text = String::from_utf8_lossy(&bytes);
            for word in &forbidden {
                assert!(
                    !text.contains(word.as_str()),
                    "{}/{path} holds `{word}`",
                    folder.display()
                );
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "{looked_at} files");
}
