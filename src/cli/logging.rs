//! The program's own log: JSON lines in `logs/backend/zkdeck.<date>.log`, rotated daily, bounded; and of a
//! daemon in a container or under systemd, lines for people on stderr, where their tools look for them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::surroundings;
use crate::adapters::file_mark::FileMark;
use crate::adapters::{clock, owner};
use crate::config::LogTo;
use crate::domain::log::instant;

/// Days of log files that are kept.
const FILES_MAX: usize = 14;

/// The running log. Dropping it writes out what is left.
pub(super) struct RunningLog {
    _guards: Vec<WorkerGuard>,
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging into `folder`, for a program whose screen stderr would garble.
pub(super) fn start(folder: &Path) -> anyhow::Result<RunningLog> {
    begin(folder, true, false)
}

/// Starts logging of the daemon.
pub(super) fn start_daemon(folder: &Path, to: LogTo) -> anyhow::Result<RunningLog> {
    let (files, stderr) = places(to, surroundings::in_container() || surroundings::under_systemd());
    begin(folder, files, stderr)
}

/// Whether files and whether stderr are written; `kept`: somebody keeps what a process prints.
const fn places(to: LogTo, kept: bool) -> (bool, bool) {
    match to {
        LogTo::Auto => (true, kept),
        LogTo::Files => (true, false),
        LogTo::Stderr => (false, true),
        LogTo::Both => (true, true),
    }
}

/// What is logged: `LEVEL` or `TARGET=LEVEL`, with commas between; a mere word that is no level would switch the rest
/// of the log off.
fn filter(wanted: Option<&str>) -> anyhow::Result<EnvFilter> {
    let Some(text) = wanted.filter(|text| !text.trim().is_empty()) else {
        return Ok(EnvFilter::new("info,zookeeper_client=warn"));
    };
    // A mere number is one to the parser too.
    let letters = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic());
    let is_level = |word: &str| letters(word.trim()) && word.trim().parse::<LevelFilter>().is_ok();
    let level = |part: &str| part.rsplit_once('=').map_or(part, |(_, level)| level).to_owned();
    if let Some(wrong) = text.split(',').map(level).find(|word| !is_level(word)) {
        anyhow::bail!(
            "ZKDECK_LOG={text:?}: {wrong:?} is no level; use error, warn, info, debug, trace or off, or TARGET=LEVEL, \
             with commas between"
        );
    }
    EnvFilter::try_new(text).with_context(|| format!("ZKDECK_LOG={text:?} cannot be used"))
}

fn begin(folder: &Path, files: bool, stderr: bool) -> anyhow::Result<RunningLog> {
    let (mut layers, mut guards): (Vec<Boxed>, Vec<WorkerGuard>) = (Vec::new(), Vec::new());
    if files {
        let (writer, guard) = lines_waiting().finish(DailyFiles::open(folder)?);
        layers.push(fmt::layer().json().with_writer(writer).boxed());
        guards.push(guard);
    }
    if stderr {
        // A reader that does not read holds nothing up: what it has no room for is dropped.
        let (writer, guard) = lines_waiting().finish(io::stderr());
        layers.push(fmt::layer().with_ansi(false).with_writer(writer).boxed());
        guards.push(guard);
    }
    let filter = filter(std::env::var("ZKDECK_LOG").ok().as_deref())?;
    tracing_subscriber::registry().with(layers.with_filter(filter)).init();
    Ok(RunningLog { _guards: guards })
}

/// Lines that may wait for a slow disk or reader; more are dropped. Room for all of them is taken at once: 32 bytes each.
const LINES_WAITING_MAX: usize = 8_192;

fn lines_waiting() -> NonBlockingBuilder {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING_MAX)
}

/// The files of the days. Each new one goes to the folder's owner: see [`owner`]; one that was moved away or removed,
/// with its folder or alone, is made again.
struct DailyFiles {
    files: RollingFileAppender,
    folder: PathBuf,
    /// Day of the file that was looked at last.
    day: String,
    /// That file.
    mark: Option<FileMark>,
}

impl DailyFiles {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let files = appender(folder)?;
        let mut files = Self { files, folder: folder.to_owned(), day: String::new(), mark: None };
        // It is there already, and a start that fails may write nothing to it.
        files.give_away();
        Ok(files)
    }

    fn file(&self, day: &str) -> PathBuf {
        self.folder.join(format!("zkdeck.{day}.log"))
    }

    fn give_away(&mut self) {
        let day: String = instant(clock::now()).chars().take(10).collect();
        if self.day != day {
            let file = self.file(&day);
            // At worst another process cannot write into it, and says so.
            _ = owner::follow(&file);
            (self.day, self.mark) = (day, FileMark::of(&file));
        }
    }

    /// Opens the file again if another lies in its place or none.
    fn find_again(&mut self) {
        if self.mark.is_some() && FileMark::of(&self.file(&self.day)) == self.mark {
            return;
        }
        // Where none can be made, the lines go where they went: the file may be looked at where it was moved to.
        if let Ok(files) = appender(&self.folder) {
            (self.files, self.day) = (files, String::new());
            self.give_away();
        }
    }
}

fn appender(folder: &Path) -> anyhow::Result<RollingFileAppender> {
    owner::make_folder(folder).with_context(|| format!("cannot make the log folder {}", folder.display()))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("zkdeck")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(folder)
        .with_context(|| format!("cannot write the log in {}", folder.display()))
}

impl Write for DailyFiles {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.find_again();
        let written = self.files.write(text)?;
        self.give_away();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.files.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for good in [None, Some(""), Some("debug"), Some("WARN"), Some("info,zookeeper_client=debug"), Some("off")] {
            assert!(filter(good).is_ok(), "{good:?}");
        }
        for bad in ["loud", "warning", "info,loud", "zkdeck=loud", "info,"] {
            let why = filter(Some(bad)).unwrap_err().to_string();
            assert!(why.contains("ZKDECK_LOG") && why.contains("trace"), "{why}");
        }
    }

    #[test]
    fn a_log_that_root_opens_in_anothers_folder_is_not_roots_before_a_line_is_written() {
        use std::os::unix::fs::{MetadataExt, chown};
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: a log that root opens: only root can make what is another's");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(4711), Some(4712)).unwrap();
        let logs = folder.path().join("logs/backend");
        drop(DailyFiles::open(&logs).unwrap());
        let made: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().metadata().unwrap()).collect();
        assert!(made.len() == 1 && made[0].uid() == 4711, "{made:?}");
    }

    #[test]
    fn a_log_that_was_moved_or_removed_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let logs = root.path().join("logs/backend");
        let mut files = DailyFiles::open(&logs).unwrap();
        let lines = |folder: &Path| {
            let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            all.map(|file| std::fs::read_to_string(file).unwrap()).collect::<String>()
        };
        files.write_all(b"first\n").unwrap();
        std::fs::rename(root.path().join("logs"), root.path().join("old")).unwrap();
        files.write_all(b"second\n").unwrap();
        assert_eq!((lines(&root.path().join("old/backend")), lines(&logs)), ("first\n".into(), "second\n".into()));
        std::fs::remove_dir_all(&logs).unwrap();
        files.write_all(b"third\n").unwrap();
        assert_eq!(lines(&logs), "third\n");
        // Nothing can be made there: the lines go on in the file that was moved.
        std::fs::rename(root.path().join("logs"), root.path().join("later")).unwrap();
        std::fs::write(root.path().join("logs"), "").unwrap();
        files.write_all(b"fourth\n").unwrap();
        assert_eq!(lines(&root.path().join("later/backend")), "third\nfourth\n");
    }

    #[test]
    fn stderr_is_written_where_somebody_keeps_it_or_where_it_was_asked_for() {
        assert_eq!((places(LogTo::Auto, false), places(LogTo::Auto, true)), ((true, false), (true, true)));
        for kept in [false, true] {
            assert_eq!(places(LogTo::Files, kept), (true, false));
            assert_eq!(places(LogTo::Stderr, kept), (false, true));
            assert_eq!(places(LogTo::Both, kept), (true, true));
        }
    }
}
