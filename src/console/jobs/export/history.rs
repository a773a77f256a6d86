//! Operations and incidents written to a file, newest first, as History shows them.

use std::collections::VecDeque;

use serde::Serialize;

use super::file::{ExportFile, Exported};
use crate::console::jobs::limited;
use crate::console::order::HistoryChoice;
use crate::console::place::Place;
use crate::domain::ask::Ask as _;
use crate::domain::ids::Timestamp;
use crate::domain::incident::{INCIDENTS_PAGE_MAX, Incident, IncidentsAsk};
use crate::domain::log::instant;
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryQuery, Operation};
use crate::domain::snapshot::Level;
use crate::engine::handle::Handle;

/// Rows of one export; the message says when there were more.
const ROWS_MAX: usize = 100_000;

/// A row of history: `row` says which.
#[derive(Serialize)]
#[serde(tag = "row", rename_all = "kebab-case")]
enum ExportedRow<'a> {
    Operation(&'a Operation),
    Incident(&'a Incident),
}

impl Exported for ExportedRow<'_> {
    const HEADING: &'static str = "began,ended,row,kind,status,what,node,by,why,id";

    fn text(&self) -> String {
        let mut cells = self.cells();
        cells.truncate(cells.len() - 1);
        cells.retain(|cell| !cell.is_empty());
        cells.join("  ")
    }

    fn cells(&self) -> Vec<String> {
        let at = |moment: Option<Timestamp>| moment.map(instant).unwrap_or_default();
        match self {
            Self::Operation(one) => vec![
                instant(one.started),
                at(one.finished),
                "operation".to_owned(),
                one.kind.word().to_owned(),
                one.status.word().to_owned(),
                one.what.clone(),
                one.target.as_ref().or(one.source.as_ref()).map(ToString::to_string).unwrap_or_default(),
                one.by.clone(),
                one.why.clone().unwrap_or_default(),
                one.id.to_string(),
            ],
            Self::Incident(one) => vec![
                instant(one.began),
                at(one.ended),
                "incident".to_owned(),
                one.what.kind().word().to_owned(),
                if one.ended.is_some() { "ended" } else { "goes-on" }.to_owned(),
                one.what.to_string(),
                one.what.node().map(ToString::to_string).unwrap_or_default(),
                one.begun_by.clone().unwrap_or_default(),
                one.cause.clone().unwrap_or_default(),
                one.id.to_string(),
            ],
        }
    }
}

/// Writes all rows that the list would show, newest first, to a file that does not exist yet.
pub(super) async fn export(
    handle: &Handle,
    choice: HistoryChoice,
    place: &dyn Place,
    path: &str,
) -> Result<(Level, String), String> {
    let mut file = ExportFile::begin::<ExportedRow<'_>>(place, path).await?;
    let ask = IncidentsAsk { limit: INCIDENTS_PAGE_MAX, ..choice.incidents };
    let page = limited(IncidentsAsk::NAME, handle.ask(ask)).await?;
    let mut more = page.total > page.incidents.len() as u64;
    let mut incidents = VecDeque::from(page.incidents);
    if let Some(mut query) = choice.operations {
        loop {
            query.limit = HISTORY_PAGE_MAX.min(ROWS_MAX - file.count().min(ROWS_MAX));
            if query.limit == 0 {
                more = true;
                break;
            }
            let page = limited(HistoryQuery::NAME, handle.ask(query.clone())).await?;
            for operation in &page.operations {
                while incidents.front().is_some_and(|one| one.began > operation.started)
                    && let Some(incident) = incidents.pop_front()
                {
                    file.put(&ExportedRow::Incident(&incident)).await?;
                }
                file.put(&ExportedRow::Operation(operation)).await?;
            }
            query.before = page.operations.last().map(|last| last.id);
            if page.operations.len() < query.limit {
                break;
            }
        }
    }
    for incident in &incidents {
        file.put(&ExportedRow::Incident(incident)).await?;
    }
    file.end("row", more).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::place::testing::Memory;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::{IncidentId, OperationId};
    use crate::domain::incident::{IncidentWhat, IncidentsPage};
    use crate::domain::operation::{HistoryPage, OperationKind, OperationStatus};
    use crate::domain::server::ServerState;
    use crate::engine::handle::{Put, Question};

    fn operation(n: u64) -> Operation {
        let row = fixtures::operation(u128::from(n), OperationKind::Upload, OperationStatus::Done);
        Operation {
            started: Timestamp(NOW.0 + n * 1000),
            id: OperationId::new(u128::from(n)),
            what: "a, b".into(),
            ..row
        }
    }

    /// Of the operation of this id.
    fn number(id: OperationId) -> u64 {
        (1..).find(|n| OperationId::new(u128::from(*n)) == id).unwrap()
    }

    fn incident(at: u64) -> Incident {
        Incident {
            id: IncidentId::new(u128::from(at)),
            what: IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen },
            began: Timestamp(NOW.0 + at),
            ended: None,
            cause: Some("no answer".into()),
            begun_by: None,
            ended_by: None,
            instance: "a:1".into(),
        }
    }

    /// Answers as an engine whose history has `all` operations and two incidents.
    async fn exported(all: u64, choice: HistoryChoice, path: &str) -> (Result<(Level, String), String>, String) {
        let place = Memory::default();
        let (handle, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
        let engine = async {
            while let Some(question) = end.questions.recv().await {
                match question {
                    Question::Incidents(Put { reply, .. }) => {
                        let incidents = vec![incident(all * 1000 + 500), incident(1500)];
                        _ = reply.send(Ok(IncidentsPage { incidents, total: 2 }));
                    }
                    Question::History(Put { ask, reply }) => {
                        let newest = ask.before.map_or(all, |before| number(before) - 1);
                        let operations = (1..=newest).rev().take(ask.limit).map(operation).collect();
                        _ = reply.send(Ok(HistoryPage { operations, total: all }));
                    }
                    other => panic!("{other:?}"),
                }
            }
        };
        let done = tokio::select! {
            done = export(&handle, choice, &place, path) => done,
            () = engine => unreachable!("the handle is held"),
        };
        (done, String::from_utf8(place.bytes(path).unwrap_or_default()).unwrap())
    }

    fn both() -> HistoryChoice {
        HistoryChoice { operations: Some(HistoryQuery::default()), incidents: IncidentsAsk::default() }
    }

    #[tokio::test]
    async fn every_page_is_written_newest_first_with_the_incidents_in_their_place() {
        let (done, text) = exported(2_500, both(), "a.csv").await;
        assert_eq!(done.unwrap().1, "exported 2,502 rows to a.csv");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2_503);
        assert!(lines[0].starts_with("began,") && lines[1].contains(",incident,server,goes-on,zk2 "), "{}", lines[1]);
        assert!(lines[2].contains(",operation,upload,done,\"a, b\","), "{}", lines[2]);
        assert!(lines[2_501].contains("incident") && lines[2_502].ends_with("000000000001"), "{}", lines[2_501]);
        let mut began: Vec<&str> = lines[1..].iter().map(|line| &line[..24]).collect();
        let shown = began.clone();
        began.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(shown, began);
    }

    #[tokio::test]
    async fn each_format_tells_the_same_and_only_incidents_are_asked_for_alone() {
        let (done, text) = exported(3, both(), "a.ndjson").await;
        assert_eq!(done.unwrap().1, "exported 5 rows to a.ndjson");
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&rows[0]["row"], &rows[1]["row"]), (&"incident".into(), &"operation".into()));
        assert_eq!((&rows[0]["cause"], &rows[1]["what"]), (&"no answer".into(), &"a, b".into()));
        let alone = HistoryChoice { operations: None, ..both() };
        let (done, text) = exported(3, alone, "a.txt").await;
        assert_eq!((done.unwrap().1.as_str(), text.lines().count()), ("exported 2 rows to a.txt", 2));
        assert!(exported(0, both(), "a.pdf").await.0.unwrap_err().contains(".ndjson"));
    }
}
