//! The file of saved searches, one a line. Other consoles change it too: it is read again before each change.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::draft::{HiddenFile, Keep};
use crate::console::fetch::ANSWER_LIMIT;
use crate::console::place::SavedSearches;

/// Searches that are kept.
const SEARCHES_MAX: usize = 200;

/// One change after the other.
static TURN: Mutex<()> = Mutex::new(());

/// Reads the searches, changes them as asked, and gives those that are kept then. What cannot be read is
/// not written over.
pub(super) async fn searches(file: PathBuf, asked: SavedSearches) -> Result<Vec<String>, String> {
    let named = file.clone();
    let work = tokio::task::spawn_blocking(move || change(&file, asked));
    let done = match tokio::time::timeout(ANSWER_LIMIT, work).await {
        Ok(done) => done.unwrap_or_else(|error| Err(error.to_string())),
        Err(_) => Err("the disk does not answer".into()),
    };
    done.map_err(|why| format!("saved searches in {}: {why}", named.display()))
}

fn change(file: &Path, asked: SavedSearches) -> Result<Vec<String>, String> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut list = read(file)?;
    match asked {
        SavedSearches::Read => return Ok(list),
        SavedSearches::Add(search) => {
            list.retain(|own| *own != search);
            list.insert(0, search);
            list.truncate(SEARCHES_MAX);
        }
        SavedSearches::Remove(search) => list.retain(|own| *own != search),
    }
    write(file, &list)?;
    Ok(list)
}

fn read(file: &Path) -> Result<Vec<String>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            Ok(lines.take(SEARCHES_MAX).map(str::to_owned).collect())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn write(file: &Path, list: &[String]) -> Result<(), String> {
    let (draft, mut out) = HiddenFile::open(file.to_owned(), Keep::Replacing)?;
    let text: String = list.iter().map(|search| format!("{search}\n")).collect();
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(|error| error.to_string())?;
    draft.name(Keep::Replacing).map(drop)
}

#[cfg(test)]
mod tests {
    use super::SavedSearches::{Add, Read, Remove};
    use super::*;

    #[tokio::test]
    async fn searches_are_kept_beside_those_of_another_console() {
        let folder = tempfile::tempdir().expect("temp");
        let file = folder.path().join("searches.txt");
        assert_eq!(searches(file.clone(), Read).await, Ok(vec![]));
        for search in ["level>=WARN", "fsync node:zk2"] {
            searches(file.clone(), Add(search.into())).await.expect("kept");
        }
        // Another console has saved one meanwhile.
        let text = std::fs::read_to_string(&file).expect("kept");
        std::fs::write(&file, format!("theirs\n{text}")).expect("written");
        let list = searches(file.clone(), Add("level>=WARN".into())).await.expect("kept");
        assert_eq!(list, ["level>=WARN", "theirs", "fsync node:zk2"]);
        searches(file.clone(), Remove("theirs".into())).await.expect("kept");
        assert_eq!(searches(file.clone(), Read).await, Ok(vec!["level>=WARN".into(), "fsync node:zk2".into()]));
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1, "no draft is left");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_written_over() {
        let folder = tempfile::tempdir().expect("temp");
        let file = folder.path().join("searches.txt");
        std::fs::write(&file, b"fsync\n\xff\n").expect("written");
        let told = searches(file.clone(), Add("new".into())).await.expect_err("not UTF-8");
        assert!(told.starts_with("saved searches in ") && told.contains("UTF-8"), "{told}");
        assert_eq!(std::fs::read(&file).expect("there"), b"fsync\n\xff\n");
    }
}
