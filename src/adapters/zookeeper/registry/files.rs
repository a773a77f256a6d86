//! File records.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Newer, Registry, parse};
use crate::adapters::zookeeper::coord::Op;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::domain::file::FileEntry;
use crate::domain::ids::FileId;
use crate::domain::snapshot::Reading;

/// Buckets that are read at the same time: measured as the knee on three servers and two cores.
const BUCKETS_AT_ONCE: usize = 32;

/// Every record, as far as it can be read.
#[derive(Debug, Default)]
pub struct Loaded {
    pub entries: Vec<FileEntry>,
    /// Path and cause of each record that cannot be used.
    pub unreadable: Vec<String>,
    /// The first that a newer program wrote, which is among the unreadable ones too.
    pub newer: Option<Newer>,
}

/// One record.
#[derive(Debug)]
pub enum ReadFile {
    Entry(Box<FileEntry>),
    Gone,
    Unreadable {
        path: String,
        cause: String,
        newer: Option<Newer>,
    },
    /// Its ACL denies reading it: nothing is known of it, and others are none the worse.
    Denied {
        path: String,
        cause: String,
    },
}

/// A version that no record has.
const NO_VERSION: i32 = i32::MAX;

impl Registry {
    /// Reads all records. A record that goes while it is read is left out. `progress` hears now and
    /// then how many have been read.
    ///
    /// # Errors
    /// [`ZkError`] when a bucket cannot be read: there is no partial picture.
    pub async fn load_files(&self, progress: impl Fn(Reading) + Send) -> Result<Loaded, ZkError> {
        let list = |name: String| async move { self.list_bucket(&name).await };
        let mut lists = stream::iter(self.layout.bucket_names()).map(list).buffer_unordered(BUCKETS_AT_ONCE);
        let (mut all, mut buckets) = (Loaded::default(), Vec::new());
        while let Some((ids, strange)) = lists.try_next().await? {
            buckets.push(ids);
            all.unreadable.extend(strange);
        }
        let mut reading = Reading { read: 0, total: buckets.iter().map(|ids| ids.len() as u64).sum() };
        progress(reading);
        let load = |ids: Vec<FileId>| async move { (ids.len() as u64, self.load_bucket(ids).await) };
        let mut loads = stream::iter(buckets).map(load).buffer_unordered(BUCKETS_AT_ONCE);
        while let Some((count, bucket)) = loads.next().await {
            let bucket = bucket?;
            all.entries.extend(bucket.entries);
            all.unreadable.extend(bucket.unreadable);
            all.newer = all.newer.or(bucket.newer);
            reading.read += count;
            progress(reading);
        }
        all.unreadable.sort_unstable();
        Ok(all)
    }

    /// The files of a bucket, and what else lies there.
    async fn list_bucket(&self, bucket: &str) -> Result<(Vec<FileId>, Vec<String>), ZkError> {
        let parent = self.layout.bucket(bucket);
        let children = self.coord.children(&parent).await?.unwrap_or_default();
        let (mut ids, mut strange) = (Vec::with_capacity(children.len()), Vec::new());
        for child in children {
            let path = format!("{parent}/{child}");
            match child.parse::<FileId>().ok().filter(|id| self.layout.file(*id) == path) {
                Some(id) => ids.push(id),
                None => strange.push(format!("{path}: its name is not a file id of this bucket")),
            }
        }
        Ok((ids, strange))
    }

    async fn load_bucket(&self, ids: Vec<FileId>) -> Result<Loaded, ZkError> {
        let mut loaded = Loaded::default();
        let paths: Vec<_> = ids.iter().map(|id| self.layout.file(*id)).collect();
        let found = match self.coord.get_many(paths.clone()).await {
            // One that may not be read keeps all of a batch back.
            Err(error) if error.refusal() == Some(Refusal::NoAuth) => return self.load_each(ids).await,
            found => found?,
        };
        for ((id, path), found) in ids.into_iter().zip(paths).zip(found) {
            let Some((data, version)) = found else { continue };
            match parse(&path, &data) {
                Ok(record) => loaded.entries.push(FileEntry { id, version, record }),
                Err(error) => {
                    loaded.newer = loaded.newer.or_else(|| Newer::of(&error));
                    loaded.unreadable.push(error.to_string());
                }
            }
        }
        Ok(loaded)
    }

    async fn load_each(&self, ids: Vec<FileId>) -> Result<Loaded, ZkError> {
        let mut loaded = Loaded::default();
        for id in ids {
            match self.read_file(id).await? {
                ReadFile::Entry(entry) => loaded.entries.push(*entry),
                ReadFile::Gone => {}
                ReadFile::Unreadable { cause, newer, .. } => {
                    loaded.newer = loaded.newer.or(newer);
                    loaded.unreadable.push(cause);
                }
                ReadFile::Denied { cause, .. } => loaded.unreadable.push(cause),
            }
        }
        Ok(loaded)
    }

    /// [`Registry::read_file`] that is not behind any other session: a record that is not seen is asked of
    /// the leader, by a transaction that changes nothing, before it is said to be gone.
    ///
    /// # Errors
    /// As [`Registry::read_file`].
    pub async fn find_file(&self, file: FileId) -> Result<ReadFile, ZkError> {
        let found = self.read_file(file).await?;
        if !matches!(found, ReadFile::Gone) {
            return Ok(found);
        }
        let look = Op::Check { path: self.layout.file(file), version: NO_VERSION };
        match self.coord.multi(vec![look]).await {
            Err(error) if error.refusal() == Some(Refusal::NoNode) => Ok(ReadFile::Gone),
            Err(error) if error.refusal() != Some(Refusal::BadVersion) => Err(error),
            // It is there, and this session has seen it by now.
            _ => self.read_file(file).await,
        }
    }

    /// After it this session sees, and has been told of, all that any session had written before the call: a
    /// transaction that changes nothing has gone through the leader and come back.
    ///
    /// # Errors
    /// [`ZkError`] when it is not known that it went through.
    pub async fn catch_up(&self) -> Result<(), ZkError> {
        let look = Op::Check { path: self.layout.files(), version: NO_VERSION };
        match self.coord.multi(vec![look]).await {
            Err(error) if error.refusal().is_none() => Err(error),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`ZkError`] when nothing is known of the record.
    pub async fn read_file(&self, file: FileId) -> Result<ReadFile, ZkError> {
        let path = self.layout.file(file);
        let found = match self.coord.get(&path).await {
            Err(error) => match error.denied() {
                Some(cause) => return Ok(ReadFile::Denied { path, cause }),
                None => return Err(error),
            },
            Ok(found) => found,
        };
        let Some((data, version)) = found else { return Ok(ReadFile::Gone) };
        Ok(match parse(&path, &data) {
            Ok(record) => ReadFile::Entry(Box::new(FileEntry { id: file, version, record })),
            Err(error) => ReadFile::Unreadable { path, cause: error.to_string(), newer: Newer::of(&error) },
        })
    }
}
