//! Finds log files and reads them from their end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::LogsError;
use super::parse;
use crate::domain::log::LogLine;

/// Bytes read at a time.
const BLOCK: u64 = 256 * 1024;
/// A longer line is cut here.
const LINE_MAX: usize = 1024 * 1024;
/// Continuation lines that stay with their event.
const MORE_MAX: usize = 500;

/// A sub-folder of `logs/` and its files, newest first.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) files: Vec<PathBuf>,
}

/// What the end of one file held.
#[derive(Default)]
pub(super) struct Tail {
    /// Newest first.
    pub(super) lines: Vec<LogLine>,
    pub(super) bytes: u64,
    /// Whether the search ended before the file's beginning.
    pub(super) cut: bool,
}

/// Every source, by name.
pub(super) fn sources(folder: &Path) -> Result<Vec<Source>, LogsError> {
    let failed = |source| LogsError::Folder { folder: folder.to_owned(), source };
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let (true, Some(name)) = (path.is_dir(), path.file_name()) {
            let files = log_files(&path).unwrap_or_default();
            sources.push(Source { name: name.to_string_lossy().into_owned(), files });
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn log_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let log = [".log", ".ndjson", ".out"].iter().any(|ending| name.contains(ending)) && !name.ends_with(".gz");
        let about = entry.metadata()?;
        if log && about.is_file() {
            files.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// The newest events of a file that `keep` takes: at most `limit`, from at most `bytes_max` bytes.
pub(super) fn newest(
    path: &Path,
    source: &str,
    limit: usize,
    bytes_max: u64,
    keep: impl Fn(&LogLine) -> bool,
) -> std::io::Result<Tail> {
    let mut file = File::open(path)?;
    let mut at = file.metadata()?.len();
    let mut tail = Tail::default();
    let mut more: Vec<String> = Vec::new();
    // The beginning of the block after, whose first line may begin in this one.
    let mut rest: Vec<u8> = Vec::new();
    while at > 0 && tail.lines.len() < limit {
        if tail.bytes >= bytes_max {
            break;
        }
        let size = BLOCK.min(at);
        at -= size;
        let mut block = vec![0; usize::try_from(size).unwrap_or(0)];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut block)?;
        tail.bytes += size;
        block.append(&mut rest);
        let whole = if at == 0 { 0 } else { block.iter().position(|b| *b == b'\n').map_or(block.len(), |i| i + 1) };
        for line in block[whole..].rsplit(|b| *b == b'\n') {
            take(line, source, &mut more, &mut tail, &keep);
            if tail.lines.len() >= limit {
                break;
            }
        }
        block.truncate(whole);
        // A line without an end in sight keeps its end only.
        let over = block.len().saturating_sub(LINE_MAX);
        block.drain(..over);
        rest = block;
    }
    tail.cut = at > 0;
    Ok(tail)
}

/// A line that begins an event takes the continuation lines after it along.
fn take(line: &[u8], source: &str, more: &mut Vec<String>, tail: &mut Tail, keep: &impl Fn(&LogLine) -> bool) {
    let text = String::from_utf8_lossy(&line[..line.len().min(LINE_MAX)]);
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    match parse::event(text, source) {
        Some(mut event) => {
            more.reverse();
            event.more = std::mem::take(more);
            if keep(&event) {
                tail.lines.push(event);
            }
        }
        None if more.len() < MORE_MAX => more.push(text.to_owned()),
        None => {}
    }
}
