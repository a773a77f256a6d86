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
pub(super) enum HealthRow {
    Server(usize),
    Cause(usize),
}

/// The lines below the heading.
pub(super) fn rows(snapshot: &Snapshot) -> Vec<HealthRow> {
    let lines = snapshot.servers.iter().enumerate().flat_map(|(at, server)| {
        let cause =
            (server.verdict.state != ServerState::Up && server.verdict.cause.is_some()).then_some(HealthRow::Cause(at));
        std::iter::once(HealthRow::Server(at)).chain(cause)
    });
    lines.collect()
}

/// Lines that are scrolled away above the first one shown.
fn scrolled(rows: &[HealthRow], cursor: Cursor, height: usize) -> usize {
    let last =
        rows.iter().rposition(|row| matches!(row, HealthRow::Server(at) | HealthRow::Cause(at) if *at == cursor.at));
    Cursor { at: last.unwrap_or(0) }.first(height)
}

/// The server whose line is at `row` of the pane.
pub(super) fn server_at(snapshot: &Snapshot, row: usize, cursor: Cursor, area: Rect) -> Option<usize> {
    let rows = rows(snapshot);
    let first = scrolled(&rows, cursor, usize::from(area.height.saturating_sub(1)));
    rows.get(row.checked_sub(1)? + first).map(|row| match row {
        HealthRow::Server(at) | HealthRow::Cause(at) => *at,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HealthColumn {
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
const LEAVING: [HealthColumn; 8] = [
    HealthColumn::Spark,
    HealthColumn::Up,
    HealthColumn::Fsync,
    HealthColumn::Znodes,
    HealthColumn::Connections,
    HealthColumn::Queue,
    HealthColumn::Role,
    HealthColumn::Files,
];

fn columns(snapshot: &Snapshot, width: usize) -> Columns<HealthColumn> {
    let longest = snapshot.servers.iter().map(|server| server.node.as_str().len()).max().unwrap_or(0);
    let all = vec![
        (HealthColumn::Server, Column::left("SERVER", longest.clamp(6, 16))),
        (HealthColumn::State, Column::left("STATE", 13)),
        (HealthColumn::Role, Column::left("ROLE", 10)),
        (HealthColumn::Latency, Column::right("LATENCY", 7)),
        (HealthColumn::Queue, Column::right("QUEUE", 5)),
        (HealthColumn::Connections, Column::right("CONNS", 5)),
        (HealthColumn::Znodes, Column::right("ZNODES", 7)),
        (HealthColumn::Fsync, Column::right("FSYNC", 7)),
        (HealthColumn::Files, Column::right("FILES", 5)),
        (HealthColumn::Spark, Column::left("LAST 60 s", 9)),
        (HealthColumn::Up, Column::right("UP", 6)),
    ];
    let columns = Columns::fit(all, &LEAVING, width).stretch(HealthColumn::Spark, width, 60);
    if columns.width_of(HealthColumn::Spark).is_some_and(|width| width >= 18) {
        return columns.titled(HealthColumn::Spark, "LATENCY, LAST 60 s");
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
            HealthRow::Server(at) => {
                let server = &view.snapshot.servers[at];
                let selected = at == cursor.at;
                let row = columns.row((selected, false), view.styles, |key| cell(key, server, &columns, view));
                paint::line(list, buffer, line as u16, &row);
            }
            HealthRow::Cause(at) => cause(&view.snapshot.servers[at], list, buffer, line as u16, view),
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

fn cell(key: HealthColumn, server: &ServerView, columns: &Columns<HealthColumn>, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    let grouped = |value: Option<u64>| words::or_dash(value.map(words::grouped));
    let text = match key {
        HealthColumn::Server => server.node.to_string(),
        HealthColumn::State => {
            let (glyph, style) = words::of_server(server.verdict.state, styles);
            return (format!("{glyph} {}", server.verdict.state.word()), style);
        }
        HealthColumn::Role => words::or_dash(server.role.map(|role| role.word())),
        HealthColumn::Latency => words::ms(server.latency_ms),
        HealthColumn::Queue => grouped(server.outstanding),
        HealthColumn::Connections => grouped(server.connections),
        HealthColumn::Znodes => grouped(server.znodes),
        HealthColumn::Fsync => words::ms(server.fsync_ms),
        HealthColumn::Files if !words::counts_known(view.snapshot) => "-".to_owned(),
        HealthColumn::Files => grouped(view.snapshot.node(&server.node).map(|node| node.files)),
        HealthColumn::Spark => {
            let width = columns.width_of(key).unwrap_or(0);
            let series = paint::squeeze(&server.latency_series, width);
            return (paint::spark(&series, width, &styles.glyphs), styles.accent);
        }
        HealthColumn::Up => words::or_dash(server.uptime),
    };
    let style =
        if server.verdict.state == ServerState::Up || key == HealthColumn::Server { styles.text } else { styles.dim };
    (text, style)
}
