//! One row for each server; what is wrong with it at the row's end, or on the next line where there is no room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::order::{HealthColumn, ServerOrder};
use crate::console::action::Action;
use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Columns, Cursor};
use crate::console::widgets::{paint, words};
use crate::domain::node::NodeView;
use crate::domain::server::{HostState, Role, ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// A line of the table: a server, or what is said of it. The number is the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HealthRow {
    Server(usize),
    Note(usize),
}

/// The least room at a row's end in which what is said of a server stands there.
const NOTE_MIN: usize = 44;

/// The lines below the heading.
pub(super) fn rows(order: ServerOrder, snapshot: &Snapshot, width: u16) -> Vec<HealthRow> {
    let beside = room(snapshot, usize::from(width)) >= NOTE_MIN;
    let lines = order.places(snapshot).into_iter().flat_map(|at| {
        let below = !beside && is_noted(&snapshot.servers[at], snapshot);
        std::iter::once(HealthRow::Server(at)).chain(below.then_some(HealthRow::Note(at)))
    });
    lines.collect()
}

/// Cells that the columns leave at a row's end.
fn room(snapshot: &Snapshot, width: usize) -> usize {
    width.saturating_sub(columns(snapshot, width).width())
}

/// Lines that are scrolled away above the first one shown.
fn scrolled(rows: &[HealthRow], selected: usize, height: usize) -> usize {
    let last =
        rows.iter().rposition(|row| matches!(row, HealthRow::Server(at) | HealthRow::Note(at) if *at == selected));
    Cursor { at: last.unwrap_or(0) }.first(height)
}

/// The server whose line is at `row` of the table.
pub(super) fn server_at(
    snapshot: &Snapshot,
    row: usize,
    (order, selected): (ServerOrder, usize),
    area: Rect,
) -> Option<usize> {
    let rows = rows(order, snapshot, area.width);
    let first = scrolled(&rows, selected, usize::from(area.height.saturating_sub(1)));
    if row >= usize::from(area.height) {
        return None;
    }
    rows.get(row.checked_sub(1)? + first).map(|row| match row {
        HealthRow::Server(at) | HealthRow::Note(at) => *at,
    })
}

/// Narrow screens lose these, in this order.
const LEAVING: [HealthColumn; 8] = [
    HealthColumn::Behind,
    HealthColumn::Queue,
    HealthColumn::Fsync,
    HealthColumn::Up,
    HealthColumn::Connections,
    HealthColumn::Requests,
    HealthColumn::Latency,
    HealthColumn::Files,
];

fn columns(snapshot: &Snapshot, width: usize) -> Columns<HealthColumn> {
    let longest = snapshot.servers.iter().map(|server| server.node.as_str().len()).max().unwrap_or(0);
    let all = vec![
        (HealthColumn::Server, Column::left("  SERVER", longest.clamp(8, 16) + 2)),
        (HealthColumn::State, Column::left("STATE", 13)),
        (HealthColumn::Latency, Column::right("LAT p50/p99", 13)),
        (HealthColumn::Fsync, Column::right("FSYNC", 6)),
        (HealthColumn::Queue, Column::right("QUEUE", 6)),
        (HealthColumn::Requests, Column::right("REQ/s", 6)),
        (HealthColumn::Connections, Column::right("CONNS", 6)),
        (HealthColumn::Files, Column::right("FILES", 7)),
        (HealthColumn::Behind, Column::right("BEHIND", 7)),
        (HealthColumn::Up, Column::right("UP", 6)),
    ];
    Columns::fit(all, &LEAVING, width)
}

/// The column of the heading at this cell.
pub(super) fn column_at(cell: u16, snapshot: &Snapshot, area: Rect) -> Option<HealthColumn> {
    columns(snapshot, usize::from(area.width)).at(cell)
}

/// The columns that there is room for.
pub(super) fn shown(snapshot: &Snapshot, width: u16) -> Vec<HealthColumn> {
    columns(snapshot, usize::from(width)).keys().collect()
}

/// `selected` is the place of a server in the picture.
pub(super) fn draw((order, selected): (ServerOrder, usize), area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let columns = columns(view.snapshot, usize::from(area.width));
    paint::line(area, buffer, 0, &columns.heading_sorted(view.styles, order.by, order.descends()));
    let rows = rows(order, view.snapshot, area.width);
    let list = paint::below(area, 1);
    let first = scrolled(&rows, selected, usize::from(list.height));
    let room = room(view.snapshot, usize::from(area.width));
    for (line, row) in rows.iter().skip(first).take(usize::from(list.height)).enumerate() {
        match *row {
            HealthRow::Server(at) => {
                let server = &view.snapshot.servers[at];
                let selected = at == selected;
                let mut row = columns.row((selected, false), view.styles, |key| cell(key, server, view));
                if let Some((text, style)) = note(server, view).filter(|_| room >= NOTE_MIN) {
                    let text = sanitise::fit(&text, room.saturating_sub(1));
                    row.push_span(Span::styled(text, view.styles.in_row(selected, style)));
                }
                paint::line(list, buffer, line as u16, &row);
            }
            HealthRow::Note(at) => {
                let Some((text, style)) = note(&view.snapshot.servers[at], view) else { continue };
                let fitted = sanitise::fit(&format!("           {text}"), usize::from(area.width));
                paint::text(list, buffer, line as u16, &fitted, style);
            }
        }
    }
}

fn draining(server: &ServerView, snapshot: &Snapshot) -> bool {
    snapshot.node(&server.node).is_some_and(|node| node.drain.is_some())
}

/// Whether there is something to say of it, which does not hang on the keys that there are.
fn is_noted(server: &ServerView, snapshot: &Snapshot) -> bool {
    (server.verdict.state != ServerState::Up && server.verdict.cause.is_some()) || draining(server, snapshot)
}

/// What is wrong with it, since when, and the key that helps; or how far its drain is.
fn note(server: &ServerView, view: &View<'_>) -> Option<(String, Style)> {
    if !is_noted(server, view.snapshot) {
        return None;
    }
    let (state, styles) = (server.verdict.state, view.styles);
    if let (Some(cause), false) = (&server.verdict.cause, state == ServerState::Up) {
        let since = view.now.since(server.verdict.since);
        let hint = match (state, server.host.as_ref().map(|host| host.state)) {
            (ServerState::Paused, _) => view.hint(Action::Pause, "resume"),
            (ServerState::Stopped, _) | (ServerState::Down, Some(HostState::Stopped)) => {
                view.hint(Action::StopServer, "start")
            }
            _ => None,
        };
        let hint = hint.map(|hint| format!("   {hint}")).unwrap_or_default();
        let (_, style) = words::of_server(state, styles);
        return Some((format!("{} for {since}{hint}", sanitise::clean(cause)), style));
    }
    let node = view.snapshot.node(&server.node)?;
    Some((drain(node, view), words::of_node(node.condition, styles)))
}

/// `drain 38 %, 12 s left`, or `drained   d undrain`.
fn drain(node: &NodeView, view: &View<'_>) -> String {
    let word = words::node(node, view.snapshot);
    let Some(drain) = node.drain.as_ref().filter(|drain| drain.files_left > 0) else {
        let hint = view.hint(Action::Drain, "undrain").map(|hint| format!("   {hint}")).unwrap_or_default();
        return format!("{word}{hint}");
    };
    let moved = drain.files_at_start.saturating_sub(drain.files_left);
    let percent = (moved * 100).checked_div(drain.files_at_start).unwrap_or(0);
    let left = drain.left_ms.map(|ms| format!(", {} left", crate::domain::ids::Millis(ms))).unwrap_or_default();
    format!("drain {percent} %{left}")
}

fn cell(key: HealthColumn, server: &ServerView, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    let state = server.verdict.state;
    let grouped = |value: Option<u64>| words::or_dash(value.map(words::grouped));
    let text = match key {
        HealthColumn::Server => {
            let leads = view.snapshot.ensemble.leader.as_ref() == Some(&server.node);
            format!("{} {}", if leads { styles.glyphs.leader } else { " " }, server.node)
        }
        HealthColumn::State => {
            let (glyph, style) = words::of_server(state, styles);
            // A server that is up is what it does in the ensemble.
            let word = match server.role {
                Some(role) if state == ServerState::Up => role.word(),
                _ => state.word(),
            };
            return (format!("{glyph} {word}"), style);
        }
        HealthColumn::Latency => latency(server),
        HealthColumn::Fsync => words::ms(server.fsync_ms),
        HealthColumn::Queue => grouped(server.outstanding),
        HealthColumn::Requests => words::or_dash(server.requests_per_s.map(|rate| words::grouped(rate.round() as u64))),
        HealthColumn::Connections => grouped(server.connections),
        HealthColumn::Files if !words::counts_known(view.snapshot) => "-".to_owned(),
        HealthColumn::Files => grouped(view.snapshot.node(&server.node).map(|node| node.files)),
        HealthColumn::Behind if server.role == Some(Role::Leader) => "-".to_owned(),
        HealthColumn::Behind => grouped(server.behind.filter(|_| server.zxid.is_some())),
        HealthColumn::Up => words::or_dash(server.uptime),
    };
    let style = if state == ServerState::Up || key == HealthColumn::Server { styles.text } else { styles.dim };
    (text, style)
}

/// `1.2 /  9 ms`: of the requests of its own clients; `-` while it had none.
fn latency(server: &ServerView) -> String {
    let number = |ms: f64| if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") };
    match (server.latency_p50_ms(), server.latency_p99_ms()) {
        (Some(half), Some(most)) => format!("{} / {:>3} ms", number(half), number(most)),
        _ => "-".to_owned(),
    }
}
