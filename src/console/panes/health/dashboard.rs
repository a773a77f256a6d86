//! Where the pieces of the pane lie, and the charts and strips among them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::charts::{CHARTS, Charts, LINES_MAX, keys};
use super::detail;
use crate::console::action::Action;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::axis::{TimeAxis, TimeReach};
use crate::console::widgets::chart::{Chart, ChartLine, SCALE, point_at};
use crate::console::widgets::marks::{marks, shades};
use crate::console::widgets::{paint, strip, words};
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::series::{SeriesKey, SeriesName};
use crate::domain::server::ServerView;
use crate::domain::snapshot::Snapshot;

/// Rows of the panel about the selected server.
const PANEL: u16 = 4;
/// A chart is at least this high and wide, and at most this high.
const CHART_MIN: u16 = 5;
const CHART_WIDTH: u16 = 56;
const CHART_MAX: u16 = 16;
/// Columns beside a strip: the server's name at its left, the share and the changes at its right.
const STRIP_SIDE: u16 = 50;
const STRIP_SIDE_NARROW: u16 = 36;

/// The pieces from top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DashboardLayout {
    pub(super) table: Rect,
    /// All of the same width.
    pub(super) charts: Vec<Rect>,
    pub(super) strips: Rect,
    pub(super) panel: Rect,
}

impl DashboardLayout {
    /// The pieces of an area, whose table has `rows` lines and that knows of so many servers.
    pub(super) fn of(area: Rect, rows: u16, servers: u16) -> Self {
        let table = rows.min((area.height / 3).max(7)).min(area.height);
        let mut left = area.height - table;
        // A blank line, and the panel: what is told of the row in hand stays as long as a row is free.
        let panel = if left > PANEL { PANEL } else { 0 };
        left -= panel + u16::from(panel > 0);
        let strips = if servers <= LINES_MAX as u16 && left > servers + CHART_MIN { servers + 1 } else { 0 };
        left -= strips;
        let (columns, height, lines) = grid(area.width, left);
        let mut y = area.y + table;
        let mut take = |height: u16, blank: bool| {
            let gap = u16::from(blank && height > 0);
            let piece = Rect { y: y + gap, height, ..area };
            y += height + gap;
            piece
        };
        let panel = take(panel, true);
        let charts = take(height * lines, false);
        let strips = take(strips, false);
        let width = area.width.checked_div(columns).unwrap_or(0);
        let place =
            |at: u16| Rect { x: area.x + at % columns * width, y: charts.y + at / columns * height, width, height };
        let count = (columns * lines).min(CHARTS.len() as u16);
        Self { table: Rect { height: table, ..area }, charts: (0..count).map(place).collect(), strips, panel }
    }

    /// Columns of time in each chart.
    pub(super) fn columns(&self) -> u16 {
        self.charts.first().map_or(0, |chart| chart.width.saturating_sub(SCALE + 1))
    }

    /// Columns of time in each strip.
    pub(super) const fn strip_columns(&self) -> u16 {
        if self.strips.height == 0 { 0 } else { self.strips.width.saturating_sub(side(self.strips.width)) }
    }

    /// What the charts show.
    pub(super) fn names(&self) -> &'static [SeriesName] {
        &CHARTS[..self.charts.len().min(CHARTS.len())]
    }
}

const fn side(width: u16) -> u16 {
    if width >= 100 { STRIP_SIDE } else { STRIP_SIDE_NARROW }
}

/// How many charts beside each other, how high each, and how many below each other.
fn grid(width: u16, height: u16) -> (u16, u16, u16) {
    if height < CHART_MIN || width < SCALE + 20 {
        return (1, 0, 0);
    }
    let columns = (width / CHART_WIDTH).clamp(1, 4);
    let lines = (height / (CHART_MIN + 5)).clamp(1, (CHARTS.len() as u16).div_ceil(columns));
    (columns, (height / lines).min(CHART_MAX), lines)
}

/// The colour of each server's lines, the same in all charts.
const fn colour(at: usize, styles: &Styles) -> Style {
    match at % 3 {
        0 => styles.accent,
        1 => styles.text,
        _ => styles.dim,
    }
}

/// Charts and strips, with the same incidents.
pub(super) fn draw(charts: &Charts, pieces: &DashboardLayout, buffer: &mut Buffer, view: &View<'_>) {
    let incidents = charts.incidents(view.snapshot);
    draw_charts(charts, &incidents, pieces, buffer, view);
    draw_strips(charts, &incidents, pieces, buffer, view);
}

fn draw_charts(
    charts: &Charts,
    incidents: &[&Incident],
    pieces: &DashboardLayout,
    buffer: &mut Buffer,
    view: &View<'_>,
) {
    let (snapshot, styles) = (view.snapshot, view.styles);
    let axis = charts.axis(snapshot, pieces.columns());
    let marks = marks(snapshot, incidents.iter().copied(), styles);
    let shades = shades(incidents.iter().copied(), snapshot.taken_at);
    let nodes: Vec<NodeId> = snapshot.servers.iter().take(LINES_MAX).map(|server| server.node.clone()).collect();
    for (at, (area, name)) in pieces.charts.iter().zip(pieces.names()).enumerate() {
        let keys = keys(*name, &nodes);
        let points: Vec<_> = keys.iter().map(|key| charts.measured.points(key, &axis)).collect();
        let line = |(at, key): (usize, &SeriesKey)| ChartLine {
            label: key.node.as_ref().map(ToString::to_string).unwrap_or_default(),
            style: if keys.len() == 1 { styles.accent } else { colour(at, styles) },
            points: &points[at],
            told: told(key, snapshot),
        };
        let waits = detail::waits(view).filter(|_| *name == SeriesName::Canary);
        let waits = waits.map(|waits| format!(", {waits}")).unwrap_or_default();
        let reaches = if at == 0 { format!("   {}", ranges(charts.reach)) } else { String::new() };
        let title = format!("{}{waits}{reaches}", name.title());
        let chart = Chart {
            title: &title,
            unit: name.unit(),
            axis,
            lines: keys.iter().enumerate().map(line).collect(),
            marks: &marks,
            shades: &shades,
            cursor: snapshot.as_of().and_then(|moment| axis.column(moment)),
            empty: charts.empty(),
        };
        chart.draw(*area, buffer, styles);
    }
}

/// The value of the moment that is shown, as the table tells it, for one number is one fact: a column of the chart is
/// the mean of more than a moment. `None` for what only charts tell.
fn told(key: &SeriesKey, snapshot: &Snapshot) -> Option<Option<f32>> {
    let known = match (&key.node, key.name) {
        (None, SeriesName::Canary) => {
            let canary = &snapshot.canary;
            Some(canary.last_ms.filter(|_| canary.goes_through()).map(|ms| ms as f32))
        }
        (None, _) => None,
        (Some(node), name) => snapshot.server(node).and_then(|server| of_server(name, server, snapshot)),
    };
    // Of a moment that is over nothing else is told.
    known.or_else(|| snapshot.past.as_ref().map(|_| None))
}

/// What the table tells of a server, when it tells of that.
fn of_server(name: SeriesName, server: &ServerView, snapshot: &Snapshot) -> Option<Option<f32>> {
    let node = &server.node;
    let count = |value: Option<u64>| value.map(|value| value as f64);
    let value = match name {
        SeriesName::Files => {
            snapshot.node(node).filter(|_| words::counts_known(snapshot)).map(|node| node.files as f64)
        }
        SeriesName::LatencyP50 => server.latency_p50_ms(),
        SeriesName::LatencyP99 => server.latency_p99_ms(),
        SeriesName::Requests => server.requests_per_s,
        SeriesName::Outstanding => count(server.outstanding),
        SeriesName::Connections => count(server.connections),
        SeriesName::Fsync => server.fsync_ms,
        SeriesName::Heap => count(server.heap_used),
        SeriesName::Znodes => count(server.znodes),
        SeriesName::Descriptors => count(server.fd_open),
        _ => return None,
    };
    Some(value.map(|value| value as f32))
}

/// `15 m  [1 h]  6 h`: the ranges around the one that is shown.
fn ranges(shown: TimeReach) -> String {
    let at = TimeReach::ALL.iter().position(|reach| *reach == shown).unwrap_or(0);
    let first = at.saturating_sub(1).min(TimeReach::ALL.len() - 3);
    let word =
        |reach: &TimeReach| if *reach == shown { format!("[{}]", reach.word()) } else { reach.word().to_owned() };
    TimeReach::ALL[first..first + 3].iter().map(word).collect::<Vec<_>>().join(" ")
}

fn draw_strips(
    charts: &Charts,
    incidents: &[&Incident],
    pieces: &DashboardLayout,
    buffer: &mut Buffer,
    view: &View<'_>,
) {
    let (area, snapshot, styles) = (pieces.strips, view.snapshot, view.styles);
    let axis = charts.axis(snapshot, pieces.strip_columns());
    // What had passed by the moment that is shown.
    let until = snapshot.as_of().and_then(|at| axis.column(at)).map_or(usize::from(axis.columns), usize::from);
    for (row, server) in snapshot.servers.iter().take(LINES_MAX).enumerate() {
        let points = |name| charts.served.points(&SeriesKey::of_node(name, &server.node), &axis);
        let points = strip::times(&points(SeriesName::Up), &points(SeriesName::Starting));
        let name = format!("  {:<8}", sanitise::fit(server.node.as_str(), 8));
        let mut spans = vec![Span::styled(name, colour(row, styles))];
        spans.extend(strip::strip(&points, styles));
        let missing = usize::from(axis.columns).saturating_sub(points.len());
        spans.push(Span::styled(" ".repeat(missing), styles.text));
        let sum = strip::sum(&points[..until.min(points.len())]);
        let up = sum.map_or_else(|| "-".to_owned(), |sum| strip::percent(sum.served));
        spans.push(Span::styled(format!("  up {up:>6}"), styles.text));
        let starting = sum.map(|sum| sum.starting).filter(|share| *share > 0.0);
        let starting = starting.map(|share| format!("  start {:>6}", strip::percent(share))).unwrap_or_default();
        spans.push(Span::styled(format!("{starting:<14}"), styles.accent));
        if area.width >= 100 {
            let changes = changes(incidents, &server.node, &axis, snapshot.taken_at);
            spans.push(Span::styled(format!("  {}", crate::domain::number::count(changes, "change")), styles.dim));
        }
        paint::line(area, buffer, row as u16, &Line::from(spans));
    }
    under(&axis, &charts.sources(), area, buffer, view);
}

/// What is pointed at, the keys for it, and whose values the charts show.
fn under(axis: &TimeAxis, sources: &str, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let row = view.snapshot.servers.len().min(LINES_MAX) as u16;
    let styles = view.styles;
    if let Some(column) = view.snapshot.as_of().and_then(|at| axis.column(at)) {
        let plot = Rect { x: area.x + 10, width: axis.columns, height: row, ..area }.intersection(area);
        point_at(plot, column, buffer, styles);
    }
    let keys = [(Action::Left, Action::Right, "move in time"), (Action::LongerRange, Action::ShorterRange, "range")];
    let hint =
        |(one, other, does): &(Action, Action, &str)| Some(format!("{} {} {does}", view.key(*one)?, view.key(*other)?));
    let mut hints: Vec<String> = keys.iter().filter_map(hint).collect();
    if view.snapshot.past.is_some() {
        hints.extend(view.hint(Action::Newest, "now"));
        hints.extend(view.hint(Action::LogsThen, "logs then"));
        hints.extend(view.hint(Action::HistoryThen, "history then"));
    }
    let hints = hints.join("   ");
    paint::right(area, buffer, row, &hints, styles.dim);
    // Two cells before it, as every row has, and two between.
    let left = usize::from(area.width).saturating_sub(sanitise::width(&hints) + 5);
    let place = Rect { x: area.x + 2, ..area }.intersection(area);
    paint::text(place, buffer, row, &sanitise::fit(sources, left), styles.dim);
}

/// How often the server's verdict has changed in the time that is shown.
fn changes(incidents: &[&Incident], node: &NodeId, axis: &TimeAxis, until: Timestamp) -> u64 {
    let own = |incident: &&&Incident| matches!(&incident.what, IncidentWhat::Server { node: own, .. } if own == node);
    let within = |at: Timestamp| u64::from(at <= until && axis.column(at).is_some());
    incidents.iter().filter(own).map(|incident| within(incident.began) + incident.ended.map_or(0, within)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most_stays_and_the_rest_fills_the_room() {
        let pieces = |width, height| DashboardLayout::of(Rect::new(0, 2, width, height), 4, 3);
        let small = pieces(80, 20);
        assert_eq!((small.table.height, small.panel.height, small.charts.len()), (4, PANEL, 1));
        let usual = pieces(120, 36);
        assert_eq!((usual.charts.len(), usual.strips.height), (2 * usual.charts.len() / 2, 4));
        assert!(usual.charts.len() >= 2 && usual.charts.iter().all(|chart| chart.width == usual.charts[0].width));
        let large = pieces(200, 56);
        assert!(large.charts.len() >= 9, "{large:?}");
        for (width, height) in (0..220).step_by(7).flat_map(|width| (0..70).map(move |height| (width, height))) {
            let area = Rect::new(0, 2, width, height);
            let pieces = DashboardLayout::of(area, 4, 3);
            let all = pieces.charts.iter().chain([&pieces.table, &pieces.panel, &pieces.strips]);
            for piece in all.clone().filter(|piece| piece.height > 0) {
                assert_eq!(piece.intersection(area), *piece, "{width}x{height} {pieces:?}");
            }
            let used: u16 = pieces.table.height + pieces.panel.height + pieces.strips.height;
            assert!(used <= height, "{width}x{height}");
        }
    }

    #[test]
    fn the_ranges_beside_the_shown_one_are_told() {
        assert_eq!(ranges(TimeReach::Minutes15), "[15 m] 1 h 6 h");
        assert_eq!(ranges(TimeReach::Day), "6 h [24 h] 7 d");
        assert_eq!(ranges(TimeReach::Days30), "24 h 7 d [30 d]");
    }
}
