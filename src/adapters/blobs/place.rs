//! From draft to final name, and the way back of an attempt that was given up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

use super::disk::Disk;
use super::layout::{FolderLayout, remove, sync_folder};
use super::{BlobError, BlobStore};
use crate::domain::ids::{AttemptId, FileId, NodeId};

/// A blob at a node.
pub(super) type Item = (NodeId, FileId, AttemptId);

impl BlobStore {
    /// Gives the draft of `attempt` its final name, never over another file, and makes that durable.
    /// Doing it twice is harmless.
    ///
    /// # Errors
    /// [`BlobError::NothingToPublish`] when there is neither draft nor final name, [`BlobError::Invalid`] when
    /// there are both, or an error of the node's disk.
    pub async fn publish(&self, node: &NodeId, file: FileId, attempt: AttemptId) -> Result<(), BlobError> {
        let (disk, layout) = (Arc::clone(self.disk()), self.layout().clone());
        let path = layout.blob(node, file, attempt);
        let node = node.clone();
        let work = move |watch: &super::blocking::JobWatch| {
            watch.at_target(true);
            rename(&*disk, &layout, &node, file, attempt)?;
            renamed_from(&layout, &node).iter().try_for_each(|folder| sync_folder(&*disk, folder))
        };
        self.pool().run("publish", &path, work).await
    }

    /// [`BlobStore::publish`] for many, with one sync for each folder; the results are in the order given.
    pub async fn publish_many(&self, items: &[Item]) -> Vec<Result<(), BlobError>> {
        let each = |disk: &dyn Disk, layout: &FolderLayout, (node, file, attempt): &Item| {
            rename(disk, layout, node, *file, *attempt)
        };
        self.change("publish", items, each, renamed_from).await
    }

    /// Changes names in the folders of nodes, and makes each of the `folders` durable once.
    pub(super) async fn change(
        &self,
        operation: &'static str,
        items: &[Item],
        each: impl Fn(&dyn Disk, &FolderLayout, &Item) -> Result<(), BlobError> + Clone + Send + 'static,
        folders: fn(&FolderLayout, &NodeId) -> Vec<PathBuf>,
    ) -> Vec<Result<(), BlobError>> {
        let mut by_node: BTreeMap<&NodeId, Vec<usize>> = BTreeMap::new();
        for (index, (node, ..)) in items.iter().enumerate() {
            by_node.entry(node).or_default().push(index);
        }
        let mut results: Vec<Result<(), BlobError>> = items.iter().map(|_| Ok(())).collect();
        for (node, indexes) in by_node {
            let batch: Vec<Item> = indexes.iter().map(|index| items[*index].clone()).collect();
            let outcomes = self.change_at(operation, batch, each.clone(), folders(self.layout(), node)).await;
            for (index, outcome) in indexes.into_iter().zip(outcomes) {
                results[index] = outcome;
            }
        }
        results
    }

    async fn change_at(
        &self,
        operation: &'static str,
        batch: Vec<Item>,
        each: impl Fn(&dyn Disk, &FolderLayout, &Item) -> Result<(), BlobError> + Send + 'static,
        folders: Vec<PathBuf>,
    ) -> Vec<Result<(), BlobError>> {
        let (disk, layout) = (Arc::clone(self.disk()), self.layout().clone());
        let (path, count) = (folders.first().cloned().unwrap_or_default(), batch.len());
        let folder = path.clone();
        let work = move |watch: &super::blocking::JobWatch| {
            watch.at_target(true);
            let one = |item: &Item| {
                watch.beat(operation, &folder)?;
                each(&*disk, &layout, item)
            };
            let outcomes: Vec<_> = batch.iter().map(one).collect();
            folders.iter().try_for_each(|folder| sync_folder(&*disk, folder))?;
            Ok(outcomes)
        };
        match self.pool().run(operation, &path, work).await {
            Ok(outcomes) => outcomes,
            Err(error) => (0..count).map(|_| Err(error.again())).collect(),
        }
    }

    /// Removes what `attempt` wrote at `node`, draft and final name, and makes that durable. Only for an
    /// attempt whose intent is aborted. What is not there is fine.
    ///
    /// # Errors
    /// An error of the node's disk.
    pub async fn discard(&self, node: &NodeId, file: FileId, attempt: AttemptId) -> Result<(), BlobError> {
        let (draft, blob) = (self.layout().draft(node, attempt), self.layout().blob(node, file, attempt));
        let (disk, path, folders) =
            (Arc::clone(self.disk()), blob.clone(), [self.layout().drafts(node), self.layout().node(node)]);
        let work = move |_: &_| {
            remove(&*disk, &draft)?;
            remove(&*disk, &blob)?;
            folders.iter().try_for_each(|folder| sync_folder(&*disk, folder))
        };
        self.pool().run("remove", &path, work).await
    }
}

/// The folders that publishing changes, the one that gains a name first. Without the other, a loss of power
/// could bring the draft back beside its final name, when nobody speaks of it any more.
fn renamed_from(layout: &FolderLayout, node: &NodeId) -> Vec<PathBuf> {
    vec![layout.node(node), layout.drafts(node)]
}

fn rename(
    disk: &dyn Disk,
    layout: &FolderLayout,
    node: &NodeId,
    file: FileId,
    attempt: AttemptId,
) -> Result<(), BlobError> {
    let (draft, blob) = (layout.draft(node, attempt), layout.blob(node, file, attempt));
    match disk.rename_new(&draft, &blob) {
        Ok(()) => Ok(()),
        // The draft is gone: either an earlier try has renamed it, or it was never written.
        Err(Errno::NOENT) if disk.size(&blob).is_ok() => Ok(()),
        Err(Errno::NOENT) => Err(BlobError::NothingToPublish { node: node.clone(), file, blob: attempt }),
        Err(Errno::EXIST) => Err(BlobError::Invalid(format!(
            "{} exists beside its draft: a name is used once; abort this attempt and use a new one",
            blob.display()
        ))),
        Err(error) => Err(BlobError::target("publish", &blob, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{counter, powered, put, store};
    use super::*;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::Bytes;

    const FILE: FileId = FileId::new(1);

    async fn draft(store: &BlobStore, node: &str, attempt: u128) {
        let attempt = AttemptId::new(attempt);
        store.generate(&node_id(node), attempt, Bytes(9), 1, counter()).await.unwrap();
    }

    #[tokio::test]
    async fn publishing_twice_is_harmless() {
        let (_folder, store) = store();
        draft(&store, "zk1", 5).await;
        for _ in 0..2 {
            store.publish(&node_id("zk1"), FILE, AttemptId::new(5)).await.unwrap();
            let listed = store.list(&node_id("zk1")).await.unwrap();
            assert_eq!(listed, [(FILE, AttemptId::new(5), Bytes(9))]);
            assert!(store.leftovers(&node_id("zk1")).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_is_made_up() {
        let (_folder, store) = store();
        let missing = store.publish(&node_id("zk1"), FILE, AttemptId::new(5)).await;
        assert!(matches!(missing, Err(BlobError::NothingToPublish { .. })), "{missing:?}");
        draft(&store, "zk1", 5).await;
        put(&store, "zk1", FILE, AttemptId::new(5), b"first");
        let both = store.publish(&node_id("zk1"), FILE, AttemptId::new(5)).await;
        assert!(matches!(both, Err(BlobError::Invalid(_))), "{both:?}");
        assert_eq!(fs::read(store.layout().blob(&node_id("zk1"), FILE, AttemptId::new(5))).unwrap(), b"first");
    }

    #[tokio::test]
    async fn a_batch_tells_each_result_in_its_place() {
        let (_folder, store) = store();
        for (node, attempt) in [("zk1", 1), ("zk2", 2), ("zk1", 3)] {
            draft(&store, node, attempt).await;
        }
        let item = |node: &str, attempt| (node_id(node), FileId::new(attempt), AttemptId::new(attempt));
        let items = [item("zk1", 1), item("zk2", 2), item("zk2", 9), item("zk9", 4), item("zk1", 3)];
        let results = store.publish_many(&items).await;
        let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, true, false, false, true]);
        assert_eq!(store.list(&node_id("zk1")).await.unwrap().len(), 2);
        assert_eq!(store.list(&node_id("zk2")).await.unwrap().len(), 1);
        assert!(store.publish_many(&[]).await.is_empty());
    }

    /// The drafts' own names are on disk too: what another attempt gives up syncs their folder.
    #[tokio::test(start_paused = true)]
    async fn what_was_published_survives_a_loss_of_power_whole_and_under_that_name_alone() {
        let (volume, store) = powered();
        let (node, attempts) = (node_id("zk1"), [5, 6]);
        for attempt in attempts {
            draft(&store, "zk1", attempt).await;
        }
        store.discard(&node, FILE, AttemptId::new(7)).await.unwrap();
        for attempt in attempts {
            store.publish(&node, FILE, AttemptId::new(attempt)).await.unwrap();
        }
        volume.lose_power(|| false);
        let all: Vec<_> = attempts.iter().map(|attempt| (FILE, AttemptId::new(*attempt), Bytes(9))).collect();
        assert_eq!(store.list(&node).await.unwrap(), all);
        assert_eq!(store.leftovers(&node).await.unwrap(), [], "a draft came back that nobody speaks of any more");
    }

    #[tokio::test]
    async fn discard_removes_this_attempt_only_and_may_be_repeated() {
        let (_folder, store) = store();
        put(&store, "zk1", FILE, AttemptId::new(1), b"other");
        put(&store, "zk1", FILE, AttemptId::new(2), b"ours");
        draft(&store, "zk1", 2).await;
        for _ in 0..2 {
            store.discard(&node_id("zk1"), FILE, AttemptId::new(2)).await.unwrap();
        }
        assert_eq!(store.list(&node_id("zk1")).await.unwrap(), [(FILE, AttemptId::new(1), Bytes(5))]);
        assert!(store.leftovers(&node_id("zk1")).await.unwrap().is_empty());
    }
}
