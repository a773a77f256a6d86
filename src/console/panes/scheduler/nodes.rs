//! A bar for each node: what it has, what comes and goes, and the level; of now, or of the plan on screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::{paint, words};
use crate::domain::node::NodeView;
use crate::domain::planner::Plan;
use crate::domain::scheduler::NodeTarget;
use crate::domain::snapshot::Snapshot;

/// Nodes that are drawn at most.
const NODES_MAX: u16 = 12;
/// Cells of a name at most, and of a bar at least.
const NAME_MAX: usize = 16;
const BAR_MIN: usize = 8;
/// Cells beside a bar that are there at least.
const TOLD_LEAST: usize = 2;

/// Rows that all of it takes in an area of this height: the level, or what is left out, has the last one.
pub(super) fn rows(snapshot: &Snapshot, height: u16) -> u16 {
    let bars = (snapshot.nodes.len() as u16).min(NODES_MAX).min(height / 2);
    (bars + u16::from(bars > 0)).min(height)
}

/// What is drawn of a node.
struct NodeBar {
    name: String,
    count: String,
    /// Files that stay, that go and that come.
    parts: [u64; 3],
    level: Option<(u64, u64)>,
    told: String,
    style: Style,
}

impl NodeBar {
    /// Of now.
    fn live(node: &NodeView, view: &View<'_>) -> Self {
        let known = words::counts_known(view.snapshot);
        let goes = node.in_flight_out.min(node.files);
        let told = [Some(words::node(node, view.snapshot).to_owned()), words::weight(node), words::in_flight(node)];
        Self {
            name: named(node),
            count: if known { words::grouped(node.files) } else { "-".to_owned() },
            parts: if known { [node.files - goes, goes, node.in_flight_in] } else { [0; 3] },
            level: node.target,
            told: told.into_iter().flatten().collect::<Vec<_>>().join(", "),
            style: words::of_node(node.condition, view.styles),
        }
    }

    /// Of the plan, at its own moment.
    fn planned(node: &NodeView, of: &NodeTarget, view: &View<'_>) -> Self {
        let styles = view.styles;
        let (does, style) = match of {
            of if of.gives > 0 => (Some(format!("gives {}", words::grouped(of.gives))), styles.warning),
            of if of.takes > 0 => (Some(format!("takes {}", words::grouped(of.takes))), styles.good),
            of => (of.not_chosen.map(|why| format!("not used: {why}")), styles.dim),
        };
        Self {
            name: named(node),
            count: format!("{} {} {}", words::grouped(of.before), styles.glyphs.arrow, words::grouped(of.after)),
            parts: [of.before.min(of.after), of.before.saturating_sub(of.after), of.after.saturating_sub(of.before)],
            level: Some((of.low, of.high)),
            told: [does, words::weight(node)].into_iter().flatten().collect::<Vec<_>>().join(", "),
            style,
        }
    }

    fn sum(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// Cells where each of the parts ends: what is more than nothing is seen.
    fn ends(&self, most: u64, width: usize, styles: &Styles) -> [usize; 3] {
        let [stays, goes, comes] = self.parts;
        let cells = |count| paint::bar(count, most, width, &styles.glyphs).chars().count();
        let first = cells(stays);
        let second = if goes > 0 { cells(stays.saturating_add(goes)).max(first + 1) } else { first };
        let third = if comes > 0 { cells(self.sum()).max(second + 1) } else { second };
        let over = third.saturating_sub(width);
        [first, second, third].map(|end| end.saturating_sub(over))
    }

    fn line(&self, frame: &BarFrame, mark: bool, styles: &Styles) -> Line<'static> {
        let [first, second, third] = self.ends(frame.most, frame.width, styles);
        let glyphs = &styles.glyphs;
        let full: String = paint::bar(self.parts[0], frame.most, frame.width, glyphs).chars().take(first).collect();
        let at =
            self.level.filter(|(_, high)| mark && *high > 0).map(|(low, _)| frame.cell(low)).filter(|at| *at >= third);
        let rest: String =
            (third..frame.width).map(|at_cell| if at == Some(at_cell) { glyphs.trigger } else { " " }).collect();
        Line::from(vec![
            Span::styled(format!("  {:<1$}  {2:>3$}   ", self.name, frame.name, self.count, frame.count), styles.text),
            Span::styled(full, styles.accent),
            Span::styled(glyphs.bar_empty.repeat(second - first), styles.warning),
            Span::styled(glyphs.bar_partly.repeat(third - second), styles.good),
            Span::styled(rest, styles.text),
            Span::styled(format!("  {}", self.told), self.style),
        ])
    }
}

fn named(node: &NodeView) -> String {
    sanitise::fit(node.id.as_str(), NAME_MAX)
}

/// What all bars have in common.
struct BarFrame {
    name: usize,
    count: usize,
    width: usize,
    /// Files of a whole bar.
    most: u64,
}

impl BarFrame {
    fn of(bars: &[NodeBar], area: Rect) -> Self {
        let widest = |text: fn(&NodeBar) -> &str| bars.iter().map(|bar| sanitise::width(text(bar))).max().unwrap_or(0);
        let (name, count, told) = (widest(|bar| &bar.name), widest(|bar| &bar.count), widest(|bar| &bar.told));
        let levels = bars.iter().filter_map(|bar| bar.level).map(|(low, _)| low);
        let most = bars.iter().map(NodeBar::sum).chain(levels).max().unwrap_or(0);
        let beside = Self::lead(name, count) + told + 3;
        Self { name, count, width: usize::from(area.width).saturating_sub(beside).max(BAR_MIN), most }
    }

    /// Cells before a bar.
    const fn lead(name: usize, count: usize) -> usize {
        2 + name + 2 + count + 3
    }

    /// The cell of a bar at which so many files end.
    fn cell(&self, count: u64) -> usize {
        let cell = u128::from(count) * self.width as u128 / u128::from(self.most.max(1));
        usize::try_from(cell).unwrap_or(self.width).min(self.width - 1)
    }

    /// The level of all, below the bars, and the count at which the scheduler starts by itself.
    fn level_line(&self, level: Option<(u64, u64)>, starts: Option<&str>, styles: &Styles) -> Line<'static> {
        let lead = " ".repeat(Self::lead(self.name, self.count));
        let starts = starts.unwrap_or_default();
        let Some(level) = level else {
            return Line::from(Span::styled(format!("{lead}{starts}"), styles.dim));
        };
        let (at, glyph, level) = (self.cell(level.0), styles.glyphs.trigger, level_words(level));
        let own = sanitise::width(&level) + 1;
        // On the side of the mark where there is room.
        let (begin, text) = match at + own + 1 > self.width + TOLD_LEAST && at >= own {
            true => (at - own, format!("{level} {glyph}")),
            false => (at, format!("{glyph} {level}")),
        };
        if starts.is_empty() || sanitise::width(starts) + 2 <= begin {
            return Line::from(Span::styled(format!("{lead}{starts:<begin$}{text}"), styles.dim));
        }
        // Before the mark as much of both as there is room for.
        let end = lead.len() + at;
        let fits = |text: &String| sanitise::width(text) + 2 <= end;
        let both = [format!("{starts} · {level} "), format!("{starts} ")].into_iter().find(fits);
        let text = format!("{:>end$}{glyph}", both.unwrap_or_default());
        Line::from(Span::styled(text, styles.dim))
    }
}

/// `level 36`, `level 36 to 37`.
fn level_words((low, high): (u64, u64)) -> String {
    match low == high {
        true => format!("level {}", words::grouped(low)),
        false => format!("level {} to {}", words::grouped(low), words::grouped(high)),
    }
}

/// The one level of all nodes that have one, when it is one.
fn common(bars: &[NodeBar]) -> Option<(u64, u64)> {
    let mut levels = bars.iter().filter_map(|bar| bar.level).filter(|(_, high)| *high > 0);
    let first = levels.next()?;
    levels.all(|level| level == first).then_some(first)
}

/// Draws into so many rows as [`rows`] says.
pub(super) fn draw(plan: Option<&Plan>, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let snapshot = view.snapshot;
    let shown = (snapshot.nodes.len() as u16).min(area.height.saturating_sub(1));
    let plan = plan.filter(|plan| !plan.nodes.is_empty());
    let of_plan = |node: &NodeView| plan.and_then(|plan| plan.nodes.iter().find(|of| of.node == node.id));
    let bar = |node: &NodeView| match (plan, of_plan(node)) {
        (None, _) => NodeBar::live(node, view),
        (Some(_), Some(of)) => NodeBar::planned(node, of, view),
        // The plan knows nothing of it.
        (Some(_), None) => NodeBar { count: "-".into(), parts: [0; 3], level: None, ..NodeBar::live(node, view) },
    };
    let mut bars: Vec<NodeBar> = snapshot.nodes.iter().take(usize::from(shown)).map(bar).collect();
    let level = common(&bars);
    if level.is_none() {
        for bar in &mut bars {
            let own = bar.level.filter(|(_, high)| *high > 0).map(level_words);
            bar.told = [Some(std::mem::take(&mut bar.told)), own].into_iter().flatten().collect::<Vec<_>>().join(", ");
        }
    }
    let frame = BarFrame::of(&bars, area);
    for (row, bar) in bars.iter().enumerate() {
        paint::line(area, buffer, row as u16, &bar.line(&frame, level.is_none(), view.styles));
    }
    let left_out = snapshot.nodes.len().saturating_sub(usize::from(shown));
    if left_out > 0 {
        let text = format!("  and {} more", words::count(left_out as u64, "node"));
        paint::text(area, buffer, shown, &text, view.styles.dim);
    } else {
        let starts = if plan.is_none() { words::starts(snapshot) } else { None };
        paint::line(area, buffer, shown, &frame.level_line(level, starts.as_deref(), view.styles));
    }
}
