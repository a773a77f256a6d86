//! A list with a selected row: moves by actions, keeps the row in sight, knows how to draw columns.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::pane::Action;
use crate::tui::sanitise;
use crate::tui::theme::Styles;

/// Rows that a page key moves.
const PAGE: usize = 10;

/// Which row is selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub at: usize,
}

impl Cursor {
    /// Moves by an action of a list of `len` rows; whether it was one.
    pub fn act(&mut self, action: Action, len: usize) -> bool {
        let last = len.saturating_sub(1);
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(PAGE),
            Action::PageDown => self.at + PAGE,
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        }
        .min(last);
        true
    }

    /// First row to draw, so that the selected one is in sight among `height` rows.
    #[must_use]
    pub const fn first(&self, height: usize) -> usize {
        if height == 0 { self.at } else { (self.at + 1).saturating_sub(height) }
    }
}

/// A column: its title, its width in cells, and on which side its text stands.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    pub width: usize,
    pub right: bool,
}

impl Column {
    #[must_use]
    pub const fn left(title: &'static str, width: usize) -> Self {
        Self { title, width, right: false }
    }

    #[must_use]
    pub const fn right(title: &'static str, width: usize) -> Self {
        Self { title, width, right: true }
    }

    /// Text fitted into the column. It passes the sanitiser, wherever it comes from.
    #[must_use]
    pub fn cell(&self, text: &str) -> String {
        let fitted = sanitise::fit(&sanitise::clean(text), self.width);
        let space = " ".repeat(self.width.saturating_sub(sanitise::width(&fitted)));
        if self.right { format!("{space}{fitted}") } else { format!("{fitted}{space}") }
    }
}

/// The titles of columns, two cells apart, as rows are.
#[must_use]
pub fn heading(columns: &[Column], styles: &Styles) -> Line<'static> {
    let titles: Vec<_> = columns.iter().map(|column| column.cell(column.title)).collect();
    Line::from(Span::styled(format!("   {}", titles.join("  ")), styles.heading))
}

/// A row of cells with a style each; the selected one is reversed and marked.
#[must_use]
pub fn row(columns: &[Column], cells: &[(String, Style)], selected: bool, marked: bool, styles: &Styles) -> Line<'static> {
    let mark = match (selected, marked) {
        (true, true) => ">* ",
        (true, false) => " > ",
        (false, true) => " * ",
        (false, false) => "   ",
    };
    let mut spans = vec![Span::styled(mark, if selected { styles.selected } else { styles.accent })];
    for (column, (text, style)) in columns.iter().zip(cells) {
        let style = if selected { style.patch(styles.selected) } else { *style };
        spans.push(Span::styled(format!("{}  ", column.cell(text)), style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let mut cursor = Cursor::default();
        assert!(cursor.act(Action::Up, 3) && cursor.at == 0);
        assert!(cursor.act(Action::PageDown, 30) && cursor.at == 10);
        assert_eq!((cursor.first(5), cursor.first(50)), (6, 0));
        assert!(cursor.act(Action::Down, 4) && cursor.at == 3);
        assert!(cursor.act(Action::Bottom, 0) && cursor.at == 0);
        assert!(!cursor.act(Action::Open, 4));
    }

    #[test]
    fn cells_are_fitted_and_cleaned() {
        assert_eq!(Column::left("A", 6).cell("abc"), "abc   ");
        assert_eq!(Column::right("A", 6).cell("abc"), "   abc");
        assert_eq!(sanitise::width(&Column::left("A", 6).cell("a\u{1b}[31mvery long")), 6);
    }
}
