//! Log events written to a file.

use super::file::{ExportFile, Exported};
use crate::console::jobs::limited;
use crate::console::place::Place;
use crate::domain::ask::Ask as _;
use crate::domain::log::{LogEvent, LogSearch, PAGE_MAX, PageAsk, PageWay, instant};
use crate::domain::snapshot::Level;
use crate::engine::handle::Handle;

/// Events of one export; the message says when there were more.
const EVENTS_MAX: usize = 100_000;

impl Exported for LogEvent {
    const HEADING: &'static str = "time,node,level,thread,logger,message,place";

    fn text(&self) -> String {
        plain(self)
    }

    fn cells(&self) -> Vec<String> {
        let message: Vec<&str> = std::iter::once(self.message()).chain(self.more()).collect();
        vec![
            self.time.map(instant).unwrap_or_default(),
            self.node.to_string(),
            self.level.map_or("", |level| level.word()).to_owned(),
            self.thread.clone().unwrap_or_default(),
            self.logger.clone().unwrap_or_default(),
            message.join("\n"),
            format!("{}:{}", self.file, self.offset),
        ]
    }
}

/// The event as its file has it, with the fields of a JSON line behind it.
fn plain(event: &LogEvent) -> String {
    if event.message_at > 0 {
        return event.text.clone();
    }
    let time = event.time.map(instant).unwrap_or_default();
    let level = event.level.map_or("", |level| level.word());
    let fields: Vec<String> = event.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("{time} {level} {} {}", event.text, fields.join(" "));
    text.trim().to_owned()
}

/// Writes all events that match, oldest first, to a file that does not exist yet.
pub(super) async fn export(
    handle: &Handle,
    search: LogSearch,
    place: &dyn Place,
    path: &str,
) -> Result<(Level, String), String> {
    let mut file = ExportFile::begin::<LogEvent>(place, path).await?;
    let mut cursor = None;
    loop {
        let limit = PAGE_MAX.min(EVENTS_MAX - file.count());
        let ask = PageAsk { search: search.clone(), cursor, way: PageWay::Newer, limit, ..PageAsk::default() };
        let page = limited(PageAsk::NAME, handle.ask(ask)).await?;
        for event in &page.events {
            file.put(event).await?;
        }
        cursor = page.newer;
        if cursor.is_none() || page.events.is_empty() || file.count() >= EVENTS_MAX {
            break;
        }
    }
    file.end("event", cursor.is_some()).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::place::testing::Memory;
    use crate::domain::fixtures;
    use crate::domain::log::{LogCursor, LogPage};
    use crate::engine::handle::{Put, Question};

    fn event(n: usize) -> LogEvent {
        let text = format!("2026-11-23 14:00:00,000 - INFO  [a:B@1] - say \"{n}\", ok\n\tat x");
        LogEvent { node: "zk1".into(), message_at: 42, text, file: "zk1/a.log".into(), ..LogEvent::default() }
    }

    #[tokio::test]
    async fn all_pages_are_written_in_each_format_and_nothing_is_overwritten() {
        let place = Memory::default();
        for (path, lines, part) in [
            ("a.ndjson", 4, "\"node\":\"zk1\""),
            ("b.csv", 9, ",zk1,,,,\"say \"\"3\"\", ok\n\tat x\",zk1/a.log:0"),
            ("c.txt", 8, "[a:B@1] - say \"2\", ok\n\tat x"),
        ] {
            let (handle, mut end) = Handle::pair(Arc::new(fixtures::snapshot()));
            let engine = async {
                for n in 0..2 {
                    let Some(Question::Page(Put { ask, reply })) = end.questions.recv().await else { panic!() };
                    assert_eq!((ask.cursor.is_some(), ask.way), (n == 1, PageWay::Newer));
                    let newer = (n == 0).then(|| LogCursor::given("next".into()));
                    let events = vec![event(2 * n), event(2 * n + 1)];
                    reply.send(Ok(LogPage { events, newer, ..LogPage::default() })).expect("asked");
                }
            };
            let (done, ()) = tokio::join!(export(&handle, LogSearch::default(), &place, path), engine);
            assert_eq!(done.expect(path).1, format!("exported 4 events to {path}"));
            let text = String::from_utf8(place.bytes(path).expect("written")).expect("text");
            assert_eq!(text.lines().count(), lines, "{text}");
            assert!(text.contains(part), "{text}");
            let again = export(&handle, LogSearch::default(), &place, path).await.expect_err("there");
            assert!(again.contains("exists; give another path"), "{again}");
        }
        let (handle, _end) = Handle::pair(Arc::new(fixtures::snapshot()));
        let wrong = export(&handle, LogSearch::default(), &place, "x.pdf").await.expect_err("format");
        assert!(wrong.contains(".ndjson, .csv or .txt"), "{wrong}");
    }
}
