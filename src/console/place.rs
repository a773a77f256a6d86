//! Where the console is used: the files that a person there can name.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;

use crate::domain::ask::{Ask, Unanswered};
use crate::engine::handle::ByteSource;

/// The files of one place. Every refusal is in words that follow the name of what was to be done.
pub trait Place: Send + Sync {
    /// Who is there, for history: `alice`.
    fn user(&self) -> String;

    /// Opens a file whose bytes are to be uploaded.
    ///
    /// # Errors
    /// Why there are no bytes: it is not there, may not be read, is no file.
    fn open(&self, path: String) -> BoxFuture<'static, Result<Opened, String>>;

    /// Begins a file that is not there yet. In a folder it is called `name`, made harmless.
    ///
    /// # Errors
    /// Why there can be no such file.
    fn create(&self, path: String, name: Option<String>) -> BoxFuture<'static, Result<Box<dyn Draft>, String>>;

    /// What could follow a path that was typed in part, within a bounded time.
    ///
    /// # Errors
    /// Why the folder cannot be looked at.
    fn complete(&self, asked: CompletionAsk) -> BoxFuture<'static, Result<Completions, String>>;

    /// Reads or changes kept lines; gives those that are kept after it.
    ///
    /// # Errors
    /// Why they cannot be read or kept; what cannot be read is not written over.
    fn lines(&self, asked: KeptLinesAsk) -> BoxFuture<'static, Result<Vec<String>, String>>;

    /// Writes settings into the file of settings, where what else is there stays as it is; says where that is.
    ///
    /// # Errors
    /// Why they cannot be written; the file is as it was.
    fn save_settings(&self, settings: Vec<SavedSetting>) -> BoxFuture<'static, Result<String, String>>;
}

/// A setting that is to be kept for the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSetting {
    /// Section and key of `zkdeck.toml`.
    pub name: String,
    /// As `zkdeck.toml` writes it.
    pub value: String,
    /// What comes before the file at the next start, when it is given again.
    pub over: Option<String>,
}

/// A file to be read.
pub struct Opened {
    /// Its name without its folder.
    pub name: String,
    /// Bytes that it has now.
    pub size: u64,
    pub bytes: ByteSource,
}

/// A file on its way. It has its name only when it is whole; whoever drops it takes away what was written.
pub trait Draft: AsyncWrite + Send + Unpin {
    /// Gives it its name, and says where it is.
    ///
    /// # Errors
    /// When its bytes are not on the disk, or another file has the name now.
    fn keep(self: Box<Self>) -> BoxFuture<'static, Result<String, String>>;
}

/// A path that was typed in part, as it stands before the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionAsk {
    pub typed: String,
}

impl Ask for CompletionAsk {
    type Answer = Completions;
    type Refusal = Unanswered;
    const NAME: &'static str = "complete the path";
}

/// What could follow it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completions {
    /// What is sure: it is put in behind what was typed.
    pub append: String,
    /// Names among which it is not clear, those of folders with `/` at the end.
    pub names: Vec<String>,
    /// Names beyond these.
    pub more: usize,
    /// The folder holds more than was looked at.
    pub cut: bool,
    /// Nothing begins so.
    pub nothing: bool,
}

/// Lines that a person keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeptLines {
    /// Searches of the logs that were saved.
    Searches,
    /// Searches that were typed, newest first.
    PastSearches,
    /// Commands that were typed, newest first.
    PastCommands,
}

/// What is to be done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineChange {
    Read,
    /// Puts one first; it is there once only.
    Add(String),
    Remove(String),
}

/// Reads or changes kept lines; the answer has those that are kept after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLinesAsk {
    pub of: KeptLines,
    pub change: LineChange,
}

impl Ask for KeptLinesAsk {
    type Answer = Vec<String>;
    type Refusal = Unanswered;
    const NAME: &'static str = "look at the lines kept from before";
}

#[cfg(test)]
pub mod testing {
    //! A place in memory.

    use std::collections::BTreeMap;
    use std::io;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::{Context, Poll};

    use super::*;

    /// Files by path, with their bytes.
    #[derive(Clone, Debug, Default)]
    pub struct Memory {
        files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    }

    impl Memory {
        /// Bytes of the file, when it is there.
        pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
            self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
        }

        /// A file that is there; `false` when there was one.
        pub fn add(&self, path: &str, bytes: &[u8]) -> bool {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = !files.contains_key(path);
            files.entry(path.to_owned()).or_insert_with(|| bytes.to_owned());
            is_new
        }
    }

    impl Place for Memory {
        fn user(&self) -> String {
            "root".into()
        }

        fn open(&self, path: String) -> BoxFuture<'static, Result<Opened, String>> {
            let opened = self.bytes(&path).ok_or_else(|| "it is not there".to_owned());
            let opened = opened.map(|bytes| Opened {
                name: path,
                size: bytes.len() as u64,
                bytes: Box::pin(io::Cursor::new(bytes)),
            });
            Box::pin(std::future::ready(opened))
        }

        fn create(&self, path: String, _: Option<String>) -> BoxFuture<'static, Result<Box<dyn Draft>, String>> {
            let draft: Result<Box<dyn Draft>, _> = match self.bytes(&path) {
                Some(_) => Err("it exists; give another path".to_owned()),
                None => Ok(Box::new(InMemory { place: self.clone(), path, bytes: Vec::new() })),
            };
            Box::pin(std::future::ready(draft))
        }

        fn complete(&self, asked: CompletionAsk) -> BoxFuture<'static, Result<Completions, String>> {
            let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let names: Vec<String> = files.keys().filter(|path| path.starts_with(&asked.typed)).cloned().collect();
            let append = match &names[..] {
                [one] => one[asked.typed.len()..].to_owned(),
                _ => String::new(),
            };
            Box::pin(std::future::ready(Ok(Completions { append, names, ..Completions::default() })))
        }

        fn lines(&self, _: KeptLinesAsk) -> BoxFuture<'static, Result<Vec<String>, String>> {
            Box::pin(std::future::ready(Ok(Vec::new())))
        }

        fn save_settings(&self, settings: Vec<SavedSetting>) -> BoxFuture<'static, Result<String, String>> {
            let lines: String = settings.iter().map(|one| format!("{} = {}\n", one.name, one.value)).collect();
            let kept =
                if self.add("zkdeck.toml", lines.as_bytes()) { Ok("zkdeck.toml".into()) } else { Err("taken".into()) };
            Box::pin(std::future::ready(kept))
        }
    }

    struct InMemory {
        place: Memory,
        path: String,
        bytes: Vec<u8>,
    }

    impl Draft for InMemory {
        fn keep(self: Box<Self>) -> BoxFuture<'static, Result<String, String>> {
            let kept =
                if self.place.add(&self.path, &self.bytes) { Ok(self.path) } else { Err("it exists".to_owned()) };
            Box::pin(std::future::ready(kept))
        }
    }

    impl AsyncWrite for InMemory {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.bytes.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
