//! The few operations on files that the store is made of. Nothing else here touches a disk, so a
//! simulated one shows what a loss of power or a failing disk makes of the store.

#[cfg(test)]
pub(crate) mod fake;
mod local;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

pub(crate) use self::local::LocalDisk;

/// A file being written.
pub(crate) trait OutputFile: io::Write + fmt::Debug + Send {
    /// Reserves blocks for `size` bytes. Not every file system can.
    fn allocate(&self, size: u64) -> Result<(), Errno>;
    /// Gives back what was reserved beyond `size` bytes.
    fn cut(&self, size: u64) -> io::Result<()>;
    /// Makes the bytes survive a loss of power.
    fn sync(&self) -> io::Result<()>;
}

/// A file being read.
pub(crate) trait InputFile: io::Read + Send {
    fn size(&self) -> io::Result<u64>;
}

/// What lies at a path is no file; the source of an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is {0} and no file")]
pub(crate) struct NoFile(pub(crate) &'static str);

impl NoFile {
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }
}

/// A file that this process holds until this is dropped, or the process ends in whatever way.
pub(crate) trait Held: fmt::Debug + Send + Sync {
    /// Whether the file has its name still.
    fn is_there(&self) -> bool;
}

/// By which it is seen that a file was changed or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Which file it is.
    pub(crate) file: (u64, u64),
    pub(crate) size: u64,
    /// When it was changed last, as the disk counts.
    pub(crate) changed: [i64; 4],
}

/// Where the work on a disk is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It blocks, so on a thread of its own.
    Blocking,
    /// It does not block, so at once, after this time.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a simulated disk does not block"))]
    Simulated(Duration),
}

/// A disk, or several below one root.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    fn pace(&self) -> Pace {
        Pace::Blocking
    }
    /// Makes a file that was not there, through no link; it belongs to its folder's owner.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>>;
    /// Opens a file, through no link.
    fn open(&self, path: &Path) -> io::Result<Box<dyn InputFile>>;
    /// Gives a file another name, never over another file.
    fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Size of a file; `None` for anything else, an error for nothing.
    fn size(&self, path: &Path) -> io::Result<Option<u64>>;
    /// See [`Print`]; of a link itself, not of what it leads to.
    fn print(&self, path: &Path) -> io::Result<Print>;
    /// The names in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// Makes a folder and its parents, as far as they are missing.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a loss of power.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a file with this text, and holds it; `None` where files cannot be held.
    fn hold(&self, path: &Path, text: &str) -> io::Result<Option<Box<dyn Held>>>;
    /// Whether a living process holds a file. One that nobody holds is removed.
    fn is_held(&self, path: &Path) -> Result<bool, Errno>;
    /// Bytes that may still be written to the folder's disk.
    fn free(&self, folder: &Path) -> io::Result<u64>;
}
