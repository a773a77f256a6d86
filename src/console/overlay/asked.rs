//! What was asked about a row of a list over the pane: the answer stands over the list until it is closed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::why::WhyBox;
use crate::console::input::Key;
use crate::console::view::View;
use crate::domain::explain::Topic;

#[derive(Clone, Debug, Default)]
pub(super) struct AskedRow(Option<WhyBox>);

impl AskedRow {
    /// Asks about a row; nothing when there is none.
    pub(super) fn ask(&mut self, topics: Option<Vec<Topic>>) {
        self.0 = topics.map(WhyBox::named);
    }

    /// The answer takes the key; `None` when none is shown.
    pub(super) fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> Option<OverlayOutcome> {
        let outcome = self.0.as_mut()?.key(key, scene);
        if matches!(outcome, OverlayOutcome::Closed) {
            self.0 = None;
            return Some(OverlayOutcome::Stays);
        }
        Some(outcome)
    }

    /// Whether the answer takes what is pasted: one is shown.
    pub(super) fn paste(&mut self, text: &str) -> bool {
        self.0.iter_mut().for_each(|why| why.paste(text));
        self.0.is_some()
    }

    /// Its keys, while it is shown.
    pub(super) fn keys(&self, view: &View<'_>) -> Option<Vec<(String, &'static str)>> {
        self.0.as_ref().map(|why| why.keys(view))
    }

    /// Paints it; whether it is shown.
    pub(super) fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) -> bool {
        self.0.iter().for_each(|why| why.draw(area, scene, buffer));
        self.0.is_some()
    }
}
