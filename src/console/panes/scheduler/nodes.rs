//! A bar for each node: its count, and what the plan on screen makes of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::domain::node::NodeView;
use crate::domain::planner::Plan;
use crate::domain::scheduler::NodeTarget;
use crate::domain::snapshot::Snapshot;

/// Nodes that are drawn at most.
const NODES_MAX: u16 = 12;

/// Rows of bars in an area of this height.
fn bars(snapshot: &Snapshot, height: u16) -> u16 {
    (snapshot.nodes.len() as u16).min(NODES_MAX).min(height / 2)
}

/// Rows that all of it takes there.
pub(super) fn rows(snapshot: &Snapshot, height: u16) -> u16 {
    let bars = bars(snapshot, height);
    bars + u16::from(snapshot.nodes.len() > usize::from(bars))
}

/// Draws and returns the rows that it took.
pub(super) fn draw(preview: Option<&Plan>, area: Rect, buffer: &mut Buffer, view: &View<'_>) -> u16 {
    let nodes = &view.snapshot.nodes;
    let rows = bars(view.snapshot, area.height);
    let target = |node: &NodeView| preview.and_then(|plan| plan.nodes.iter().find(|of| of.node == node.id));
    let starts = if preview.is_none() { words::starts_at(view.snapshot, 0..usize::from(rows)) } else { Vec::new() };
    let starts_at = |at: usize| starts.get(at).copied().flatten();
    let most = nodes.iter().map(|node| node.files.max(target(node).map_or(0, |of| of.after))).max().unwrap_or(0);
    let most = starts.iter().flatten().copied().min().unwrap_or(0).max(most);
    let width = usize::from(area.width.saturating_sub(54)).clamp(8, 50);
    for (row, node) in nodes.iter().take(usize::from(rows)).enumerate() {
        paint::line(area, buffer, row as u16, &line(node, target(node), (most, starts_at(row)), width, view));
    }
    let left_out = nodes.len().saturating_sub(usize::from(rows));
    if left_out > 0 {
        let text = format!("  and {} more", words::count(left_out as u64, "node"));
        paint::text(area, buffer, rows, &text, view.styles.dim);
        return rows + 1;
    }
    rows
}

fn line(
    node: &NodeView,
    target: Option<&NodeTarget>,
    (most, starts_at): (u64, Option<u64>),
    width: usize,
    view: &View<'_>,
) -> Line<'static> {
    let styles = view.styles;
    let known = words::counts_known(view.snapshot);
    let before = if known { words::grouped(node.files) } else { "-".to_owned() };
    let after = target.map(|of| format!("{} {}", styles.glyphs.arrow, words::grouped(of.after)));
    let kept = target.map_or(node.files, |of| of.after.min(node.files));
    let full = paint::bar(kept, most, width, &styles.glyphs);
    let cells = paint::bar(node.files.max(target.map_or(0, |of| of.after)), most, width, &styles.glyphs);
    let change = cells.chars().count().saturating_sub(full.chars().count());
    let shade = styles.glyphs.bar_empty.repeat(change);
    let drawn = format!("{full}{shade}");
    let marked = paint::with_mark(&drawn, starts_at, most, width, styles.glyphs.trigger);
    let space: String = marked.chars().skip(drawn.chars().count()).collect();
    let (reason, style) = reason(node, target, view);
    let name = sanitise::fit(node.id.as_str(), 10);
    Line::from(vec![
        Span::styled(format!("  {name:<6}{before:>8} {:<9}", after.unwrap_or_default()), styles.text),
        Span::styled(full, styles.accent),
        Span::styled(shade, styles.warning),
        Span::styled(format!("{space}  "), styles.text),
        Span::styled(reason, style),
    ])
}

/// What the plan does to the node, or why the last one did not choose it.
fn reason(node: &NodeView, target: Option<&NodeTarget>, view: &View<'_>) -> (String, Style) {
    let styles = view.styles;
    match target {
        Some(of) if of.gives > 0 => (format!("gives {}", words::grouped(of.gives)), styles.warning),
        Some(of) if of.takes > 0 => (format!("takes {}", words::grouped(of.takes)), styles.good),
        Some(of) => (of.not_chosen.map_or_else(String::new, |why| format!("not used: {why}")), styles.dim),
        None => {
            let goal = node
                .target
                .map(|(low, high)| if low == high { format!("level {low}") } else { format!("level {low} to {high}") });
            let words = [Some(words::node(node, view.snapshot).to_owned()), goal];
            let words: Vec<_> = words.into_iter().flatten().collect();
            (words.join(", "), words::of_node(node.condition, styles))
        }
    }
}
