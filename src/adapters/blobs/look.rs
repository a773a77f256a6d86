//! A look at the folder that changes nothing: how much it holds, and whose it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::BlobError;
use super::disk::LocalDisk;
use super::layout::FolderLayout;
use super::store_id;

/// Entries that are counted at most; beyond it the count is a lower bound.
const ENTRIES_MAX: u64 = 200_000;

/// What [`look`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreLook {
    pub files: u64,
    pub bytes: u64,
    /// There are more.
    pub cut: bool,
    /// The store's id, when the folder has one.
    pub id: Option<String>,
    /// Those that are published files of a store, as zkdeck itself counts them.
    pub published: u64,
}

/// Blocks for as long as it takes to walk the folder. One that is not there holds nothing.
///
/// # Errors
/// [`BlobError`] when it cannot be read.
pub fn look(root: &Path) -> Result<StoreLook, BlobError> {
    let published = FolderLayout::new(root.to_owned()).count_blobs(&LocalDisk, u64::MAX)?;
    let mut stored = StoreLook { id: store_id::load(&LocalDisk, root)?, published, ..StoreLook::default() };
    let mut folders = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(BlobError::source("list", &folder, error)),
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > ENTRIES_MAX {
                stored.cut = true;
                return Ok(stored);
            }
            count(&entry, &mut stored, &mut folders);
        }
    }
    Ok(stored)
}

fn count(entry: &fs::DirEntry, stored: &mut StoreLook, folders: &mut Vec<PathBuf>) {
    // What begins with a dot is zkdeck's own: drafts, trash, the store's id.
    if entry.file_name().as_encoded_bytes().starts_with(b".") {
        return;
    }
    // What has gone meanwhile is not there.
    match entry.metadata() {
        Ok(meta) if meta.is_dir() => folders.push(entry.path()),
        Ok(meta) if meta.is_file() => {
            stored.files += 1;
            stored.bytes += meta.len();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_our_own_are_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look(&folder.path().join("none")).unwrap(), StoreLook::default());
        fs::create_dir_all(folder.path().join("zk1/ab")).unwrap();
        fs::write(folder.path().join("zk1/ab/one"), "12345").unwrap();
        fs::create_dir_all(folder.path().join("zk1/.trash")).unwrap();
        fs::write(folder.path().join("zk1/.trash/old"), "x").unwrap();
        let found = look(folder.path()).unwrap();
        assert_eq!((found.files, found.bytes, found.cut, found.id, found.published), (1, 5, false, None, 0));
        let blob =
            crate::domain::file::blob_name(crate::domain::ids::FileId::new(1), crate::domain::ids::AttemptId::new(2));
        fs::write(folder.path().join("zk1").join(blob), "x").unwrap();
        let found = look(folder.path()).unwrap();
        assert_eq!((found.files, found.published), (2, 1));
    }
}
