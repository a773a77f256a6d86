//! Who uses this set of folders: each instance holds a file of its own under `.users` for as long as it lives,
//! so that one of another ensemble leaves the bytes alone.
//!
//! Architecture invariant: an instance is registered with its ensemble before its file is here, and whoever
//! comes announces itself before it looks at the others. Of two that are of different ensembles, one at least
//! sees the other, and whoever sees a living stranger goes back.
//!
//! One that is frozen lives and is not registered any more. It is no stranger when its file names a server of
//! the same ensemble.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use rustix::io::Errno;

use super::disk::Disk;
use super::layout::{make_folder, names_if_there, remove};
use super::user_file::UserFile;
use super::{BlobError, BlobStore};
use crate::domain::ids::InstanceId;

pub(super) const FOLDER: &str = ".users";

impl BlobStore {
    /// Announces that `me` uses the folders with these servers; from then on it does until the process ends.
    /// Whoever is here already is told apart by [`BlobStore::strangers`].
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder cannot be written.
    pub async fn announce(&self, me: InstanceId, servers: &[String]) -> Result<(), BlobError> {
        let (store, text, path) = (self.clone(), servers.join("\n"), self.root().join(FOLDER));
        self.pool().run("announce in", &path, move |_| store.announce_now(me, &text)).await
    }

    /// [`BlobStore::announce`], blocking.
    pub(crate) fn announce_now(&self, me: InstanceId, servers: &str) -> Result<(), BlobError> {
        if self.user_file().as_ref().is_some_and(|own| own.me == me && own.held.is_there()) {
            return Ok(());
        }
        let (disk, folder) = (self.disk(), self.root().join(FOLDER));
        make_folder(&**disk, &folder)?;
        let file = folder.join(me.to_string());
        let held = disk.hold(&file, servers).map_err(|error| BlobError::target("hold", &file, error))?;
        let settled = self.is_settled();
        *self.user_file() = held.map(|held| UserFile { me, held, settled });
        Ok(())
    }

    /// Nobody else was here when this instance came.
    pub fn settle(&self) {
        self.user_file().iter_mut().for_each(|own| own.settled = true);
    }

    /// Whether this instance has its place, and is not to look at the others again.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.user_file().as_ref().is_some_and(|own| own.settled)
    }

    /// The living users of the folders that are not among `registered` and name none of `servers`. What the dead
    /// have left is removed.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder cannot be read: nothing is known then.
    pub async fn strangers(
        &self,
        registered: BTreeSet<InstanceId>,
        servers: Vec<String>,
    ) -> Result<Vec<InstanceId>, BlobError> {
        let (disk, root) = (Arc::clone(self.disk()), self.root().to_owned());
        let me = self.user_file().as_ref().map(|own| own.me);
        let path = root.join(FOLDER);
        let work = move |_: &_| {
            let folder = root.join(FOLDER);
            let names = names_if_there(&*disk, &folder).map_err(|error| BlobError::source("list", &folder, error))?;
            let others = names.iter().filter_map(|name| name.to_str()?.parse::<InstanceId>().ok());
            let mut strangers = Vec::new();
            for other in others.filter(|other| Some(*other) != me) {
                let file = folder.join(other.to_string());
                let lives = is_held(&*disk, &file)?;
                if lives && !registered.contains(&other) && !names_one(&*disk, &file, &servers) {
                    strangers.push(other);
                }
            }
            Ok(strangers)
        };
        self.pool().run("list", &path, work).await
    }

    /// Takes the announcement back: a stranger was here first.
    pub fn withdraw(&self) {
        if let Some(own) = self.user_file().take() {
            let path = self.root().join(FOLDER).join(own.me.to_string());
            // What is left is seen to be nobody's, and removed by the next who comes.
            if let Err(error) = remove(&**self.disk(), &path) {
                tracing::debug!("{error}");
            }
            drop(own);
        }
    }

    /// Whether the file that this instance holds is in the folder still: then the folder is the one that was
    /// opened, whatever else is missing in it.
    pub(super) fn holds_its_place(&self) -> bool {
        self.user_file().as_ref().is_some_and(|own| own.held.is_there())
    }

    fn user_file(&self) -> std::sync::MutexGuard<'_, Option<UserFile>> {
        self.inner.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a user's file names one of these servers.
fn names_one(disk: &dyn Disk, path: &Path, servers: &[String]) -> bool {
    let mut text = String::new();
    let read = disk.open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.is_ok() && text.lines().any(|line| servers.iter().any(|server| server == line))
}

fn is_held(disk: &dyn Disk, path: &Path) -> Result<bool, BlobError> {
    match disk.is_held(path) {
        Ok(held) => Ok(held),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(BlobError::source("look at", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::super::{BlobConfig, BlobStore};
    use super::*;
    use crate::domain::fixtures::node_id;

    fn again(store: &BlobStore) -> BlobStore {
        BlobStore::open(BlobConfig::new(store.root()), &[node_id("zk1")]).unwrap()
    }

    fn servers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Living users that are none of `registered`, as seen by one whose only server is `c`.
    async fn strangers(store: &BlobStore, registered: &[InstanceId]) -> Vec<InstanceId> {
        store.strangers(registered.iter().copied().collect(), servers(&["c"])).await.unwrap()
    }

    #[tokio::test]
    async fn a_stranger_is_seen_while_it_lives_and_a_companion_is_none() {
        let (_folder, first) = store();
        let (one, other) = (InstanceId::new(1), InstanceId::new(2));
        first.announce(one, &servers(&["a", "b"])).await.unwrap();
        first.announce(one, &servers(&["a", "b"])).await.unwrap();
        assert_eq!(strangers(&first, &[]).await, []);
        let second = again(&first);
        second.announce(other, &servers(&["c"])).await.unwrap();
        assert_eq!(strangers(&second, &[other]).await, [one]);
        assert_eq!(strangers(&second, &[one, other]).await, [], "it is registered with the same ensemble");
        let frozen = second.strangers(BTreeSet::new(), servers(&["b", "c"])).await.unwrap();
        assert_eq!(frozen, [], "its session has ended, and its servers are the same");
        second.withdraw();
        assert_eq!(strangers(&first, &[]).await, []);
        second.announce(other, &servers(&["c"])).await.unwrap();
        drop(first);
        assert_eq!(strangers(&second, &[]).await, [], "it has ended");
        let left = std::fs::read_dir(second.root().join(FOLDER)).unwrap().count();
        assert_eq!(left, 1, "what the dead left is removed");
    }

    #[tokio::test]
    async fn a_file_that_was_removed_is_made_again() {
        let (_folder, store) = store();
        let me = InstanceId::new(1);
        store.announce(me, &servers(&["a"])).await.unwrap();
        assert!(store.holds_its_place());
        std::fs::remove_dir_all(store.root().join(FOLDER)).unwrap();
        assert!(!store.holds_its_place());
        store.announce(me, &servers(&["a"])).await.unwrap();
        assert!(store.holds_its_place());
        assert_eq!(strangers(&again(&store), &[]).await, [me]);
    }
}
