//! One event of a log, whole, or the query that was asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint;
use crate::console::{sanitise, time};
use crate::domain::log::LogEvent;

/// Rows that are shown of one line, and lines of one event.
const ROWS_MAX: usize = 2000;

#[derive(Debug)]
pub(super) struct LogDetail {
    /// `None` for a query.
    pub(super) event: Option<LogEvent>,
    title: String,
    place: String,
    lines: Vec<String>,
    scroll: Cursor,
}

/// Where an event lies.
pub(super) fn place(event: &LogEvent) -> String {
    match event.file.as_str() {
        "" => "printed by its container".to_owned(),
        file => format!("logs/{file}, byte {}", event.offset),
    }
}

impl LogDetail {
    pub(super) fn of_event(event: LogEvent) -> Self {
        let mut lines = vec![event.message().to_owned()];
        lines.extend(event.more().take(ROWS_MAX).map(str::to_owned));
        let fields = event.fields.iter().map(|(name, value)| (name, value.clone()));
        let numbers = event.numbers.iter().map(|(name, value)| (name, value.to_string()));
        let mut values: Vec<String> =
            fields.chain(numbers).map(|(name, value)| format!("{name:<14} {value}")).collect();
        values.sort();
        let written = event.stamp.as_ref().map(|stamp| format!("{:<14} {stamp}", "time written"));
        if written.is_some() || !values.is_empty() {
            lines.push(String::new());
            lines.extend(written.into_iter().chain(values));
        }
        let time = event.time.map(|at| format!("{} {}", time::date(at), time::of_moment(at)));
        let head = [Some(event.node.as_str()), time.as_deref(), event.level.map(|level| level.word())];
        let head: Vec<_> =
            head.into_iter().flatten().chain(event.thread.as_deref()).chain(event.logger.as_deref()).collect();
        let place = place(&event);
        Self { title: head.join("  "), place, lines, scroll: Cursor::default(), event: Some(event) }
    }

    /// What `by` was asked, as a command line.
    pub(super) fn of_query(curl: &str, by: &str) -> Self {
        Self {
            event: None,
            title: format!("What {by} was asked"),
            place: "copied to the clipboard, as far as the terminal takes it; secrets are named, not shown".into(),
            lines: vec![curl.to_owned()],
            scroll: Cursor::default(),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> bool {
        self.scroll.act(action, self.lines.len())
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let width = usize::from(area.width);
        let line = |text: &str| sanitise::fit(&sanitise::clean(text), width);
        paint::text(area, buffer, 0, &line(&format!("  {}   Esc back", self.title)), view.styles.heading);
        paint::text(area, buffer, 1, &line(&format!("  {}", self.place)), view.styles.dim);
        let list = paint::below(area, 3);
        let room = width.saturating_sub(4).max(1);
        let shown = self.lines.iter().skip(self.scroll.at).take(usize::from(list.height));
        // Nothing is left out, not of a word that is longer than a row either.
        let rows = shown.flat_map(|text| sanitise::fold(text, room, ROWS_MAX));
        for (row, text) in rows.take(usize::from(list.height)).enumerate() {
            paint::text(list, buffer, row as u16, &format!("  {text}"), view.styles.text);
        }
    }
}
