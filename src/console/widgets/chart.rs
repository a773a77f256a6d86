//! A chart over time: a frame with title and values, a labelled scale, and one or more lines. A gap in what was measured
//! is a gap in the picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::axis::TimeAxis;
use super::marks::{AxisMark, Shade, draw_axis};
use crate::console::sanitise;
use crate::console::theme::{Glyphs, Styles};
use crate::domain::ids::Bytes;
use crate::domain::number;
use crate::domain::series::{SeriesPoint, SeriesUnit};

/// Cells of the scale at the left, with its line.
pub const SCALE: u16 = 8;

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct ChartLine<'a> {
    /// `zk1`; empty for the only one.
    pub label: String,
    pub style: Style,
    /// One for each column of the axis.
    pub points: &'a [Option<SeriesPoint>],
    /// The value that is told beside the title, where it is known better than by a column: of the very moment that is
    /// shown.
    pub told: Option<Option<f32>>,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    pub unit: SeriesUnit,
    pub axis: TimeAxis,
    pub lines: Vec<ChartLine<'a>>,
    pub marks: &'a [AxisMark],
    pub shades: &'a [Shade],
    /// A column that is pointed at: its values are told instead of the newest.
    pub cursor: Option<u16>,
    /// Said where there is nothing to draw.
    pub empty: &'a str,
}

/// A value in its unit, for a scale or a heading: `5 ms`, `1,008`, `12 MiB`.
#[must_use]
pub fn value(value: f32, unit: SeriesUnit) -> String {
    let short = |value: f32| match value {
        value if value >= 100.0 || value.fract() == 0.0 => number::grouped(value.max(0.0).round() as u64),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    };
    match unit {
        SeriesUnit::Share => format!("{:.0} %", value * 100.0),
        SeriesUnit::Milliseconds if value >= 10_000.0 => format!("{:.0} s", value / 1000.0),
        SeriesUnit::Milliseconds => format!("{} ms", short(value)),
        SeriesUnit::PerSecond => format!("{}/s", short(value)),
        SeriesUnit::Bytes => Bytes(value.max(0.0) as u64).to_string(),
        SeriesUnit::Count => short(value),
    }
}

/// A value of a moment, for a heading. A rate that a table tells too is told in whole, as it is there.
fn newest(number: f32, unit: SeriesUnit, in_table: bool) -> String {
    let whole = in_table && unit == SeriesUnit::PerSecond;
    value(if whole { number.round() } else { number }, unit)
}

/// A scale from 0 to a round number. Milliseconds are drawn by their logarithm: one late write does not flatten the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    top: f32,
    logarithmic: bool,
}

impl Scale {
    fn of(most: f32, unit: SeriesUnit) -> Self {
        let logarithmic = unit == SeriesUnit::Milliseconds;
        let top = match unit {
            SeriesUnit::Share => 1.0,
            SeriesUnit::Bytes => {
                let prefix = 1024.0_f32.powf(most.max(1.0).log(1024.0).floor());
                round_up(most / prefix) * prefix
            }
            SeriesUnit::Count | SeriesUnit::PerSecond | SeriesUnit::Milliseconds => round_up(most),
        };
        Self { top, logarithmic }
    }

    /// From 0 at the bottom to 1 at the top.
    fn height(self, value: f32) -> f32 {
        let share = if self.logarithmic { value.max(0.0).ln_1p() / self.top.ln_1p() } else { value / self.top };
        share.clamp(0.0, 1.0)
    }

    /// The value at a height.
    fn value(self, height: f32) -> f32 {
        if self.logarithmic { (self.top.ln_1p() * height).exp_m1() } else { self.top * height }
    }
}

/// The next of 1, 2, 5, 10, 20, 50, ... that is not below; 1 at least.
fn round_up(most: f32) -> f32 {
    let mut step = 1.0_f32;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if step * factor >= most || !most.is_finite() {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

/// Points at a column of what is drawn in a plot: what came later is dim.
pub fn point_at(plot: Rect, column: u16, buffer: &mut Buffer, styles: &Styles) {
    for y in plot.y..plot.bottom() {
        for x in (plot.x + column).min(plot.right())..plot.right() {
            let cell = &mut buffer[(x, y)];
            if x > plot.x + column {
                cell.set_style(styles.dim);
                continue;
            }
            cell.set_style(styles.selected);
            if cell.symbol() == " " {
                cell.set_symbol(styles.glyphs.vertical);
            }
        }
    }
}

impl Chart<'_> {
    /// Draws the chart, its frame included; nothing where there is no room for one row of it.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) {
        if area.height < 4 || area.width < SCALE + 6 {
            return;
        }
        self.frame(area, buffer, styles);
        let plot = Rect { x: area.x + SCALE, y: area.y + 1, width: area.width - SCALE - 1, height: area.height - 3 };
        // Bars show the largest value of a step, lines its mean.
        let alone = self.lines.len() == 1;
        let points = self.lines.iter().flat_map(|line| line.points.iter().flatten());
        let most = points.map(|point| if alone { point.max } else { point.mean });
        let Some(most) = most.reduce(f32::max) else {
            let text = sanitise::fit(&sanitise::clean(self.empty), usize::from(plot.width));
            buffer.set_string(plot.x, plot.y + plot.height / 2, text, styles.dim);
            return self.under(plot, buffer, styles);
        };
        let scale = Scale::of(most, self.unit);
        self.scale(scale, plot, buffer, styles);
        self.shade(plot, buffer, styles);
        match &self.lines[..] {
            [only] => bars(only, scale, plot, buffer, &styles.glyphs),
            lines => lines.iter().rev().for_each(|line| steps(line, scale, plot, buffer, &styles.glyphs)),
        }
        self.under(plot, buffer, styles);
    }

    fn under(&self, plot: Rect, buffer: &mut Buffer, styles: &Styles) {
        let row = Rect { y: plot.bottom(), height: 1, ..plot };
        draw_axis(row, buffer, &self.axis, self.marks, styles);
        if let Some(column) = self.cursor.filter(|column| *column < plot.width) {
            point_at(plot, column, buffer, styles);
            let later = row.width - column - 1;
            buffer.set_style(Rect { x: row.right() - later, width: later, ..row }, styles.dim);
        }
    }

    /// Border, title, and at the right the value of each line.
    fn frame(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) {
        let glyphs = &styles.glyphs;
        let [upper_left, upper_right, lower_left, lower_right] = glyphs.corners;
        let inner = usize::from(area.width) - 2;
        let edge = |left: &str, right: &str| format!("{left}{}{right}", glyphs.horizontal.repeat(inner));
        buffer.set_string(area.x, area.y, edge(upper_left, upper_right), styles.border);
        buffer.set_string(area.x, area.bottom() - 1, edge(lower_left, lower_right), styles.border);
        for y in area.y + 1..area.bottom() - 1 {
            buffer.set_string(area.x, y, glyphs.vertical, styles.border);
            buffer.set_string(area.right() - 1, y, glyphs.vertical, styles.border);
        }
        let title = sanitise::fit(&format!(" {} ", self.title), inner.saturating_sub(2));
        buffer.set_string(area.x + 1, area.y, &title, styles.heading);
        let mut room = inner.saturating_sub(sanitise::width(&title) + 2);
        let mut x = area.right() - 2;
        for line in self.lines.iter().rev() {
            let number =
                self.told(line).map_or_else(|| "-".to_owned(), |number| newest(number, self.unit, line.told.is_some()));
            let text = format!(" {} ", format!("{} {number}", line.label).trim());
            let width = sanitise::width(&text);
            if width > room {
                break;
            }
            room -= width;
            x -= width as u16;
            buffer.set_string(x, area.y, text, line.style);
        }
    }

    /// The value at the cursor, or the newest.
    fn told(&self, line: &ChartLine<'_>) -> Option<f32> {
        if let Some(told) = line.told {
            return told;
        }
        let point = match self.cursor {
            Some(column) => line.points.get(usize::from(column)).copied().flatten(),
            // The column under way may have nothing yet.
            None => line.points.iter().rev().take(2).find_map(|point| *point),
        };
        // A number of files has no fraction, though its mean over a step may have one.
        let whole = |mean: f32| if self.unit == SeriesUnit::Count { mean.round() } else { mean };
        point.map(|point| whole(point.mean))
    }

    fn scale(&self, scale: Scale, plot: Rect, buffer: &mut Buffer, styles: &Styles) {
        let last = plot.height - 1;
        let rows = if plot.height >= 5 { vec![0, last / 2, last] } else { vec![0, last] };
        for y in 0..plot.height {
            let at = Rect { x: plot.x - SCALE + 1, width: SCALE - 1, ..plot };
            let labelled = rows.contains(&y) && (y > 0 || plot.height > 1);
            let label = if labelled {
                // Bars stand on the lowest row, lines begin in its middle.
                let (above, whole) =
                    if self.lines.len() == 1 { (plot.height - y, plot.height) } else { (last - y, last) };
                let height = if y == last { 0.0 } else { f32::from(above) / f32::from(whole) };
                value(scale.value(height), self.unit)
            } else {
                String::new()
            };
            let label = sanitise::fit(&label, usize::from(SCALE) - 2);
            let tick = if labelled { "┤" } else { "│" };
            let tick = if styles.glyphs == Glyphs::ASCII { "|" } else { tick };
            let room = usize::from(SCALE) - 2;
            buffer.set_string(at.x, plot.y + y, format!("{label:>room$}{tick}"), styles.dim);
        }
    }

    /// Spans in which writes waited, from top to bottom.
    fn shade(&self, plot: Rect, buffer: &mut Buffer, styles: &Styles) {
        for shade in self.shades {
            let Some((first, last)) = self.axis.columns_of(shade.from, shade.until) else { continue };
            let last = last.min(plot.width.saturating_sub(1));
            for x in first..=last {
                for y in plot.y..plot.bottom() {
                    buffer.set_string(plot.x + x, y, styles.glyphs.bar_empty, styles.bad.add_modifier(Modifier::DIM));
                }
            }
            let width = usize::from((last + 1).saturating_sub(first));
            let text = format!(" {} ", shade.text);
            if sanitise::width(&text) <= width {
                let x = plot.x + first + ((width - sanitise::width(&text)) / 2) as u16;
                buffer.set_string(x, plot.bottom() - 1, text, styles.bad);
            }
        }
    }
}

/// One line as bars, in eighths of a cell, by the largest value of each column.
fn bars(line: &ChartLine<'_>, scale: Scale, plot: Rect, buffer: &mut Buffer, glyphs: &Glyphs) {
    let eighths = f32::from(plot.height) * 8.0;
    for (x, point) in (0..plot.width).zip(line.points) {
        let Some(point) = point else { continue };
        // What was measured is seen, 0 too.
        let height = ((scale.height(point.max) * eighths).round() as u16).max(1);
        for row in 0..plot.height {
            let Some(rest) = height.checked_sub(row * 8).filter(|rest| *rest > 0) else { break };
            let glyph = glyphs.spark[usize::from(rest.min(8)) - 1];
            buffer.set_string(plot.x + x, plot.bottom() - 1 - row, glyph, line.style);
        }
    }
}

/// One of several lines, by the mean of each column.
fn steps(line: &ChartLine<'_>, scale: Scale, plot: Rect, buffer: &mut Buffer, glyphs: &Glyphs) {
    let last = plot.height - 1;
    let row = |point: &SeriesPoint| last - (scale.height(point.mean) * f32::from(last)).round() as u16;
    let [flat, up, down, from_below, from_above, upright] = glyphs.steps;
    let mut before: Option<u16> = None;
    for (x, point) in (0..plot.width).zip(line.points) {
        let Some(y) = point.as_ref().map(row) else {
            before = None;
            continue;
        };
        let mut put = |y: u16, glyph: &str| {
            buffer.set_string(plot.x + x, plot.y + y, glyph, line.style);
        };
        match before {
            Some(old) if old != y => {
                let (begin, end) = if old < y { (down, from_above) } else { (up, from_below) };
                put(old, begin);
                (old.min(y) + 1..old.max(y)).for_each(|between| put(between, upright));
                put(y, end);
            }
            _ => put(y, flat),
        }
        before = Some(y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Millis, Timestamp};

    fn points(values: &[Option<f32>]) -> Vec<Option<SeriesPoint>> {
        values.iter().map(|value| value.map(|value| SeriesPoint { mean: value, max: value })).collect()
    }

    fn drawn(
        lines: Vec<ChartLine<'_>>,
        unit: SeriesUnit,
        cursor: Option<u16>,
        shades: &[Shade],
        styles: &Styles,
    ) -> String {
        let axis = TimeAxis { from: Timestamp(0), step: Millis(1_000), columns: 15 };
        let chart = Chart { title: "files", unit, axis, lines, marks: &[], shades, cursor, empty: "nothing yet" };
        let area = Rect::new(0, 0, 24, 8);
        let mut buffer = Buffer::empty(area);
        chart.draw(area, &mut buffer, styles);
        let row = |y| (0..24).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        (0..8).map(row).collect::<Vec<_>>().join("\n")
    }

    fn line<'a>(label: &str, points: &'a [Option<SeriesPoint>]) -> ChartLine<'a> {
        ChartLine { label: label.into(), style: Style::new(), points, told: None }
    }

    #[test]
    fn one_line_is_bars_and_a_gap_is_a_gap() {
        let values = points(&[Some(0.0), Some(10.0), None, Some(5.0), Some(20.0)]);
        let picture = drawn(vec![line("", &values)], SeriesUnit::Count, None, &[], &Styles::plain());
        assert_eq!(
            picture,
            "┌ files ────────── 20 ─┐
│    20┤    █          │
│      │    █          │
│    12┤ ▄  █          │
│      │ █ ▂█          │
│     0┤▁█ ██          │
│       00:00:00       │
└──────────────────────┘"
        );
    }

    #[test]
    fn several_lines_are_drawn_as_steps_with_their_names() {
        let (one, two) = (points(&[Some(4.0), Some(4.0), Some(0.0), None, Some(0.0)]), points(&[Some(1.0); 5]));
        let picture = drawn(vec![line("a", &one), line("b", &two)], SeriesUnit::Count, Some(1), &[], &Styles::plain());
        let rows: Vec<&str> = picture.lines().collect();
        assert!(rows[0].ends_with(" a 4  b 1 ─┐"), "the values at the cursor: {picture}");
        assert_eq!((rows[2], rows[5]), ("│      │──╮            │", "│     0┤ │╰ ─          │"), "{picture}");
        let ascii = Styles { glyphs: Glyphs::ASCII, ..Styles::plain() };
        let picture = drawn(vec![line("a", &one), line("b", &two)], SeriesUnit::Count, None, &[], &ascii);
        assert!(picture.is_ascii(), "{picture}");
    }

    #[test]
    fn waiting_writes_are_shaded_and_nothing_is_said_so() {
        let shade = Shade { from: Timestamp(1_000), until: Timestamp(13_000), text: "no quorum".into() };
        let values = points(&[Some(5.0)]);
        let picture = drawn(vec![line("", &values)], SeriesUnit::Milliseconds, None, &[shade], &Styles::plain());
        assert!(picture.contains("░ no quorum ░"), "{picture}");
        let nothing = drawn(vec![line("", &[])], SeriesUnit::Count, None, &[], &Styles::plain());
        assert!(nothing.contains("nothing yet") && nothing.contains(" - ─┐"), "{nothing}");
    }

    #[test]
    fn scales_are_round_and_values_have_their_unit() {
        assert_eq!([0.0, 0.4, 3.0, 61.0, 1_008.0].map(round_up), [1.0, 1.0, 5.0, 100.0, 2_000.0]);
        let text = |number, unit| value(number, unit);
        assert_eq!(text(0.42, SeriesUnit::Milliseconds), "0.4 ms");
        assert_eq!(text(12_400.0, SeriesUnit::Milliseconds), "12 s");
        assert_eq!(text(1_008.0, SeriesUnit::Count), "1,008");
        assert_eq!(text(0.989, SeriesUnit::Share), "99 %");
        assert_eq!(text(148.0, SeriesUnit::PerSecond), "148/s");
        assert_eq!(text(3.0 * 1024.0 * 1024.0, SeriesUnit::Bytes), "3 MiB");
        let scale = Scale::of(400.0, SeriesUnit::Milliseconds);
        assert!(scale.top == 500.0 && scale.height(5.0) > 0.25 && (scale.value(1.0) - 500.0).abs() < 0.1);
        assert_eq!(Scale::of(3.0 * 1048576.0, SeriesUnit::Bytes).top, 5.0 * 1048576.0);
    }
}
