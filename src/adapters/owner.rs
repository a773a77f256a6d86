//! What root makes goes to the owner of the folder that it is made in, so that a console that root
//! opened leaves nothing that the daemon beside it, which is not root, cannot write.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

/// Gives `path` to its folder's owner when this process is root's and the folder is not.
///
/// # Errors
/// That of the file system.
pub fn follow(path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (folder, own) = (fs::metadata(folder)?, fs::symlink_metadata(path)?);
    if folder.uid() == 0 || own.uid() == folder.uid() {
        return Ok(());
    }
    // A link that somebody left there leads to a file that is none of the folder's owner.
    lchown(path, Some(folder.uid()), Some(folder.gid()))
}

/// The same for all that lies in a folder, such as what another program wrote there. What has gone meanwhile is left
/// out; links are not followed.
///
/// # Errors
/// That of the file system.
pub fn follow_all(folder: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let gone = |error: io::Error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return gone(error),
    };
    for entry in entries {
        let path = entry?.path();
        follow(&path).or_else(gone)?;
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            follow_all(&path)?;
        }
    }
    Ok(())
}

/// Makes a folder with those above it; what is there stays as it is.
///
/// # Errors
/// That of the file system.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => make_folder(above)?,
        _ => {}
    }
    match fs::create_dir(path) {
        Ok(()) => follow(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn folders_are_made_once_and_a_file_in_the_way_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(make_folder(&folder.path().join("file/below")).is_err());
    }

    #[test]
    fn what_root_makes_belongs_to_the_folders_owner() {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: files that root makes: only root can give files away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(4711), Some(4712)).unwrap();
        let (file, deep) = (folder.path().join("file"), folder.path().join("a/b"));
        fs::write(&file, "").unwrap();
        follow(&file).unwrap();
        make_folder(&deep).unwrap();
        let (java, log) = (deep.join("version-2"), deep.join("version-2/log.1"));
        fs::create_dir(&java).unwrap();
        fs::write(&log, "").unwrap();
        symlink("/", java.join("link")).unwrap();
        follow_all(folder.path()).unwrap();
        assert_eq!(fs::metadata("/").unwrap().uid(), 0);
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        let link = folder.path().join("link");
        symlink(elsewhere.path(), &link).unwrap();
        follow(&link).unwrap();
        assert_eq!(elsewhere.as_file().metadata().unwrap().uid(), 0, "what a link leads to is not given away");
        for path in [file, deep, java, log] {
            let owner = fs::metadata(&path).unwrap();
            assert_eq!((owner.uid(), owner.gid()), (4711, 4712), "{}", path.display());
        }
    }
}
