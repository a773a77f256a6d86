//! What stands around the panes: two lines above, two below, and the toasts.

pub mod banner;
pub mod footer;
pub mod header;
pub mod layout;
pub mod popup;
pub mod toasts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::sanitise;
use super::widgets::paint::spans;

/// Least columns and rows in which the console says more than its own size.
pub const SIZE_MIN: (u16, u16) = (60, 15);

/// Pieces of one line, each with its style; a variant of a line that may be too wide.
pub type Pieces = Vec<(String, Style)>;

/// Columns of all pieces.
#[must_use]
pub fn width_of(pieces: &Pieces) -> usize {
    pieces.iter().map(|(text, _)| sanitise::width(text)).sum()
}

/// Paints pieces from `x` on, cut at `right`.
pub fn paint(pieces: &Pieces, x: u16, y: u16, right: u16, buffer: &mut Buffer) {
    let line: Line<'_> =
        pieces.iter().map(|(text, style)| ratatui::text::Span::styled(text.as_str(), *style)).collect();
    if x < right {
        spans(buffer, (x, y), &line, right - x);
    }
}

/// Paints `left` and, where it fits beside it, `right`: the first pair that fits, else the last.
pub fn paint_pair(variants: &[(Pieces, Pieces)], area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let fits = |(left, right): &&(Pieces, Pieces)| {
        let gap = if right.is_empty() { 0 } else { 2 };
        width_of(left) + gap + width_of(right) <= room
    };
    let Some((left, right)) = variants.iter().find(fits).or(variants.last()) else { return };
    paint(left, area.x, area.y, area.right(), buffer);
    let needed = width_of(right);
    if width_of(left) + 2 + needed <= room {
        paint(right, area.right() - needed as u16, area.y, area.right(), buffer);
    }
}

/// Whether only its own size can be shown there.
#[must_use]
pub const fn is_too_small(area: Rect) -> bool {
    area.width < SIZE_MIN.0 || area.height < SIZE_MIN.1
}

/// Instead of everything: what the console needs and what it has.
pub fn too_small(area: Rect, buffer: &mut Buffer) {
    let (columns, rows) = SIZE_MIN;
    let have = format!("{}x{}", area.width, area.height);
    let lines = [format!("zkdeck needs {columns}x{rows}"), format!("and has {have}"), "q quits".to_owned()];
    let top = area.y + area.height.saturating_sub(3) / 2;
    for (line, y) in lines.iter().zip(top..area.bottom()) {
        let x = area.x + (usize::from(area.width).saturating_sub(line.len()) / 2) as u16;
        buffer.set_stringn(x, y, line, usize::from(area.right().saturating_sub(x)), Style::new());
    }
}

/// Turns every cell into ASCII: text from outside may hold more than our own glyphs.
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let twin = match cell.symbol() {
            "…" => "~",
            "·" => "-",
            "×" => "x",
            "→" => ">",
            "‹" => "<",
            "›" => ">",
            _ => "?",
        };
        cell.set_symbol(twin);
    }
}
