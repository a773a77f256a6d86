//! What zkdeck keeps: the files' bytes, whose ensemble they are, and the history.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::finding::Finding;
use super::place::{Place, blocking};
use crate::adapters::blobs::{self, Stored};
use crate::adapters::history::{self, Examined};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::layout::{BUCKET_DIGITS_DEFAULT, Layout};
use crate::adapters::zookeeper::real;
use crate::domain::ids::Bytes;

/// Of the session that reads the ensemble's store id.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The uploads: how many, how large, whose.
pub(super) async fn uploads(place: &Place) -> Vec<Finding> {
    const NAME: &str = "uploads";
    let root = place.config.paths.data.join("uploads");
    let shown = root.display().to_string();
    let look = blocking(move || blobs::look(&root));
    let (stored, theirs) = tokio::join!(look, theirs(place));
    let stored = match stored {
        Some(Ok(stored)) => stored,
        Some(Err(error)) => return vec![Finding::fail(NAME, format!("{shown}: {error}"), format!("ls -ln {shown}"))],
        None => return Vec::new(),
    };
    vec![Finding::ok(NAME, size(&shown, &stored)), whose(&shown, stored.id.as_deref(), &theirs)]
}

fn size(shown: &str, stored: &Stored) -> String {
    let more = if stored.cut { "at least " } else { "" };
    format!("{shown}: {more}{} files, {}", stored.files, Bytes(stored.bytes))
}

/// What the ensemble says whose it is: `None` when it has no store yet; the cause when it cannot be asked.
async fn theirs(place: &Place) -> Result<Option<String>, String> {
    let config = ZkConfig {
        hosts: place.servers.iter().map(|server| server.client.clone()).collect(),
        root: place.config.ensemble.root.clone(),
        connect_limit: CONNECT_LIMIT,
        ..ZkConfig::default()
    };
    let coord: Arc<dyn Coord> = Arc::new(real::connect(&config).await.map_err(|error| error.to_string())?);
    let found =
        coord.get(&Layout::new(&config.root, BUCKET_DIGITS_DEFAULT).store()).await.map_err(|error| error.to_string());
    coord.close().await;
    Ok(found?.map(|(data, _)| String::from_utf8_lossy(&data).trim().to_owned()))
}

fn whose(shown: &str, ours: Option<&str>, theirs: &Result<Option<String>, String>) -> Finding {
    const NAME: &str = "store";
    match (ours, theirs) {
        (Some(ours), Ok(Some(theirs))) if ours == theirs => {
            Finding::ok(NAME, format!("{shown} and the ensemble belong together ({ours})"))
        }
        (Some(ours), Ok(Some(theirs))) => Finding::fail(
            NAME,
            format!("{shown} is of store {ours}, and the ensemble's is {theirs}: zkdeck may watch here, not touch"),
            "start zkdeck in the folder that belongs to the ensemble (--data), or the ensemble that belongs to the folder",
        ),
        (None, Ok(Some(theirs))) => Finding::warn(
            NAME,
            format!("the ensemble belongs to store {theirs}, and {shown} has no id"),
            "start zkdeck in the folder that holds that store (--data)",
        ),
        (Some(ours), Ok(None)) => {
            Finding::ok(NAME, format!("{shown} is of store {ours}; the ensemble takes it on at the next start"))
        }
        (None, Ok(None)) => Finding::ok(NAME, "neither folder nor ensemble has a store yet"),
        (ours, Err(_)) => {
            let ours = ours.map_or_else(|| "has no store yet".to_owned(), |id| format!("is of store {id}"));
            Finding::warn(
                NAME,
                format!("{shown} {ours}; the ensemble's is not known, it cannot be asked"),
                "see the findings on the ensemble",
            )
        }
    }
}

/// The database: there, whole, how large.
pub(super) async fn history(place: &Place) -> Vec<Finding> {
    let path = place.config.paths.data.join("zkdeck.db");
    let shown = path.display().to_string();
    let found = blocking(move || path.exists().then(|| history::examine(&path))).await;
    vec![match found.flatten() {
        None => Finding::ok("history", format!("{shown} is made at the first start")),
        Some(result) => judge(Path::new(&shown), &result),
    }]
}

fn judge(path: &Path, result: &Result<Examined, String>) -> Finding {
    let shown = path.display();
    match result {
        Ok(Examined { rows, bytes, problem: None }) => {
            Finding::ok("history", format!("{shown}: {rows} rows, {}", Bytes(*bytes)))
        }
        Ok(Examined { problem: Some(problem), .. }) => Finding::fail(
            "history",
            format!("{shown} is damaged: {problem}"),
            "start zkdeck: it sets the file aside and goes on with the newest good backup and the lines of operations.ndjson",
        ),
        Err(cause) => Finding::fail(
            "history",
            format!("{shown} cannot be read: {cause}"),
            format!(
                "ls -ln {shown}; when it is damaged, start zkdeck: it sets the file aside and takes the newest backup"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    #[test]
    fn two_ids_that_differ_fail_and_what_is_not_known_is_said() {
        let of = |ours: Option<&str>, theirs: Result<Option<&str>, &str>| {
            let theirs = theirs.map(|id| id.map(str::to_owned)).map_err(str::to_owned);
            whose("data/uploads", ours, &theirs).status
        };
        assert_eq!(of(Some("a"), Ok(Some("a"))), Status::Ok);
        assert_eq!(of(Some("a"), Ok(Some("b"))), Status::Fail);
        assert_eq!(of(None, Ok(Some("b"))), Status::Warn);
        assert_eq!(of(Some("a"), Ok(None)), Status::Ok);
        assert_eq!(of(None, Err("no server")), Status::Warn);
    }

    #[test]
    fn a_damaged_database_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zkdeck.db");
        std::fs::write(&path, "SQLite format 3\0 and then nothing that makes sense").unwrap();
        assert_eq!(judge(&path, &history::examine(&path)).status, Status::Fail);
    }
}
