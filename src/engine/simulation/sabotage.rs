//! Broken variants of the protocol, made outside of it: each takes one of its rules away, and the
//! simulation must find each. They show that a run without violations means something.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::io::Errno;

use super::sky::SkyFault;
use super::truth::store_root;
use crate::adapters::blobs::disk::fake::FakeDisk;
use crate::adapters::blobs::disk::{Disk, Held, InputFile, OutputFile, Pace, Print};
use crate::adapters::blobs::{DRAFTS, TRASH};
use crate::adapters::zookeeper::coord::{Change, Coord, LinkState, Mode, Op, Versioned};
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::domain::file::{blob_name, parse_blob_name};
use crate::domain::ids::{AttemptId, InstanceId};
use crate::domain::migration::{Intent, IntentState};
use crate::domain::scheduler::MoveReason;

/// The rule that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The commit does not flip its own intent.
    NoFlip,
    /// An abort is taken for done without a write.
    AbortAssumed,
    /// A commit overwrites whatever record there is.
    NoRecordVersion,
    /// A commit does not look whether its target was drained.
    NoNodeCheck,
    /// The source goes before the commit is sent.
    RemovedBeforeCommit,
    /// Publishing renames instead of copying.
    RenamedBeforeCommit,
    /// All attempts on a file use one name at a node.
    NameReused,
    /// Nothing is synced.
    NoSync,
    /// Rows are said to be on disk before they are.
    RowsLater,
    /// A zkdeck whose ensemble does not name the files of a folder puts them away all the same.
    StrangerSweeps,
    /// What lies in a trash or in quarantine is never looked for.
    NotBroughtBack,
    /// Each candidate takes itself for the first.
    EveryoneLeads,
    /// What other sessions do to files is never heard of.
    ChangesMissed,
    /// The scheduler's switch is never read.
    PauseUnseen,
    /// No move that the scheduler plans is ever begun.
    NothingMoved,
}

impl Sabotage {
    pub(super) const ALL: [Self; 15] = [
        Self::NoFlip,
        Self::AbortAssumed,
        Self::NoRecordVersion,
        Self::NoNodeCheck,
        Self::RemovedBeforeCommit,
        Self::RenamedBeforeCommit,
        Self::NameReused,
        Self::NoSync,
        Self::RowsLater,
        Self::StrangerSweeps,
        Self::NotBroughtBack,
        Self::EveryoneLeads,
        Self::ChangesMissed,
        Self::PauseUnseen,
        Self::NothingMoved,
    ];

    /// The faults under which it shows soonest; any when empty.
    pub(super) const fn shows_under(self) -> &'static [SkyFault] {
        match self {
            Self::NoFlip | Self::AbortAssumed => &[SkyFault::Late, SkyFault::AnswerLost],
            Self::NoNodeCheck => &[SkyFault::Drain],
            Self::NoSync | Self::RowsLater => &[SkyFault::PowerLoss],
            Self::StrangerSweeps => &[SkyFault::Stranger],
            Self::NotBroughtBack => &[SkyFault::OldSnapshot],
            _ => &[],
        }
    }

    /// The invariants of which one must be found broken.
    pub(super) const fn breaks(self) -> &'static [&'static str] {
        match self {
            Self::NoFlip => &["I1", "I4", "I6"],
            Self::NoRecordVersion => &["I4"],
            Self::NoNodeCheck => &["I8"],
            Self::RemovedBeforeCommit | Self::RenamedBeforeCommit => &["I1", "I6"],
            Self::AbortAssumed | Self::NameReused | Self::NoSync => &["I1"],
            Self::RowsLater => &["I5", "I9"],
            Self::StrangerSweeps => &["I1", "I6"],
            Self::NotBroughtBack => &["I1"],
            Self::EveryoneLeads => &["L1"],
            Self::ChangesMissed => &["C1"],
            Self::PauseUnseen => &["S2"],
            Self::NothingMoved => &["S1"],
        }
    }
}

/// A session that leaves a rule out.
pub(super) struct Saboteur<C> {
    pub(super) coord: Arc<C>,
    pub(super) rule: Sabotage,
    pub(super) disk: FakeDisk,
    /// The process whose session it is.
    pub(super) me: InstanceId,
}

impl<C: Coord> Saboteur<C> {
    /// Whether the scheduler's moves are to be begun.
    fn begins_planned(ops: &[Op]) -> bool {
        let planned = |op: &Op| match op {
            Op::Create { path, data } if path.contains("/migrations/") => {
                let intent = serde_json::from_slice::<Intent>(data).ok();
                intent.and_then(|intent| intent.reason).is_some_and(|reason| reason != MoveReason::Manual)
            }
            _ => false,
        };
        ops.iter().any(planned)
    }

    fn spoil(&self, ops: Vec<Op>) -> Vec<Op> {
        let commits = ops.iter().any(|op| op.path().contains("/files/"));
        if !commits {
            return ops;
        }
        match self.rule {
            Sabotage::NoFlip => ops
                .into_iter()
                .filter(|op| !matches!(op, Op::Set { path, .. } if path.contains("/migrations/")))
                .collect(),
            Sabotage::NoRecordVersion => ops.into_iter().map(any_version).collect(),
            Sabotage::NoNodeCheck => {
                ops.into_iter().filter(|op| !matches!(op, Op::Check { path, .. } if path.contains("/nodes/"))).collect()
            }
            Sabotage::RemovedBeforeCommit => {
                ops.iter().for_each(|op| self.remove_source(op));
                ops
            }
            _ => ops,
        }
    }

    fn remove_source(&self, op: &Op) {
        let Op::Set { data, .. } = op else { return };
        let Ok(intent) = serde_json::from_slice::<Intent>(data) else { return };
        if let (IntentState::Committed, Some(src), Some(blob)) = (intent.state, &intent.src, intent.blob_src) {
            // What is not there has been removed before.
            _ = self.disk.remove(&store_root().join(src.as_str()).join(blob_name(intent.file, blob)));
        }
    }
}

fn any_version(op: Op) -> Op {
    match op {
        Op::Set { path, data, .. } if path.contains("/files/") => Op::Set { path, data, version: -1 },
        other => other,
    }
}

#[async_trait]
impl<C: Coord> Coord for Saboteur<C> {
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError> {
        let found = self.coord.get(path).await?;
        if self.rule == Sabotage::PauseUnseen && path.ends_with("/control/scheduler") {
            return Ok(found.map(|(_, version)| (Vec::new(), version)));
        }
        Ok(found)
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        let found = self.coord.children(path).await?;
        if self.rule == Sabotage::EveryoneLeads && path.ends_with("/leader") {
            let me = self.me.to_string();
            return Ok(found.map(|names| names.into_iter().filter(|name| name.starts_with(&me)).collect()));
        }
        Ok(found)
    }

    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError> {
        self.coord.create(path, data, mode).await
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError> {
        if self.rule == Sabotage::AbortAssumed && path.contains("/migrations/") {
            return Ok(1);
        }
        self.coord.set(path, data, version).await
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        if self.rule == Sabotage::AbortAssumed && path.contains("/migrations/") {
            return Ok(());
        }
        self.coord.delete(path, version).await
    }

    async fn multi(&self, ops: Vec<Op>) -> Result<(), ZkError> {
        if self.rule == Sabotage::NothingMoved && Self::begins_planned(&ops) {
            let path = ops[0].path().to_owned();
            return Err(ZkError::Refused { operation: "multi", index: 0, path, why: Refusal::Throttled });
        }
        self.coord.multi(self.spoil(ops)).await
    }

    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError> {
        self.coord.get_many(paths).await
    }

    fn state(&self) -> LinkState {
        self.coord.state()
    }

    async fn next_change(&self) -> Change {
        loop {
            match self.coord.next_change().await {
                Change::Path { path, .. } if self.rule == Sabotage::ChangesMissed && path.contains("/files/") => {}
                change => return change,
            }
        }
    }

    async fn close(&self) {
        self.coord.close().await;
    }
}

/// A disk that leaves a rule out.
#[derive(Debug)]
pub(super) struct SpoiltDisk {
    pub(super) disk: FakeDisk,
    pub(super) rule: Sabotage,
}

impl SpoiltDisk {
    /// The name under which a blob lies: with reused names, the same for all attempts on a file.
    fn real(&self, path: &Path) -> PathBuf {
        let blob = path.file_name().and_then(|name| name.to_str()).and_then(parse_blob_name);
        match blob {
            Some((file, _)) if self.rule == Sabotage::NameReused => {
                path.with_file_name(blob_name(file, AttemptId::new(0)))
            }
            _ => path.to_owned(),
        }
    }

    /// A rename takes the bytes away from where they were.
    fn take_others(&self, published: &Path) {
        let blob = published.file_name().and_then(|name| name.to_str()).and_then(parse_blob_name);
        let (Some((file, _)), Ok(folders)) = (blob, self.disk.names(&store_root())) else { return };
        for folder in folders.into_iter().map(|name| store_root().join(name)) {
            for name in self.disk.names(&folder).unwrap_or_default() {
                let other = folder.join(&name);
                if name.to_str().and_then(parse_blob_name).is_some_and(|(id, _)| id == file) && other != published {
                    _ = self.disk.remove(&other);
                }
            }
        }
    }
}

/// A file of which no byte is made durable.
#[derive(Debug)]
struct Unsynced(Box<dyn OutputFile>);

impl io::Write for Unsynced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl OutputFile for Unsynced {
    fn allocate(&self, size: u64) -> Result<(), Errno> {
        self.0.allocate(size)
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.0.cut(size)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for SpoiltDisk {
    fn pace(&self) -> Pace {
        self.disk.pace()
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let file = self.disk.create_new(path)?;
        Ok(if self.rule == Sabotage::NoSync { Box::new(Unsynced(file)) } else { file })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn InputFile>> {
        self.disk.open(&self.real(path))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        let (from, to) = (self.real(from), self.real(to));
        self.disk.rename_new(&from, &to)?;
        if self.rule == Sabotage::RenamedBeforeCommit && from.to_string_lossy().contains(DRAFTS) {
            self.take_others(&to);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(&self.real(path))
    }

    fn size(&self, path: &Path) -> io::Result<Option<u64>> {
        self.disk.size(&self.real(path))
    }

    fn print(&self, path: &Path) -> io::Result<Print> {
        self.disk.print(&self.real(path))
    }

    fn hold(&self, path: &Path, text: &str) -> io::Result<Option<Box<dyn Held>>> {
        self.disk.hold(path, text)
    }

    fn is_held(&self, path: &Path) -> Result<bool, Errno> {
        self.disk.is_held(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let aside = folder.ends_with(TRASH) || folder.starts_with("/data/quarantine");
        if self.rule == Sabotage::NotBroughtBack && aside {
            return Ok(Vec::new());
        }
        self.disk.names(folder)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.make_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if self.rule == Sabotage::NoSync { Ok(()) } else { self.disk.sync_folder(path) }
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        self.disk.free(folder)
    }
}
