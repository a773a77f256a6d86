//! The disks of this machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    CWD, FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags, fallocate, flock, open, renameat_with, statvfs,
    unlink,
};
use rustix::io::Errno;

use super::{Disk, Held, InputFile, NoFile, OutputFile, Print};
use crate::adapters::owner;

#[derive(Debug)]
pub(crate) struct LocalDisk;

#[derive(Debug)]
struct FolderLock {
    file: File,
    path: PathBuf,
}

impl Held for FolderLock {
    fn is_there(&self) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), self.path.symlink_metadata()) else { return false };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }
}

/// Some file systems have no locks; there nothing keeps two ensembles apart.
fn cannot_lock(error: Errno) -> bool {
    matches!(error, Errno::NOLCK | Errno::NOSYS | Errno::NOTSUP | Errno::INVAL)
}

impl OutputFile for File {
    fn allocate(&self, size: u64) -> Result<(), Errno> {
        fallocate(self, FallocateFlags::KEEP_SIZE, 0, size)
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

impl InputFile for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|meta| meta.len())
    }
}

fn no_file(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, NoFile(what))
}

impl Disk for LocalDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path)?;
        owner::follow(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn InputFile>> {
        // Without waiting: a pipe without a writer would be waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| {
            // The very path is a link.
            if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) { no_file("a link") } else { error }
        })?;
        let kind = file.metadata()?.file_type();
        match kind {
            kind if kind.is_file() => Ok(Box::new(file)),
            kind if kind.is_dir() => Err(no_file("a folder")),
            _ => Err(no_file("a pipe, socket or device")),
        }
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        let meta = path.symlink_metadata()?;
        Ok(meta.is_file().then_some(meta.len()))
    }

    fn print(&self, path: &Path) -> io::Result<Print> {
        let meta = path.symlink_metadata()?;
        let changed = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        Ok(Print { file: (meta.dev(), meta.ino()), size: meta.len(), changed })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        owner::make_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn hold(&self, path: &Path, text: &str) -> io::Result<Option<Box<dyn Held>>> {
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).custom_flags(flags).open(path)?;
        owner::follow(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(text.as_bytes())?;
                let lock = FolderLock { file, path: path.to_owned() };
                // Another process took it for left, just before it was held.
                if lock.is_there() { Ok(Some(Box::new(lock))) } else { Err(io::ErrorKind::Interrupted.into()) }
            }
            Err(error) if cannot_lock(error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_held(&self, path: &Path) -> Result<bool, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty())?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            // Whoever comes to hold it now finds that it has no name any more.
            Ok(()) => unlink(path).map(|()| false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) if cannot_lock(error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        let stat = statvfs(folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
