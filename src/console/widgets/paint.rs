//! Puts lines into a buffer, never outside its area.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::theme::Glyphs;
use crate::domain::server::Series;

/// Rows that one line is broken into at most.
const WRAPPED_MAX: usize = 40;

/// Draws a line at a row of the area; nothing happens below its end. A style of the line's own, as a selected row has,
/// fills the row.
pub fn line(area: Rect, buffer: &mut Buffer, row: u16, line: &Line<'_>) {
    if row < area.height && area.width > 0 {
        buffer.set_style(Rect { y: area.y + row, height: 1, ..area }, line.style);
        spans(buffer, (area.x, area.y + row), line, area.width);
    }
}

/// The last place before the cells: what nobody has cleaned yet is cleaned here.
pub fn spans(buffer: &mut Buffer, (x, y): (u16, u16), line: &Line<'_>, width: u16) {
    if line.spans.iter().all(|span| matches!(sanitise::clean(&span.content), Cow::Borrowed(_))) {
        buffer.set_line(x, y, line, width);
        return;
    }
    let clean = line.spans.iter().map(|span| Span::styled(sanitise::clean(&span.content), span.style));
    buffer.set_line(x, y, &Line { spans: clean.collect(), ..line.clone() }, width);
}

/// A line of one style.
pub fn text(area: Rect, buffer: &mut Buffer, row: u16, text: &str, style: Style) {
    line(area, buffer, row, &Line::from(Span::styled(text.to_owned(), style)));
}

/// Lines broken where they are wider than the room, at spaces; what goes on stands two cells further in.
#[must_use]
pub fn wrapped(lines: &[(String, Style)], width: usize) -> Vec<(String, Style)> {
    let fits = |text: &str| width == 0 || sanitise::width(text) <= width;
    let broken = |(text, style): &(String, Style)| -> Vec<(String, Style)> {
        if fits(text) {
            return vec![(text.clone(), *style)];
        }
        let indent = text.len() - text.trim_start_matches(' ').len();
        let room = width.saturating_sub(indent + 2).max(1);
        let parts = sanitise::wrap(&sanitise::clean(text), room, WRAPPED_MAX).into_iter().enumerate();
        parts
            .map(|(at, part)| (format!("{}{part}", " ".repeat(indent + if at == 0 { 0 } else { 2 })), *style))
            .collect()
    };
    lines.iter().flat_map(broken).collect()
}

/// Cells between a text at the right end of a row and what stands left of it.
pub const APART: u16 = 2;

/// Text at the right end of a row, one cell from the edge, apart from what stands there already; nothing when it does not
/// fit.
pub fn right(area: Rect, buffer: &mut Buffer, row: u16, text: &str, style: Style) {
    let width = sanitise::width(text) as u16 + 1;
    if width <= area.width && width > 1 && row < area.height {
        let left = area.right() - width;
        for x in left.saturating_sub(APART).max(area.x)..left {
            if let Some(cell) = buffer.cell_mut((x, area.y + row)) {
                cell.set_symbol(" ");
            }
        }
        self::text(Rect { x: area.right() - width, width, ..area }, buffer, row, text, style);
    }
}

/// The rows of `area` from `row` on.
#[must_use]
pub const fn below(area: Rect, row: u16) -> Rect {
    let row = if row < area.height { row } else { area.height };
    Rect { y: area.y + row, height: area.height - row, ..area }
}

/// The last `width` values as heights, scaled to the largest; what is unknown stays empty.
#[must_use]
pub fn spark(series: &Series, width: usize, glyphs: &Glyphs) -> String {
    let values = &series.0[series.0.len().saturating_sub(width)..];
    let most = values.iter().flatten().copied().fold(0.0_f32, f32::max);
    let glyph = |value: &Option<f32>| match value {
        None => " ",
        Some(value) if most > 0.0 => {
            let top = glyphs.spark.len() - 1;
            glyphs.spark[((value / most * top as f32).round() as usize).min(top)]
        }
        Some(_) => glyphs.spark[0],
    };
    let drawn: String = values.iter().map(glyph).collect();
    format!("{}{drawn}", " ".repeat(width.saturating_sub(values.len())))
}

/// All values in `width` cells: each cell shows the largest of its share of the time.
#[must_use]
pub fn squeeze(series: &Series, width: usize) -> Series {
    let len = series.0.len();
    if len <= width || width == 0 {
        return series.clone();
    }
    let share = |cell: usize| &series.0[cell * len / width..((cell + 1) * len / width).max(cell * len / width + 1)];
    Series((0..width).map(|cell| share(cell).iter().flatten().copied().reduce(f32::max)).collect())
}

/// A bar of `value` out of `most` over `width` cells; what is more than nothing is seen.
#[must_use]
pub fn bar(value: u64, most: u64, width: usize, glyphs: &Glyphs) -> String {
    if most == 0 {
        return String::new();
    }
    let eighths = usize::try_from(u128::from(value.min(most)) * (width as u128 * 8) / u128::from(most)).unwrap_or(0);
    let eighths = eighths.max(usize::from(value > 0 && width > 0));
    let mut bar = glyphs.bar[0].repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push_str(glyphs.bar[8 - eighths % 8]);
    }
    bar
}

/// The bar, filled up to `width`, with a mark where `at` of `most` is, unless the bar covers it.
#[must_use]
pub fn with_mark(bar: &str, at: Option<u64>, most: u64, width: usize, mark: &str) -> String {
    let mut cells: Vec<String> = bar.chars().map(String::from).collect();
    cells.resize(width.max(cells.len()), " ".to_owned());
    // Beyond the bar's end it has no place.
    if let (Some(at), true) = (at.filter(|at| *at <= most), most > 0 && width > 0) {
        let cell = usize::try_from(u128::from(at) * width as u128 / u128::from(most)).unwrap_or(width).min(width - 1);
        if cells[cell] == " " {
            mark.clone_into(&mut cells[cell]);
        }
    }
    cells.concat()
}

/// A bar whose rest is drawn too: a progress.
#[must_use]
pub fn progress(value: u64, most: u64, width: usize, glyphs: &Glyphs) -> String {
    let full = (value.min(most) * width as u64).checked_div(most).map_or(width, |cells| cells as usize);
    format!("{}{}", glyphs.bar[0].repeat(full), glyphs.bar_empty.repeat(width - full.min(width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_at_the_right_stands_apart_from_what_is_left_of_it() {
        let area = Rect::new(0, 0, 20, 1);
        for width in 0..20 {
            let mut buffer = Buffer::empty(area);
            text(area, &mut buffer, 0, "12345678901234567890", Style::new());
            right(area, &mut buffer, 0, &"r".repeat(width), Style::new());
            let row: String = (0..20).map(|x| buffer[(x, 0)].symbol().to_owned()).collect();
            assert!(!row.contains("0r") && (1..=9).all(|digit| !row.contains(&format!("{digit}r"))), "{row}");
            assert_eq!(row.contains('r'), width > 0, "{row}");
        }
    }

    #[test]
    fn what_is_wider_than_the_room_goes_on_below() {
        let lines = [("  ok".to_owned(), Style::new()), ("  a cause of many words".to_owned(), Style::new())];
        let told: Vec<String> = wrapped(&lines, 12).into_iter().map(|(text, _)| text).collect();
        assert_eq!(told, ["  ok", "  a cause", "    of many", "    words"]);
        assert_eq!(wrapped(&lines, 0).len(), 2);
    }

    #[test]
    fn bars_grow_in_eighths() {
        let glyphs = &Glyphs::UNICODE;
        assert_eq!(bar(0, 10, 10, glyphs), "");
        assert_eq!(bar(10, 10, 4, glyphs), "▇▇▇▇");
        assert_eq!(bar(1, 16, 8, glyphs), "▖");
        assert_eq!((bar(1, 1000, 16, glyphs).as_str(), bar(1, 1000, 0, glyphs).as_str()), ("▖", ""));
        let as_high_as_the_row = |glyph: &&str| "█▉▊▋▌▍▎▏▐".contains(*glyph);
        assert!(!glyphs.bar.iter().any(as_high_as_the_row), "bars of two rows would be one");
        assert_eq!(bar(7, 0, 8, glyphs), "");
        assert_eq!(with_mark("██", Some(3), 4, 4, "|"), "██ |");
        assert_eq!(with_mark("████", Some(3), 4, 4, "|"), "████");
        assert_eq!(with_mark("", None, 0, 2, "|"), "  ");
        assert_eq!(progress(1, 4, 8, glyphs), "▇▇░░░░░░");
        assert_eq!(progress(0, 0, 3, glyphs), "▇▇▇");
    }

    #[test]
    fn a_squeezed_series_keeps_its_peaks() {
        let series = Series((0..60).map(|i| Some(if i == 7 { 9.0 } else { 1.0 })).collect());
        let squeezed = squeeze(&series, 16);
        assert_eq!((squeezed.0.len(), squeezed.0.iter().filter(|v| **v == Some(9.0)).count()), (16, 1));
        assert_eq!(squeeze(&series, 60), series);
        assert_eq!(squeeze(&Series(vec![None; 4]), 2), Series(vec![None, None]));
    }

    #[test]
    fn what_is_unknown_leaves_a_gap() {
        let series = Series(vec![Some(0.0), None, Some(7.0)]);
        assert_eq!(spark(&series, 4, &Glyphs::UNICODE), " ▁ █");
        assert_eq!(spark(&series, 1, &Glyphs::UNICODE), "█");
        assert_eq!(spark(&Series(vec![Some(0.0)]), 1, &Glyphs::UNICODE), "▁");
    }
}
