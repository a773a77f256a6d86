//! Log events written to a file.

use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::limited;
use crate::console::paths;
use crate::console::place::{Draft, Place};
use crate::domain::ask::Ask as _;
use crate::domain::log::{LogEvent, LogSearch, PAGE_MAX, PageAsk, PageWay, instant};
use crate::domain::number;
use crate::domain::snapshot::Level;
use crate::engine::handle::Handle;

/// Events of one export; the message says when there were more.
const EVENTS_MAX: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExportFormat {
    Ndjson,
    Csv,
    Text,
}

impl ExportFormat {
    fn of(path: &str) -> Result<Self, String> {
        let path = paths::read(path)?.path;
        match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("ndjson" | "json") => Ok(Self::Ndjson),
            Some("csv") => Ok(Self::Csv),
            Some("txt" | "log") => Ok(Self::Text),
            _ => Err("its name must end in .ndjson, .csv or .txt, which tells the format".into()),
        }
    }

    fn line(self, event: &LogEvent) -> String {
        match self {
            Self::Ndjson => serde_json::to_string(event).unwrap_or_default(),
            Self::Text => plain(event),
            Self::Csv => {
                let level = event.level.map_or("", |level| level.word());
                let (thread, logger) = (event.thread.as_deref(), event.logger.as_deref());
                let message: Vec<&str> = std::iter::once(event.message()).chain(event.more()).collect();
                let time = event.time.map(instant).unwrap_or_default();
                let place = format!("{}:{}", event.file, event.offset);
                let cells = [
                    &time,
                    &event.node,
                    level,
                    thread.unwrap_or(""),
                    logger.unwrap_or(""),
                    &message.join("\n"),
                    &place,
                ];
                cells.map(quoted).join(",")
            }
        }
    }
}

/// A cell of CSV as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
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
    let format = ExportFormat::of(path)?;
    let mut file = BufWriter::new(place.create(path.to_owned(), None).await?);
    let (count, more) = write(handle, search, format, &mut file).await?;
    let path = file.into_inner().keep().await?;
    if more {
        let text = format!("exported {path} only the first {count} events: there are more, narrow the time");
        return Ok((Level::Warning, text));
    }
    Ok((Level::Info, format!("exported {} to {path}", number::count(count as u64, "event"))))
}

async fn write(
    handle: &Handle,
    search: LogSearch,
    format: ExportFormat,
    file: &mut BufWriter<Box<dyn Draft>>,
) -> Result<(usize, bool), String> {
    let failed = |error: std::io::Error| error.to_string();
    if format == ExportFormat::Csv {
        file.write_all(b"time,node,level,thread,logger,message,place\n").await.map_err(failed)?;
    }
    let (mut count, mut cursor) = (0, None);
    loop {
        let limit = PAGE_MAX.min(EVENTS_MAX - count);
        let ask = PageAsk { search: search.clone(), cursor, way: PageWay::Newer, limit, ..PageAsk::default() };
        let page = limited(PageAsk::NAME, handle.ask(ask)).await?;
        for event in &page.events {
            file.write_all(format.line(event).as_bytes()).await.map_err(failed)?;
            file.write_all(b"\n").await.map_err(failed)?;
        }
        count += page.events.len();
        cursor = page.newer;
        if cursor.is_none() || page.events.is_empty() || count >= EVENTS_MAX {
            break;
        }
    }
    let more = cursor.is_some();
    if more {
        let said = match format {
            ExportFormat::Ndjson => format!("{{\"truncated_at\":{count}}}\n"),
            ExportFormat::Csv | ExportFormat::Text => format!("# truncated at {count} events\n"),
        };
        file.write_all(said.as_bytes()).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok((count, more))
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
