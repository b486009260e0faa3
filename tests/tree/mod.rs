//! A small lab in a folder of its own, and what stands in that folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Files by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A lab with a node, its engine, and a container for each app: its name and its port.
pub(crate) fn lab(apps: &[(&str, u16)]) -> String {
    let mut text = String::from(
        "[lab]\nformat = 1\nname = \"small\"\ndomain = \"example.org\"\nengine = \"argocd\"\n\n\
         [repository]\nurl = \"https://github.com/example/lab.git\"\nbranch = \"main\"\n\n\
         [cluster]\ntalos = \"v1.12.11\"\ncontract = \"v1.12\"\nkubernetes = \"v1.35.4\"\n\
         schedule_on_control_planes = true\n\n\
         [network]\nnodes = \"192.168.1.0/24\"\ngateway = \"192.168.1.1\"\n\n\
         [hardware.pc]\ndisk = \"/dev/sda\"\n\n\
         [nodes]\ncp-1 = { role = \"controlplane\", address = \"192.168.1.11\", hardware = \"pc\" }\n\n\
         [infrastructure.argocd]\nversion = \"9.7.1\"\n",
    );
    for (name, port) in apps {
        text.push_str(&format!(
            "\n[apps.{name}]\nmodule = \"workload\"\nimage = \"example.org/{name}:1.0.0\"\nport = {port}\n"
        ));
    }
    text
}

/// Where the folders are: in memory where the system has a place for that, as syncing takes most of the time.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let Ok(entries) = fs::read_dir(memory) else {
            return Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned();
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let process = name.strip_prefix(PREFIX);
            if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
                // A run that failed left it; whoever else clears it away is welcome.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let own = memory.join(format!("{PREFIX}{}", std::process::id()));
        match fs::create_dir(&own) {
            Ok(()) => own,
            Err(_) => Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned(),
        }
    })
}

const PREFIX: &str = "labc-tests-";

/// A new folder with this lab.
pub(crate) fn folder(name: &str, lab: &str) -> PathBuf {
    let folder = root().join(name);
    if folder.symlink_metadata().is_ok() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    write(&folder.join("lab.toml"), lab);
    folder
}

pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A run of the binary that ended by itself.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) said: String,
}

pub(crate) fn labc(folder: &Path, arguments: &[&str]) -> Run {
    ran(Command::new(env!("CARGO_BIN_EXE_labc"))
        .args(arguments)
        .current_dir(folder))
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Run {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code();
    Run {
        code: code.unwrap_or_else(|| panic!("{}\n{said}", output.status)),
        said,
    }
}

/// Builds what must build.
pub(crate) fn builds(folder: &Path) -> String {
    let run = labc(folder, &["build"]);
    assert_eq!(run.code, 0, "{}: {}", folder.display(), run.said);
    run.said
}

/// Every file below `out/`, and the lock. What is no regular file panics.
pub(crate) fn tree(folder: &Path) -> Files {
    let mut files = Files::new();
    walk(folder, "out", &mut files, &mut Vec::new());
    let lock = folder.join("lab.lock");
    if lock.exists() {
        files.insert("lab.lock".to_owned(), read(&lock));
    }
    files
}

/// Every folder below `out/`.
pub(crate) fn folders(folder: &Path) -> Vec<String> {
    let mut folders = Vec::new();
    walk(folder, "out", &mut Files::new(), &mut folders);
    folders
}

fn walk(root: &Path, name: &str, files: &mut Files, folders: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(name)) else {
        return;
    };
    folders.push(name.to_owned());
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort();
    for file in names {
        let path = format!("{name}/{file}");
        let kind = root.join(&path).symlink_metadata().expect("it is there");
        if kind.is_dir() {
            walk(root, &path, files, folders);
        } else {
            assert!(kind.is_file(), "{path} is no file");
            files.insert(path.clone(), read(&root.join(&path)));
        }
    }
}

/// The number of a file, its time of change in seconds and the rest, its size.
pub(crate) type Identity = (u64, i64, i64, u64);

/// Which file it is and when it was last changed.
pub(crate) fn identity(path: &Path) -> Identity {
    let metadata = path.symlink_metadata().expect("it is there");
    (
        metadata.ino(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.size(),
    )
}

/// Copies the lab, its tree and what labc keeps, to a new folder.
pub(crate) fn copy(from: &Path, name: &str) -> PathBuf {
    let to = folder(name, "");
    let mut files = Files::new();
    walk(from, "out", &mut files, &mut Vec::new());
    for path in [
        "lab.toml",
        "lab.lock",
        ".labc/journal",
        ".labc/lock",
        ".labc/.gitignore",
    ] {
        if from.join(path).exists() {
            files.insert(path.to_owned(), read(&from.join(path)));
        }
    }
    for (path, bytes) in files {
        let target = to.join(&path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        write(&target, bytes);
        let mode = from
            .join(&path)
            .metadata()
            .expect("it is there")
            .permissions();
        fs::set_permissions(&target, mode).expect("a mode");
    }
    to
}
