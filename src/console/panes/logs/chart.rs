//! How many events there were when: bars by level, a lane for each node, and what else happened, on one axis.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::LogsPane;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::axis::TimeAxis;
use crate::console::widgets::marks::{draw_axis, incidents, marks};
use crate::console::widgets::{paint, words};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{BARS_MAX, Bar, Histogram};

/// Cells at the left for the scale and the names of the nodes.
const SCALE: u16 = 9;
/// Cells at the right in which the levels are counted.
const LEGEND: u16 = 16;
/// From this width on there is room for them.
const LEGEND_FROM: u16 = 70;

/// Rows of the parts of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChartRows {
    pub(super) bars: u16,
    pub(super) lanes: u16,
}

impl ChartRows {
    /// In a pane of this height with so many nodes. The list keeps most of it.
    pub(super) fn of(height: u16, nodes: usize) -> Option<Self> {
        let (bars, most) = match height {
            0..8 => return None,
            8..24 => (2, 0),
            24..40 => (3, 4),
            _ => (5, 8),
        };
        Some(Self { bars, lanes: u16::try_from(nodes).unwrap_or(most).min(most) })
    }

    /// All of them, with the axis.
    pub(super) const fn all(self) -> u16 {
        self.bars + self.lanes + 1
    }
}

/// Bars that are asked for: one for each column.
pub(super) fn bars_of(width: u16) -> usize {
    usize::from(plot_width(width)).clamp(10, BARS_MAX)
}

const fn plot_width(width: u16) -> u16 {
    let legend = if width >= LEGEND_FROM { LEGEND } else { 0 };
    width.saturating_sub(SCALE + legend)
}

/// The axis of what was counted, in at most so many columns; `None` when nothing tells it. Where less than half of them
/// were used each bar has two.
fn axis_of(counted: &Histogram, columns: u16) -> Option<TimeAxis> {
    let len = u64::try_from(counted.bars.len()).ok().filter(|len| *len > 0 && counted.step.0 > 1 && columns > 0)?;
    if len * 2 <= u64::from(columns) {
        let columns = u16::try_from(len * 2).ok()?;
        return Some(TimeAxis { from: counted.from, step: Millis(counted.step.0 / 2), columns });
    }
    let each = len.div_ceil(u64::from(columns));
    let columns = u16::try_from(len.div_ceil(each)).ok()?;
    Some(TimeAxis { from: counted.from, step: Millis(counted.step.0 * each), columns })
}

/// One bar for each column.
fn columns(bars: &[Bar], axis: &TimeAxis) -> Vec<Bar> {
    if bars.len() < usize::from(axis.columns) {
        return bars.iter().flat_map(|bar| [*bar; 2]).collect();
    }
    let each = bars.len().div_ceil(usize::from(axis.columns).max(1)).max(1);
    let sum = |bars: &[Bar]| {
        bars.iter().fold(Bar::default(), |all, bar| Bar {
            count: all.count + bar.count,
            warnings: all.warnings + bar.warnings,
            errors: all.errors + bar.errors,
        })
    };
    bars.chunks(each).map(sum).collect()
}

/// Cells of a bar from below: errors, warnings, all others. What there is of a level is seen, as far as there are cells.
fn cells(bar: Bar, most: u64, rows: u16) -> (u64, [u64; 3]) {
    let eighths = (bar.count * u64::from(rows) * 8).checked_div(most).unwrap_or(0).max(u64::from(bar.count > 0));
    let all = eighths.div_ceil(8);
    let share =
        |of: u64, left: u64| if of == 0 { 0 } else { (all * of).div_ceil(bar.count.max(1)).clamp(1, left.max(1)) };
    let errors = share(bar.errors, all).min(all);
    let warnings = share(bar.warnings, all - errors).min(all - errors);
    (eighths, [errors, warnings, all - errors - warnings])
}

impl LogsPane {
    /// Paints all of it; nothing while nothing is counted.
    pub(super) fn draw_chart(&self, rows: ChartRows, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let Some(counted) = &self.histogram else { return };
        let width = plot_width(area.width);
        let Some(axis) = axis_of(counted, width) else { return };
        let plot = Rect { x: area.x + SCALE, width, height: rows.bars.min(area.height), ..area };
        let bars = columns(&counted.bars, &axis);
        draw_bars(&bars, Rect { x: area.x, width: SCALE + width, ..plot }, buffer, view.styles);
        let below = paint::below(area, rows.bars);
        self.draw_lanes(
            &axis,
            Rect { width: SCALE + width, height: rows.lanes.min(below.height), ..below },
            buffer,
            view,
        );
        let row = paint::below(area, rows.bars + rows.lanes);
        let row = Rect { x: plot.x, width, height: row.height.min(1), ..row };
        draw_axis(
            row,
            buffer,
            &axis,
            &marks(view.snapshot, incidents(view.snapshot, &self.incidents).into_iter(), view.styles),
            view.styles,
        );
        let here = self.list.moment().and_then(|at| axis.column(at)).filter(|column| *column < width);
        if let Some(column) = here.filter(|_| row.height > 0) {
            buffer[(row.x + column, row.y)].set_style(view.styles.selected);
        }
        if area.width >= LEGEND_FROM {
            draw_legend(
                counted,
                Rect { x: plot.right() + 1, width: LEGEND - 1, height: area.height, ..area },
                buffer,
                view,
            );
        }
    }

    fn draw_lanes(&self, axis: &TimeAxis, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let styles = view.styles;
        let Some(counted) = self.histogram.as_ref().filter(|_| area.height > 0) else { return };
        let bars_of = |node: &String| counted.nodes.get(node).map(|bars| columns(bars, axis)).unwrap_or_default();
        let lanes: Vec<(&String, Vec<Bar>)> = self.nodes.iter().map(|node| (node, bars_of(node))).collect();
        // One scale for all.
        let most = lanes.iter().flat_map(|(_, bars)| bars.iter().map(|bar| bar.count)).max().unwrap_or(0);
        let room = usize::from(area.height);
        let shown = if lanes.len() > room { room - 1 } else { lanes.len() };
        for (row, (node, bars)) in lanes.iter().take(shown).enumerate() {
            let label = sanitise::fit(&sanitise::clean(node), usize::from(SCALE) - 2);
            paint::text(area, buffer, row as u16, &format!(" {label}"), styles.dim);
            let row = Rect { y: area.y + row as u16, height: 1, ..area };
            paint_bars(bars, most, row, buffer, styles);
        }
        if shown < lanes.len() {
            let text = format!(" and {} more", lanes.len() - shown);
            paint::text(area, buffer, shown as u16, &text, styles.dim);
        }
    }

    /// What is asked once the events are counted: which incidents there were meanwhile.
    pub(super) fn counted_span(&self) -> Option<(Timestamp, Timestamp)> {
        let counted = self.histogram.as_ref().filter(|counted| counted.step.0 > 0 && !counted.bars.is_empty())?;
        Some((counted.from, counted.from.plus(Millis(counted.step.0 * counted.bars.len() as u64))))
    }
}

/// Bars with their scale.
fn draw_bars(bars: &[Bar], area: Rect, buffer: &mut Buffer, styles: &Styles) {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    for row in 0..area.height {
        let label = match row {
            0 if most > 0 => words::grouped(most),
            row if row + 1 == area.height => "0".to_owned(),
            _ => String::new(),
        };
        let label = format!("{label:>7} {}", styles.glyphs.vertical);
        paint::text(Rect { width: SCALE.min(area.width), ..area }, buffer, row, &label, styles.dim);
    }
    paint_bars(bars, most, area, buffer, styles);
}

/// Bars behind the scale, as high as the area.
fn paint_bars(bars: &[Bar], most: u64, area: Rect, buffer: &mut Buffer, styles: &Styles) {
    let of_level: [Style; 3] = [styles.bad, styles.warning, styles.accent];
    for (bar, x) in bars.iter().zip(area.x + SCALE.min(area.width)..area.right()) {
        let (mut eighths, mut left) = cells(*bar, most, area.height);
        for y in (area.y..area.bottom()).rev() {
            let Some(height) = usize::try_from(eighths.min(8)).ok().filter(|height| *height > 0) else { break };
            let level = left.iter().position(|cells| *cells > 0).unwrap_or(2);
            left[level] = left[level].saturating_sub(1);
            buffer.set_string(x, y, styles.glyphs.spark[height - 1], of_level[level]);
            eighths -= height as u64;
        }
    }
}

/// How many of each level: what the colours say, in words.
fn draw_legend(counted: &Histogram, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
    let styles = view.styles;
    let sum = |of: fn(&Bar) -> u64| counted.bars.iter().map(of).sum::<u64>();
    let (errors, warnings) = (sum(|bar| bar.errors), sum(|bar| bar.warnings));
    let others = sum(|bar| bar.count).saturating_sub(errors + warnings);
    let levels = [(errors, "error", styles.bad), (warnings, "warn", styles.warning), (others, "info", styles.accent)];
    for (row, (count, word, style)) in levels.into_iter().enumerate() {
        let text = format!("{} {} {word}", styles.glyphs.bar[0], words::grouped(count));
        paint::text(area, buffer, row as u16, &text, if count > 0 { style } else { styles.dim });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(count: u64, warnings: u64, errors: u64) -> Bar {
        Bar { count, warnings, errors }
    }

    #[test]
    fn a_bar_has_the_height_of_its_count_and_shows_each_of_its_levels() {
        assert_eq!(cells(bar(0, 0, 0), 10, 3), (0, [0, 0, 0]));
        assert_eq!(cells(bar(10, 0, 0), 10, 3), (24, [0, 0, 3]));
        assert_eq!(cells(bar(1, 0, 0), 1_000, 3), (1, [0, 0, 1]), "what is more than nothing is seen");
        assert_eq!(cells(bar(1000, 1, 1), 1_000, 3), (24, [1, 1, 1]), "one of a thousand too");
        assert_eq!(cells(bar(10, 4, 4), 100, 3), (2, [1, 0, 0]), "the worst, where there is one cell");
        assert_eq!(cells(bar(10, 0, 10), 10, 2), (16, [2, 0, 0]));
        assert_eq!(cells(bar(5, 0, 0), 0, 2), (1, [0, 0, 1]));
    }

    #[test]
    fn one_hit_is_one_bar_and_the_axis_is_as_long_as_what_was_counted() {
        let counted = |len: usize| Histogram {
            from: Timestamp(60_000),
            step: Millis(1_000),
            bars: vec![bar(1, 0, 0); len],
            ..Histogram::default()
        };
        let axis = |len, columns| axis_of(&counted(len), columns);
        assert_eq!(axis(1, 80), Some(TimeAxis { from: Timestamp(60_000), step: Millis(500), columns: 2 }));
        assert_eq!(axis(50, 80), Some(TimeAxis { from: Timestamp(60_000), step: Millis(1_000), columns: 50 }));
        assert_eq!(axis(120, 50), Some(TimeAxis { from: Timestamp(60_000), step: Millis(3_000), columns: 40 }));
        assert_eq!((axis(0, 80), axis(5, 0), axis_of(&Histogram::default(), 9)), (None, None, None));
        assert_eq!(columns(&counted(1).bars, &axis(1, 80).expect("an axis")), [bar(1, 0, 0); 2], "of two cells");
        let summed = columns(&counted(5).bars, &axis(5, 3).expect("an axis"));
        assert_eq!(summed.iter().map(|bar| bar.count).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn the_list_keeps_most_of_the_pane() {
        for height in 0..80 {
            let rows = ChartRows::of(height, 3).map_or(1, ChartRows::all);
            assert!(rows * 2 <= height || height < 8, "{height}: {rows}");
        }
        assert_eq!(ChartRows::of(20, 3), Some(ChartRows { bars: 2, lanes: 0 }));
        assert_eq!(ChartRows::of(25, 3), Some(ChartRows { bars: 3, lanes: 3 }));
    }
}
