//! Whether a name still means the file that was opened by it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which file a name means: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMark(u64, u64);

impl FileMark {
    /// `None` when there is no such file.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|meta| Self(meta.dev(), meta.ino()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_of_the_same_name_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(FileMark::of(&path), None);
        std::fs::write(&path, b"1").unwrap();
        let first = FileMark::of(&path);
        let kept = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"1").unwrap();
        assert_ne!(FileMark::of(&path), first);
        drop(kept);
    }
}
