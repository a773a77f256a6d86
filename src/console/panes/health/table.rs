//! One row for each server, and the cause of its state on the next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::domain::server::{ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// A line of the table: a server, or the cause of its state. The number is the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Server(usize),
    Cause(usize),
}

/// The lines below the heading.
pub(super) fn rows(snapshot: &Snapshot) -> Vec<Row> {
    let lines = snapshot.servers.iter().enumerate().flat_map(|(at, server)| {
        let cause =
            (server.verdict.state != ServerState::Up && server.verdict.cause.is_some()).then_some(Row::Cause(at));
        std::iter::once(Row::Server(at)).chain(cause)
    });
    lines.collect()
}

/// Lines that are scrolled away above the first one shown.
fn scrolled(rows: &[Row], cursor: Cursor, height: usize) -> usize {
    let last = rows.iter().rposition(|row| matches!(row, Row::Server(at) | Row::Cause(at) if *at == cursor.at));
    Cursor { at: last.unwrap_or(0) }.first(height)
}

/// The server whose line is at `row` of the pane.
pub(super) fn server_at(snapshot: &Snapshot, row: usize, cursor: Cursor, area: Rect) -> Option<usize> {
    let rows = rows(snapshot);
    let first = scrolled(&rows, cursor, usize::from(area.height.saturating_sub(1)));
    rows.get(row.checked_sub(1)? + first).map(|row| match row {
        Row::Server(at) | Row::Cause(at) => *at,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Server,
    State,
    Role,
    Latency,
    Queue,
    Connections,
    Znodes,
    Fsync,
    Files,
    Spark,
    Up,
}

/// Narrow screens lose these, in this order.
const LEAVING: [Key; 8] =
    [Key::Spark, Key::Up, Key::Fsync, Key::Znodes, Key::Connections, Key::Queue, Key::Role, Key::Files];

fn columns(snapshot: &Snapshot, width: usize) -> Columns<Key> {
    let longest = snapshot.servers.iter().map(|server| server.node.as_str().len()).max().unwrap_or(0);
    let all = vec![
        (Key::Server, Column::left("SERVER", longest.clamp(6, 16))),
        (Key::State, Column::left("STATE", 13)),
        (Key::Role, Column::left("ROLE", 10)),
        (Key::Latency, Column::right("LATENCY", 7)),
        (Key::Queue, Column::right("QUEUE", 5)),
        (Key::Connections, Column::right("CONNS", 5)),
        (Key::Znodes, Column::right("ZNODES", 7)),
        (Key::Fsync, Column::right("FSYNC", 7)),
        (Key::Files, Column::right("FILES", 5)),
        (Key::Spark, Column::left("LAST 60 s", 9)),
        (Key::Up, Column::right("UP", 6)),
    ];
    let columns = Columns::fit(all, &LEAVING, width).stretch(Key::Spark, width, 60);
    if columns.width_of(Key::Spark).is_some_and(|width| width >= 18) {
        return columns.titled(Key::Spark, "LATENCY, LAST 60 s");
    }
    columns
}

pub(super) fn draw(cursor: Cursor, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let columns = columns(view.snapshot, usize::from(area.width));
    paint::line(area, buffer, 0, &columns.heading(view.styles));
    let rows = rows(view.snapshot);
    let list = paint::below(area, 1);
    let first = scrolled(&rows, cursor, usize::from(list.height));
    for (line, row) in rows.iter().skip(first).take(usize::from(list.height)).enumerate() {
        match *row {
            Row::Server(at) => {
                let server = &view.snapshot.servers[at];
                let selected = at == cursor.at;
                let row = columns.row((selected, false), view.styles, |key| cell(key, server, &columns, view));
                paint::line(list, buffer, line as u16, &row);
            }
            Row::Cause(at) => cause(&view.snapshot.servers[at], list, buffer, line as u16, view),
        }
    }
}

fn cause(server: &ServerView, area: Rect, buffer: &mut Buffer, row: u16, view: &View<'_>) {
    let since = view.now.since(server.verdict.since);
    let text = server.verdict.cause.as_deref().unwrap_or("-");
    let (_, style) = words::of_server(server.verdict.state, view.styles);
    let line = format!("           {}, for {since}", sanitise::clean(text));
    let fitted = sanitise::fit(&line, usize::from(area.width));
    paint::text(area, buffer, row, &fitted, style);
}

fn cell(key: Key, server: &ServerView, columns: &Columns<Key>, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    let grouped = |value: Option<u64>| words::or_dash(value.map(words::grouped));
    let text = match key {
        Key::Server => server.node.to_string(),
        Key::State => {
            let (glyph, style) = words::of_server(server.verdict.state, styles);
            return (format!("{glyph} {}", server.verdict.state.word()), style);
        }
        Key::Role => words::or_dash(server.role.map(|role| role.word())),
        Key::Latency => words::ms(server.latency_ms),
        Key::Queue => grouped(server.outstanding),
        Key::Connections => grouped(server.connections),
        Key::Znodes => grouped(server.znodes),
        Key::Fsync => words::ms(server.fsync_ms),
        Key::Files if !words::counts_known(view.snapshot) => "-".to_owned(),
        Key::Files => grouped(view.snapshot.node(&server.node).map(|node| node.files)),
        Key::Spark => {
            let width = columns.width_of(key).unwrap_or(0);
            let series = paint::squeeze(&server.latency_series, width);
            return (paint::spark(&series, width, &styles.glyphs), styles.accent);
        }
        Key::Up => words::or_dash(server.uptime),
    };
    let style = if server.verdict.state == ServerState::Up || key == Key::Server { styles.text } else { styles.dim };
    (text, style)
}
