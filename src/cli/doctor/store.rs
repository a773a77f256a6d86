//! The store: records, bytes and history agree, and what lies in quarantine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::access::{self, Recorded};
use super::finding::Finding;
use super::kept;
use super::options::DoctorOptions;
use super::place::{Site, blocking};
use crate::adapters::blobs::{BlobConfig, BlobError, BlobStore, QuarantinedBlob};
use crate::adapters::history::{self, History, HistoryConfig};
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::registry::Registry;
use crate::adapters::zookeeper::{RealCoord, ZkConfig, ZkError, connect};
use crate::domain::ids::{Bytes, NodeId, Timestamp};
use crate::domain::invariants::Violation;
use crate::domain::number::count;
use crate::domain::shell;
use crate::domain::store::{Folder, StoreView, Whose};
use crate::engine;
use crate::engine::inspect::{CLOCKS_APART, Inspection};

pub(super) const NAME: &str = "store";
/// Violations that are printed one by one.
const SHOWN: usize = 50;

/// A store as it is: its folders, the ensemble's records, and history. Opening it changes nothing.
pub(super) struct StoreState {
    pub(super) registry: Registry,
    pub(super) blobs: BlobStore,
    /// `None` when there is none, or it cannot be read: the check of the history tells why.
    pub(super) history: Option<History>,
    pub(super) nodes: Vec<NodeId>,
    /// When the ensemble got its first records.
    since: Option<Timestamp>,
}

/// The store with everything that a change of it needs.
pub(super) struct Writable {
    pub(super) registry: Registry,
    pub(super) blobs: BlobStore,
    pub(super) history: History,
}

/// Why there is no store to look at.
pub(super) enum NoStore {
    /// The folder holds nothing. Whose the ensemble's store is, the check of the uploads tells.
    Empty(String),
    /// The folder holds files, and the ensemble has no store and may be given this one.
    Unclaimed(Finding),
    Other(Finding),
}

impl From<Finding> for NoStore {
    fn from(finding: Finding) -> Self {
        Self::Other(finding)
    }
}

/// A session with the ensemble of the settings, or why there is none.
pub(super) type StoreSession = Result<RealCoord, ZkError>;

/// Begins one; nothing is made.
pub(super) async fn session(place: &Site) -> StoreSession {
    connect(&zk_config(place)).await
}

/// Opens the store of the settings to look at it.
///
/// # Errors
/// [`NoStore`] when there is none.
pub(super) async fn look(place: &Site, session: StoreSession) -> Result<StoreState, NoStore> {
    let failed = |error: BlobError| Finding::fail(NAME, error.to_string(), "check the disk and the folder's rights");
    let blobs = BlobStore::look(blob_config(place)).map_err(failed)?;
    let id = blobs.store_id().map(str::to_owned);
    let folder =
        Folder { path: blobs.root().display().to_string(), id, files: blobs.published().await.map_err(failed)? };
    if folder.id.is_none() && folder.files == 0 {
        if let Ok(session) = session {
            session.close().await;
        }
        return Err(NoStore::Empty(folder.path));
    }
    let nodes: Vec<NodeId> = place.servers.iter().map(|server| server.node.clone()).collect();
    let (registry, since) = records(place, &folder, session).await?;
    let since = boundary(&registry, since).await;
    let path = history_config(place).path;
    let history = blocking(move || path.is_file().then(|| History::look(&path).ok())).await.flatten().flatten();
    Ok(StoreState { registry, blobs, history, nodes, since })
}

/// Opens the store that `seen` has looked at, to change it.
///
/// # Errors
/// What cannot be opened, with the next step.
pub(super) async fn open(place: &Site, seen: &StoreState) -> anyhow::Result<Writable> {
    // SQLite opens one file in one way in one process.
    if let Some(history) = &seen.history {
        history.close().await;
    }
    let blobs = BlobStore::open(blob_config(place), &seen.nodes)?;
    let registry = Registry::open(Arc::clone(seen.registry.coord()), &zk_config(place)).await?;
    Ok(Writable { registry, blobs, history: History::open(history_config(place))? })
}

/// Makes the folder's store the one of an ensemble that has none; whose it is then.
///
/// # Errors
/// What cannot be read or written.
pub(super) async fn claim(place: &Site) -> anyhow::Result<String> {
    let blobs = BlobStore::look(blob_config(place))?;
    let config = zk_config(place);
    let coord: Arc<dyn Coord> = Arc::new(connect(&config).await?);
    let registry = Registry::open(Arc::clone(&coord), &config).await?;
    let theirs = engine::claim::claim(&blobs, &registry).await?;
    coord.close().await;
    if blobs.store_id() != Some(&theirs) {
        anyhow::bail!(
            "the ensemble has got store {theirs} meanwhile; run doctor in the folder that belongs to it: --data"
        );
    }
    Ok(theirs)
}

fn blob_config(place: &Site) -> BlobConfig {
    let data = &place.config.paths.data;
    BlobConfig {
        quarantine: data.join("quarantine"),
        reserve: place.config.scheduler.reserve(),
        ..BlobConfig::new(data.join("uploads"))
    }
}

fn history_config(place: &Site) -> HistoryConfig {
    let paths = &place.config.paths;
    let (path, ndjson_dir) = (paths.data.join("zkdeck.db"), paths.logs.join("backend"));
    HistoryConfig { path, ndjson_dir, any_filesystem: true }
}

fn zk_config(place: &Site) -> ZkConfig {
    ZkConfig {
        hosts: place.servers.iter().map(|server| server.client.clone()).collect(),
        root: place.config.ensemble.root.clone(),
        session_timeout: Duration::from_secs(place.config.ensemble.session_timeout_s),
        ..ZkConfig::default()
    }
}

/// The records of the store that the folder is of, and since when there are any. A root that nobody has made stays unmade.
async fn records(
    place: &Site,
    folder: &Folder,
    session: StoreSession,
) -> Result<(Registry, Option<Timestamp>), NoStore> {
    let config = zk_config(place);
    let unread = |error: &dyn std::fmt::Display| {
        Finding::warn(NAME, format!("the records cannot be read: {error}"), "start a majority of the servers")
    };
    let none = || match kept::belongs(folder, None) {
        (Whose::Known(StoreView::Unclaimed { .. }), finding) => NoStore::Unclaimed(finding),
        (_, finding) => NoStore::Other(finding),
    };
    let coord = Arc::new(session.map_err(|error| unread(&error))?);
    let since = match access::recorded(&coord, &config.root).await {
        Ok(Recorded::Store { id, since }) => match kept::belongs(folder, Some(id)) {
            (Whose::Known(StoreView::Ours { .. }), _) => since,
            (_, finding) => return Err(finding.into()),
        },
        Ok(Recorded::None) => return Err(none()),
        Ok(Recorded::Denied(denied)) => return Err(denied.finding(NAME, &config.root).into()),
        Err(error) => return Err(unread(&error).into()),
    };
    let coord: Arc<dyn Coord> = coord;
    let registry = Registry::look(coord, &config).await.map_err(|error| unread(&error))?;
    Ok((registry.ok_or_else(none)?, since))
}

/// Judges the invariants over records, bytes and rows, and lists what is in quarantine.
pub(super) async fn check(place: &Site, options: &DoctorOptions, session: StoreSession) -> Vec<Finding> {
    let store = match look(place, session).await {
        Ok(store) => store,
        Err(NoStore::Empty(_)) => return Vec::new(),
        Err(NoStore::Unclaimed(finding) | NoStore::Other(finding)) => return vec![finding],
    };
    let inspection = Inspection {
        registry: store.registry.clone(),
        blobs: Some(store.blobs.clone()),
        history: store.history.clone(),
        nodes: store.nodes.clone(),
        since: store.since,
        hashes: options.hashes,
    };
    let (judged, kept, earlier) =
        tokio::join!(inspection.violations(), store.blobs.quarantined(), earlier(place, store.since));
    let mut findings = match judged {
        Ok(violations) => {
            let unjudged = unjudged(&violations, &store.nodes, &place.config.paths.data.join("uploads"));
            let of_others = |one: &Violation| !one.node.as_ref().is_some_and(|node| unjudged.contains_key(node));
            let judged: Vec<_> = violations.into_iter().filter(of_others).collect();
            let told = unjudged.into_values();
            if judged.is_empty() && told.len() > 0 {
                told.collect()
            } else {
                told.chain(verdict(&judged, options.hashes, store.history.is_some())).collect()
            }
        }
        Err(error) => vec![Finding::fail(NAME, error.to_string(), "try again when the ensemble and the disk answer")],
    };
    findings.extend(match kept {
        Ok(kept) => quarantine(&kept, &blob_config(place).quarantine, earlier),
        Err(error) => Some(Finding::fail("quarantine", error.to_string(), "check the disk")),
    });
    store.registry.coord().close().await;
    findings
}

/// Nodes whose files cannot be judged from here, each with one finding: their folder cannot be looked into, or they
/// are not among the servers that were named.
fn unjudged(violations: &[Violation], named: &[NodeId], uploads: &Path) -> BTreeMap<NodeId, Finding> {
    let mut found = BTreeMap::new();
    for node in violations.iter().filter_map(|violation| violation.node.as_ref()) {
        if found.contains_key(node) {
            continue;
        }
        let folder = uploads.join(node.as_str());
        let (why, fix) = if !named.contains(node) {
            let why = "records name it, and it is not among the servers that were named".to_owned();
            (why, "name every server of the ensemble: --zk, or ensemble.servers in zkdeck.toml")
        } else {
            let why = match std::fs::read_dir(&folder).map(Iterator::count) {
                Err(error) => format!("{} cannot be looked into: {error}", folder.display()),
                Ok(0) => format!("{} is empty", folder.display()),
                Ok(_) => continue,
            };
            (why, "put the folder back, or mount its disk; what is missing then is told file by file")
        };
        found.insert(node.clone(), Finding::fail(NAME, format!("the files of {node} are not judged: {why}"), fix));
    }
    found
}

fn verdict(violations: &[Violation], hashes: bool, history: bool) -> Vec<Finding> {
    if violations.is_empty() {
        let how = if hashes { "by size and hash" } else { "by size; --hashes reads every byte" };
        let told = if history {
            format!("records, bytes and history agree ({how})")
        } else {
            format!("records and bytes agree ({how}); history was not judged")
        };
        return vec![Finding::ok(NAME, told)];
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

/// When the ensemble got its first records, as far as they bear it out: records that are older than their
/// znodes were put back, and history belongs to them from its beginning.
async fn boundary(registry: &Registry, since: Option<Timestamp>) -> Option<Timestamp> {
    let since = since?;
    let loaded = registry.load_files(|_| ()).await.ok()?;
    let older = loaded.entries.iter().any(|entry| entry.record.created_ms.plus(CLOCKS_APART) < since);
    (!older).then_some(since)
}

/// Rows of history that tell of an ensemble that is gone.
async fn earlier(place: &Site, since: Option<Timestamp>) -> i64 {
    let (path, since) = (history_config(place).path, since.unwrap_or_default());
    blocking(move || history::rows_before(&path, since)).await.and_then(Result::ok).unwrap_or(0)
}

/// What lies in quarantine, and whose it is; `earlier` counts the rows of an ensemble that is gone.
fn quarantine(kept: &[QuarantinedBlob], folder: &Path, earlier: i64) -> Option<Finding> {
    const CHECK: &str = "quarantine";
    let rows = format!(
        "history has {} of an earlier ensemble, told apart from this one's",
        count(earlier.unsigned_abs(), "row")
    );
    let Some(first) = kept.first() else {
        return (earlier > 0).then(|| Finding::ok(CHECK, rows));
    };
    let bytes = Bytes(kept.iter().map(|one| one.size.0).sum());
    let message = format!(
        "files in quarantine that no record names: {} ({bytes}), the first is file {} of {}",
        kept.len(),
        first.file,
        first.node
    );
    let adopt = "zkdeck doctor --adopt makes records for them";
    if earlier == 0 {
        return Some(Finding::warn(CHECK, message, adopt));
    }
    let fix = format!("rm -r {} removes them for good; {adopt}", shell::path(folder));
    Some(Finding::warn(CHECK, format!("{message}; {rows}"), fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;
    use crate::cli::doctor::place;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::{AttemptId, FileId};
    use crate::domain::invariants::Invariant;

    #[tokio::test]
    async fn of_an_empty_folder_there_is_nothing_to_judge() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = place::tests::place();
        place.config.paths.data = folder.path().to_owned();
        let options = DoctorOptions::default();
        let none = Err(ZkError::Connect { hosts: "a:1".into(), cause: "nobody is there".into() });
        let found = check(&place, &options, none).await;
        assert_eq!(found, [], "what is to be said of it, the check of the uploads says");
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
        let found = verdict(&vec![violation; 60], false, true);
        assert_eq!(found.len(), SHOWN + 1);
        assert!(found[0].message.starts_with("I1 file"), "{found:?}");
        assert_eq!(found[SHOWN].message, "and 10 more violations");
        assert_eq!(verdict(&[], true, true)[0].status, Grade::Ok);
        assert!(verdict(&[], true, true)[0].message.starts_with("records, bytes and history agree"));
        assert_eq!(
            verdict(&[], true, false)[0].message,
            "records and bytes agree (by size and hash); history was not judged"
        );
    }

    #[test]
    fn what_is_in_quarantine_is_told_with_the_way_out() {
        let folder = Path::new("data/quarantine");
        assert_eq!(quarantine(&[], folder, 0), None);
        let kept =
            QuarantinedBlob { node: node_id("zk2"), file: FileId::new(1), blob: AttemptId::new(2), size: Bytes(2048) };
        let found = quarantine(&[kept.clone(), kept.clone()], folder, 0).unwrap();
        assert!(found.message.starts_with("files in quarantine that no record names: 2 (4 KiB)"), "{found:?}");
        assert!(found.fix.unwrap().starts_with("zkdeck doctor --adopt"));
        let after = quarantine(&[kept], folder, 7).unwrap();
        assert!(after.message.ends_with("history has 7 rows of an earlier ensemble, told apart from this one's"));
        assert!(after.fix.unwrap().starts_with("rm -r data/quarantine removes them for good"));
        assert_eq!(quarantine(&[], folder, 7).unwrap().status, Grade::Ok);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_told_once_and_not_file_by_file() {
        let uploads = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(uploads.path().join("zk1/.tmp")).unwrap();
        std::fs::write(uploads.path().join("zk2"), "no folder").unwrap();
        std::fs::create_dir(uploads.path().join("zk4")).unwrap();
        let lost = |node: &str| Violation {
            invariant: Invariant::I1,
            file: None,
            node: Some(node_id(node)),
            attempt: None,
            what: "its bytes are missing".into(),
        };
        let violations = [lost("zk1"), lost("zk2"), lost("zk2"), lost("zk3"), lost("zk3"), lost("zk4")];
        let found = unjudged(&violations, &["zk1", "zk2", "zk4"].map(node_id), uploads.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["zk2", "zk3", "zk4"].map(node_id).iter().collect::<Vec<_>>());
        let told = |node: &str| found[&node_id(node)].message.clone();
        assert!(told("zk2").contains("cannot be looked into") && told("zk3").contains("not among the servers"));
        assert!(told("zk4").ends_with("zk4 is empty"));
    }
}
