//! One event of a log, whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::log::LogLine;
use crate::tui::pane::{Action, View};
use crate::tui::sanitise;
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::paint;

/// Rows that are shown of one event.
const ROWS_MAX: usize = 2000;

#[derive(Debug)]
pub(super) struct Detail {
    line: LogLine,
    scroll: Cursor,
}

impl Detail {
    pub(super) const fn new(line: LogLine) -> Self {
        Self { line, scroll: Cursor { at: 0 } }
    }

    pub(super) fn act(&mut self, action: Action) -> bool {
        self.scroll.act(action, self.line.more.len() + 1)
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let line = &self.line;
        let words = [Some(line.source.as_str()), line.time.as_deref(), line.level.map(|level| level.word())];
        let head: Vec<_> = words.into_iter().flatten().chain(line.origin.as_deref()).collect();
        let title = format!("  {}   Esc back", sanitise::clean(&head.join("  ")));
        paint::text(area, buffer, 0, &sanitise::fit(&title, usize::from(area.width)), view.styles.heading);
        let list = paint::below(area, 2);
        let width = usize::from(area.width).saturating_sub(4).max(1);
        let texts = std::iter::once(line.message.as_str()).chain(line.more.iter().map(String::as_str));
        let rows = texts.skip(self.scroll.at).flat_map(|text| sanitise::wrap(text, width, ROWS_MAX));
        for (row, text) in rows.take(usize::from(list.height)).enumerate() {
            paint::text(list, buffer, row as u16, &format!("  {text}"), view.styles.text);
        }
    }
}
