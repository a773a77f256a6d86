//! A disk with faults around it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::orders::{Orders, point};
use crate::adapters::blobs::disk::{Disk, Held, InputFile, OutputFile, Pace, Print};
use crate::adapters::blobs::{DRAFTS, TRASH};
use crate::domain::file::parse_blob_name;
use crate::domain::ids::AttemptId;
use crate::domain::migration::Step;

/// With one of these broken nothing comes back from trash or quarantine: a rule that is broken on purpose shows by
/// what it loses.
const LOSING: &[&str] = &["remove-before-commit", "unknown-is-refused", "ignore-write-errors", "writes-lie"];

#[derive(Debug)]
pub(super) struct FaultyDisk {
    disk: Arc<dyn Disk>,
    orders: Arc<Orders>,
    quarantine: PathBuf,
    /// Points that are reached once a folder's names are durable.
    pending: Mutex<Vec<(PathBuf, String)>>,
}

/// What a path stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Draft(AttemptId),
    Blob(AttemptId),
    Trash,
    Quarantine,
    Other,
}

impl FaultyDisk {
    pub(super) const fn new(disk: Arc<dyn Disk>, orders: Arc<Orders>, quarantine: PathBuf) -> Self {
        Self { disk, orders, quarantine, pending: Mutex::new(Vec::new()) }
    }

    fn what(&self, path: &Path) -> What {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.starts_with(&self.quarantine) {
            return What::Quarantine;
        }
        match path.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()) {
            Some(TRASH) => What::Trash,
            Some(DRAFTS) => name.parse().map_or(What::Other, What::Draft),
            _ => parse_blob_name(name).map_or(What::Other, |(_, blob)| What::Blob(blob)),
        }
    }

    /// `point` is reached once the names in the folder of `path` are durable.
    fn durable(&self, path: &Path, point: String) {
        let folder = path.parent().unwrap_or(path).to_owned();
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push((folder, point));
    }

    fn rename_twice(&self, from: &Path, to: &Path, point: &str) -> Result<(), Errno> {
        let renamed = self.disk.rename_new(from, to);
        if self.orders.twice(point) { self.disk.rename_new(from, to) } else { renamed }
    }

    fn publish(&self, from: &Path, to: &Path, point: String) -> Result<(), Errno> {
        match self.rename_twice(from, to, &point) {
            Err(error @ (Errno::NOENT | Errno::EXIST)) => Err(error),
            Err(error) if !self.orders.broken("ignore-publish-errors") => Err(error),
            Err(_) => Ok(()),
            Ok(()) => {
                self.orders.at("publish.renamed");
                self.durable(from, point);
                Ok(())
            }
        }
    }

    fn collect(&self, from: &Path, to: &Path, point: String) -> Result<(), Errno> {
        match self.rename_twice(from, to, &point) {
            Err(Errno::NOENT) => Err(Errno::NOENT),
            Err(error) if !self.orders.broken("trash-errors-ignored") => Err(error),
            Err(_) => Ok(()),
            Ok(()) => {
                self.durable(from, point);
                Ok(())
            }
        }
    }

    fn set_aside(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        if self.orders.broken("delete-strays") {
            return self.disk.remove(from).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
        self.disk.rename_new(from, to)?;
        self.orders.at("scrub.quarantined");
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn pace(&self) -> Pace {
        self.disk.pace()
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let output = self.disk.create_new(path)?;
        let What::Draft(attempt) = self.what(path) else { return Ok(output) };
        let point = point(self.orders.who(attempt), Step::Copy);
        Ok(Box::new(FaultyOutput { output, orders: Arc::clone(&self.orders), point }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn InputFile>> {
        self.disk.open(path)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        match (self.what(from), self.what(to)) {
            (What::Draft(attempt), What::Blob(_)) => {
                self.publish(from, to, point(self.orders.who(attempt), Step::Publish))
            }
            (What::Blob(blob), What::Trash) => {
                self.collect(from, to, point(self.orders.who_replaces(blob), Step::Collect))
            }
            (What::Blob(_) | What::Draft(_), What::Quarantine) => self.set_aside(from, to),
            _ => self.disk.rename_new(from, to),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)?;
        if let What::Draft(attempt) | What::Blob(attempt) = self.what(path) {
            self.durable(path, format!("{}.discard", self.orders.who(attempt)));
        }
        Ok(())
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        self.disk.size(path)
    }

    fn print(&self, path: &Path) -> io::Result<Print> {
        self.disk.print(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let aside = folder.ends_with(TRASH) || folder.starts_with(&self.quarantine);
        if aside && LOSING.iter().any(|rule| self.orders.broken(rule)) {
            return Ok(Vec::new());
        }
        self.disk.names(folder)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.make_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if !self.orders.broken("no-fsync") {
            self.disk.sync_folder(path)?;
        }
        let reached: Vec<_> = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.extract_if(.., |(folder, _)| folder == path).collect()
        };
        reached.iter().for_each(|(_, point)| self.orders.at(point));
        Ok(())
    }

    fn hold(&self, path: &Path, text: &str) -> io::Result<Option<Box<dyn Held>>> {
        self.disk.hold(path, text)
    }

    fn is_held(&self, path: &Path) -> Result<bool, Errno> {
        if self.orders.broken("ignore-store") { Ok(false) } else { self.disk.is_held(path) }
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        let free = self.disk.free(folder)?;
        Ok(if self.orders.broken("ignore-write-errors") { u64::MAX } else { free })
    }
}

/// A draft.
#[derive(Debug)]
struct FaultyOutput {
    output: Box<dyn OutputFile>,
    orders: Arc<Orders>,
    /// Reached once the bytes are durable.
    point: String,
}

impl io::Write for FaultyOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lie = self.orders.broken("writes-lie").then(|| bytes.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>());
        let written = match self.output.write(lie.as_deref().unwrap_or(bytes)) {
            Err(_) if self.orders.broken("ignore-write-errors") => Ok(bytes.len()),
            written => written,
        };
        self.orders.at("draft.written");
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl OutputFile for FaultyOutput {
    fn allocate(&self, size: u64) -> Result<(), Errno> {
        self.output.allocate(size)
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.output.cut(size)
    }

    fn sync(&self) -> io::Result<()> {
        if !self.orders.broken("no-fsync") {
            self.output.sync()?;
        }
        self.orders.at(&self.point);
        Ok(())
    }
}
