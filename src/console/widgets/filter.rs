//! A filter over a list: one line, opened by its key, that narrows the list while it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::theme::Styles;
use crate::console::{sanitise, time};
use crate::domain::ids::Timestamp;
use crate::domain::log::{Expr, Vocabulary, parse_typed};

/// The line and whether it takes keys now.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    line: Line,
    open: bool,
    /// Why the text is no query.
    mistake: Option<String>,
}

impl Filter {
    pub const fn open(&mut self) {
        self.open = true;
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.line.text()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Another text, as if it had been typed.
    pub fn set(&mut self, text: &str) {
        *self = Self { line: Line::new(text), ..Self::default() };
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A key while the filter is open: Enter keeps it, Esc lets it go. Whether the text changed.
    pub fn key(&mut self, key: Key) -> bool {
        let before = self.line.text();
        match key.code {
            KeyCode::Enter => self.open = false,
            KeyCode::Esc => self.clear(),
            _ => _ = self.line.key(key),
        }
        before != self.line.text()
    }

    /// Pasted text while the filter is open. Whether the text changed.
    pub fn paste(&mut self, text: &str) -> bool {
        let before = self.line.text();
        self.line.insert(text);
        before != self.line.text()
    }

    /// What the text asks for, in a list that has these fields, with times of the console's zone; `None` when it is no query: then the last one stays.
    pub fn read(&mut self, words: &'static Vocabulary, now: Timestamp) -> Option<Expr> {
        let read = parse_typed(&self.text(), words, time::typed(now));
        self.mistake = read.as_ref().err().map(ToString::to_string);
        read.ok().map(|expr| expr.resolved(now))
    }

    /// Draws `title` and the text into the first row of `area`; `right` stands at its end.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, title: &str, right: &str, styles: &Styles) {
        if area.height == 0 {
            return;
        }
        let lead = format!(" {title} ");
        paint::text(area, buffer, 0, &lead, if self.open { styles.accent } else { styles.dim });
        let used = sanitise::width(&lead) as u16;
        let right_width = if right.is_empty() { 1 } else { sanitise::width(right) as u16 + 1 + paint::APART };
        let inner = Rect { x: area.x + used.min(area.width), width: area.width.saturating_sub(used), ..area };
        if self.open {
            self.line.draw(Rect { width: inner.width.saturating_sub(right_width), height: 1, ..inner }, buffer, styles);
        } else {
            paint::text(inner, buffer, 0, &sanitise::clean(&self.text()), styles.text);
        }
        match &self.mistake {
            Some(why) => {
                let typed = used.saturating_add(sanitise::width(&self.text()) as u16).saturating_add(2);
                let room = usize::from(area.width.saturating_sub(typed).max(area.width / 2));
                paint::right(area, buffer, 0, &sanitise::fit(&sanitise::clean(why), room), styles.warning);
            }
            None => paint::right(area, buffer, 0, right, styles.dim),
        }
    }

    /// Paints the last row of `area` while it is open or narrows the list; gives what is left for the list.
    pub fn draw_below(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) -> Rect {
        if area.height == 0 || (!self.open && self.is_empty()) {
            return area;
        }
        self.draw(Rect { y: area.bottom() - 1, height: 1, ..area }, buffer, "/", "", styles);
        Rect { height: area.height - 1, ..area }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::notation::parse_keys;
    use crate::domain::filter::HISTORY;
    use crate::domain::fixtures::NOW;

    #[test]
    fn it_is_kept_by_enter_and_let_go_by_escape() {
        let mut filter = Filter::default();
        filter.open();
        let changed: Vec<bool> = parse_keys("a b Left Enter").into_iter().map(|key| filter.key(key)).collect();
        assert_eq!(changed, [true, true, false, false]);
        assert_eq!((filter.text().as_str(), filter.is_open()), ("ab", false));
        filter.open();
        assert!(filter.key(parse_keys("Esc")[0]));
        assert!(filter.is_empty() && !filter.is_open());
    }

    #[test]
    fn times_are_of_the_zone_of_the_console() {
        let mut filter = Filter::default();
        filter.paste("since:19:00");
        time::testing::ahead(330, || {
            let read = filter.read(&HISTORY, NOW).expect("a query").to_string();
            assert_eq!(read, "since:2026-11-23T13:30:00.000Z");
        });
    }
}
