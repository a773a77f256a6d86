//! Who is connected to the server that fills the pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::domain::connection::{Connection, ConnectionsAsk, ConnectionsPage};
use crate::domain::ids::{Millis, NodeId, Timestamp};

/// They are asked for again so often while they are shown.
const AGAIN: Millis = Millis(2_000);

/// What the server told last.
#[derive(Debug, Default)]
pub(super) struct ConnectionRows {
    asked: Asked<ConnectionsAsk>,
    page: Option<Result<ConnectionsPage, String>>,
    at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionColumn {
    Address,
    Session,
    Since,
    Timeout,
    Queued,
    Received,
    Sent,
    Latency,
    Last,
}

/// Narrow screens lose these, in this order.
const LEAVING: [ConnectionColumn; 6] = [
    ConnectionColumn::Timeout,
    ConnectionColumn::Sent,
    ConnectionColumn::Last,
    ConnectionColumn::Queued,
    ConnectionColumn::Latency,
    ConnectionColumn::Since,
];

impl ConnectionRows {
    /// The question that is due.
    pub(super) fn due(&mut self, node: &NodeId, now: Timestamp) -> Option<Effect> {
        if self.asked.is_open() || (self.page.is_some() && self.at <= now && now.since(self.at) < AGAIN) {
            return None;
        }
        // The clock may be set back: then it is asked again at once.
        self.at = now;
        Some(self.asked.put(ConnectionsAsk { node: node.clone() }).into())
    }

    pub(super) fn take_answer(&mut self) {
        self.page = self.asked.take().or(self.page.take());
    }

    /// Those that the filter takes: by address, session or last request.
    pub(super) fn shown(&self, filter: &str) -> Vec<&Connection> {
        let wanted = filter.to_lowercase();
        let page = self.page.as_ref().and_then(|page| page.as_ref().ok());
        let holds = |one: &&Connection| {
            wanted.is_empty()
                || one.address.contains(&wanted)
                || session(one).contains(&wanted)
                || last(one).to_lowercase().contains(&wanted)
        };
        page.map(|page| page.connections.iter().filter(holds).collect()).unwrap_or_default()
    }

    /// `connections 12`: as many as are listed, else as the server has counted.
    pub(super) fn title(&self, counted: Option<u64>) -> String {
        let listed = self.page.as_ref().and_then(|page| page.as_ref().ok()).map(|page| page.total as u64);
        match listed.or(counted) {
            Some(count) => format!("connections {}", words::grouped(count)),
            None => "connections".to_owned(),
        }
    }

    pub(super) fn draw(&self, (filter, cursor): (&str, Cursor), area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let columns = columns(usize::from(area.width));
        paint::line(area, buffer, 0, &columns.heading(styles));
        let list = paint::below(area, 1);
        let rows = self.shown(filter);
        let said = match &self.page {
            _ if view.snapshot.past.is_some() => Some(("not kept of then".to_owned(), styles.dim)),
            None => Some(("reading".to_owned(), styles.dim)),
            Some(Err(why)) => Some((sanitise::clean(why).into_owned(), styles.warning)),
            Some(Ok(_)) if rows.is_empty() => Some(("none".to_owned(), styles.dim)),
            Some(Ok(_)) => None,
        };
        if let Some((text, style)) = said {
            let text = sanitise::fit(&format!("   {text}"), usize::from(area.width));
            return paint::text(list, buffer, 0, &text, style);
        }
        let selected = cursor.at.min(rows.len().saturating_sub(1));
        let first = Cursor { at: selected }.first(usize::from(list.height));
        for (row, (at, one)) in rows.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
            let cells = |key| (cell(key, one, view), styles.text);
            paint::line(list, buffer, row as u16, &columns.row((at == selected, false), styles, cells));
        }
    }
}

fn columns(width: usize) -> Columns<ConnectionColumn> {
    let all = vec![
        (ConnectionColumn::Address, Column::left("CLIENT", 24)),
        (ConnectionColumn::Session, Column::left("SESSION", 18)),
        (ConnectionColumn::Since, Column::right("FOR", 8)),
        (ConnectionColumn::Timeout, Column::right("TIMEOUT", 7)),
        (ConnectionColumn::Queued, Column::right("QUEUED", 6)),
        (ConnectionColumn::Received, Column::right("RECEIVED", 10)),
        (ConnectionColumn::Sent, Column::right("SENT", 10)),
        (ConnectionColumn::Latency, Column::right("LAT avg/max", 12)),
        (ConnectionColumn::Last, Column::left("LAST", 8)),
    ];
    Columns::fit(all, &LEAVING, width)
}

fn session(one: &Connection) -> String {
    one.session.map_or_else(|| "-".to_owned(), |id| format!("{id:#x}"))
}

fn last(one: &Connection) -> &str {
    one.last.as_deref().unwrap_or("-")
}

fn cell(key: ConnectionColumn, one: &Connection, view: &View<'_>) -> String {
    match key {
        ConnectionColumn::Address => one.address.clone(),
        ConnectionColumn::Session => session(one),
        ConnectionColumn::Since => words::or_dash(one.since.map(|since| view.now.since(since))),
        ConnectionColumn::Timeout => words::or_dash(one.timeout),
        ConnectionColumn::Queued => words::grouped(one.queued),
        ConnectionColumn::Received => words::grouped(one.received),
        ConnectionColumn::Sent => words::grouped(one.sent),
        ConnectionColumn::Latency => match (one.latency_avg_ms, one.latency_max_ms) {
            (Some(avg), Some(max)) => format!("{avg} / {max} ms"),
            _ => "-".to_owned(),
        },
        ConnectionColumn::Last => last(one).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, node_id};

    #[test]
    fn they_are_asked_for_again_once_the_answer_is_old() {
        let mut rows = ConnectionRows::default();
        let zk1 = node_id("zk1");
        assert!(rows.due(&zk1, NOW).is_some());
        assert!(rows.due(&zk1, NOW.plus(AGAIN)).is_none(), "one is on its way");
        (rows.asked, rows.page) = (Asked::default(), Some(Ok(ConnectionsPage::default())));
        assert!(rows.due(&zk1, NOW.plus(Millis(AGAIN.0 - 1))).is_none());
        assert!(rows.due(&zk1, NOW.plus(AGAIN)).is_some());
    }

    #[test]
    fn a_filter_finds_a_client_a_session_and_a_request() {
        let one = |address: &str, session, last: &str| Connection {
            address: address.into(),
            session,
            last: Some(last.into()),
            ..Connection::default()
        };
        let connections = vec![one("10.0.0.7:1", Some(0xabc), "PING"), one("10.0.0.8:2", None, "SETD")];
        let rows = ConnectionRows { page: Some(Ok(ConnectionsPage { connections, total: 2 })), ..Default::default() };
        let found = |filter| rows.shown(filter).iter().map(|one| one.address.as_str()).collect::<Vec<_>>();
        assert_eq!((found("").len(), rows.title(Some(7)).as_str()), (2, "connections 2"));
        assert_eq!([found("0.7"), found("0xAB"), found("ping")], [["10.0.0.7:1"]; 3].map(|all| all.to_vec()));
        assert_eq!(found("setd"), ["10.0.0.8:2"]);
        assert!(found("nobody").is_empty());
    }
}
