//! A framed box over everything else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::sanitise;
use crate::console::theme::Styles;

/// The box of at most `width` x `height` in the middle of `area`, cut to it.
#[must_use]
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

/// Clears the box, paints its border and title, and returns the room inside: one column of air at
/// each side.
pub fn framed(area: Rect, title: &str, border: Style, styles: &Styles, buffer: &mut Buffer) -> Rect {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
            buffer[(x, y)].set_style(styles.ground);
        }
    }
    if area.width < 4 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let glyphs = &styles.glyphs;
    let (left, right) = (area.left(), area.right() - 1);
    let (top, bottom) = (area.top(), area.bottom() - 1);
    for x in left + 1..right {
        buffer.set_string(x, top, glyphs.horizontal, border);
        buffer.set_string(x, bottom, glyphs.horizontal, border);
    }
    for y in top + 1..bottom {
        buffer.set_string(left, y, glyphs.vertical, border);
        buffer.set_string(right, y, glyphs.vertical, border);
    }
    for (corner, (x, y)) in glyphs.corners.iter().zip([(left, top), (right, top), (left, bottom), (right, bottom)]) {
        buffer.set_string(x, y, corner, border);
    }
    let title =
        sanitise::fit_with(&sanitise::clean(title), usize::from(area.width - 4).saturating_sub(2), glyphs.ellipsis);
    if !title.is_empty() {
        buffer.set_string(left + 1, top, format!(" {title} "), styles.heading);
    }
    Rect::new(left + 2, top + 1, area.width - 4, area.height - 2)
}
