//! The files of a list written to a file, in the list's order.

use std::collections::HashSet;

use super::file::{ExportFile, Exported};
use crate::console::jobs::limited;
use crate::console::place::Place;
use crate::domain::ask::Ask as _;
use crate::domain::file::FileEntry;
use crate::domain::file_list::{FileChoice, FilesAsk, WINDOW_MAX};
use crate::domain::log::instant;
use crate::domain::snapshot::Level;
use crate::engine::handle::Handle;

impl Exported for FileEntry {
    const HEADING: &'static str = "name,node,bytes,created,changed,generation,blake3,id";

    fn text(&self) -> String {
        let record = &self.record;
        format!("{}  {}  {}  {}", record.name, record.owner, record.size, self.id)
    }

    fn cells(&self) -> Vec<String> {
        let record = &self.record;
        vec![
            record.name.to_string(),
            record.owner.to_string(),
            record.size.0.to_string(),
            instant(record.created_ms),
            instant(record.updated_ms),
            record.generation.to_string(),
            record.blake3.to_string(),
            self.id.to_string(),
        ]
    }
}

/// Writes all files of the list to a file that does not exist yet. Each stands there once, whatever moves meanwhile.
pub(super) async fn export(
    handle: &Handle,
    choice: FileChoice,
    place: &dyn Place,
    path: &str,
) -> Result<(Level, String), String> {
    let mut file = ExportFile::begin::<FileEntry>(place, path).await?;
    let (mut from, mut seen, mut revision, mut changed) = (0, HashSet::new(), None, false);
    loop {
        let ask = FilesAsk { choice: choice.clone(), from, count: WINDOW_MAX, keep: None };
        let page = limited(FilesAsk::NAME, handle.ask(ask)).await?;
        changed |= *revision.get_or_insert(page.revision) != page.revision;
        for one in page.files.iter().filter(|one| seen.insert(one.id)) {
            file.put(&**one).await?;
        }
        from = page.from + page.files.len();
        if page.files.is_empty() || from >= page.total {
            break;
        }
    }
    let (level, text) = file.end("file", false).await?;
    if changed {
        return Ok((Level::Warning, format!("{text}; files were added, removed or moved while it was written")));
    }
    Ok((level, text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::place::testing::Memory;
    use crate::domain::file_list::FilesPage;
    use crate::domain::fixtures;
    use crate::engine::handle::{Put, Question};

    #[tokio::test]
    async fn every_window_is_written_and_what_changes_meanwhile_is_told() {
        for (revisions, told) in [([1, 1], "exported 1,500 files to a.csv"), ([1, 2], "while it was written")] {
            let place = Memory::default();
            let (handle, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
            let engine = async {
                for revision in revisions {
                    let Some(Question::Files(Put { ask, reply })) = end.questions.recv().await else { panic!() };
                    let rows = ask.from..(ask.from + ask.count).min(1_500);
                    let files = rows.map(|n| Arc::new(fixtures::file(n as u128, "zk1"))).collect();
                    let page = FilesPage { files, from: ask.from, total: 1_500, kept: None, revision };
                    reply.send(Ok(page)).expect("asked");
                }
            };
            let (done, ()) = tokio::join!(export(&handle, FileChoice::default(), &place, "a.csv"), engine);
            let text = done.unwrap().1;
            assert!(text.contains(told), "{text}");
            let written = String::from_utf8(place.bytes("a.csv").unwrap()).unwrap();
            assert_eq!(written.lines().count(), 1_501);
            assert!(written.lines().nth(1).unwrap().starts_with("report-0000.bin,zk1,131072,2026-"), "{written}");
        }
    }
}
