//! What the owner of the local ensemble writes down for other instances and for its successor.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::adapters::owner;

/// The owner's lock in the ensemble's folder.
pub(super) const LOCK: &str = "owner.lock";

/// The last thing known of one server: `<root>/<node>/server.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub(super) enum Record {
    /// `started` in clock ticks since boot: it tells the process from a later one of the same pid.
    Running { pid: u32, started: u64 },
    Ended {
        pid: u32,
        cause: String,
        /// How it goes on; absent when somebody has to start it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Again>,
    },
}

/// The owner starts the server again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Again {
    /// So long after its end.
    pub(super) pause_s: u64,
    /// Ends in a row, each soon after its start.
    pub(super) ends: u32,
}

impl Record {
    /// `None` when nothing was written or it cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    /// Writes beside and renames, so that a reader never sees half of it.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        owner::follow(&beside)?;
        fs::rename(beside, path)
    }
}

/// Who owns the ensemble and on which ports it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnerRecord {
    pub(super) pid: u32,
    /// `zk1 2181/7001/2888/3888, ...`
    pub(super) ports: String,
}

/// The lock on `<root>/owner.lock`; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// `Ok(None)` when another process holds it.
    pub(super) fn take(path: &Path, owner: &OwnerRecord) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        owner::follow(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(owner)?)?;
        Ok(Some(Self { _file: file }))
    }

    /// What the holder wrote; `None` when it has not yet, or it cannot be read.
    pub(super) fn holder(path: &Path) -> Option<OwnerRecord> {
        let mut text = String::new();
        File::open(path).ok()?.take(4_096).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.json");
        assert_eq!(Record::read(&path), None);
        let ended = |again| Record::Ended { pid: 7, cause: "exit status 1".into(), again };
        let again = Some(Again { pause_s: 4, ends: 3 });
        for record in [Record::Running { pid: 7, started: 9 }, ended(None), ended(again)] {
            record.write(&path).unwrap();
            assert_eq!(Record::read(&path), Some(record));
        }
        fs::write(&path, "{\"state\":\"run").unwrap();
        assert_eq!(Record::read(&path), None);
        // As 0.1.0 wrote it.
        fs::write(&path, r#"{"state":"ended","pid":7,"cause":"exit status 1"}"#).unwrap();
        assert_eq!(Record::read(&path), Some(ended(None)));
    }

    #[test]
    fn the_lock_has_one_holder_and_a_longer_record_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owner.lock");
        let first = OwnerRecord { pid: 1, ports: "a much longer text than the other".into() };
        let second = OwnerRecord { pid: 2, ports: "b".into() };
        let lock = OwnerLock::take(&path, &first).unwrap().unwrap();
        assert!(OwnerLock::take(&path, &second).unwrap().is_none());
        assert_eq!(OwnerLock::holder(&path), Some(first));
        drop(lock);
        let _lock = OwnerLock::take(&path, &second).unwrap().unwrap();
        assert_eq!(OwnerLock::holder(&path), Some(second));
    }
}
