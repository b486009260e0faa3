//! The standard library: the files of `modules/` that the binary carries.

mod files {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

/// The text of a file such as `modules/longhorn/module.toml`.
pub fn read(path: &str) -> Option<&'static str> {
    let index = files::FILES
        .binary_search_by_key(&path, |(name, _)| *name)
        .ok()?;
    Some(files::FILES[index].1)
}

/// The paths of all files below a folder such as `modules/longhorn`, sorted.
pub fn list(folder: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("{folder}/");
    files::FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(move |name| name.starts_with(&prefix))
}
