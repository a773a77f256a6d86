//! What is sick now, in whole sentences, and everything that was reported, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, window};
use crate::domain::snapshot::NOTICES_KEPT;
use crate::tui::frame::popup;
use crate::tui::frame::toasts::{OWN_KEPT, glyph, style, word};
use crate::tui::{sanitise, time};

/// Paints the list over the whole of `area`, from the message `first` on.
pub fn draw(first: usize, area: Rect, scene: &Scene<'_>, buffer: &mut Buffer) {
    let styles = scene.view.styles;
    let kept = OWN_KEPT + NOTICES_KEPT;
    let title = format!("Events: {} of at most {kept} kept   Esc closes", scene.messages.len());
    let inside = popup::framed(area, &title, styles.border, styles, buffer);
    let inside = alerts(inside, scene, buffer);
    if scene.messages.is_empty() {
        buffer.set_stringn(inside.x, inside.y, "Nothing was reported yet.", usize::from(inside.width), styles.dim);
        return;
    }
    let rows = window(first, scene.messages.len(), usize::from(inside.height));
    for (message, y) in scene.messages[rows].iter().zip(inside.top()..) {
        let head = format!("{}  ", time::of_day(message.at));
        let state = format!("{} {:<8}", glyph(message.level, styles), word(message.level));
        let room = usize::from(inside.width).saturating_sub(sanitise::width(&head) + sanitise::width(&state));
        let text = sanitise::fit_with(&sanitise::clean(&message.text), room, styles.glyphs.ellipsis);
        let pieces = vec![(head, styles.dim), (state, style(message.level, styles)), (text, styles.text)];
        crate::tui::frame::paint(&pieces, inside.x, y, inside.right(), buffer);
    }
}

/// Paints every alert whole, over several lines where it is long; what is left of `area`.
fn alerts(area: Rect, scene: &Scene<'_>, buffer: &mut Buffer) -> Rect {
    let styles = scene.view.styles;
    let width = usize::from(area.width);
    let wrapped = scene.view.snapshot.alerts.iter().flat_map(|alert| {
        let text = format!("{} {}", styles.glyphs.warning, sanitise::clean(&alert.text));
        sanitise::wrap(&text, width, usize::from(area.height))
    });
    // The events below keep a line of their own.
    let lines: Vec<String> = wrapped.take(usize::from(area.height).saturating_sub(2)).collect();
    if lines.is_empty() {
        return area;
    }
    for (line, y) in lines.iter().zip(area.top()..) {
        buffer.set_stringn(area.x, y, line, width, styles.bad);
    }
    let used = lines.len() as u16 + 1;
    Rect { y: area.y + used, height: area.height - used, ..area }
}
