//! One picture of the console, in types of its own: what a terminal or a browser shows.

use compact_str::CompactString;
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use serde::{Deserialize, Serialize};

/// Columns and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// What is shown: cells row by row from the upper left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    size: Size,
    cells: Vec<Cell>,
}

/// One place on the screen. A wide character takes its cell and those right of it, whose own text is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// One character as people see it; a blank where there is none.
    pub text: CompactString,
    pub look: Look,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub foreground: Colour,
    pub background: Colour,
    pub attributes: Attributes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// What the screen has where nothing was chosen.
    #[default]
    Unset,
    /// Of the palette of 256: the first 16 are the screen's own, then a cube of 216 and 24 greys.
    Palette(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// What a cell's text is beside its colour, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(u8);

impl Attributes {
    pub const BOLD: Self = Self(1);
    pub const DIM: Self = Self(1 << 1);
    pub const ITALIC: Self = Self(1 << 2);
    pub const UNDERLINED: Self = Self(1 << 3);
    pub const REVERSED: Self = Self(1 << 4);
    pub const CROSSED_OUT: Self = Self(1 << 5);

    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn of(modifier: Modifier) -> Self {
        const OURS: [(Modifier, Attributes); 6] = [
            (Modifier::BOLD, Attributes::BOLD),
            (Modifier::DIM, Attributes::DIM),
            (Modifier::ITALIC, Attributes::ITALIC),
            (Modifier::UNDERLINED, Attributes::UNDERLINED),
            (Modifier::REVERSED, Attributes::REVERSED),
            (Modifier::CROSSED_OUT, Attributes::CROSSED_OUT),
        ];
        let bits = OURS.iter().filter(|(theirs, _)| modifier.contains(*theirs)).map(|(_, ours)| ours.0);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

impl Colour {
    const fn of(colour: Color) -> Self {
        match colour {
            Color::Reset => Self::Unset,
            Color::Black => Self::Palette(0),
            Color::Red => Self::Palette(1),
            Color::Green => Self::Palette(2),
            Color::Yellow => Self::Palette(3),
            Color::Blue => Self::Palette(4),
            Color::Magenta => Self::Palette(5),
            Color::Cyan => Self::Palette(6),
            Color::Gray => Self::Palette(7),
            Color::DarkGray => Self::Palette(8),
            Color::LightRed => Self::Palette(9),
            Color::LightGreen => Self::Palette(10),
            Color::LightYellow => Self::Palette(11),
            Color::LightBlue => Self::Palette(12),
            Color::LightMagenta => Self::Palette(13),
            Color::LightCyan => Self::Palette(14),
            Color::White => Self::Palette(15),
            Color::Indexed(number) => Self::Palette(number),
            Color::Rgb(red, green, blue) => Self::Rgb(red, green, blue),
        }
    }
}

impl Default for Cell {
    fn default() -> Self {
        Self { text: CompactString::const_new(" "), look: Look::default() }
    }
}

impl Cell {
    /// Columns that the text takes, at least one.
    #[must_use]
    pub fn columns(&self) -> u16 {
        self.text.cell_width().max(1)
    }
}

impl Picture {
    /// An empty one.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let cells = usize::from(size.columns) * usize::from(size.rows);
        Self { size, cells: vec![Cell::default(); cells] }
    }

    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The cell in this column and row; `None` outside.
    #[must_use]
    pub fn cell(&self, column: u16, row: u16) -> Option<&Cell> {
        self.row(row).get(usize::from(column))
    }

    /// The cells of a row; none below the last.
    #[must_use]
    pub fn row(&self, row: u16) -> &[Cell] {
        let columns = usize::from(self.size.columns);
        let start = usize::from(row) * columns;
        self.cells.get(start..start + columns).unwrap_or_default()
    }

    /// Moves the rows between `top` and before `bottom` by a number of rows; those that come in are empty.
    pub fn scroll(&mut self, top: u16, bottom: u16, by: u16, up: bool) {
        let columns = usize::from(self.size.columns);
        let (start, end) = (usize::from(top) * columns, usize::from(bottom) * columns);
        let Some(band) = self.cells.get_mut(start..end) else { return };
        let moved = (usize::from(by) * columns).min(band.len());
        let new = if up {
            band.rotate_left(moved);
            band.len() - moved..band.len()
        } else {
            band.rotate_right(moved);
            0..moved
        };
        band[new].fill(Cell::default());
    }

    /// Takes over what was drawn, with the room that it has already.
    fn take(&mut self, buffer: &Buffer) {
        self.size = Size { columns: buffer.area.width, rows: buffer.area.height };
        self.cells.resize(buffer.content().len(), Cell::default());
        for (cell, drawn) in self.cells.iter_mut().zip(buffer.content()) {
            if cell.text != drawn.symbol() {
                cell.text.clear();
                cell.text.push_str(drawn.symbol());
            }
            cell.look = Look {
                foreground: Colour::of(drawn.fg),
                background: Colour::of(drawn.bg),
                attributes: Attributes::of(drawn.modifier),
            };
        }
    }
}

/// Where pictures are made, one after the other.
#[derive(Debug, Default)]
pub struct Easel {
    buffer: Buffer,
}

impl Easel {
    /// Draws a picture of this size over the one that is there.
    pub fn draw(&mut self, size: Size, picture: &mut Picture, draw: impl FnOnce(Rect, &mut Buffer)) {
        let area = Rect::new(0, 0, size.columns, size.rows);
        self.buffer.resize(area);
        self.buffer.reset();
        draw(area, &mut self.buffer);
        picture.take(&self.buffer);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn paint(easel: &mut Easel, picture: &mut Picture, (columns, rows): (u16, u16), text: &str, style: Style) {
        easel.draw(Size { columns, rows }, picture, |_, buffer| {
            buffer.set_string(1, 1, text, style);
        });
    }

    fn painted(size: (u16, u16), text: &str, style: Style) -> Picture {
        let mut picture = Picture::default();
        paint(&mut Easel::default(), &mut picture, size, text, style);
        picture
    }

    #[test]
    fn a_picture_has_what_was_drawn_and_reads_back() {
        let picture = painted((6, 2), "a文", Style::new().light_blue().on_black().bold().reversed());
        let texts = |row| picture.row(row).iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>();
        assert_eq!((texts(0), texts(1)), (vec![" "; 6], vec![" ", "a", "文", " ", " ", " "]));
        let cell = picture.cell(1, 1).expect("inside");
        assert_eq!((cell.look.foreground, cell.look.background), (Colour::Palette(12), Colour::Palette(0)));
        assert!(cell.look.attributes.contains(Attributes::BOLD) && cell.look.attributes.contains(Attributes::REVERSED));
        assert!(!cell.look.attributes.contains(Attributes::DIM));
        assert_eq!(picture.cell(2, 1).map(Cell::columns), Some(2));
        assert_eq!((picture.cell(6, 0), picture.cell(0, 2)), (None, None));
        let text = serde_json::to_string(&picture).expect("written");
        assert_eq!(serde_json::from_str::<Picture>(&text).expect("read"), picture);
    }

    #[test]
    fn the_next_picture_has_nothing_of_the_one_before() {
        let (mut easel, mut picture) = (Easel::default(), Picture::default());
        paint(&mut easel, &mut picture, (9, 3), "long text", Style::new().red());
        paint(&mut easel, &mut picture, (4, 2), "ab", Style::new());
        assert_eq!(picture, painted((4, 2), "ab", Style::new()));
    }
}
