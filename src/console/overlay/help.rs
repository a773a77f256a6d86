//! All keys: those of this pane first, from the table that the keys themselves come from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::OverlayScene;
use super::scroll::Scroll;
use crate::console::frame::footer::offered;
use crate::console::frame::{Pieces, paint, popup};
use crate::console::keymap::table::{KeyContext, KeyEntry};

/// Columns of keys.
const KEYS_WIDTH: usize = 24;

/// Paints the help over `area`.
pub fn draw(scroll: &Scroll, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
    let styles = scene.view.styles;
    let place = popup::centred(area, 84, area.height);
    let inside = popup::framed(place, "Help   Up and Down scroll, Esc closes", styles.border, styles, buffer);
    let lines = lines(scene);
    let rows = scroll.window(lines.len(), usize::from(inside.height));
    for (line, y) in lines[rows].iter().zip(inside.top()..) {
        paint(line, inside.x, y, inside.right(), buffer);
    }
}

fn lines(scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let mut out: Vec<Pieces> = Vec::new();
    let entries: Vec<&KeyEntry> = offered(scene.read_only, scene.view).collect();
    let mut section = |heading: &str, rows: Vec<Pieces>| {
        if !rows.is_empty() {
            if !out.is_empty() {
                out.push(Pieces::new());
            }
            out.push(vec![(heading.to_owned(), styles.heading)]);
            out.extend(rows);
        }
    };
    let here = scene.actions.iter().filter_map(|action| entries.iter().find(|entry| entry.action == *action));
    let here: Vec<Pieces> =
        here.filter(|e| e.context != KeyContext::Everywhere).filter_map(|e| row(e, scene)).collect();
    section(&format!("{}, here", scene.title), here);
    for context in [KeyContext::Everywhere, KeyContext::Ensemble] {
        let rest = entries.iter().filter(|e| e.context == context && !scene.actions.contains(&e.action));
        section(context.heading(), rest.filter_map(|e| row(e, scene)).collect());
    }
    out
}

fn row(entry: &KeyEntry, scene: &OverlayScene<'_>) -> Option<Pieces> {
    let keys = scene.keymap.keys(entry.action);
    if keys.is_empty() {
        return None;
    }
    let styles = scene.view.styles;
    let keys = format!("  {:<KEYS_WIDTH$}", keys.join(" "));
    Some(vec![(keys, styles.key), (entry.help.to_owned(), styles.text)])
}
