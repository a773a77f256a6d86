//! What can go wrong with bytes on disk, and whose fault it is.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::domain::file::Hash;
use crate::domain::format::NewerFormat;
use crate::domain::ids::{AttemptId, Bytes, FileId, Millis, NodeId};
use crate::domain::node::WriteTrouble;

/// Why an operation on bytes failed: which operation, on what, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error(
        "node {node} has no room: {needed} needed, {free} free, {reserve} kept in reserve; \
         delete files or make room on its disk"
    )]
    NoSpace { node: NodeId, needed: Bytes, free: Bytes, reserve: Bytes },
    #[error("{operation} {}: the disk is full ({source}); make room on it", path.display())]
    DiskFull { operation: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "no bytes of file {file} (attempt {blob}) at node {node}; they come back automatically when a trash, quarantine \
         or another node has them; else mount the node's disk if it is not, or put them back from a backup"
    )]
    Missing { node: NodeId, file: FileId, blob: AttemptId },
    #[error(
        "{} is not mounted, or not the folder that was opened: none of its files is judged or touched until it is back",
        folder.display()
    )]
    NotMounted { folder: PathBuf },
    #[error("nothing to publish for attempt {blob} of file {file} at node {node}: its bytes are gone; try again")]
    NothingToPublish { node: NodeId, file: FileId, blob: AttemptId },
    #[error(
        "file {file} (attempt {blob}) at node {node} is damaged: its hash is {found:.12}, its record says {expected:.12}; \
         it stays where it is, and its bytes come back automatically when a trash or quarantine has them; else put them \
         back from a backup, and zkdeck looks again as soon as they change"
    )]
    Damaged { node: NodeId, file: FileId, blob: AttemptId, expected: Hash, found: Hash },
    #[error(
        "file {file} (attempt {blob}) at node {node} is damaged: it has {} bytes, its record says {}; \
         it stays where it is, and its bytes come back automatically when a trash or quarantine has them; else put them \
         back from a backup, and zkdeck looks again as soon as they change",
        found.0, expected.0
    )]
    WrongSize { node: NodeId, file: FileId, blob: AttemptId, expected: Bytes, found: Bytes },
    #[error(
        "file {file} (attempt {blob}) at node {node} is damaged: {what} lies in its place; take it away, and its \
         bytes come back automatically when a trash or quarantine has them; else put them back from a backup, and zkdeck \
         looks again as soon as they change"
    )]
    NoFile { node: NodeId, file: FileId, blob: AttemptId, what: &'static str },
    #[error("the upload is larger than the limit of {limit}; send a smaller file")]
    TooLarge { limit: Bytes },
    #[error("the upload broke off after {}: {fault}; send it again", Bytes(*received))]
    Stream { received: u64, fault: BodyFault },
    #[error("{0}")]
    Invalid(String),
    #[error("{} cannot be used: {format}", path.display())]
    Newer { path: PathBuf, format: NewerFormat },
    #[error("{operation} {}: {source}; check the disk and the folder's rights", path.display())]
    Io { operation: &'static str, path: PathBuf, at_target: bool, source: io::Error },
    #[error("{operation} {}: no progress for {limit}; check the disk", path.display())]
    TimedOut { operation: &'static str, path: PathBuf, at_target: bool, limit: Millis },
    #[error("{operation} {}: the work ended early ({cause}); backend/ in the log folder tells more", path.display())]
    Ended { operation: &'static str, path: PathBuf, cause: String },
}

/// Why an upload's stream ended before its last byte. A source tells it inside an [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// The sender went away, or what it sent is not what it announced.
    #[error("{0}")]
    Broken(String),
    #[error("nothing came for {} s", limit.0 / 1000)]
    Silent { limit: Millis },
    #[error("zkdeck is ending")]
    Ending,
}

impl BodyFault {
    /// What a stream's error says; an error of any other kind is a broken stream.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        own.cloned().unwrap_or_else(|| Self::Broken(error.to_string()))
    }
}

impl From<BodyFault> for io::Error {
    fn from(fault: BodyFault) -> Self {
        Self::other(fault)
    }
}

impl BlobError {
    /// The bytes of `file` at `node` are not those of its record.
    #[must_use]
    pub fn damaged(node: &NodeId, file: FileId, blob: AttemptId, expected: Hash, found: Hash) -> Self {
        Self::Damaged { node: node.clone(), file, blob, expected, found }
    }

    /// Whether the target's disk is at fault: full, read-only, or failing to write. `false` for trouble at
    /// the source, a broken upload, a refused size, or this process being short of something.
    #[must_use]
    pub fn blames_target(&self) -> bool {
        match self {
            Self::NoSpace { .. } | Self::DiskFull { .. } => true,
            Self::Io { at_target, source, .. } => *at_target && !is_our_shortage(source),
            Self::TimedOut { at_target, .. } => *at_target,
            _ => false,
        }
    }

    /// Whether the bytes that were to be read are at fault: a link, no rights, an error of their disk.
    #[must_use]
    pub fn blames_source(&self) -> bool {
        match self {
            Self::Io { at_target: false, source, .. } => !is_our_shortage(source),
            _ => false,
        }
    }

    /// What the failure says of the target's disk; `None` when the disk is not to blame, or has room for a smaller
    /// file.
    #[must_use]
    pub fn target_trouble(&self) -> Option<WriteTrouble> {
        if matches!(self, Self::NoSpace { free, reserve, .. } if free > reserve) {
            return None;
        }
        self.blames_target().then(|| WriteTrouble { full: self.is_no_space(), cause: self.to_string() })
    }

    /// Whether there was no room at the target.
    #[must_use]
    pub const fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. } | Self::DiskFull { .. })
    }

    /// Whether the target may not be written at all.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(Errno::from_io_error(source), Some(Errno::ROFS | Errno::ACCESS | Errno::PERM))
    }

    /// Whether the source has no bytes under the name that its record gives.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// Whether nothing can be said of the source's bytes: their disk is not there.
    #[must_use]
    pub const fn is_not_mounted(&self) -> bool {
        matches!(self, Self::NotMounted { .. })
    }

    /// Whether the bytes read are not those that the record tells.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::WrongSize { .. } | Self::NoFile { .. })
    }

    /// The same error for another of the objects that failed together.
    pub(super) fn again(&self) -> Self {
        let same =
            |error: &io::Error| error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
        match self {
            Self::DiskFull { operation, path, source } => Self::target(operation, path, same(source)),
            Self::Io { operation, path, at_target: true, source } => Self::target(operation, path, same(source)),
            Self::Io { operation, path, at_target: false, source } => Self::source(operation, path, same(source)),
            Self::TimedOut { operation, path, at_target, limit } => {
                Self::TimedOut { operation, path: path.clone(), at_target: *at_target, limit: *limit }
            }
            other => Self::Invalid(other.to_string()),
        }
    }

    /// An error of the disk that is written to.
    pub(super) fn target(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        if is_full(&source) {
            Self::DiskFull { operation, path, source }
        } else {
            Self::Io { operation, path, at_target: true, source }
        }
    }

    /// An error of the disk that is read from.
    pub(super) fn source(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { operation, path: path.to_owned(), at_target: false, source: source.into() }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOSPC | Errno::DQUOT))
}

/// Too many open files or too little memory says nothing about the disk.
fn is_our_shortage(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_target(errno: Errno) -> BlobError {
        BlobError::target("write", Path::new("zk1/x"), errno)
    }

    #[test]
    fn the_disk_is_blamed_for_what_it_did_and_nothing_else() {
        for errno in [Errno::IO, Errno::ROFS, Errno::NOSPC, Errno::DQUOT, Errno::ACCESS] {
            assert!(at_target(errno).blames_target(), "{errno:?}");
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            assert!(!at_target(errno).blames_target(), "{errno:?}");
        }
        assert!(!BlobError::source("read", Path::new("zk1/x"), Errno::IO).blames_target());
        let fault = BodyFault::of(&io::Error::new(io::ErrorKind::ConnectionReset, "reset"));
        assert!(!BlobError::Stream { received: 1, fault }.blames_target());
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        assert!(at_target(Errno::NOSPC).is_no_space());
        assert!(at_target(Errno::DQUOT).is_no_space());
        assert!(!at_target(Errno::IO).is_no_space());
        assert!(!BlobError::source("read", Path::new("zk1/x"), Errno::NOSPC).is_no_space());
    }

    #[test]
    fn a_file_that_is_too_large_says_nothing_of_room_for_a_smaller_one() {
        let no_space = |free, reserve| BlobError::NoSpace {
            node: NodeId::new("zk1").unwrap(),
            needed: Bytes(100),
            free: Bytes(free),
            reserve: Bytes(reserve),
        };
        assert_eq!(no_space(50, 4).target_trouble(), None);
        assert!(no_space(4, 4).target_trouble().is_some_and(|trouble| trouble.full));
        assert!(no_space(50, 4).is_no_space(), "the refusal itself is one of room");
    }

    #[test]
    fn a_message_says_what_where_why_and_what_next() {
        let text = at_target(Errno::IO).to_string();
        assert!(text.starts_with("write zk1/x: ") && text.contains("; check the disk"), "{text}");
    }
}
