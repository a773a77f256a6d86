//! All keys: those of this pane first, from the table that the keys themselves come from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::filtered::{FilteredText, section};
use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use crate::console::action::Action;
use crate::console::frame::footer::offered;
use crate::console::frame::{Pieces, popup};
use crate::console::input::Key;
use crate::console::keymap::table::{KeyContext, KeyEntry};

/// Columns of keys.
const KEYS_WIDTH: usize = 24;

/// The keys, and what of them is looked for.
#[derive(Clone, Debug, Default)]
pub struct HelpList(FilteredText);

impl HelpList {
    /// Scrolls, narrows down, closes.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        self.0.key(key, scene, Some(Action::Help))
    }

    pub fn paste(&mut self, text: &str) {
        self.0.paste(text);
    }

    /// Paints the help over `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        let styles = scene.view.styles;
        let place = popup::centred(area, 84, area.height);
        let filter = scene.view.hint(Action::Filter, "filters, ").unwrap_or_default();
        let inside = popup::framed(place, &format!("Help   {filter}Esc closes"), styles.border, styles, buffer);
        self.0.draw(lines(&self.0.wanted(), scene), "No key does that.", inside, buffer, styles);
    }
}

/// Keys of the pane, of lists, of everywhere, of the ensemble, and at the end those of other panes; of each the ones in
/// which `wanted` stands.
fn lines(wanted: &str, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let mut out = here(wanted, scene);
    let entries: Vec<&KeyEntry> = offered(scene.read_only, scene.view).collect();
    let is_here = |entry: &KeyEntry| scene.actions.contains(&entry.action);
    let row = |entry: &KeyEntry| row(entry, wanted, scene);
    let contexts =
        [KeyContext::Past, KeyContext::Everywhere, KeyContext::Ensemble, KeyContext::Files, KeyContext::Logs];
    let past = scene.view.snapshot.past.is_some();
    for context in contexts.into_iter().filter(|context| past || *context != KeyContext::Past) {
        let rest = entries.iter().filter(|entry| entry.context == context && !is_here(entry));
        section(context.heading(), rest.filter_map(|entry| row(entry)).collect(), styles, &mut out);
    }
    out
}

/// The keys of the pane and those of its list, of each the ones in which `wanted` stands.
pub(super) fn here(wanted: &str, scene: &OverlayScene<'_>) -> Vec<Pieces> {
    let styles = scene.view.styles;
    let mut out: Vec<Pieces> = Vec::new();
    let entries: Vec<&KeyEntry> = offered(scene.read_only, scene.view).collect();
    let row = |entry: &KeyEntry| row(entry, wanted, scene);
    let here = scene.actions.iter().filter_map(|action| entries.iter().find(|entry| entry.action == *action));
    let here: Vec<&&KeyEntry> = here.filter(|entry| entry.context != KeyContext::Everywhere).collect();
    let (lists, own): (Vec<&&KeyEntry>, Vec<&&KeyEntry>) =
        here.into_iter().partition(|entry| entry.context == KeyContext::Lists);
    let own = own.iter().filter_map(|entry| row(entry)).collect();
    section(&format!("{}, here", scene.title), own, styles, &mut out);
    section("In its list", lists.iter().filter_map(|entry| row(entry)).collect(), styles, &mut out);
    out
}

fn row(entry: &KeyEntry, wanted: &str, scene: &OverlayScene<'_>) -> Option<Pieces> {
    let keys = scene.keymap.keys(entry.action);
    let holds = |text: &str| text.to_lowercase().contains(wanted);
    if keys.is_empty() || !(holds(entry.help) || holds(entry.name) || keys.iter().any(|key| holds(key))) {
        return None;
    }
    let styles = scene.view.styles;
    let keys = format!("  {:<KEYS_WIDTH$}", keys.join(" "));
    Some(vec![(keys, styles.key), (entry.help.to_owned(), styles.text)])
}
