//! Events of logs, wrapped or cut, with what was searched for marked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::list::{Column, Cursor};
use crate::console::widgets::paint;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{LogEvent, LogLevel, Matcher, clock, instant};

/// Rows that one wrapped event takes at most; Enter shows all of it.
const WRAPPED_MAX: usize = 6;
/// Characters of a message that a row can show at all.
const SHOWN_MAX: usize = 4096;

/// Which columns stand before the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LogColumns {
    /// Time, node, level, and the thread where there is room.
    #[default]
    Usual,
    /// The date too, and the logger.
    All,
    /// Time and level.
    Few,
    Message,
}

impl LogColumns {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Usual => Self::All,
            Self::All => Self::Few,
            Self::Few => Self::Message,
            Self::Message => Self::Usual,
        }
    }

    /// Widths: date, time, node, level, thread, logger.
    const fn widths(self, width: usize) -> [usize; 6] {
        let wide = if width >= 100 { 16 } else { 0 };
        match self {
            Self::Usual => [0, 12, 8, 5, wide, 0],
            Self::All => [10, 12, 8, 5, wide, wide],
            Self::Few => [0, 12, 0, 5, 0, 0],
            Self::Message => [0; 6],
        }
    }
}

pub(super) struct LogsScene<'a> {
    pub(super) cursor: Cursor,
    pub(super) wrap: bool,
    pub(super) marks: &'a Matcher,
    pub(super) shown: LogColumns,
    /// The event that neighbours were asked of.
    pub(super) of: Option<usize>,
}

impl LogsScene<'_> {
    pub(super) fn draw(&self, events: &[LogEvent], area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let Some(last) = events.len().checked_sub(1) else { return };
        let selected = self.cursor.at.min(last);
        let mut first = selected;
        let mut rows = self.parts(&events[first], width).len();
        while first > 0 {
            let more = self.parts(&events[first - 1], width).len();
            if rows + more > height {
                break;
            }
            rows += more;
            first -= 1;
        }
        let mut row = 0;
        for (at, event) in events.iter().enumerate().skip(first) {
            if row >= height {
                break;
            }
            for (part, text) in self.parts(event, width).into_iter().enumerate() {
                let head = if part == 0 { self.head(event, width, view.styles) } else { vec![self.indent(width)] };
                let drawn = self.line(head, &text, at == selected, self.of == Some(at), view.styles);
                paint::line(area, buffer, row as u16, &drawn);
                row += 1;
            }
        }
    }

    fn head_width(&self, width: usize) -> usize {
        self.shown.widths(width).iter().filter(|width| **width > 0).map(|width| width + 1).sum::<usize>() + 3
    }

    /// The message, cut into rows.
    fn parts(&self, event: &LogEvent, width: usize) -> Vec<String> {
        let room = width.saturating_sub(self.head_width(width)).max(1);
        let more = match event.more().count() {
            0 => String::new(),
            1 => "  (+1 line, Enter)".to_owned(),
            more => format!("  (+{more} lines, Enter)"),
        };
        let message = cut(event.message());
        if self.wrap {
            let text = format!("{message}{more}");
            let parts = sanitise::wrap(&text, room, WRAPPED_MAX);
            return if parts.is_empty() { vec![String::new()] } else { parts };
        }
        let clean = sanitise::clean(message);
        let short = sanitise::fit(&clean, room.saturating_sub(sanitise::width(&more)).max(1));
        vec![format!("{short}{more}")]
    }

    fn line(&self, head: Vec<Span<'static>>, text: &str, selected: bool, of: bool, styles: &Styles) -> Line<'static> {
        let mark = if selected {
            " >"
        } else if of {
            " *"
        } else {
            "  "
        };
        let over = |style| styles.in_row(selected, style);
        let mut spans = vec![Span::styled(mark, over(styles.accent))];
        spans.extend(head.into_iter().map(|span| Span::styled(span.content, over(span.style))));
        let mut from = 0;
        for mark in self.marks.marks(text) {
            spans.push(Span::styled(text[from..mark.start].to_owned(), over(styles.text)));
            spans.push(Span::styled(text[mark.clone()].to_owned(), over(styles.highlight)));
            from = mark.end;
        }
        spans.push(Span::styled(text[from..].to_owned(), over(styles.text)));
        Line::from(spans).style(styles.row(selected))
    }

    fn indent(&self, width: usize) -> Span<'static> {
        Span::raw(" ".repeat(self.head_width(width).saturating_sub(2)))
    }

    fn head(&self, event: &LogEvent, width: usize, styles: &Styles) -> Vec<Span<'static>> {
        let level = match event.level {
            Some(LogLevel::Error) => styles.bad,
            Some(LogLevel::Warn) => styles.warning,
            _ => styles.dim,
        };
        let time = event.time.map(instant);
        let (date, of_day) = (time.as_deref().map_or("-", |time| &time[..10]), event.time.map_or("-".into(), of_day));
        let texts = [
            (date, styles.dim),
            (of_day.as_str(), styles.dim),
            (event.node.as_str(), styles.text),
            (event.level.map_or("", |level| level.word()), level),
            (event.thread.as_deref().unwrap_or(""), styles.dim),
            (event.logger.as_deref().unwrap_or(""), styles.dim),
        ];
        let shown = self.shown.widths(width).into_iter().zip(texts).filter(|(width, _)| *width > 0);
        let mut head: Vec<Span<'static>> = shown
            .map(|(width, (text, style))| Span::styled(format!("{} ", Column::left("", width).cell(text)), style))
            .collect();
        head.push(Span::raw(" "));
        head
    }
}

/// The time of day, in UTC as the files have it.
pub(super) fn of_day(time: Timestamp) -> String {
    clock(Millis(time.0))
}

/// What a row can show of a text that may be a megabyte.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_MAX)]
}

/// The event as its file has it, as near as it is known.
pub(super) fn plain(event: &LogEvent) -> String {
    if event.message_at > 0 {
        return event.text.clone();
    }
    let time = event.time.map(instant);
    let words = [time.as_deref(), event.level.map(|level| level.word()), Some(event.text.as_str())];
    let fields = event.fields.iter().map(|(name, value)| format!("{name}={value}"));
    words.into_iter().flatten().map(str::to_owned).chain(fields).collect::<Vec<_>>().join(" ")
}
