//! The access token: never printed, never compared byte by byte.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::domain::shell;

/// A token that clients send as `Authorization: Bearer <token>`.
#[derive(Clone)]
pub struct Secret(String);

/// Which rule a token breaks; the token itself is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    #[error("a token needs at least {} characters; make one by: openssl rand -hex 32", Secret::LEN_MIN)]
    TooShort,
    #[error("a token may hold visible ASCII characters only, because it travels in a header")]
    NotVisible,
}

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("the token file {path} cannot be read: {source}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the token file {path} can be read by others; type: chmod 600 {}", shell::path(path), path = path.display())]
    Open { path: PathBuf },
    #[error("the token file {path}: {source}", path = path.display())]
    Invalid { path: PathBuf, source: InvalidSecret },
}

impl Secret {
    /// Reads the token from a file that only its owner may read.
    ///
    /// # Errors
    /// [`TokenFileError`].
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let failed = |source| TokenFileError::Read { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(TokenFileError::Open { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::new(&text).map_err(|source| TokenFileError::Invalid { path: path.to_owned(), source })
    }

    /// Shortest token, in characters.
    pub const LEN_MIN: usize = 16;

    /// Takes the text of a setting or a file; white space around it is cut off.
    ///
    /// # Errors
    /// [`InvalidSecret`], the rule that it breaks.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            Err(InvalidSecret::NotVisible)
        } else if text.len() < Self::LEN_MIN {
            Err(InvalidSecret::TooShort)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Whether the given text is the token. Compares hashes, which takes the same time for every text
    /// of one length and tells nothing of where they differ.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        blake3::hash(given) == blake3::hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "0123456789abcdef\n").unwrap();
        let allow = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601] {
            allow(mode);
            assert!(matches!(Secret::read(&path), Err(TokenFileError::Open { .. })), "{mode:o}");
        }
        allow(0o600);
        assert!(Secret::read(&path).unwrap().is(b"0123456789abcdef"));
    }

    #[test]
    fn a_token_is_neither_short_nor_printed() {
        assert_eq!(Secret::new("").err(), Some(InvalidSecret::TooShort));
        assert_eq!(Secret::new("0123456789abcde\n").err(), Some(InvalidSecret::TooShort));
        assert_eq!(Secret::new("0123456789 abcdef").err(), Some(InvalidSecret::NotVisible));
        let secret = Secret::new(" 0123456789abcdef\n").unwrap();
        assert!(secret.is(b"0123456789abcdef"));
        for other in [&b""[..], b"0123456789abcdeF", b"0123456789abcde", b" 0123456789abcdef\n"] {
            assert!(!secret.is(other));
        }
        assert!(!format!("{secret:?}").contains("0123"));
    }
}
