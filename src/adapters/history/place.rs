//! Where the file lies: on a file system that keeps SQLite's locks.

use std::path::Path;

use rustix::fs::statfs;

use super::config::HistoryConfig;
use super::error::HistoryError;

/// File systems on which locks or shared memory may fail, by the number that `statfs` gives.
const UNSAFE: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
];

/// Refuses a folder on a file system that is not safe for SQLite.
pub(super) fn check(config: &HistoryConfig) -> Result<(), HistoryError> {
    let folder = config.path.parent().filter(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let Ok(stat) = statfs(folder) else { return Ok(()) };
    match unsafe_kind(stat.f_type) {
        Some(kind) if !config.any_filesystem => Err(HistoryError::Filesystem { path: config.path.clone(), kind }),
        _ => Ok(()),
    }
}

fn unsafe_kind(number: i64) -> Option<&'static str> {
    UNSAFE.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_by_their_number() {
        assert_eq!(unsafe_kind(0x6969), Some("NFS"));
        assert_eq!(unsafe_kind(0x0102_1997), Some("9p"));
        assert_eq!(unsafe_kind(0x6573_5546), Some("FUSE"));
        for local in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630] {
            assert_eq!(unsafe_kind(local), None, "{local:x}");
        }
    }
}
