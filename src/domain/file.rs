//! The record of a file: one znode, and so one owner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::{AttemptId, Bytes, FileId, NodeId, Timestamp};

/// Layout version of [`FileRecord`] that this program writes.
pub const RECORD_VERSION: u8 = 1;

/// The BLAKE3 hash of a file's bytes, written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

/// All of it; its first digits with a precision, as in `{hash:.12}`.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHash;

impl fmt::Display for InvalidHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a BLAKE3 hash is written as 64 hex digits")
    }
}

impl std::error::Error for InvalidHash {}

impl FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        blake3::Hash::from_hex(text).map(|hash| Self(hash.into())).map_err(|_| InvalidHash)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What `/demo/files/<bucket>/<file_id>` holds, as JSON under 600 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Layout version, [`RECORD_VERSION`].
    pub v: u8,
    /// The name that people see; metadata only, never a path.
    pub name: String,
    /// The node whose folder holds the bytes.
    pub owner: NodeId,
    /// The attempt that wrote the bytes; with the file's id it names them on disk.
    pub blob: AttemptId,
    pub size: Bytes,
    pub blake3: Hash,
    /// Grows by one at each move; 1 when uploaded.
    #[serde(rename = "gen")]
    pub generation: u32,
    pub created_ms: Timestamp,
    pub updated_ms: Timestamp,
}

impl FileRecord {
    /// The record of a file that has just come in: its bytes are `blob`'s, at `owner`.
    #[must_use]
    pub const fn first(
        name: String,
        owner: NodeId,
        blob: AttemptId,
        (size, blake3): (Bytes, Hash),
        at: Timestamp,
    ) -> Self {
        Self { v: RECORD_VERSION, name, owner, blob, size, blake3, generation: 1, created_ms: at, updated_ms: at }
    }

    /// How often the file has been moved.
    #[must_use]
    pub const fn moves(&self) -> u32 {
        self.generation.saturating_sub(1)
    }

    /// The record after a move to `dst`, whose bytes `blob` wrote.
    #[must_use]
    pub fn moved(&self, dst: NodeId, blob: AttemptId, at: Timestamp) -> Self {
        Self { owner: dst, blob, generation: self.generation + 1, updated_ms: at, ..self.clone() }
    }
}

/// Name of a file's bytes in its node's folder: `<file_id>.<attempt>`.
#[must_use]
pub fn blob_name(file: FileId, attempt: AttemptId) -> String {
    format!("{file}.{attempt}")
}

/// Reads a name made by [`blob_name`]; anything else is not ours.
#[must_use]
pub fn parse_blob_name(name: &str) -> Option<(FileId, AttemptId)> {
    let (file, attempt) = name.split_once('.')?;
    if file.len() != 36 || attempt.len() != 36 {
        return None;
    }
    Some((file.parse().ok()?, attempt.parse().ok()?))
}

/// A file as the program knows it: its id, its record, and the version under which that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub id: FileId,
    /// znode version of the record: the one a commit must name.
    pub version: i32,
    #[serde(flatten)]
    pub record: FileRecord,
}

/// Longest name of a file, in bytes.
pub const NAME_LEN_MAX: usize = 255;

/// Which rule a file's name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvalidName {
    Empty,
    TooLong,
    Control,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty: give 1 to 255 bytes",
            Self::TooLong => "is longer than 255 bytes",
            Self::Control => "holds a control character",
        })
    }
}

/// Checks a file's name: metadata only, so anything goes but emptiness, length and controls.
///
/// # Errors
/// [`InvalidName`], the first rule that is broken.
pub fn check_name(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        Err(InvalidName::Empty)
    } else if name.len() > NAME_LEN_MAX {
        Err(InvalidName::TooLong)
    } else if name.chars().any(char::is_control) {
        Err(InvalidName::Control)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_names_read_back_and_strangers_do_not() {
        let (file, attempt) = (FileId::new(1), AttemptId::new(2));
        assert_eq!(parse_blob_name(&blob_name(file, attempt)), Some((file, attempt)));
        for stranger in
            ["", ".", "a.b", ".store-id", "00000000000000000000000000000001.00000000000000000000000000000002"]
        {
            assert_eq!(parse_blob_name(stranger), None, "{stranger:?}");
        }
    }

    #[test]
    fn names_are_metadata_with_few_rules() {
        for good in ["a", "../etc/passwd", "naïve 文.txt", &"x".repeat(255)] {
            assert_eq!(check_name(good), Ok(()));
        }
        assert_eq!(check_name(""), Err(InvalidName::Empty));
        assert_eq!(check_name(&"x".repeat(256)), Err(InvalidName::TooLong));
        assert_eq!(check_name("a\u{1b}]52;c;x\u{7}"), Err(InvalidName::Control));
    }

    #[test]
    fn hashes_read_back() {
        let hash = Hash([0xab; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
        assert_eq!(format!("{hash:.12}"), "abababababab");
        for bad in ["zz", "é", "+f"] {
            assert_eq!(bad.repeat(32).parse::<Hash>(), Err(InvalidHash), "{bad}");
        }
        assert_eq!("ab".repeat(33).parse::<Hash>(), Err(InvalidHash));
    }
}
