//! One bar for each node, with the count at which the node starts the scheduler drawn in.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::node::NodeView;
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::snapshot::Snapshot;

/// Bars that are drawn at most; the fullest and the emptiest are among them.
const BARS_MAX: usize = 12;
/// Cells of the text at the right end.
const TOTALS: u16 = 34;

/// Rows that the bars take.
pub(super) fn height(snapshot: &Snapshot, area: Rect) -> u16 {
    (snapshot.nodes.len().min(BARS_MAX) as u16).max(1).min(area.height / 2)
}

pub(super) fn draw(area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let snapshot = view.snapshot;
    let (shown, left_out) = shown(snapshot, usize::from(area.height));
    let least = shown.iter().filter_map(|(_, starts_at)| *starts_at).min().unwrap_or(0);
    let most = snapshot.nodes.iter().map(|node| node.files).max().unwrap_or(0).max(least);
    let wide = area.width >= 96;
    let fixed = 58 + if wide { TOTALS } else { 0 };
    let width = usize::from(area.width.saturating_sub(fixed)).max(8);
    for (row, (node, starts_at)) in shown.iter().enumerate() {
        let line = bar(node, most, *starts_at, width, view);
        paint::line(area, buffer, row as u16, &line);
    }
    if wide {
        for (row, text) in totals(snapshot, left_out).iter().enumerate() {
            paint::right(area, buffer, row as u16, text, view.styles.dim);
        }
    }
}

/// The first nodes of the configuration, or the fullest ones when there are too many, each with the count at
/// which it starts the scheduler.
fn shown(snapshot: &Snapshot, rows: usize) -> (Vec<(&NodeView, Option<u64>)>, usize) {
    let nodes = &snapshot.nodes;
    let mut places: Vec<usize> = (0..nodes.len()).collect();
    if nodes.len() > rows {
        places.sort_by_key(|at| std::cmp::Reverse(nodes[*at].files));
        places.truncate(rows);
    }
    let starts = words::starts_at(snapshot, places.iter().copied());
    (places.iter().map(|at| &nodes[*at]).zip(starts).collect(), nodes.len() - places.len())
}

fn bar<'a>(node: &'a NodeView, most: u64, starts_at: Option<u64>, width: usize, view: &View<'_>) -> Line<'a> {
    let styles = view.styles;
    let known = words::counts_known(view.snapshot);
    let bar = paint::bar(node.files, most, width, &styles.glyphs);
    let cells = paint::with_mark(&bar, starts_at, most, width, styles.glyphs.trigger);
    let over = starts_at.is_some_and(|at| node.files >= at);
    let count = if known { words::grouped(node.files) } else { "-".into() };
    let bytes = if known { node.bytes.to_string() } else { "-".into() };
    let told: Vec<_> = [words::weight(node), words::in_flight(node)].into_iter().flatten().collect();
    let cleaned = sanitise::fit(node.id.as_str(), 10);
    let state = words::node(node, view.snapshot);
    Line::from(vec![
        Span::styled(format!("  {cleaned:<6}{count:>8}  "), styles.text),
        Span::styled(cells, if over { styles.warning } else { styles.accent }),
        Span::styled(format!("  {bytes:>9}   "), styles.text),
        Span::styled(format!("{state:<12} "), words::of_node(node.condition, styles)),
        Span::styled(told.join(", "), styles.dim),
    ])
}

fn totals(snapshot: &Snapshot, left_out: usize) -> Vec<String> {
    if !words::counts_known(snapshot) {
        let text = if snapshot.past.is_some() { "not measured then" } else { "reading the records" };
        return vec![text.to_owned()];
    }
    let bytes = crate::domain::ids::Bytes(snapshot.nodes.iter().map(|node| node.bytes.0).sum());
    let scheduler = &snapshot.scheduler;
    let spread = words::or_dash(scheduler.max_difference.map(words::grouped));
    let files = words::count(snapshot.file_count(), "file");
    let mut lines = vec![format!("{files}, {bytes}, spread {spread}")];
    lines.extend(words::starts(snapshot));
    let moved = snapshot
        .operations
        .iter()
        .find(|operation| operation.kind == OperationKind::Migration && operation.status == OperationStatus::Done);
    lines.extend(moved.and_then(|moved| moved.finished).map(|at| format!("last move {}", time::of_day(at))));
    if left_out > 0 {
        lines.push(format!("{} more", words::count(left_out as u64, "node")));
    }
    lines
}
