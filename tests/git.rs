//! A commit as a world, with repositories that the real git made: what it reads, what a revision names, and that nothing
//! but Git's own files is looked at. Without a git, the tests say so and pass.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs the binary and git in folders of its own"
)]

mod repository;
#[allow(dead_code, reason = "each test uses a part of it")]
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use labc::world::git::{CommitTree, Repository, Start, Unresolved};
use labc::world::{MAX_FILE, Read, World};
use proptest::prelude::*;
use repository::Git;

impl Git {
    fn repository(&self, below: &str) -> Repository {
        let around = Repository::around(&self.root.join(below));
        around.expect("it opens").expect("a repository")
    }

    fn lab(&self, revision: &str) -> CommitTree {
        let lab = self.repository("").lab(revision, Start::Here);
        lab.unwrap_or_else(|why| panic!("{revision}: {why:?}"))
    }

    /// What is said of a revision that names no lab.
    fn refused(&self, revision: &str) -> String {
        let lab = self.repository("").lab(revision, Start::Here);
        said(lab.expect_err("there is no such lab"))
    }
}

fn said(why: Unresolved) -> String {
    match why {
        Unresolved::Failed(failure) => failure.to_string(),
        Unresolved::Unknown {
            message,
            notes,
            help,
        } => {
            let help = help.map(|help| format!("help: {help}"));
            let lines: Vec<String> = [message].into_iter().chain(notes).chain(help).collect();
            lines.join("\n")
        }
    }
}

/// What a world says to some paths, and what it lists below each of them.
fn answers(world: &World, paths: &[&str]) -> BTreeMap<String, String> {
    let answer = |path: &str| {
        let read = match world.read(path) {
            Ok(Read::Bytes(bytes)) => {
                format!("{} bytes: {:?}", bytes.len(), &bytes[..bytes.len().min(40)])
            }
            Ok(Read::Missing) => "missing".to_owned(),
            Ok(Read::Refused(why)) => why,
            Err(_) => "failed".to_owned(),
        };
        let listed = world.list(path).map_err(|_| "failed");
        format!("{read}, {listed:?}")
    };
    let all = paths.iter().map(|path| ((*path).to_owned(), answer(path)));
    all.collect()
}

/// Files and links that a lab's folder may hold.
const SHAPES: [(&str, &str); 22] = [
    ("lab.toml", "text"),
    ("modules/a/module.toml", "text"),
    ("modules/a/manifests/one.yaml", "text"),
    ("modules/.git-keep", "text"),
    (".labc/journal", "text"),
    ("inside", "-> modules/a/module.toml"),
    ("deep/down/up", "-> ../../lab.toml"),
    ("deep/down/folder", "-> ../../modules"),
    ("deep/here", "-> ."),
    ("deep/above", "-> .."),
    ("chain", "-> deep/down/folder/a/manifests/one.yaml"),
    ("slash", "-> modules/a/"),
    ("file-slash", "-> lab.toml/"),
    ("through-file", "-> lab.toml/../lab.toml"),
    ("nowhere", "-> missing/file"),
    ("out", "-> ../outside"),
    ("absolute", "-> /etc/hostname"),
    ("almost-out", "-> deep/../../outside"),
    ("circle", "-> round"),
    ("round", "-> circle"),
    ("self", "-> self/more"),
    ("folder-out", "-> .."),
];

/// Paths that are asked for beside those of the shapes.
const ASKED: [&str; 18] = [
    "",
    "modules",
    "modules/a",
    "deep",
    "deep/down/folder/a",
    "deep/down/folder/a/module.toml",
    "deep/here/here/down/up",
    "slash/module.toml",
    "out/file",
    "lab.toml/x",
    "nowhere/x",
    "circle/x",
    "missing",
    "missing/file",
    "folder-out/lab",
    "../outside",
    "a//b",
    ".git/config",
];

/// Puts a file or a link at a path, unless something is there already or a link is on the way.
fn put(root: &Path, (path, what): (&str, &str)) {
    let at = root.join(path);
    let way = path
        .match_indices('/')
        .map(|(end, _)| root.join(&path[..end]));
    let is_closed =
        |folder: PathBuf| fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir());
    if fs::symlink_metadata(&at).is_ok() || way.into_iter().any(is_closed) {
        return;
    }
    fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
    match what.strip_prefix("-> ") {
        Some(target) => symlink(target, at).expect("a link"),
        None => fs::write(at, what).expect("a file"),
    }
}

#[test]
fn a_commit_reads_as_its_checkout() {
    let Some(git) = Git::new("checkout") else {
        return;
    };
    git.write("outside", "of the lab");
    for shape in SHAPES {
        put(&git.root.join("lab"), shape);
    }
    git.commit("a lab");
    let paths: Vec<&str> = SHAPES.iter().map(|(path, _)| *path).chain(ASKED).collect();
    let folder = World::open(git.root.join("lab")).expect("a folder");
    let commit = World::Commit(git.lab("HEAD:lab"));
    let there = answers(&folder, &paths);
    assert_eq!(answers(&commit, &paths), there);
    // The table has all answers in it that there are.
    let all = format!("{there:?}");
    for phrase in [
        "missing",
        "leads nowhere",
        "leads out",
        "circle",
        "a folder",
        "bytes",
        "failed",
        "cannot leave",
    ] {
        assert!(all.contains(phrase), "{phrase}: {there:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Files and links wherever they lead: a commit and its checkout give the same.
    #[test]
    fn any_commit_reads_as_its_checkout(
        entries in prop::collection::btree_map("[abc](/[abc]){0,2}", "(\\.\\./|[abc]/|/){0,3}([abc]|\\.|\\.\\.)|", 1..12)
    ) {
        let Some(git) = Git::new("any-checkout") else {
            return Ok(());
        };
        let root = git.root.join("lab");
        put(&root, ("lab.toml", "a lab"));
        for (path, target) in &entries {
            match target.as_str() {
                "" => put(&root, (path, path)),
                _ => put(&root, (path, &format!("-> {target}"))),
            }
        }
        git.commit("a lab");
        // What the checkout holds, and nothing else: no empty folder, nothing behind a link that leads out.
        git.run(&["clean", "-dffxq"]);
        let letters = ["a", "b", "c"];
        let mut paths: Vec<String> = letters.map(str::to_owned).to_vec();
        for _ in 0..2 {
            let below: Vec<String> = paths.iter().flat_map(|path| letters.map(|letter| format!("{path}/{letter}"))).collect();
            paths.extend(below);
        }
        let paths: Vec<&str> = paths.iter().map(String::as_str).chain([""]).collect();
        let folder = World::open(&root).expect("a folder");
        let commit = World::Commit(git.lab("HEAD:lab"));
        prop_assert_eq!(answers(&commit, &paths), answers(&folder, &paths));
    }
}

#[test]
fn what_is_no_file_is_refused_with_its_reason() {
    let Some(git) = Git::new("refused") else {
        return;
    };
    git.write("lab.toml", "a lab").write("folder/file", "text");
    fs::write(git.root.join("large"), vec![b'x'; MAX_FILE as usize + 1]).expect("a file");
    fs::write(git.root.join("largest"), vec![b'x'; MAX_FILE as usize]).expect("a file");
    git.commit("a lab");
    let head = git.run(&["rev-parse", "HEAD"]);
    let module = format!("160000,{head},module");
    git.run(&["update-index", "--add", "--cacheinfo", &module]);
    git.run(&["commit", "--quiet", "-m", "a submodule"]);
    let world = World::Commit(git.lab("HEAD"));
    let read = |path: &str| world.read(path).expect("it is read");
    let refused = |path: &str| match read(path) {
        Read::Refused(why) => why,
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(refused("folder"), "it is a folder");
    assert_eq!(
        refused("module"),
        "it lies in a submodule, which is another repository"
    );
    assert_eq!(refused("module/file"), refused("module"));
    assert!(refused("large").starts_with("it has 16777217 bytes"));
    assert!(matches!(read("largest"), Read::Bytes(bytes) if bytes.len() as u64 == MAX_FILE));
    assert_eq!(read("folder/other"), Read::Missing);
    assert_eq!(
        world.list("").expect("it is listed"),
        ["folder/file", "lab.toml", "large", "largest"]
    );
}

/// Git writes line endings, keywords and large files as the machine and filters say; the lab is what was committed.
#[test]
fn the_bytes_are_the_committed_ones() {
    let Some(git) = Git::new("bytes") else {
        return;
    };
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    git.write(
        ".gitattributes",
        "*.txt text eol=crlf ident\n*.bin filter=lfs\n",
    );
    git.write("lab.toml", "a lab")
        .write("a.txt", "$Id$\r\nb\r\n")
        .write("a.bin", pointer);
    git.commit("a lab");
    git.run(&["rm", "--quiet", "a.txt"]);
    git.run(&["checkout", "HEAD", "--", "a.txt"]);
    let there = fs::read_to_string(git.root.join("a.txt")).expect("a file");
    assert!(
        there.starts_with("$Id: ") && there.contains("\r\n"),
        "{there}"
    );
    let world = World::Commit(git.lab("HEAD"));
    let bytes = |path: &str| world.read(path).expect("it is read");
    assert_eq!(bytes("a.txt"), Read::Bytes(b"$Id$\nb\n".to_vec()));
    assert_eq!(bytes("a.bin"), Read::Bytes(pointer.into()));
}

/// A tree that holds the tree below it twice, and so on: 2^40 files in 40 objects.
#[test]
fn a_tree_that_grows_without_end_is_a_failure() {
    let Some(git) = Git::new("bomb") else {
        return;
    };
    git.write("lab.toml", "a lab").commit("a lab");
    let mut tree = git.run(&["rev-parse", "HEAD^{tree}"]);
    for _ in 0..40 {
        tree = git.tree(&format!("040000 tree {tree}\ta\n040000 tree {tree}\tb\n"));
    }
    let lab = git.run(&["rev-parse", "HEAD:lab.toml"]);
    let tree = git.tree(&format!(
        "100644 blob {lab}\tlab.toml\n040000 tree {tree}\tmodules\n"
    ));
    let commit = git.run(&["commit-tree", &tree, "-m", "a bomb"]);
    let world = World::Commit(git.lab(&commit));
    let why = world
        .list("modules")
        .expect_err("it has no end")
        .to_string();
    assert!(why.ends_with("it has too many files"), "{why}");
}

#[test]
fn a_revision_is_named_as_git_names_it() {
    let Some(git) = Git::new("names") else {
        return;
    };
    for number in 0..4 {
        git.write("lab.toml", &format!("lab {number}"))
            .commit("a lab");
    }
    git.run(&["tag", "light", "HEAD~1"]);
    git.run(&["tag", "-a", "-m", "an annotated tag", "heavy", "HEAD~2"]);
    git.run(&["branch", "--quiet", "feature/one", "HEAD~3"]);
    git.run(&["config", "branch.feature/one.remote", "."]);
    git.run(&["config", "branch.feature/one.merge", "refs/heads/main"]);
    let short = git.run(&["rev-parse", "--short=9", "HEAD~1"]);
    let text = |revision: &str| match World::Commit(git.lab(revision)).read("lab.toml") {
        Ok(Read::Bytes(bytes)) => String::from_utf8(bytes).expect("text"),
        other => panic!("{revision}: {other:?}"),
    };
    let table = [
        ("HEAD", "lab 3"),
        ("@", "lab 3"),
        ("main", "lab 3"),
        ("refs/heads/main", "lab 3"),
        ("HEAD~3", "lab 0"),
        ("HEAD^^", "lab 1"),
        ("light", "lab 2"),
        ("heavy", "lab 1"),
        ("heavy^{}", "lab 1"),
        ("heavy~1", "lab 0"),
        ("tags/heavy", "lab 1"),
        (&short, "lab 2"),
        ("feature/one", "lab 0"),
        ("feature/one@{upstream}", "lab 3"),
        ("feature/one@{u}~1", "lab 2"),
        ("main@{1}", "lab 2"),
        ("HEAD:", "lab 3"),
        ("main~1:./", "lab 2"),
    ];
    for (revision, expected) in table {
        assert_eq!(text(revision), expected, "{revision}");
        let same = git.run(&[
            "rev-parse",
            &format!("{}^{{commit}}", revision.split(':').next().expect("a name")),
        ]);
        assert_eq!(text(&same), expected, "{revision}");
    }
}

#[test]
fn a_revision_that_names_no_lab_is_told_apart() {
    let Some(git) = Git::new("no-names") else {
        return;
    };
    git.write("clusters/home/lab.toml", "a lab")
        .write("other", "text")
        .commit("a lab");
    git.run(&["branch", "--quiet", "feature"]);
    git.run(&["update-ref", "refs/remotes/origin/elsewhere", "HEAD"]);
    let short = git.run(&["rev-parse", "--short", "HEAD"]);
    let (tree, blob) = (
        git.run(&["rev-parse", "HEAD^{tree}"]),
        git.run(&["rev-parse", "HEAD:other"]),
    );
    let table = [
        ("featrue", "there is no revision `featrue`\nhelp: did you mean `feature`?".to_owned()),
        ("elsewhere~1", "there is no revision `elsewhere~1`\nhelp: did you mean `origin/elsewhere`?".to_owned()),
        ("xyzzy", "there is no revision `xyzzy`".to_owned()),
        (&tree, format!("`{tree}` is no commit: it is a tree")),
        (&blob, format!("`{blob}` is no commit: it is a blob")),
        ("", "a revision has no name".to_owned()),
        ("main..feature", "`main..feature` names several commits, and one is asked for".to_owned()),
        (":other", "`:other` is the index or a search, and a commit is asked for\nhelp: name a branch, a tag or a commit: `HEAD~1`, `main`, `v1.2`".to_owned()),
        ("main", format!("there is no lab.toml in main ({short})\nhelp: name its folder after the revision: `main:clusters/home`")),
        ("main:clusters", format!("there is no lab.toml in `clusters` at main ({short})\nhelp: name its folder after the revision: `main:clusters/home`")),
        (&short, format!("there is no lab.toml in {short}\nhelp: name its folder after the revision: `{short}:clusters/home`")),
    ];
    for (revision, expected) in table {
        assert_eq!(git.refused(revision), expected, "{revision}");
    }
    let follows = |revision: &str, note: &str| {
        let expected = format!("there is no revision `{revision}`\n{note}");
        assert_eq!(git.refused(revision), expected);
    };
    follows(
        "HEAD~7",
        "`HEAD` is there, and `~7` leads from it to nothing",
    );
    follows("main@{u}~1", "`main` follows no branch that is there");
    follows(
        "@{u}",
        "the branch that is checked out follows none that is there",
    );
    let gone = git.refused("0123456789012345678901234567890123456789");
    assert!(
        gone.starts_with("there is no revision `0123456789012345678901234567890123456789`"),
        "{gone}"
    );
}

#[test]
fn an_ambiguous_id_names_what_it_could_be() {
    let Some(git) = Git::new("ambiguous") else {
        return;
    };
    git.write("lab.toml", "a lab").commit("a lab");
    let mut ids: Vec<String> = Vec::new();
    let tree = git.run(&["rev-parse", "HEAD^{tree}"]);
    let twins = (0..).find_map(|number| {
        let id = git.run(&["commit-tree", &tree, "-m", &format!("number {number}")]);
        let twin = ids.iter().find(|other| other[..4] == id[..4]).cloned();
        ids.push(id.clone());
        twin.map(|twin| [twin, id])
    });
    let twins = twins.expect("there are only so many beginnings");
    let said = git.refused(&twins[0][..4]);
    assert!(
        said.starts_with(&format!(
            "`{}` is the beginning of several ids\n",
            &twins[0][..4]
        )),
        "{said}"
    );
    assert!(
        twins
            .iter()
            .all(|twin| said.contains(&format!("{} is a commit", &twin[..7]))),
        "{said}"
    );
    assert!(
        said.ends_with("help: give more digits of the one that is meant"),
        "{said}"
    );
}

#[test]
fn a_bare_a_shallow_and_a_linked_repository_are_read() {
    let Some(git) = Git::new("kinds") else {
        return;
    };
    for number in 0..3 {
        git.write("clusters/home/lab.toml", &format!("lab {number}"));
        git.write("clusters/home/modules/a/module.toml", "a module")
            .commit("a lab");
    }
    let from = format!("file://{}", git.root.display());
    let text = |lab: &CommitTree| match World::Commit(lab.clone()).read("lab.toml") {
        Ok(Read::Bytes(bytes)) => String::from_utf8(bytes).expect("text"),
        other => panic!("{other:?}"),
    };
    let bare =
        Git::with("kinds-bare", &["clone", "--quiet", "--bare", &from, "."]).expect("git is there");
    assert_eq!(text(&bare.lab("main~1:clusters/home")), "lab 1");
    assert_eq!(text(&bare.lab("main:./clusters//home/")), "lab 2");
    assert!(bare.refused("main").contains("`main:clusters/home`"));

    let shallow = Git::with(
        "kinds-shallow",
        &["clone", "--quiet", "--depth", "2", &from, "."],
    )
    .expect("git is there");
    assert_eq!(text(&shallow.lab("HEAD~1:clusters/home")), "lab 1");
    let why = shallow.refused("HEAD~2");
    assert!(
        why.contains("git fetch --unshallow") && why.contains("fetch-depth: 0"),
        "{why}"
    );

    let linked = tree::folder("git-kinds-linked", "");
    fs::remove_dir_all(&linked).expect("it can be removed");
    git.run(&[
        "worktree",
        "add",
        "--quiet",
        "-b",
        "other",
        linked.to_str().expect("UTF-8"),
        "HEAD~1",
    ]);
    for (folder, start, revision) in [
        ("clusters/home", Start::Here, "HEAD"),
        ("clusters/home/modules/a", Start::HereOrAbove, "HEAD"),
        ("clusters/home/modules/a", Start::Here, "HEAD:./../../"),
        ("", Start::Here, "other:clusters/home"),
    ] {
        let around = Repository::around(&linked.join(folder))
            .expect("it opens")
            .expect("a repository");
        let lab = around
            .lab(revision, start)
            .unwrap_or_else(|why| panic!("{folder}: {}", said(why)));
        assert_eq!(text(&lab), "lab 1", "{folder}");
    }
}

/// Objects in a pack, of another repository, and by their SHA-256.
#[test]
fn objects_are_read_wherever_git_has_them() {
    let Some(git) = Git::new("objects") else {
        return;
    };
    for number in 0..3 {
        git.write(
            "lab.toml",
            &format!("lab {number}\n{}", "the same line\n".repeat(1000)),
        )
        .commit("a lab");
    }
    let begins = |git: &Git, revision: &str, text: &str| match World::Commit(git.lab(revision))
        .read("lab.toml")
    {
        Ok(Read::Bytes(bytes)) => assert!(bytes.starts_with(text.as_bytes())),
        other => panic!("{other:?}"),
    };
    git.run(&["gc", "--quiet", "--aggressive", "--prune=now"]);
    assert_eq!(git.run(&["count-objects"]), "0 objects, 0 kilobytes");
    begins(&git, "main", "lab 2");
    begins(&git, "main~2", "lab 0");
    let from = git.root.to_str().expect("UTF-8");
    let borrows = Git::with(
        "objects-shared",
        &["clone", "--quiet", "--shared", from, "."],
    )
    .expect("git is there");
    assert_eq!(borrows.run(&["count-objects"]), "0 objects, 0 kilobytes");
    begins(&borrows, "main~1", "lab 1");
    let longer = Git::with(
        "objects-sha256",
        &["init", "--quiet", "-b", "main", "--object-format=sha256"],
    )
    .expect("git is there");
    longer.write("lab.toml", "lab 7").commit("a lab");
    begins(&longer, "HEAD", "lab 7");
}

#[test]
fn the_branch_that_work_goes_to_is_found() {
    let Some(git) = Git::new("upstream") else {
        return;
    };
    git.write("lab.toml", "lab 0").commit("a lab");
    let base = git.run(&["rev-parse", "HEAD"]);
    git.run(&["checkout", "--quiet", "-b", "feature"]);
    git.write("lab.toml", "lab 1").commit("a feature");
    git.run(&["checkout", "--quiet", "-b", "release", "main"]);
    git.write("lab.toml", "lab 2").commit("a release");
    git.run(&["checkout", "--quiet", "feature"]);
    let upstream = |git: &Git| {
        let repository = git.repository("");
        let (name, commit) = repository
            .upstream()
            .unwrap_or_else(|why| panic!("{}", said(why)));
        let head = repository.resolve("HEAD").expect("a commit");
        let base = repository
            .merge_base(head, commit)
            .unwrap_or_else(|why| panic!("{}", said(why)));
        (name, base)
    };
    let same = git.repository("").resolve(&base).expect("a commit");
    assert_eq!(upstream(&git), ("main".to_owned(), same));
    git.run(&["branch", "--quiet", "--set-upstream-to", "release"]);
    assert_eq!(upstream(&git), ("release".to_owned(), same));
    let from = git.root.to_str().expect("UTF-8");
    let clone =
        Git::with("upstream-clone", &["clone", "--quiet", from, "."]).expect("git is there");
    assert_eq!(upstream(&clone).0, "origin/feature");
    clone.run(&["checkout", "--quiet", "--detach", "origin/release"]);
    assert_eq!(upstream(&clone).0, "origin/feature", "what origin/HEAD is");
    clone.run(&["symbolic-ref", "--delete", "refs/remotes/origin/HEAD"]);
    assert_eq!(upstream(&clone), ("origin/main".to_owned(), same));

    git.run(&["checkout", "--quiet", "--orphan", "alone"]);
    git.write("lab.toml", "lab 3").commit("alone");
    let repository = git.repository("");
    let (one, other) = (
        repository.resolve("alone").expect("a commit"),
        repository.resolve("main").expect("a commit"),
    );
    let why = said(
        repository
            .merge_base(one, other)
            .expect_err("they have none"),
    );
    assert!(why.ends_with("have no commit in common"), "{why}");
    for branch in ["main", "feature", "release"] {
        git.run(&["branch", "--quiet", "-D", branch]);
    }
    let why = said(git.repository("").upstream().expect_err("there is none"));
    assert!(
        why.contains("which branch this work goes to") && why.contains("--set-upstream-to"),
        "{why}"
    );
}

/// Six hundred files of a pack, read by many threads: each has its own handle, and no file takes long.
#[test]
fn many_threads_read_one_commit() {
    let Some(git) = Git::new("threads") else {
        return;
    };
    git.write("lab.toml", "a lab");
    for number in 0..600 {
        git.write(
            &format!("modules/m{}/{number}.yaml", number % 40),
            &format!("number: {number}\n").repeat(40),
        );
    }
    git.commit("a lab");
    git.run(&["gc", "--quiet"]);
    let world = World::Commit(git.lab("HEAD"));
    let listed = world.list("modules").expect("it is listed");
    assert_eq!(listed.len(), 600);
    std::thread::scope(|scope| {
        for part in listed.chunks(75) {
            let world = &world;
            scope.spawn(move || {
                for path in part {
                    let number = path.rsplit(['/', '.']).nth(1).expect("a name");
                    let text = format!("number: {number}\n").repeat(40);
                    assert_eq!(
                        world.read(path).expect("it is read"),
                        Read::Bytes(text.into_bytes())
                    );
                }
            });
        }
    });
}
