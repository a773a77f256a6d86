//! What zkdeck keeps: the files' bytes, whose ensemble they are, and the history.

use std::path::Path;

use std::time::Duration;

use super::access::{self, Recorded};
use super::finding::Finding;
use super::place::{Site, blocking};
use crate::adapters::blobs::{self, StoreLook};
use crate::adapters::history::{self, HistoryConfig, HistoryReport, Unread};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::real;
use crate::domain::ids::Bytes;
use crate::domain::number::count;
use crate::domain::shell;
use crate::domain::store::{Folder, StoreView, Whose, whose};

/// Of the session that reads the ensemble's store id.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The uploads: how many, how large, whose.
pub(super) async fn uploads(place: &Site) -> Vec<Finding> {
    const NAME: &str = "uploads";
    let root = place.config.paths.data.join("uploads");
    let shown = root.display().to_string();
    let look = blocking(move || blobs::look(&root));
    let (stored, theirs) = tokio::join!(look, theirs(place));
    let stored = match stored {
        Some(Ok(stored)) => stored,
        Some(Err(error)) => {
            return vec![Finding::fail(NAME, format!("{shown}: {error}"), format!("ls -ln {}", shell::word(&shown)))];
        }
        None => return Vec::new(),
    };
    let size = Finding::ok(NAME, size(&shown, &stored));
    let folder = Folder { path: shown, id: stored.id, files: stored.published };
    let store = match theirs {
        Ok(Recorded::Denied(denied)) => denied.finding("store", &place.config.ensemble.root),
        Ok(Recorded::Store { id, .. }) => belongs(&folder, Some(id)).1,
        Ok(Recorded::None) => belongs(&folder, None).1,
        Err(cause) => unknown(&folder, &cause),
    };
    vec![size, store]
}

fn size(shown: &str, stored: &StoreLook) -> String {
    let more = if stored.cut { "at least " } else { "" };
    format!("{shown}: {more}{}, {}", count(stored.files, "file"), Bytes(stored.bytes))
}

/// What the ensemble says whose it is; the cause when it cannot be asked.
async fn theirs(place: &Site) -> Result<Recorded, String> {
    let config = ZkConfig {
        hosts: place.servers.iter().map(|server| server.client.clone()).collect(),
        root: place.config.ensemble.root.clone(),
        connect_limit: CONNECT_LIMIT,
        ..ZkConfig::default()
    };
    let coord = real::connect(&config).await.map_err(|error| error.to_string())?;
    let found = access::recorded(&coord, &config.root).await.map_err(|error| error.to_string());
    coord.close().await;
    found
}

/// Whose the folder is, by the rule that zkdeck itself goes by, and what is said of it.
pub(super) fn belongs(folder: &Folder, theirs: Option<String>) -> (Whose, Finding) {
    const NAME: &str = "store";
    let (whose, shown) = (whose(folder, theirs), &folder.path);
    let finding = match (&whose, &folder.id) {
        (Whose::Free, None) => Finding::ok(NAME, "neither folder nor ensemble has a store yet"),
        (Whose::Free, Some(id)) => Finding::ok(
            NAME,
            format!("{shown} is of store {id} and holds no files; the ensemble takes it on at the next start"),
        ),
        (Whose::Unproved(theirs), _) => Finding::warn(
            NAME,
            format!("{shown} holds {} and no id, and the ensemble has store {theirs}", count(folder.files, "file")),
            format!(
                "start zkdeck: it writes the id again when the bytes of every record lie there; else restore \
                 {shown}/.store-id, which holds the one line {theirs}, if the folder is the ensemble's"
            ),
        ),
        (Whose::Known(view), _) => match view.refusal() {
            None => {
                let id = folder.id.as_deref().unwrap_or("-");
                Finding::ok(NAME, format!("{shown} and the ensemble belong together ({id})"))
            }
            Some(refusal) => {
                let message = format!("zkdeck may watch here, not touch: {}", refusal.cause);
                match view {
                    // Who looks at an ensemble from another machine has no files.
                    StoreView::Empty { .. } => Finding::warn(NAME, message, refusal.step),
                    _ => Finding::fail(NAME, message, refusal.step),
                }
            }
        },
    };
    (whose, finding)
}

/// The ensemble cannot be asked.
fn unknown(folder: &Folder, cause: &str) -> Finding {
    let ours = folder.id.as_ref().map_or_else(|| "has no store yet".to_owned(), |id| format!("is of store {id}"));
    let message = format!("{} {ours}; the ensemble's is not known: {cause}", folder.path);
    Finding::warn("store", message, "see the findings on the ensemble")
}

/// The database: there, whole, how large.
pub(super) async fn history(place: &Site) -> Vec<Finding> {
    let paths = &place.config.paths;
    let path = paths.data.join("zkdeck.db");
    let shown = path.display().to_string();
    let config = HistoryConfig { path, ndjson_dir: paths.logs.join("backend"), any_filesystem: true };
    let found = blocking(move || {
        let unwritable = unwritable(&config.path);
        let found = match config.path.exists() {
            true => Ok(history::examine(&config.path)),
            false => Err(history::can_be_restored(&config)),
        };
        (found, unwritable)
    });
    let Some((found, unwritable)) = found.await else { return Vec::new() };
    unwritable.map_or_else(|| vec![judge(&shown, &found)], |finding| vec![finding])
}

/// The file is there and can be read, and zkdeck would not start on it.
fn unwritable(path: &Path) -> Option<Finding> {
    const NAME: &str = "history";
    let shown = path.display();
    if path.is_dir() {
        return Some(Finding::fail(NAME, format!("{shown} is a folder"), "move it away; zkdeck makes the file"));
    }
    std::fs::File::open(path).ok()?;
    let error = std::fs::OpenOptions::new().append(true).open(path).err()?;
    let word = shell::path(path);
    let fix = format!("ls -ln {word} and lsattr {word} tell why; history has to be written");
    Some(Finding::fail(NAME, format!("{shown} can be read and not written: {error}"), fix))
}

/// `Err`: there is no file, and whether there is what one can be made again from.
fn judge(shown: &str, found: &Result<Result<HistoryReport, Unread>, bool>) -> Finding {
    const NAME: &str = "history";
    let word = shell::word(shown);
    let restored = "start zkdeck: it sets the file aside, restores the newest good backup and reads the lines of \
                    operations.ndjson back";
    let why = match found {
        Err(false) => return Finding::ok(NAME, format!("{shown} is made at the first start")),
        Err(true) => {
            let message = format!("{shown} is missing, and its backups or the lines of operations.ndjson are there");
            return Finding::warn(NAME, message, "start zkdeck: it makes the history again from these");
        }
        Ok(Ok(HistoryReport { problem: None, held_by: Some(pid), .. })) => {
            let who = if *pid == 0 { "another process".to_owned() } else { format!("process {pid}") };
            let message = format!("{shown} cannot be written: {who} holds it locked and writes nothing");
            return Finding::fail(
                NAME,
                message,
                format!("end it or have it commit (fuser -v {word} names it); rows wait"),
            );
        }
        Ok(Ok(HistoryReport { rows, bytes, problem: None, .. })) => {
            return Finding::ok(NAME, format!("{shown}: {}, {}", count(rows.unsigned_abs(), "row"), Bytes(*bytes)));
        }
        Ok(Ok(HistoryReport { problem: Some(problem), .. })) => {
            return Finding::fail(NAME, format!("{shown} is damaged: {problem}"), restored);
        }
        Ok(Err(why)) => why,
    };
    let message = format!("{shown} is not read: {why}");
    match why {
        Unread::Denied { .. } => {
            Finding::fail(NAME, message, format!("ls -ln {word}*, then chown them, or run doctor as their owner"))
        }
        Unread::Locked => Finding::fail(NAME, message, format!("fuser {word} names the process; end it there")),
        Unread::Damaged(_) => Finding::fail(NAME, message, restored),
        Unread::Newer { .. } => Finding::fail(NAME, message, "use a newer zkdeck"),
        Unread::NoIndex { .. } => Finding::warn(NAME, message, "start zkdeck once: it makes the index"),
        Unread::Other(_) => Finding::fail(NAME, message, format!("ls -ln {word}*, and check the disk")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;

    #[test]
    fn the_folder_is_judged_by_the_rule_that_zkdeck_goes_by() {
        let of = |ours: Option<&str>, files, theirs: Option<&str>| {
            let folder = Folder { path: "data/uploads".into(), id: ours.map(str::to_owned), files };
            belongs(&folder, theirs.map(str::to_owned)).1
        };
        assert_eq!(of(Some("a"), 1, Some("a")).status, Grade::Ok);
        assert_eq!(of(Some("a"), 0, Some("b")).status, Grade::Fail);
        assert_eq!(of(Some("a"), 0, None).status, Grade::Ok);
        assert_eq!(of(None, 3, Some("b")).status, Grade::Warn);
        // A new ensemble does not take on a folder that holds files.
        let unclaimed = of(Some("a"), 17, None);
        let alert = StoreView::Unclaimed { folder: "data/uploads".into(), files: 17 }.refusal().unwrap();
        assert!(unclaimed.status == Grade::Fail && unclaimed.message.contains(&alert.cause), "{unclaimed:?}");
        assert!(unclaimed.fix.as_deref() == Some(&*alert.step) && alert.step.contains("zkdeck doctor --adopt"));
        let empty = of(None, 0, Some("b"));
        assert!(empty.status == Grade::Warn && empty.message.contains("no file lies in data/uploads"), "{empty:?}");
        let folder = Folder { path: "data/uploads".into(), id: None, files: 0 };
        assert_eq!(unknown(&folder, "no server").status, Grade::Warn);
    }

    #[test]
    fn a_damaged_database_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zkdeck.db");
        std::fs::write(&path, "SQLite format 3\0 and then nothing that makes sense").unwrap();
        let found = judge("x", &Ok(history::examine(&path)));
        assert!(found.status == Grade::Fail && found.message.contains("it is damaged"), "{found:?}");
    }

    #[test]
    fn each_cause_has_its_own_next_step() {
        let of = |why| judge("data/zkdeck.db", &Ok(Err(why)));
        let denied = of(Unread::Denied { uid: 7 });
        assert_eq!(denied.message, "data/zkdeck.db is not read: it may not be read by uid 7");
        assert!(of(Unread::Locked).fix.is_some_and(|fix| fix.starts_with("fuser data/zkdeck.db")));
        assert!(!of(Unread::Locked).message.contains("damaged"));
        let held = Ok(Ok(HistoryReport { rows: 1, bytes: 4096, problem: None, held_by: Some(42) }));
        let held = judge("data/zkdeck.db", &held);
        assert!(held.status == Grade::Fail && held.message.contains("process 42 holds it locked"), "{held:?}");
        assert_eq!(judge("x", &Err(true)).status, Grade::Warn);
        assert_eq!(judge("x", &Err(false)).status, Grade::Ok);
    }
}
