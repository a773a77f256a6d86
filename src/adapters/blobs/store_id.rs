//! `.store-id`: one id for one set of folders.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use uuid::Uuid;

use super::BlobError;
use super::disk::Disk;
use super::layout::{remove, sync_folder};
use crate::domain::format::StoreName;

/// In the root.
pub(crate) const NAME: &str = ".store-id";

/// What an empty folder is offered to an ensemble as, before it is its store.
const OFFER: &str = ".store-offer";

/// An id that no store has.
pub(super) fn new() -> String {
    Uuid::now_v7().to_string()
}

/// Where the id lies.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

pub(super) fn load(disk: &dyn Disk, root: &Path) -> Result<Option<String>, BlobError> {
    let path = root.join(NAME);
    let mut text = String::new();
    match disk.open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BlobError::source("read", &path, error)),
    }
    let name = StoreName::parse(&text);
    if let Some(format) = name.as_ref().and_then(StoreName::newer) {
        return Err(BlobError::Newer { path, format });
    }
    match name.and_then(|name| Uuid::parse_str(&name.id).ok()) {
        Some(id) => Ok(Some(id.to_string())),
        None => Err(BlobError::Invalid(format!(
            "{} holds no store id; remove it, and zkdeck makes it again when the files of this folder are the ensemble's",
            path.display()
        ))),
    }
}

/// Writes a whole file under a name of its own and renames it without overwriting, so that of two
/// processes one wins and nobody reads half an id.
pub(super) fn make(disk: &dyn Disk, root: &Path, id: &str) -> Result<(), BlobError> {
    let (draft, path) = (root.join(format!("{NAME}.{}", Uuid::now_v7())), root.join(NAME));
    let failed = |error| BlobError::target("write", &draft, error);
    let mut file = disk.create_new(&draft).map_err(failed)?;
    writeln!(file, "{id}").map_err(failed)?;
    file.sync().map_err(failed)?;
    match disk.rename_new(&draft, &path) {
        Ok(()) => {}
        Err(Errno::EXIST) => disk.remove(&draft).map_err(|error| BlobError::target("remove", &draft, error))?,
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return Err(cannot_rename(root)),
        Err(error) => return Err(BlobError::target("rename to", &path, error)),
    }
    sync_folder(disk, root)
}

/// Notes, durably, that the folders are offered to an ensemble under this id.
pub(super) fn offer(disk: &dyn Disk, root: &Path, id: &str) -> Result<(), BlobError> {
    let path = offered(root, id);
    if disk.size(&path).is_ok() {
        return Ok(());
    }
    let failed = |error| BlobError::target("write", &path, error);
    let mut file = disk.create_new(&path).map_err(failed)?;
    writeln!(file, "{id}").map_err(failed)?;
    file.sync().map_err(failed)?;
    sync_folder(disk, root)
}

/// Makes an offer of this id, where there is one, the id.
pub(super) fn take_offer(disk: &dyn Disk, root: &Path, id: &str) -> Result<(), BlobError> {
    // What the ensemble says is no path until it is known to be an id.
    if Uuid::parse_str(id).is_err() || disk.size(&offered(root, id)).is_err() {
        return Ok(());
    }
    make(disk, root, id)?;
    withdraw(disk, root, id)
}

/// Nothing is to come of an offer any more.
pub(super) fn withdraw(disk: &dyn Disk, root: &Path, id: &str) -> Result<(), BlobError> {
    remove(disk, &offered(root, id))
}

fn offered(root: &Path, id: &str) -> PathBuf {
    root.join(format!("{OFFER}.{id}"))
}

fn cannot_rename(root: &Path) -> BlobError {
    BlobError::Invalid(format!(
        "the file system of {} cannot rename without overwriting, on which the safety of files rests; choose a folder \
         on a local disk by --data",
        root.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Barrier;
    use std::thread;

    use super::super::disk::LocalDisk;
    use super::*;

    #[test]
    fn the_id_stays_and_all_who_make_one_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let start = Barrier::new(8);
        let ids: Vec<String> = thread::scope(|scope| {
            let open = || {
                start.wait();
                make(&LocalDisk, folder.path(), &new()).unwrap();
                load(&LocalDisk, folder.path()).unwrap().unwrap()
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(load(&LocalDisk, folder.path()).unwrap().as_ref(), Some(&ids[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft was left");
    }

    #[test]
    fn an_id_of_a_newer_program_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{}\nformat 2\n", Uuid::from_u128(7));
        fs::write(folder.path().join(NAME), &text).unwrap();
        let error = load(&LocalDisk, folder.path()).unwrap_err().to_string();
        assert!(error.contains(NAME) && error.contains("format 2") && error.contains("newer zkdeck"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join(NAME)).unwrap(), text);
    }

    #[test]
    fn a_file_that_is_no_id_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "").unwrap();
        let error = load(&LocalDisk, folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no store id"), "{error}");
        assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), b"");
    }
}
