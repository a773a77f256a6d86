//! The records under the root: files, nodes, intents and control znodes, with their meaning.
//!
//! `files` and `nodes` read and write records, `attempts` is the commit protocol, `control` is the
//! scheduler's switch, the epoch and the runs that other instances ask for.

mod attempts;
mod control;
mod files;
mod nodes;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

/// What another client does to a record behind the program's back.
#[cfg(test)]
impl Registry {
    pub(crate) async fn overwrite(&self, path: &str, value: &impl serde::Serialize) {
        self.coord.set(path, &json(path, value).unwrap(), None).await.unwrap();
    }

    pub(crate) async fn remove(&self, path: &str) {
        self.coord.delete(path, None).await.unwrap();
    }
}

use std::collections::HashSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::config::ZkConfig;
use super::coord::{Coord, Mode, Op};
use super::error::{Refusal, ZkError};
use super::layout::{BUCKET_DIGITS_DEFAULT, ZnodeLayout};
use crate::domain::format::{self, NewerFormat, StoreName};

pub use self::attempts::{Decided, Fence, Intents, MoveCommit};
pub use self::control::{FoundSettings, RunAnswer};
pub use self::files::{Loaded, ReadFile};

/// Creates that go into one `multi`.
const CREATES_AT_ONCE: usize = 128;

/// A znode that a newer program wrote, and why it is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newer {
    pub path: String,
    pub format: NewerFormat,
}

impl Newer {
    /// What an error says of it; `None` for every other error.
    #[must_use]
    pub fn of(error: &ZkError) -> Option<Self> {
        match error {
            ZkError::Newer { path, format } => Some(Self { path: path.clone(), format: *format }),
            _ => None,
        }
    }
}

/// The records of one ensemble, over one session. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    coord: Arc<dyn Coord>,
    layout: ZnodeLayout,
    /// Ends waits that have no other end: for an ensemble that may not come back.
    stop: CancellationToken,
}

impl Registry {
    /// Makes what is missing of the layout and reads the number of bucket digits that was recorded.
    ///
    /// # Errors
    /// [`ZkError`]; opening again is harmless.
    pub async fn open(coord: Arc<dyn Coord>, config: &ZkConfig) -> Result<Self, ZkError> {
        let layout = ZnodeLayout::new(&config.root, BUCKET_DIGITS_DEFAULT);
        let first = Self { coord, layout, stop: CancellationToken::new() };
        // Nothing is made in a store that this program does not understand.
        first.store().await?;
        first.make_layout(&config.root).await?;
        let digits = first.digits().await?;
        let registry = Self { layout: ZnodeLayout::new(&config.root, digits), ..first };
        registry.make_buckets().await?;
        Ok(registry)
    }

    /// The records as they are: makes nothing. `None` where zkdeck has not made its layout yet.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn look(coord: Arc<dyn Coord>, config: &ZkConfig) -> Result<Option<Self>, ZkError> {
        let layout = ZnodeLayout::new(&config.root, BUCKET_DIGITS_DEFAULT);
        let first = Self { coord, layout, stop: CancellationToken::new() };
        if first.coord.get(&first.layout.recorded()).await?.is_none() {
            return Ok(None);
        }
        let digits = first.digits().await?;
        Ok(Some(Self { layout: ZnodeLayout::new(&config.root, digits), ..first }))
    }

    /// The records of an ensemble whose layout is known to be there.
    #[cfg(test)]
    pub(crate) fn over(coord: Arc<dyn Coord>, layout: ZnodeLayout) -> Self {
        Self { coord, layout, stop: CancellationToken::new() }
    }

    /// The same registry, whose waits end with the program.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    #[must_use]
    pub fn coord(&self) -> &Arc<dyn Coord> {
        &self.coord
    }

    #[must_use]
    pub const fn layout(&self) -> &ZnodeLayout {
        &self.layout
    }

    /// Writes `ours` as the store's id when there is none, and returns the one that is there.
    ///
    /// # Errors
    /// [`ZkError`]; [`ZkError::Newer`] for a store that a newer program has changed.
    pub async fn claim_store(&self, ours: &str) -> Result<String, ZkError> {
        self.make(&self.layout.store(), ours.as_bytes()).await?;
        self.store().await?.ok_or_else(|| missing(&self.layout.store()))
    }

    /// The store's id, once one was claimed.
    ///
    /// # Errors
    /// As [`Registry::claim_store`].
    pub async fn store(&self) -> Result<Option<String>, ZkError> {
        let path = self.layout.store();
        let Some((data, _)) = self.coord.get(&path).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&data);
        let name = StoreName::parse(&text)
            .ok_or_else(|| ZkError::Unreadable { path: path.clone(), cause: format!("{text:?} is no store's id") })?;
        match name.newer() {
            Some(format) => Err(ZkError::Newer { path, format }),
            None => Ok(Some(name.id)),
        }
    }

    /// One timed write of a znode that means nothing: proves the ensemble end to end.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn canary(&self) -> Result<(), ZkError> {
        self.coord.set(&self.layout.canary(), b"", None).await.map(drop)
    }

    async fn digits(&self) -> Result<u8, ZkError> {
        let path = self.layout.recorded();
        let (data, _) = self.coord.get(&path).await?.ok_or_else(|| missing(&path))?;
        let text = String::from_utf8_lossy(&data).into_owned();
        match text.parse() {
            Ok(digits @ 1..=3) => Ok(digits),
            _ => Err(ZkError::Unreadable { path, cause: format!("{text:?} is not 1, 2 or 3 bucket digits") }),
        }
    }

    /// All but the buckets. Where it is there, one read says so: each create would be a write of the
    /// whole quorum, one after the other, which on a busy machine takes the most of a start.
    async fn make_layout(&self, root: &str) -> Result<(), ZkError> {
        let layout = &self.layout;
        let ends = root.match_indices('/').skip(1).map(|(at, _)| at).chain([root.len()]);
        let mut paths: Vec<String> = ends.map(|end| root[..end].to_owned()).collect();
        paths.extend([layout.files(), layout.migrations(), layout.nodes(), layout.instances()]);
        paths.extend([format!("{root}/control"), layout.epoch(), layout.leader(), layout.scheduler()]);
        paths.extend([layout.settings(), layout.runs(), layout.canary(), layout.recorded()]);
        let data = |path: &String| {
            if *path == layout.recorded() { BUCKET_DIGITS_DEFAULT.to_string().into_bytes() } else { Vec::new() }
        };
        let found = self.coord.get_many(paths.clone()).await?;
        let missing: Vec<_> = paths.into_iter().zip(found).filter(|(_, found)| found.is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let create = |path: &String| Op::Create { path: path.clone(), data: data(path) };
        match self.coord.multi(missing.iter().map(|(path, _)| create(path)).collect()).await {
            // Another instance makes them at the same time: one by one then.
            Err(error) if error.refusal() == Some(Refusal::NodeExists) => {
                for (path, _) in &missing {
                    self.make(path, &data(path)).await?;
                }
                Ok(())
            }
            other => other,
        }
    }

    /// Makes a znode unless it is there, which a look tells without a write.
    async fn make(&self, path: &str, data: &[u8]) -> Result<(), ZkError> {
        if self.coord.get(path).await?.is_some() {
            return Ok(());
        }
        match self.coord.create(path, data, Mode::Persistent).await {
            Err(error) if error.refusal() == Some(Refusal::NodeExists) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn make_buckets(&self) -> Result<(), ZkError> {
        let known = self.coord.children(&self.layout.files()).await?.unwrap_or_default();
        let known: HashSet<String> = known.into_iter().collect();
        let mut names = self.layout.bucket_names();
        names.retain(|name| !known.contains(name));
        for some in names.chunks(CREATES_AT_ONCE) {
            let create = |name: &String| Op::Create { path: self.layout.bucket(name), data: Vec::new() };
            match self.coord.multi(some.iter().map(create).collect()).await {
                // Another instance makes them at the same time: one by one then.
                Err(error) if error.refusal() == Some(Refusal::NodeExists) => {
                    for name in some {
                        self.make(&self.layout.bucket(name), b"").await?;
                    }
                }
                other => other?,
            }
        }
        Ok(())
    }
}

fn missing(path: &str) -> ZkError {
    ZkError::Unreadable { path: path.to_owned(), cause: "it is gone; restart zkdeck to make the layout anew".into() }
}

/// The format of a znode's JSON.
#[derive(Deserialize)]
struct RecordFormat {
    v: Option<u64>,
}

/// What a znode holds, as JSON. What a newer program wrote is refused, also where it could be read: what it
/// means is not known.
fn parse<T: DeserializeOwned>(path: &str, data: &[u8]) -> Result<T, ZkError> {
    if let Ok(RecordFormat { v: Some(found) }) = serde_json::from_slice(data)
        && found > format::RECORDS
    {
        let format = NewerFormat { found, known: format::RECORDS };
        return Err(ZkError::Newer { path: path.to_owned(), format });
    }
    serde_json::from_slice(data)
        .map_err(|error| ZkError::Unreadable { path: path.to_owned(), cause: error.to_string() })
}

fn json<T: Serialize>(path: &str, value: &T) -> Result<Vec<u8>, ZkError> {
    serde_json::to_vec(value).map_err(|error| ZkError::Unreadable { path: path.to_owned(), cause: error.to_string() })
}
