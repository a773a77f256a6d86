//! A list with a selected row: moves by actions, keeps the row in sight, knows how to draw columns.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::sanitise;
use crate::console::theme::Styles;

/// Rows that a page key moves in a list whose height is not told.
const PAGE: usize = 10;

/// Which row is selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub at: usize,
}

impl Cursor {
    /// Moves by an action of a list of `len` rows; whether it was one.
    pub fn act(&mut self, action: Action, len: usize) -> bool {
        self.act_in(action, len, PAGE)
    }

    /// The same in a list of which `height` rows are seen: a page is as many.
    pub fn act_in(&mut self, action: Action, len: usize, height: usize) -> bool {
        let (last, page) = (len.saturating_sub(1), height.max(1));
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at + page,
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

/// A selected row and the rows that are seen: the cursor moves among them, and they move when it would leave them. Over a
/// slow line most keys change two rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListWindow {
    pub at: usize,
    top: usize,
}

impl ListWindow {
    /// Moves by an action of a list of `len` rows of which `height` are seen; whether it was one.
    pub fn act(&mut self, action: Action, len: usize, height: usize) -> bool {
        let mut cursor = Cursor { at: self.at };
        self.top = self.first(len, height);
        let moved = cursor.act_in(action, len, height);
        if moved {
            self.at = cursor.at;
            self.top = self.first(len, height);
        }
        moved
    }

    /// The same rows with the cursor on another one.
    #[must_use]
    pub const fn moved_to(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// First row to draw of `len`, so that the selected one is in sight and no row that could be seen is left out.
    #[must_use]
    pub fn first(&self, len: usize, height: usize) -> usize {
        if height == 0 {
            return self.at;
        }
        let lowest = (self.at + 1).saturating_sub(height);
        self.top.min(len.saturating_sub(height)).clamp(lowest, self.at.max(lowest))
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

    /// The column at a cell of the row; `None` beside all of them.
    #[must_use]
    pub fn at(&self, cell: u16) -> Option<K> {
        let mut left = MARKER;
        let cell = usize::from(cell);
        self.0.iter().find_map(|(key, column)| {
            let own = (left..left + column.width + GAP).contains(&cell);
            left += column.width + GAP;
            own.then_some(*key)
        })
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

    /// The columns, from the left.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        self.0.iter().map(|(key, _)| *key)
    }

    /// The titles.
    #[must_use]
    pub fn heading(&self, styles: &Styles) -> Line<'static> {
        self.titles(styles, |_| "")
    }

    /// The titles, with a mark at that of the column that the rows are sorted by.
    #[must_use]
    pub fn heading_sorted(&self, styles: &Styles, by: K, descending: bool) -> Line<'static> {
        let mark = if descending { styles.glyphs.descending } else { styles.glyphs.ascending };
        self.titles(styles, |key| if key == by { mark } else { "" })
    }

    fn titles(&self, styles: &Styles, mark: impl Fn(K) -> &'static str) -> Line<'static> {
        let title = |(key, column): &(K, Column)| match mark(*key) {
            "" => column.cell(column.title),
            mark => column.cell(&marked(column.title, mark, column.width)),
        };
        let titles: Vec<_> = self.0.iter().map(title).collect();
        Line::from(Span::styled(format!("   {}", titles.join("  ")), styles.heading))
    }

    /// One row; the selected one is marked, and one bar when `paint::line` draws it.
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
        let mut spans = vec![Span::styled(mark, styles.in_row(selected, styles.accent))];
        for (key, column) in &self.0 {
            let (text, style) = cell(*key);
            spans.push(Span::styled(format!("{}  ", column.cell(&text)), styles.in_row(selected, style)));
        }
        Line::from(spans).style(styles.row(selected))
    }
}

/// The title with its mark, as far apart as there is room: the mark is always seen.
fn marked(title: &str, mark: &str, width: usize) -> String {
    let apart = format!("{title} {mark}");
    if sanitise::width(&apart) <= width {
        return apart;
    }
    let room = width.saturating_sub(sanitise::width(mark));
    format!("{}{mark}", title.chars().take(room).collect::<String>())
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Modifier};

    use super::*;
    use crate::console::widgets::paint;

    /// A row of two columns in an area that is wider than both.
    fn drawn(styles: &Styles, selected: bool) -> Buffer {
        let area = Rect::new(0, 0, 30, 2);
        let mut buffer = Buffer::empty(area);
        buffer.set_style(area, styles.ground);
        let columns = Columns::fit(vec![('a', Column::left("A", 4)), ('b', Column::right("B", 6))], &[], 30);
        let cell = |key| if key == 'a' { ("up".to_owned(), styles.good) } else { ("12".to_owned(), styles.dim) };
        let line = columns.row((selected, false), styles, cell);
        paint::line(area, &mut buffer, 0, &line);
        buffer
    }

    #[test]
    fn the_selected_row_is_one_background_over_its_whole_width_and_keeps_its_colours() {
        let (text, ground) = (Style::new().fg(Color::White), Style::new().fg(Color::White).bg(Color::Black));
        let selected = Style::new().fg(Color::White).bg(Color::Blue);
        let styles = Styles { ground, text, selected, good: Style::new().fg(Color::Green), ..Styles::plain() };
        let buffer = drawn(&styles, true);
        assert!((0..30).all(|x| buffer[(x, 0)].bg == Color::Blue && !buffer[(x, 0)].modifier.contains(Modifier::DIM)));
        assert_eq!((buffer[(1, 0)].symbol(), buffer[(3, 0)].fg, buffer[(29, 0)].fg), (">", Color::Green, Color::White));
        assert!((0..30).all(|x| buffer[(x, 1)].bg == Color::Black), "the next row is not touched");
        assert!(drawn(&styles, false).content().iter().all(|cell| cell.bg == Color::Black));
    }

    #[test]
    fn without_colours_the_selected_row_is_reversed_over_its_whole_width() {
        let styles = Styles { good: Style::new().fg(Color::Green), ..Styles::plain() };
        let buffer = drawn(&styles, true);
        let (first, rest) = (buffer[(0, 0)].style(), 1..30);
        assert!(first.add_modifier.contains(Modifier::REVERSED));
        let colours = |x: u16| (buffer[(x, 0)].fg, buffer[(x, 0)].bg);
        assert!(
            rest.clone().all(|x| colours(x) == (Color::Reset, Color::Reset)),
            "a colour would be a background here"
        );
        assert!(rest.into_iter().all(|x| buffer[(x, 0)].modifier.contains(Modifier::REVERSED)));
        assert!(!drawn(&styles, false)[(1, 0)].modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let mut cursor = Cursor::default();
        assert!(cursor.act(Action::Up, 3) && cursor.at == 0);
        assert!(cursor.act_in(Action::PageDown, 30, 7) && cursor.at == 7);
        assert!(cursor.act_in(Action::PageUp, 30, 0) && cursor.at == 6, "a page of a list that is not seen");
        assert!(cursor.act(Action::PageDown, 12) && cursor.at == 11);
        cursor.at = 10;
        assert_eq!((cursor.first(5), cursor.first(50)), (6, 0));
        assert!(cursor.act(Action::Down, 4) && cursor.at == 3);
        assert!(cursor.act(Action::Bottom, 0) && cursor.at == 0);
        assert!(!cursor.act(Action::Open, 4));
    }

    #[test]
    fn the_rows_stay_while_the_cursor_moves_among_them() {
        let mut list = ListWindow::default();
        let mut seen = Vec::new();
        for action in [Action::Bottom, Action::Up, Action::Up, Action::Up, Action::Down, Action::PageUp, Action::Top] {
            assert!(list.act(action, 10, 3));
            seen.push((list.at, list.first(10, 3)));
        }
        assert_eq!(seen, [(9, 7), (8, 7), (7, 7), (6, 6), (7, 6), (4, 4), (0, 0)]);
        list.act(Action::Bottom, 10, 3);
        assert_eq!(list.first(9, 5), 5, "a taller screen shows more of the end");
        list.at = 2;
        assert_eq!((list.first(3, 3), list.first(3, 0), list.first(0, 3)), (0, 2, 0));
        assert!(!list.act(Action::Open, 3, 3));
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
    fn a_cell_of_the_row_is_of_a_column_and_the_sorted_one_has_a_mark() {
        let all = vec![('a', Column::left("A", 4)), ('b', Column::right("SIZE", 6)), ('c', Column::left("C", 8))];
        let columns = Columns::fit(all, &[], 40);
        let of = |cells: &[u16]| cells.iter().map(|cell| columns.at(*cell)).collect::<Vec<_>>();
        assert_eq!(
            of(&[0, 2, 3, 8, 9, 16, 17, 26, 27, 900]),
            [None, None, Some('a'), Some('a'), Some('b'), Some('b'), Some('c'), Some('c'), None, None]
        );
        let heading = |descending| columns.heading_sorted(&Styles::plain(), 'b', descending).to_string();
        assert_eq!(heading(false), "   A     SIZE ▲  C       ");
        assert_eq!(heading(true), "   A     SIZE ▼  C       ");
        assert_eq!(
            [marked("QUEUE", "▼", 7), marked("QUEUE", "▼", 6), marked("QUEUE", "▼", 5)],
            ["QUEUE ▼", "QUEUE▼", "QUEU▼"]
        );
    }

    #[test]
    fn cells_are_fitted_and_cleaned() {
        assert_eq!(Column::left("A", 6).cell("abc"), "abc   ");
        assert_eq!(Column::right("A", 6).cell("abc"), "   abc");
        assert_eq!(sanitise::width(&Column::left("A", 6).cell("a\u{1b}[31mvery long")), 6);
    }
}
