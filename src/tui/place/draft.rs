//! A file on this machine that has its name only when it is whole: its bytes go to a hidden one beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::console::place::Draft;

/// Bytes of the target's name that the hidden one repeats: with the rest it stays a name.
const NAME_PART: usize = 200;
/// Hidden names that are tried, where others are there already.
const TRIES: usize = 100;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What may be under the name when the file gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing: a file that is there stays.
    New,
    /// What was there before goes.
    Replacing,
}

/// A new file on its way, see [`Draft`].
#[derive(Debug)]
pub(super) struct HostDraft {
    // Closed before its name goes.
    file: File,
    hidden: HiddenFile,
}

impl HostDraft {
    /// An empty one, which will be called `target`.
    pub(super) async fn begin(target: PathBuf) -> Result<Self, String> {
        blocking(move || {
            let (hidden, file) = HiddenFile::open(target, Keep::New)?;
            Ok(Self { file: File::from_std(file), hidden })
        })
        .await
    }
}

impl Draft for HostDraft {
    /// A disk that is full may say so only at the flush.
    fn keep(self: Box<Self>) -> BoxFuture<'static, Result<String, String>> {
        Box::pin(async move {
            let Self { mut file, hidden } = *self;
            settle(&mut file).await?;
            drop(file);
            let path = blocking(move || hidden.name(Keep::New)).await?;
            Ok(std::path::absolute(&path).unwrap_or(path).display().to_string())
        })
    }
}

impl AsyncWrite for HostDraft {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.file).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(context)
    }
}

/// The name that a file has until it is whole; whoever drops it takes away what was written.
#[derive(Debug)]
pub(super) struct HiddenFile {
    target: PathBuf,
    hidden: Option<PathBuf>,
}

impl HiddenFile {
    /// An empty one, with the file to write to.
    pub(super) fn open(target: PathBuf, keep: Keep) -> Result<(Self, std::fs::File), String> {
        if keep == Keep::New && target.symlink_metadata().is_ok() {
            return Err(exists(&target));
        }
        for _ in 0..TRIES {
            let hidden = hidden(&target)?;
            match std::fs::File::options().write(true).create_new(true).open(&hidden) {
                Ok(file) => return Ok((Self { target, hidden: Some(hidden) }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("too many files named {}.*.part beside it: delete them", target.display()))
    }

    /// The file under its name.
    pub(super) fn name(mut self, keep: Keep) -> Result<PathBuf, String> {
        let Some(hidden) = &self.hidden else { return Err("it has its name already".into()) };
        let named = match keep {
            Keep::New => rename_new(hidden, &self.target),
            Keep::Replacing => std::fs::rename(hidden, &self.target),
        };
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(&self.target),
            _ => error.to_string(),
        })?;
        self.hidden = None;
        Ok(std::mem::take(&mut self.target))
    }
}

impl Drop for HiddenFile {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            // What is left has its target's name in its own.
            _ = std::fs::remove_file(hidden);
        }
    }
}

fn exists(target: &Path) -> String {
    format!("{} exists; give another path", target.display())
}

/// `.NAME.4711-0.part`
fn hidden(target: &Path) -> Result<PathBuf, String> {
    let name = target.file_name().ok_or("give the path of a file")?.to_string_lossy();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut hidden = OsString::from(".");
    hidden.push(&name[..name.floor_char_boundary(NAME_PART)]);
    hidden.push(format!(".{}-{number}.part", std::process::id()));
    Ok(target.with_file_name(hidden))
}

/// Nothing is replaced, also where the disk cannot promise it by itself.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if to.symlink_metadata().is_ok() => {
            Err(Errno::EXIST.into())
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => std::fs::rename(from, to),
        other => Ok(other?),
    }
}

/// All bytes on the disk. A write is handed to a thread: its error shows at the next one or here, and a
/// sync alone does not tell it.
async fn settle(file: &mut File) -> Result<(), String> {
    let settled = async {
        file.flush().await?;
        file.sync_all().await
    };
    settled.await.map_err(|error: io::Error| error.to_string())
}

/// What is made by then goes with the answer when nobody waits for it any more.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("folder");
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[tokio::test]
    async fn a_full_disk_is_told_although_the_last_write_was_taken() {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("device");
        let mut file = File::from_std(full);
        file.write_all(b"bytes").await.expect("taken");
        let told = settle(&mut file).await.expect_err("full");
        assert!(told.contains("No space left"), "{told}");
    }

    #[tokio::test]
    async fn a_file_has_its_name_when_it_is_whole_and_never_anothers() {
        let folder = tempfile::tempdir().expect("temp");
        let target = folder.path().join("x".repeat(255));
        let mut draft = HostDraft::begin(target.clone()).await.expect("begun");
        draft.write_all(b"bytes").await.expect("written");
        assert!(!target.exists() && names(folder.path())[0].starts_with(".x"), "{:?}", names(folder.path()));
        std::fs::write(&target, b"another's").expect("written");
        let told = Box::new(draft).keep().await.expect_err("there");
        assert!(told.contains("exists; give another path"), "{told}");
        assert_eq!((names(folder.path()).len(), std::fs::read(&target).expect("kept")), (1, b"another's".to_vec()));
        let (hidden, _) = HiddenFile::open(target.clone(), Keep::Replacing).expect("begun");
        assert_eq!(hidden.name(Keep::Replacing), Ok(target.clone()));
        assert_eq!((names(folder.path()).len(), std::fs::read(&target).expect("kept")), (1, Vec::new()));
    }

    #[tokio::test]
    async fn what_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temp");
        let mut draft = HostDraft::begin(folder.path().join("a")).await.expect("begun");
        draft.write_all(b"bytes").await.expect("written");
        assert_eq!(names(folder.path()).len(), 1);
        drop(draft);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
