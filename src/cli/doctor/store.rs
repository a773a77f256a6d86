//! The store: records, bytes and history agree, and what lies in quarantine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Options;
use super::finding::Finding;
use super::place::Place;
use crate::adapters::blobs::{BlobConfig, BlobStore, Kept};
use crate::adapters::history::{self, History, HistoryConfig};
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::registry::Registry;
use crate::adapters::zookeeper::{Layout, ZkConfig, connect};
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::invariants::Violation;
use crate::engine::inspect::Inspection;

pub(super) const NAME: &str = "store";
/// Violations that are printed one by one.
const SHOWN: usize = 50;

/// An open store: its folders, the ensemble's records, and history.
pub(super) struct Store {
    pub(super) registry: Registry,
    pub(super) blobs: BlobStore,
    /// `None` when there is none, or it cannot be read.
    pub(super) history: Option<History>,
    pub(super) nodes: Vec<NodeId>,
}

/// Opens the store of the settings.
///
/// # Errors
/// The finding that says why there is none to look at.
pub(super) async fn open(place: &Place) -> Result<(Store, Vec<Finding>), Finding> {
    let paths = &place.config.paths;
    let uploads = paths.data.join("uploads");
    if !uploads.join(".store-id").is_file() {
        let message = format!("{} holds no store yet; zkdeck makes one at its first start", uploads.display());
        return Err(Finding::ok(NAME, message));
    }
    let nodes: Vec<NodeId> = place.servers.iter().map(|server| server.node.clone()).collect();
    let config = BlobConfig {
        quarantine: paths.data.join("quarantine"),
        reserve: Bytes(place.config.scheduler.reserve_mib << 20),
        ..BlobConfig::new(uploads)
    };
    let opened = BlobStore::open(config, &nodes);
    let blobs =
        opened.map_err(|error| Finding::fail(NAME, error.to_string(), "check the disk and the folder's rights"))?;
    let registry = registry(place).await?;
    let ours = blobs.store_id().unwrap_or_default();
    let theirs = registry.claim_store(ours).await;
    let theirs =
        theirs.map_err(|error| Finding::fail(NAME, error.to_string(), "try again when the ensemble answers"))?;
    if theirs != ours {
        let message = format!("this folder is store {ours} and the ensemble's is {theirs}");
        return Err(Finding::fail(NAME, message, "run it in the folder that belongs to the ensemble: --data"));
    }
    let (history, findings) = history(paths.data.join("zkdeck.db"), paths.logs.join("backend"));
    Ok((Store { registry, blobs, history, nodes }, findings))
}

/// Reads what is there; a root that nobody has made stays unmade.
async fn registry(place: &Place) -> Result<Registry, Finding> {
    let config = ZkConfig {
        hosts: place.servers.iter().map(|server| server.client.clone()).collect(),
        root: place.config.ensemble.root.clone(),
        session_timeout: Duration::from_secs(place.config.ensemble.session_timeout_s),
        ..ZkConfig::default()
    };
    let unread = |error: &dyn std::fmt::Display| {
        Finding::warn(NAME, format!("the records cannot be read: {error}"), "start a majority of the servers")
    };
    let coord: Arc<dyn Coord> = Arc::new(connect(&config).await.map_err(|error| unread(&error))?);
    let recorded = Layout::new(&config.root, 2).store();
    match coord.get(&recorded).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            let message = format!("the ensemble has no store under {} yet", config.root);
            return Err(Finding::warn(
                NAME,
                message,
                "start zkdeck once; the scrub then keeps these files in quarantine",
            ));
        }
        Err(error) => return Err(unread(&error)),
    }
    Registry::open(coord, &config).await.map_err(|error| unread(&error))
}

fn history(path: PathBuf, ndjson_dir: PathBuf) -> (Option<History>, Vec<Finding>) {
    if !path.is_file() {
        return (None, Vec::new());
    }
    if let Err(cause) = history::look(&path) {
        let message = format!("history {} is corrupt: {cause}", path.display());
        let fix = "start zkdeck: it sets the file aside and restores the newest good backup";
        return (None, vec![Finding::fail("history", message, fix)]);
    }
    match History::open(HistoryConfig { path, ndjson_dir, any_filesystem: true }) {
        Ok(history) => (Some(history), Vec::new()),
        Err(error) => (None, vec![Finding::fail("history", error.to_string(), "check the file's owner and its disk")]),
    }
}

/// Judges the invariants over records, bytes and rows, and lists what is in quarantine.
pub(super) async fn check(place: &Place, options: &Options) -> Vec<Finding> {
    let (store, mut findings) = match open(place).await {
        Ok(opened) => opened,
        Err(finding) => return vec![finding],
    };
    let inspection = Inspection {
        registry: store.registry.clone(),
        blobs: Some(store.blobs.clone()),
        history: store.history.clone(),
        nodes: store.nodes.clone(),
        hashes: options.hashes,
    };
    let (judged, kept) = tokio::join!(inspection.violations(), store.blobs.quarantined());
    findings.extend(match judged {
        Ok(violations) => verdict(&violations, options.hashes),
        Err(error) => vec![Finding::fail(NAME, error.to_string(), "try again when the ensemble and the disk answer")],
    });
    findings.extend(match kept {
        Ok(kept) => quarantine(&kept),
        Err(error) => Some(Finding::fail("quarantine", error.to_string(), "check the disk")),
    });
    store.registry.coord().close().await;
    findings
}

fn verdict(violations: &[Violation], hashes: bool) -> Vec<Finding> {
    if violations.is_empty() {
        let how = if hashes { "by size and hash" } else { "by size; --hashes reads every byte" };
        return vec![Finding::ok(NAME, format!("records, bytes and history agree ({how})"))];
    }
    let fix = "look at that file in the console and in history; docs/reliability.md tells what each rule means";
    let mut findings: Vec<_> =
        violations.iter().take(SHOWN).map(|violation| Finding::fail(NAME, violation.to_string(), fix)).collect();
    if violations.len() > SHOWN {
        let message = format!("and {} more violations", violations.len() - SHOWN);
        findings.push(Finding::fail(NAME, message, "mend these first, then ask again"));
    }
    findings
}

fn quarantine(kept: &[Kept]) -> Option<Finding> {
    let first = kept.first()?;
    let bytes = Bytes(kept.iter().map(|one| one.size.0).sum());
    let message = format!(
        "files in quarantine that no record names: {} ({bytes}), the first is file {} of {}",
        kept.len(),
        first.file,
        first.node
    );
    Some(Finding::warn("quarantine", message, "zkdeck doctor --adopt makes records for them"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;
    use crate::cli::doctor::place;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::{AttemptId, FileId};
    use crate::domain::invariants::Invariant;

    #[tokio::test]
    async fn a_folder_without_a_store_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place::tests::place();
        place.config.paths.data = folder.path().to_owned();
        let options = Options::default();
        let found = check(&place, &options).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].status, Status::Ok, "{found:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it made something");
    }

    #[test]
    fn violations_are_counted_and_the_list_is_bounded() {
        let violation = Violation {
            invariant: Invariant::I1,
            file: Some(FileId::new(1)),
            node: Some(node_id("zk1")),
            attempt: Some(AttemptId::new(2)),
            what: "its bytes are missing".into(),
        };
        let found = verdict(&vec![violation; 60], false);
        assert_eq!(found.len(), SHOWN + 1);
        assert!(found[0].message.starts_with("I1 file"), "{found:?}");
        assert_eq!(found[SHOWN].message, "and 10 more violations");
        assert_eq!(verdict(&[], true)[0].status, Status::Ok);
    }

    #[test]
    fn what_is_in_quarantine_is_told_with_the_way_out() {
        assert_eq!(quarantine(&[]), None);
        let kept = Kept { node: node_id("zk2"), file: FileId::new(1), blob: AttemptId::new(2), size: Bytes(2048) };
        let found = quarantine(&[kept.clone(), kept]).unwrap();
        assert!(found.message.starts_with("files in quarantine that no record names: 2 (4 KiB)"), "{found:?}");
        assert!(found.fix.unwrap().contains("--adopt"));
    }
}
