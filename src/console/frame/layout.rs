//! Where on the screen things stand.

use ratatui::layout::Rect;

/// Rows of the header.
pub const HEADER: u16 = 2;
/// Rows of the footer.
pub const FOOTER: u16 = 2;
/// From this height on the header has air below it.
const ROOMY: u16 = 30;

/// The part of the screen that belongs to the pane.
#[must_use]
pub const fn pane_area(screen: Rect) -> Rect {
    let air = if screen.height >= ROOMY { 1 } else { 0 };
    let top = HEADER + air;
    Rect { x: screen.x, y: screen.y + top, width: screen.width, height: screen.height.saturating_sub(top + FOOTER) }
}
