//! Lines of logs, wrapped or cut, with what was searched for marked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::log::{LogLevel, LogLine};
use crate::tui::pane::View;
use crate::tui::sanitise;
use crate::tui::theme::Styles;
use crate::tui::widgets::list::{Column, Cursor};
use crate::tui::widgets::paint;

/// Rows that one wrapped line takes at most; Enter shows all of it.
const WRAPPED_MAX: usize = 6;
/// From this width on the thread or module has a column.
const ORIGIN_FROM: usize = 100;

pub(super) struct Scene<'a> {
    pub cursor: Cursor,
    pub wrap: bool,
    pub found: &'a str,
}

impl Scene<'_> {
    pub(super) fn draw(&self, lines: &[LogLine], area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let Some(last) = lines.len().checked_sub(1) else { return };
        let selected = self.cursor.at.min(last);
        let mut first = selected;
        let mut rows = self.parts(&lines[first], width).len();
        while first > 0 {
            let more = self.parts(&lines[first - 1], width).len();
            if rows + more > height {
                break;
            }
            rows += more;
            first -= 1;
        }
        let mut row = 0;
        for (at, line) in lines.iter().enumerate().skip(first) {
            if row >= height {
                break;
            }
            for (part, text) in self.parts(line, width).into_iter().enumerate() {
                let head = if part == 0 { head(line, width, view.styles) } else { vec![indent(width)] };
                let drawn = self.line(head, &text, at == selected, view.styles);
                paint::line(area, buffer, row as u16, &drawn);
                row += 1;
            }
        }
    }

    /// The message, cut into rows.
    fn parts(&self, line: &LogLine, width: usize) -> Vec<String> {
        let room = width.saturating_sub(head_width(width)).max(1);
        let more = match line.more.len() {
            0 => String::new(),
            1 => "  (+1 line, Enter)".to_owned(),
            more => format!("  (+{more} lines, Enter)"),
        };
        if self.wrap {
            let text = format!("{}{more}", line.message);
            let parts = sanitise::wrap(&text, room, WRAPPED_MAX);
            return if parts.is_empty() { vec![String::new()] } else { parts };
        }
        let clean = sanitise::clean(&line.message);
        let short = sanitise::fit(&clean, room.saturating_sub(sanitise::width(&more)).max(1));
        vec![format!("{short}{more}")]
    }

    fn line(&self, head: Vec<Span<'static>>, text: &str, selected: bool, styles: &Styles) -> Line<'static> {
        let mark = if selected { " >" } else { "  " };
        let over = |style: Style| if selected { style.patch(styles.selected) } else { style };
        let mut spans = vec![Span::styled(mark, if selected { styles.selected } else { styles.text })];
        spans.extend(head.into_iter().map(|span| Span::styled(span.content, over(span.style))));
        for (part, hit) in split(text, self.found) {
            spans.push(Span::styled(part, over(if hit { styles.highlight } else { styles.text })));
        }
        Line::from(spans)
    }
}

const fn head_width(width: usize) -> usize {
    if width >= ORIGIN_FROM { 2 + 14 + 9 + 7 + 18 } else { 2 + 14 + 9 + 7 }
}

fn indent(width: usize) -> Span<'static> {
    Span::raw(" ".repeat(head_width(width).saturating_sub(2)))
}

fn head(line: &LogLine, width: usize, styles: &Styles) -> Vec<Span<'static>> {
    let style = match line.level {
        Some(LogLevel::Error) => styles.bad,
        Some(LogLevel::Warn) => styles.warning,
        _ => styles.dim,
    };
    let time = line.time.as_deref().map_or("-", of_day);
    let column = |width, text: &str| Column::left("", width).cell(text);
    let mut head = vec![
        Span::styled(format!("{}  ", column(12, time)), styles.dim),
        Span::styled(format!("{} ", column(8, &line.source)), styles.text),
        Span::styled(format!("{}  ", column(5, line.level.map_or("", |level| level.word()))), style),
    ];
    if width >= ORIGIN_FROM {
        head.push(Span::styled(format!("{}  ", column(16, line.origin.as_deref().unwrap_or(""))), styles.dim));
    }
    head
}

/// The time of day of `2026-11-23T14:01:58.112`.
fn of_day(time: &str) -> &str {
    let day = time.split_once(['T', ' ']).map_or(time, |(_, day)| day);
    day.get(..12).unwrap_or(day)
}

/// The line as its file has it, as near as it is known.
pub(super) fn plain(line: &LogLine) -> String {
    let words = [line.time.as_deref(), line.level.map(|level| level.word()), line.origin.as_deref()];
    let head: Vec<_> = words.into_iter().flatten().chain(std::iter::once(line.message.as_str())).collect();
    let mut text = head.join(" ");
    for more in &line.more {
        text.push('\n');
        text.push_str(more);
    }
    text
}

/// The text in parts, each with whether it is what was searched for; letter case ignored.
fn split(text: &str, found: &str) -> Vec<(String, bool)> {
    if found.is_empty() {
        return vec![(text.to_owned(), false)];
    }
    let (lower, found) = (text.to_ascii_lowercase(), found.to_ascii_lowercase());
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, hit) in lower.match_indices(&found) {
        parts.push((text[from..at].to_owned(), false));
        parts.push((text[at..at + hit.len()].to_owned(), true));
        from = at + hit.len();
    }
    parts.push((text[from..].to_owned(), false));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_split_out_in_any_case() {
        assert_eq!(split("an FSync", "fsync"), [("an ".into(), false), ("FSync".into(), true), (String::new(), false)]);
        assert_eq!(split("äx", "X").len(), 3);
        assert_eq!(split("abc", ""), [("abc".into(), false)]);
    }

    #[test]
    fn times_are_cut_to_the_day() {
        assert_eq!(of_day("2026-11-23T14:01:58.112"), "14:01:58.112");
        assert_eq!(of_day("2026-11-23T14:01:58.112345Z"), "14:01:58.112");
        assert_eq!(of_day("x"), "x");
    }
}
