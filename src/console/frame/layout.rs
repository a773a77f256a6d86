//! Where on the screen things stand.

use ratatui::layout::Rect;

/// Rows of the header.
pub const HEADER: u16 = 2;
/// Rows of the footer.
pub const FOOTER: u16 = 2;
/// From this height on the header has air below it.
const ROOMY: u16 = 30;

/// The part of the screen that belongs to the pane, with `toasts` lines of messages above the keys. A banner has the
/// line below the header, which is air where there is room.
#[must_use]
pub const fn pane_area(screen: Rect, toasts: u16, banner: bool) -> Rect {
    let air = if screen.height >= ROOMY || banner { 1 } else { 0 };
    let top = HEADER + air;
    let height = screen.height.saturating_sub(top + footer_height(toasts));
    Rect { x: screen.x, y: screen.y + top, width: screen.width, height }
}

/// Rows of the footer: the first message takes the line that is there for the last one.
#[must_use]
pub const fn footer_height(toasts: u16) -> u16 {
    if toasts > 1 { FOOTER - 1 + toasts } else { FOOTER }
}

/// Lines of messages that leave the pane most of the screen.
#[must_use]
pub const fn toast_lines(screen: Rect) -> usize {
    if screen.height >= ROOMY { 6 } else { 3 }
}
