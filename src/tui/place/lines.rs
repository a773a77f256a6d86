//! Files of lines that a person keeps: searches, commands. Other consoles change them too: a file is read again before
//! each change.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::draft::{HiddenFile, Keep};
use crate::console::fetch::ANSWER_LIMIT;
use crate::console::place::{KeptLines, KeptLinesAsk, LineChange};

/// Lines that are kept in a file.
const LINES_MAX: usize = 200;

/// One change after the other.
static TURN: Mutex<()> = Mutex::new(());

const fn file_name(of: KeptLines) -> &'static str {
    match of {
        KeptLines::Searches => "searches.txt",
        KeptLines::PastSearches => "past-searches.txt",
        KeptLines::PastCommands => "commands.txt",
    }
}

const fn words(of: KeptLines) -> &'static str {
    match of {
        KeptLines::Searches => "saved searches",
        KeptLines::PastSearches => "searches of before",
        KeptLines::PastCommands => "commands of before",
    }
}

/// Reads the lines, changes them as asked, and gives those that are kept then. What cannot be read is not written over.
pub(super) async fn kept(folder: PathBuf, KeptLinesAsk { of, change }: KeptLinesAsk) -> Result<Vec<String>, String> {
    let file = folder.join(file_name(of));
    let named = file.clone();
    let work = tokio::task::spawn_blocking(move || self::change(&file, change));
    let done = match tokio::time::timeout(ANSWER_LIMIT, work).await {
        Ok(done) => done.unwrap_or_else(|error| Err(error.to_string())),
        Err(_) => Err("the disk does not answer".into()),
    };
    done.map_err(|why| format!("{} in {}: {why}", words(of), named.display()))
}

fn change(file: &Path, asked: LineChange) -> Result<Vec<String>, String> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut list = read(file)?;
    match asked {
        LineChange::Read => return Ok(list),
        LineChange::Add(line) => {
            list.retain(|own| *own != line);
            list.insert(0, line);
            list.truncate(LINES_MAX);
        }
        LineChange::Remove(line) => list.retain(|own| *own != line),
    }
    write(file, &list)?;
    Ok(list)
}

fn read(file: &Path) -> Result<Vec<String>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            Ok(lines.take(LINES_MAX).map(str::to_owned).collect())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn write(file: &Path, list: &[String]) -> Result<(), String> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let (draft, mut out) = HiddenFile::open(file.to_owned(), Keep::Replacing)?;
    let text: String = list.iter().map(|line| format!("{line}\n")).collect();
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(|error| error.to_string())?;
    draft.name(Keep::Replacing).map(drop)
}

#[cfg(test)]
mod tests {
    use super::LineChange::{Add, Read, Remove};
    use super::*;

    async fn kept_at(folder: &Path, of: KeptLines, change: LineChange) -> Result<Vec<String>, String> {
        kept(folder.to_owned(), KeptLinesAsk { of, change }).await
    }

    #[tokio::test]
    async fn searches_are_kept_beside_those_of_another_console() {
        let folder = tempfile::tempdir().expect("temp");
        let (folder, of) = (folder.path(), KeptLines::Searches);
        let file = folder.join("searches.txt");
        assert_eq!(kept_at(folder, of, Read).await, Ok(vec![]));
        for search in ["level>=WARN", "fsync node:zk2"] {
            kept_at(folder, of, Add(search.into())).await.expect("kept");
        }
        // Another console has saved one meanwhile.
        let text = std::fs::read_to_string(&file).expect("kept");
        std::fs::write(&file, format!("theirs\n{text}")).expect("written");
        let list = kept_at(folder, of, Add("level>=WARN".into())).await.expect("kept");
        assert_eq!(list, ["level>=WARN", "theirs", "fsync node:zk2"]);
        kept_at(folder, of, Remove("theirs".into())).await.expect("kept");
        assert_eq!(kept_at(folder, of, Read).await, Ok(vec!["level>=WARN".into(), "fsync node:zk2".into()]));
        assert_eq!(std::fs::read_dir(folder).expect("folder").count(), 1, "no draft is left");
    }

    #[tokio::test]
    async fn commands_are_kept_newest_first_once_and_so_many() {
        let folder = tempfile::tempdir().expect("temp");
        let (folder, of) = (folder.path(), KeptLines::PastCommands);
        for n in 0..LINES_MAX + 5 {
            let add = Add(format!("weight zk1 {n}"));
            kept_at(folder, of, add).await.expect("kept");
        }
        let list = kept_at(folder, of, Add("weight zk1 7".into())).await.expect("kept");
        assert_eq!((list.len(), list[0].as_str(), list[1].as_str()), (LINES_MAX, "weight zk1 7", "weight zk1 204"));
        assert_eq!(list.iter().filter(|line| *line == "weight zk1 7").count(), 1);
        assert_eq!(kept_at(folder, of, Read).await, Ok(list));
        assert_eq!(kept_at(folder, KeptLines::PastSearches, Read).await, Ok(vec![]), "they are not searches");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_written_over() {
        let folder = tempfile::tempdir().expect("temp");
        let (folder, of) = (folder.path(), KeptLines::Searches);
        let file = folder.join("searches.txt");
        std::fs::write(&file, b"fsync\n\xff\n").expect("written");
        let told = kept_at(folder, of, Add("new".into())).await.expect_err("not UTF-8");
        assert!(told.starts_with("saved searches in ") && told.contains("UTF-8"), "{told}");
        assert_eq!(std::fs::read(&file).expect("there"), b"fsync\n\xff\n");
    }
}
