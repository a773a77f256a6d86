//! The files below the log folder and what is remembered of them.
//!
//! A file is told by device and inode, so that it stays the same one when it is renamed. One that
//! shrank, or whose beginning changed, is another file that took its place.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::error::LogsError;
use super::super::record::LineKind;
use super::block::{self, BLOCK, Block, EVENT_MAX};
use super::tally::Tallies;
use super::unpack;
use crate::domain::log::{Dataset, read_stamp};

/// Bytes at the beginning that tell whether a file is still the same one.
const FINGERPRINT: usize = 256;
/// Read to see what kind of file it is.
const BEGINNING: usize = 64 * 1024;
/// Read at once when looking for the beginning of an event; at first, and when it is not near.
const WINDOW_FIRST: usize = 1024;
const WINDOW: usize = 8 * 1024;
/// Bytes of a line that show whether it begins an event.
const LINE_SHOWN: usize = 256;
/// Files that are searched, newest first.
const FILES_MAX: usize = 1000;

/// What hits of one file share.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileFacts {
    pub(super) key: String,
    /// Orders events of the same time.
    pub(super) rank: u64,
    /// Relative to the log folder.
    pub(super) name: String,
    pub(super) node: String,
    pub(super) dataset: Dataset,
    pub(super) kind: LineKind,
    pub(super) packed: bool,
}

/// One log file.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) facts: Arc<FileFacts>,
    /// Stays open: what was rotated away can be read to its end.
    pub(super) file: Arc<File>,
    pub(super) size: u64,
    /// When it was last written, in milliseconds.
    pub(super) written: u64,
    beginning: Vec<u8>,
    /// Size and time on the disk, as last seen.
    seen: (u64, i64, i64),
    pub(super) blocks: Vec<Block>,
    /// Bytes that `blocks` cover.
    covered: u64,
}

/// All of them. Behind a lock that is held for moments only: no block is searched under it.
#[derive(Debug, Default)]
pub(super) struct LogFiles {
    pub(super) entries: HashMap<(u64, u64), LogFile>,
    /// Folders of `logs/`.
    pub(super) nodes: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) tallies: Tallies,
    /// Files that took the place of others.
    generation: u64,
}

/// Whatever happened to who held it last.
pub(super) fn locked(store: &Mutex<LogFiles>) -> MutexGuard<'_, LogFiles> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogFiles {
    /// Looks at the folder: new, grown, renamed, replaced and gone files.
    pub(super) fn refresh(&mut self, folder: &Path) -> Result<(), LogsError> {
        let failed = |source| LogsError::Folder { folder: folder.to_owned(), source };
        (self.notes, self.nodes) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if !path.is_dir() {
                continue;
            }
            let node = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match log_files(&path) {
                Ok(files) => found.extend(files.into_iter().map(|(path, meta)| (path, node.clone(), meta))),
                Err(error) => self.notes.push(format!("cannot list {}: {error}", path.display())),
            }
            self.nodes.push(node);
        }
        self.nodes.sort();
        found.sort_by_key(|(_, _, meta)| std::cmp::Reverse((meta.mtime(), meta.mtime_nsec())));
        if found.len() > FILES_MAX {
            self.notes.push(format!("only the newest {FILES_MAX} of {} files are searched", found.len()));
            found.truncate(FILES_MAX);
        }
        let there: HashSet<(u64, u64)> = found.iter().map(|(_, _, meta)| (meta.dev(), meta.ino())).collect();
        self.entries.retain(|identity, _| there.contains(identity));
        for (path, node, meta) in found {
            if let Err(error) = self.update(folder, &path, &node, &meta) {
                self.notes.push(format!("cannot read {}: {error}", path.display()));
            }
        }
        let keys: HashSet<&str> = self.entries.values().map(|entry| entry.facts.key.as_str()).collect();
        self.tallies.retain(&keys);
        Ok(())
    }

    fn update(&mut self, folder: &Path, path: &Path, node: &str, meta: &Metadata) -> std::io::Result<()> {
        let identity = (meta.dev(), meta.ino());
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        let seen = (meta.size(), meta.mtime(), meta.mtime_nsec());
        if let Some(entry) = self.entries.get_mut(&identity) {
            if entry.seen == seen || entry.still(meta.size())? {
                if entry.facts.name != name {
                    let old = &entry.facts;
                    entry.facts = Arc::new(FileFacts { name, key: old.key.clone(), node: node.to_owned(), ..**old });
                }
                if !entry.facts.packed {
                    entry.size = meta.size();
                    entry.written = written(meta);
                }
                entry.seen = seen;
                return Ok(());
            }
            self.entries.remove(&identity);
            self.generation += 1;
        }
        let entry = self.open(path, name, node, meta)?;
        self.entries.insert(identity, entry);
        Ok(())
    }

    fn open(&self, path: &Path, name: String, node: &str, meta: &Metadata) -> std::io::Result<LogFile> {
        let packed = name.ends_with(".gz");
        let (file, size) = if packed { unpack::unpack(path)? } else { (File::open(path)?, meta.size()) };
        let mut beginning = vec![0; BEGINNING];
        let len = read_some(&file, &mut beginning, 0)?;
        beginning.truncate(len);
        let kind = LineKind::of(&beginning);
        beginning.truncate(FINGERPRINT);
        let key = format!("{:x}-{:x}-{}", meta.dev(), meta.ino(), self.generation);
        let rank = key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let dataset = dataset(node, &name, kind);
        let facts = FileFacts { key, rank, name, node: node.to_owned(), dataset, kind, packed };
        Ok(LogFile {
            facts: Arc::new(facts),
            file: Arc::new(file),
            size,
            written: written(meta),
            beginning,
            seen: (meta.size(), meta.mtime(), meta.mtime_nsec()),
            blocks: Vec::new(),
            covered: 0,
        })
    }
}

impl LogFile {
    /// Whether the file only grew since it was last seen.
    fn still(&self, size: u64) -> std::io::Result<bool> {
        if self.facts.packed || size < self.size || (self.beginning.is_empty() && size > 0) {
            return Ok(false);
        }
        let mut beginning = vec![0; self.beginning.len()];
        let len = read_some(&self.file, &mut beginning, 0)?;
        Ok(beginning[..len] == self.beginning)
    }

    /// Cuts what is new into blocks. The last block is made anew while the file grows.
    pub(super) fn cover(&mut self) -> std::io::Result<()> {
        if self.covered == self.size {
            return Ok(());
        }
        self.blocks.pop();
        let mut start = self.blocks.last().map_or(0, |block| block.offset + block.len);
        let mut first = self.time_at(start)?;
        while start < self.size {
            let (next, next_first) = self.boundary(start + BLOCK)?;
            let block = Block { offset: start, len: next - start, first, last: next_first, facts: None };
            self.blocks.push(block);
            (start, first) = (next, if next_first == u64::MAX { first } else { next_first });
        }
        self.covered = self.size;
        // The last block is looked at right away: its end is not known otherwise, and it is made anew
        // with every line that is written.
        if let Some(block) = self.blocks.last_mut() {
            let mut bytes = vec![0; usize::try_from(block.len).unwrap_or(0)];
            let len = read_some(&self.file, &mut bytes, block.offset)?;
            let facts = block::BlockFacts::outline(self.facts.kind, &bytes[..len], block.first);
            (block.last, block.facts) = (facts.last, Some(Box::new(facts)));
        }
        Ok(())
    }

    /// Whether block `at` will not change any more.
    pub(super) fn sealed(&self, at: usize) -> bool {
        self.facts.packed || at + 1 < self.blocks.len()
    }

    /// The first event that begins at or behind `from`, and its time; the end of the file for none.
    fn boundary(&self, from: u64) -> std::io::Result<(u64, u64)> {
        let mut window = vec![0; WINDOW_FIRST];
        // The line before tells where the first one begins.
        let mut at = from - 1;
        while at < self.size {
            let len = read_some(&self.file, &mut window, at)?;
            let bytes = &window[..len];
            let ends = at + len as u64 >= self.size || len == 0;
            let mut line = 0;
            while let Some(end) = memchr::memchr(b'\n', &bytes[line..]) {
                line += end + 1;
                if !ends && bytes.len() - line < LINE_SHOWN {
                    break;
                }
                if line < bytes.len() && self.facts.kind.begins(&bytes[line..]) {
                    return Ok((at + line as u64, self.time_of(&bytes[line..])));
                }
            }
            if ends {
                break;
            }
            at += (len - LINE_SHOWN.min(len - 1)) as u64;
            window.resize(WINDOW, 0);
            if at > from + EVENT_MAX {
                return Ok((at, self.time_of(&[])));
            }
        }
        Ok((self.size, u64::MAX))
    }

    fn time_at(&self, at: u64) -> std::io::Result<u64> {
        let mut beginning = vec![0; WINDOW];
        let len = read_some(&self.file, &mut beginning, at)?;
        let mut lines = beginning[..len].split_inclusive(|b| *b == b'\n');
        let line = lines.find(|line| self.facts.kind.begins(line)).unwrap_or_default();
        Ok(self.time_of(line))
    }

    /// The time that a line tells; when it tells none, the last time that the file was written.
    fn time_of(&self, line: &[u8]) -> u64 {
        let stamp = match self.facts.kind {
            LineKind::Dated => Some(line),
            LineKind::Plain => None,
            LineKind::Json => {
                let name = b"timestamp\":\"";
                memchr::memmem::find(&line[..line.len().min(4096)], name).map(|at| &line[at + name.len()..])
            }
        };
        stamp.and_then(read_stamp).map_or(self.written, |(time, _)| time.0)
    }
}

fn dataset(node: &str, name: &str, kind: LineKind) -> Dataset {
    let file = name.rsplit('/').next().unwrap_or(name);
    match (node, kind) {
        ("backend", _) if file.starts_with("operations") => Dataset::Operations,
        ("backend", _) => Dataset::Backend,
        (_, LineKind::Json) => Dataset::Docker,
        _ => Dataset::Zookeeper,
    }
}

fn written(meta: &Metadata) -> u64 {
    u64::try_from(meta.mtime()).unwrap_or(0) * 1000 + u64::try_from(meta.mtime_nsec()).unwrap_or(0) / 1_000_000
}

fn log_files(folder: &Path) -> std::io::Result<Vec<(PathBuf, Metadata)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let log = [".log", ".ndjson", ".out"].iter().any(|ending| name.contains(ending));
        // A file that was rotated away just now is no problem.
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        if log && meta.is_file() && meta.size() > 0 {
            files.push((path, meta));
        }
    }
    Ok(files)
}

/// Fills `buffer` from `offset` as far as the file goes.
pub(super) fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
