//! File records.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Registry, parse};
use crate::adapters::zookeeper::coord::Op;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::domain::file::FileEntry;
use crate::domain::ids::FileId;

/// Buckets that are read at the same time: measured as the knee on three servers and two cores.
const BUCKETS_AT_ONCE: usize = 32;

/// Every record, as far as it can be read.
#[derive(Debug, Default)]
pub struct Loaded {
    pub entries: Vec<FileEntry>,
    /// Path and cause of each record that cannot be used.
    pub unreadable: Vec<String>,
}

/// One record.
#[derive(Debug)]
pub enum ReadFile {
    Entry(Box<FileEntry>),
    Gone,
    Unreadable { path: String, cause: String },
}

/// A version that no record has.
const NO_VERSION: i32 = i32::MAX;

impl Registry {
    /// Reads all records. A record that goes while it is read is left out.
    ///
    /// # Errors
    /// [`ZkError`] when a bucket cannot be read: there is no partial picture.
    pub async fn load_files(&self) -> Result<Loaded, ZkError> {
        let load = |name: String| async move { self.load_bucket(&name).await };
        let mut buckets = stream::iter(self.layout.bucket_names()).map(load).buffer_unordered(BUCKETS_AT_ONCE);
        let mut all = Loaded::default();
        while let Some(bucket) = buckets.try_next().await? {
            all.entries.extend(bucket.entries);
            all.unreadable.extend(bucket.unreadable);
        }
        all.unreadable.sort_unstable();
        Ok(all)
    }

    async fn load_bucket(&self, bucket: &str) -> Result<Loaded, ZkError> {
        let parent = self.layout.bucket(bucket);
        let children = self.coord.children(&parent).await?.unwrap_or_default();
        let mut loaded = Loaded::default();
        let mut ids = Vec::with_capacity(children.len());
        for child in children {
            let path = format!("{parent}/{child}");
            match child.parse::<FileId>().ok().filter(|id| self.layout.file(*id) == path) {
                Some(id) => ids.push((id, path)),
                None => loaded.unreadable.push(format!("{path}: its name is not a file id of this bucket")),
            }
        }
        let paths: Vec<_> = ids.iter().map(|(_, path)| path.clone()).collect();
        for ((id, path), found) in ids.into_iter().zip(self.coord.get_many(paths).await?) {
            let Some((data, version)) = found else { continue };
            match parse(&path, &data) {
                Ok(record) => loaded.entries.push(FileEntry { id, version, record }),
                Err(error) => loaded.unreadable.push(error.to_string()),
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

    /// # Errors
    /// [`ZkError`] when nothing is known of the record.
    pub async fn read_file(&self, file: FileId) -> Result<ReadFile, ZkError> {
        let path = self.layout.file(file);
        let Some((data, version)) = self.coord.get(&path).await? else { return Ok(ReadFile::Gone) };
        Ok(match parse(&path, &data) {
            Ok(record) => ReadFile::Entry(Box::new(FileEntry { id: file, version, record })),
            Err(error) => ReadFile::Unreadable { path, cause: error.to_string() },
        })
    }
}
