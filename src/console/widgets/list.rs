//! A list with a selected row: moves by actions, keeps the row in sight, knows how to draw columns.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::sanitise;
use crate::console::theme::Styles;

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

/// Columns of a table, each by its key, two cells apart after a marker of three.
#[derive(Clone, Debug)]
pub struct Columns<K>(Vec<(K, Column)>);

const MARKER: usize = 3;
const GAP: usize = 2;

impl<K: Copy + PartialEq> Columns<K> {
    /// The columns that fit into `width`: those of `leaving` go first, in that order.
    #[must_use]
    pub fn fit(all: Vec<(K, Column)>, leaving: &[K], width: usize) -> Self {
        let mut columns = Self(all);
        for key in leaving {
            if columns.width() <= width {
                break;
            }
            columns.0.retain(|(own, _)| own != key);
        }
        columns
    }

    /// Gives what is left of `width` to one column, up to `most`; takes from it, down to 1, when it is short.
    #[must_use]
    pub fn stretch(mut self, key: K, width: usize, most: usize) -> Self {
        let used = self.width();
        if let Some((_, column)) = self.0.iter_mut().find(|(own, _)| *own == key) {
            column.width = (column.width + width).saturating_sub(used).clamp(1, most.max(1));
        }
        self
    }

    /// Cells that all columns take together, with the marker and the gaps.
    #[must_use]
    pub fn width(&self) -> usize {
        MARKER + self.0.iter().map(|(_, column)| column.width + GAP).sum::<usize>()
    }

    /// Another title for one column.
    #[must_use]
    pub fn titled(mut self, key: K, title: &'static str) -> Self {
        if let Some((_, column)) = self.0.iter_mut().find(|(own, _)| *own == key) {
            column.title = title;
        }
        self
    }

    /// Width of one column; `None` when it has left.
    #[must_use]
    pub fn width_of(&self, key: K) -> Option<usize> {
        self.0.iter().find(|(own, _)| *own == key).map(|(_, column)| column.width)
    }

    /// The titles.
    #[must_use]
    pub fn heading(&self, styles: &Styles) -> Line<'static> {
        let titles: Vec<_> = self.0.iter().map(|(_, column)| column.cell(column.title)).collect();
        Line::from(Span::styled(format!("   {}", titles.join("  ")), styles.heading))
    }

    /// One row; the selected one is reversed and marked.
    pub fn row(
        &self,
        (selected, marked): (bool, bool),
        styles: &Styles,
        cell: impl Fn(K) -> (String, Style),
    ) -> Line<'static> {
        let mark = match (selected, marked) {
            (true, true) => ">* ",
            (true, false) => " > ",
            (false, true) => " * ",
            (false, false) => "   ",
        };
        let mut spans = vec![Span::styled(mark, if selected { styles.selected } else { styles.accent })];
        for (key, column) in &self.0 {
            let (text, style) = cell(*key);
            spans.push(Span::styled(format!("{}  ", column.cell(&text)), styles.in_row(selected, style)));
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::*;

    #[test]
    fn the_selected_row_is_one_bar_whatever_the_colours_of_its_cells() {
        let styles = Styles { good: Style::new().fg(Color::Green), ..Styles::plain() };
        for style in [styles.text, styles.good, styles.dim, styles.bad] {
            let [plain, selected] = [false, true].map(|selected| styles.in_row(selected, style));
            assert_eq!(plain, style);
            assert_eq!((selected.fg, selected.bg), (styles.selected.fg, styles.selected.bg));
            assert!(
                selected.add_modifier.contains(Modifier::REVERSED) && !selected.add_modifier.contains(Modifier::DIM)
            );
        }
        assert!(styles.in_row(true, styles.bad).add_modifier.contains(Modifier::BOLD));
    }

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
    fn columns_leave_in_their_order_and_one_takes_the_rest() {
        let all = || vec![('a', Column::left("A", 4)), ('b', Column::right("B", 6)), ('c', Column::left("C", 8))];
        assert_eq!(Columns::fit(all(), &['c', 'b'], 27).width(), 27);
        assert_eq!(Columns::fit(all(), &['c', 'b'], 26).width_of('c'), None);
        assert_eq!(Columns::fit(all(), &['b', 'c'], 9).width_of('a'), Some(4));
        let wide = Columns::fit(all(), &[], 40).stretch('a', 40, 100);
        assert_eq!((wide.width_of('a'), wide.width()), (Some(17), 40));
        assert_eq!(Columns::fit(all(), &[], 20).stretch('c', 20, 100).width_of('c'), Some(1));
    }

    #[test]
    fn cells_are_fitted_and_cleaned() {
        assert_eq!(Column::left("A", 6).cell("abc"), "abc   ");
        assert_eq!(Column::right("A", 6).cell("abc"), "   abc");
        assert_eq!(sanitise::width(&Column::left("A", 6).cell("a\u{1b}[31mvery long")), 6);
    }
}
