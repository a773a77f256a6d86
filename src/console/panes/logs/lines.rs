//! Rows of the list: events wrapped or cut, with what was searched for marked; repeats; what is not loaded.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::first_seen;
use super::rows::LogRow;
use super::window::{EventWindow, Gap};
use crate::console::theme::Styles;
use crate::console::view::View;
use crate::console::widgets::list::Column;
use crate::console::widgets::{paint, words};
use crate::console::{sanitise, time};
use crate::domain::log::{LogEvent, LogLevel, Matcher, instant};

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

    /// Widths: date, time, node, level, thread, logger. More than one day has its dates.
    const fn widths(self, width: usize, days: bool) -> [usize; 6] {
        let wide = if width >= 100 { 16 } else { 0 };
        let date = if days { DATE } else { 0 };
        match self {
            Self::Usual => [date, 12, 8, 5, wide, 0],
            Self::All => [10, 12, 8, 5, wide, wide],
            Self::Few => [date, 12, 0, 5, 0, 0],
            Self::Message => [0; 6],
        }
    }
}

/// Cells of `23 Nov`.
const DATE: usize = 6;

/// What is drawn.
pub(super) struct LogsScene<'a> {
    pub(super) events: &'a [LogEvent],
    pub(super) rows: &'a [LogRow],
    /// Where the events are from, when there may be holes in it.
    pub(super) window: Option<&'a EventWindow>,
    pub(super) selected: usize,
    pub(super) first: usize,
    pub(super) wrap: bool,
    pub(super) marks: &'a Matcher,
    pub(super) shown: LogColumns,
    /// The event that neighbours were asked of.
    pub(super) of: Option<usize>,
}

impl LogsScene<'_> {
    /// The first row that is seen in a list of this size.
    pub(super) fn first(&self, width: usize, height: usize) -> usize {
        let days = self.days();
        first_seen(self.first, self.selected, self.rows.len(), height, |row| match self.rows[row] {
            LogRow::Event(at) if self.wrap => self.parts(&self.events[at], width, days).len(),
            _ => 1,
        })
    }

    /// Whether what is listed spans more than one day of the zone.
    fn days(&self) -> bool {
        let mut times = self.events.iter().filter_map(|event| event.time);
        let first = times.next();
        first.zip(times.next_back()).is_some_and(|(first, last)| time::date(first) != time::date(last))
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let days = self.days();
        let selected = self.selected.min(self.rows.len().saturating_sub(1));
        let mut row = 0;
        for (number, shown) in self.rows.iter().enumerate().skip(self.first(width, height)) {
            if row >= height {
                break;
            }
            for drawn in self.lines(*shown, number == selected, (width, days), view) {
                paint::line(area, buffer, row as u16, &drawn);
                row += 1;
            }
        }
    }

    fn lines(&self, row: LogRow, selected: bool, (width, days): (usize, bool), view: &View<'_>) -> Vec<Line<'static>> {
        let styles = view.styles;
        let room = width.saturating_sub(self.head_width(width, days)).max(1);
        match row {
            LogRow::Event(at) => {
                let event = &self.events[at];
                let line = |(part, text): (usize, String)| {
                    let head =
                        if part == 0 { self.head(event, width, days, styles) } else { vec![self.indent(width, days)] };
                    self.line(head, &text, "", selected, self.of == Some(at), styles)
                };
                self.parts(event, width, days).into_iter().enumerate().map(line).collect()
            }
            LogRow::Fold { from, to, open } => {
                let (oldest, newest) = (&self.events[from], &self.events[to]);
                let span = oldest.time.zip(newest.time).map(|(from, to)| format!(" in {}", to.since(from)));
                let does = if open { "folds" } else { "unfolds" };
                let key = view.key(crate::console::action::Action::Open).unwrap_or_default();
                let count = words::grouped((to - from + 1) as u64);
                let tail = format!("  × {count}{} ({key} {does})", span.unwrap_or_default());
                let left = room.saturating_sub(sanitise::width(&tail)).max(1);
                let text = sanitise::fit(&sanitise::clean(cut(newest.message())), left);
                let head = self.head(newest, width, days, styles);
                vec![self.line(head, &text, &tail, selected, false, styles)]
            }
            LogRow::Hole(at) => {
                let gap = self.window.and_then(|window| window.gap(at));
                let key = view.key(crate::console::action::Action::Open).unwrap_or_default();
                let dash = styles.glyphs.horizontal.repeat(2);
                let text =
                    gap.map_or_else(String::new, |gap| format!("{dash} {}: {key} loads them {dash}", told(&gap)));
                vec![self.line(Vec::new(), &format!(" {text}"), "", selected, false, styles)]
            }
        }
    }

    fn head_width(&self, width: usize, days: bool) -> usize {
        self.shown.widths(width, days).iter().filter(|width| **width > 0).map(|width| width + 1).sum::<usize>() + 3
    }

    /// The message, cut into rows.
    fn parts(&self, event: &LogEvent, width: usize, days: bool) -> Vec<String> {
        let room = width.saturating_sub(self.head_width(width, days)).max(1);
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

    fn line(
        &self,
        head: Vec<Span<'static>>,
        text: &str,
        tail: &str,
        selected: bool,
        of: bool,
        styles: &Styles,
    ) -> Line<'static> {
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
        spans.push(Span::styled(tail.to_owned(), over(styles.accent)));
        Line::from(spans).style(styles.row(selected))
    }

    fn indent(&self, width: usize, days: bool) -> Span<'static> {
        Span::raw(" ".repeat(self.head_width(width, days).saturating_sub(2)))
    }

    fn head(&self, event: &LogEvent, width: usize, days: bool, styles: &Styles) -> Vec<Span<'static>> {
        let level = match event.level {
            Some(LogLevel::Error) => styles.bad,
            Some(LogLevel::Warn) => styles.warning,
            _ => styles.dim,
        };
        let widths = self.shown.widths(width, days);
        let date = event.time.map_or("-".into(), if widths[0] > DATE { time::date } else { time::day });
        let of_day = event.time.map_or("-".into(), time::of_moment);
        let texts = [
            (date.as_str(), styles.dim),
            (of_day.as_str(), styles.dim),
            (event.node.as_str(), styles.text),
            (event.level.map_or("", |level| level.word()), level),
            (event.thread.as_deref().unwrap_or(""), styles.dim),
            (event.logger.as_deref().unwrap_or(""), styles.dim),
        ];
        let shown = widths.into_iter().zip(texts).filter(|(width, _)| *width > 0);
        let mut head: Vec<Span<'static>> = shown
            .map(|(width, (text, style))| Span::styled(format!("{} ", Column::left("", width).cell(text)), style))
            .collect();
        head.push(Span::raw(" "));
        head
    }
}

/// `3,581 events between 10:10:25 and 10:13:59 are not loaded`.
fn told(gap: &Gap) -> String {
    let many = gap.count != 1;
    let count = words::count(gap.count, "event");
    let days = gap.from.zip(gap.until).is_some_and(|(from, until)| time::date(from) != time::date(until));
    let at = if days { time::of_date } else { time::of_day };
    let are = if many { "are" } else { "is" };
    match (gap.from, gap.until) {
        (Some(from), Some(until)) => format!("{count} between {} and {} {are} not loaded", at(from), at(until)),
        _ => format!("{count} here {are} not loaded"),
    }
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
