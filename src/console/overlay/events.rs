//! What is sick now and everything that was reported, newest first: whole, over several lines where it is long.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::OverlayScene;
use super::scroll::Scroll;
use crate::console::frame::toasts::{Message, OWN_KEPT, glyph, style, word};
use crate::console::frame::{Pieces, paint, popup};
use crate::console::{sanitise, time};
use crate::domain::snapshot::NOTICES_KEPT;

/// Lines of one alert or message.
const LINES_MAX: usize = 40;

/// Paints the list over the whole of `area`.
pub fn draw(scroll: &Scroll, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
    let styles = scene.view.styles;
    let kept = OWN_KEPT + NOTICES_KEPT;
    let title = format!("Events: {} of at most {kept} kept   Up and Down scroll, Esc closes", scene.messages.len());
    let inside = popup::framed(area, &title, styles.border, styles, buffer);
    let lines = lines(usize::from(inside.width), scene);
    let rows = scroll.window(lines.len(), usize::from(inside.height));
    for (line, y) in lines[rows].iter().zip(inside.top()..) {
        paint(line, inside.x, y, inside.right(), buffer);
    }
}

fn lines(width: usize, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let mut lines: Vec<Pieces> = Vec::new();
    for alert in scene.view.snapshot.alerts.iter() {
        let text = format!("{} {}", styles.glyphs.warning, sanitise::clean(&alert.text));
        lines.extend(sanitise::wrap(&text, width, LINES_MAX).into_iter().map(|line| vec![(line, styles.bad)]));
    }
    if !lines.is_empty() {
        lines.push(Pieces::new());
    }
    if scene.messages.is_empty() {
        lines.push(vec![("Nothing was reported yet.".to_owned(), styles.dim)]);
    }
    lines.extend(scene.messages.iter().flat_map(|message| event_lines(message, width, scene)));
    lines
}

/// When and how grave, and beside it the whole text.
fn event_lines(message: &Message, width: usize, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let head = format!("{}  ", time::of_day(message.at));
    let state = format!("{} {:<8}", glyph(message.level, styles), word(message.level));
    let inset = sanitise::width(&head) + sanitise::width(&state);
    let text = sanitise::wrap(&sanitise::clean(&message.text), width.saturating_sub(inset), LINES_MAX);
    let mut text = text.into_iter();
    let first = (text.next().unwrap_or_default(), styles.text);
    let head = vec![(head, styles.dim), (state, style(message.level, styles)), first];
    let rest = text.map(|line| vec![(" ".repeat(inset), styles.text), (line, styles.text)]);
    std::iter::once(head).chain(rest).collect()
}
