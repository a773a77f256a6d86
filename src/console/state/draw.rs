//! The picture of the whole console.
//!
//! ```text
//! zkdeck  demo  verdict  leader          role, api     header
//! 1 Health  2 Files ...            scheduler, moves
//! +----------------------------------------------+
//! | the pane; overlays lie over it                |
//! +----------------------------------------------+
//! 14:02:11 the last message, or toasts                 footer
//! d drain  p pause ...
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Console;
use crate::console::frame::banner::Banner;
use crate::console::frame::footer::Footer;
use crate::console::frame::header::Header;
use crate::console::frame::layout::{HEADER, pane_area, toast_lines};
use crate::console::frame::{is_too_small, to_ascii, too_small};
use crate::console::overlay::Overlay;
use crate::console::overlay::scene::OverlayScene;
use crate::console::theme::Glyphs;
use crate::console::view::View;

impl Console {
    /// What is drawn from.
    pub(super) fn view(&self) -> View<'_> {
        let (keymap, read_only) = (&self.keymap, self.read_only);
        let now = self.past().unwrap_or(self.now);
        View { snapshot: &self.snapshot, now, styles: &self.styles, keymap, read_only }
    }

    /// Paints everything. Does not panic for any area.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        buffer.set_style(area, self.styles.ground);
        if is_too_small(area) {
            too_small(area, buffer);
        } else {
            self.draw_all(area, buffer);
        }
        if self.styles.glyphs == Glyphs::ASCII {
            to_ascii(buffer);
        }
    }

    fn draw_all(&self, area: Rect, buffer: &mut Buffer) {
        let view = self.view();
        let label = &self.snapshot.instance.label;
        let (tabs, active, trail) = (&self.titles, self.active, &self.trail);
        let header =
            Header { view: &view, label, read_only: self.read_only, attached: self.attached, tabs, active, trail };
        header.draw(Rect { height: HEADER, ..area }, buffer);
        let toasts = self.toasts.lines(area.width, toast_lines(area), &self.styles);
        let pane = pane_area(area, toasts.len() as u16, self.past().is_some());
        if self.past().is_some() {
            let banner = Banner {
                view: &view,
                live: &self.live,
                now: self.now,
                play: self.rewind.play,
                esc_leaves: self.trail.is_empty() && !self.panes.get(self.active).is_some_and(|pane| pane.is_deep()),
            };
            banner.draw(Rect { y: area.y + HEADER, height: 1, ..area }, buffer);
        }
        if let Some(shown) = self.panes.get(self.active) {
            shown.draw(pane, buffer, &view);
        }
        let last = self.toasts.last(&self.live);
        let actions = self.labelled();
        let footer = Footer {
            view: &view,
            keymap: &self.keymap,
            actions: &actions,
            last: last.as_ref(),
            over: self.overlay.as_ref().map(|overlay| overlay.keys(&view)),
            toasts: &toasts,
            read_only: self.read_only,
            asks_why: self.panes.get(self.active).is_some_and(|pane| pane.asks_why(&self.snapshot)),
        };
        footer.draw(Rect { y: pane.bottom(), height: area.bottom() - pane.bottom(), ..area }, buffer);
        if let Some(overlay) = &self.overlay {
            self.with_scene(overlay, |scene| overlay.draw(pane, scene, buffer));
        }
    }

    /// What the overlay is drawn from and what its keys go by.
    pub(super) fn with_scene<T>(&self, overlay: &Overlay, act: impl FnOnce(&OverlayScene<'_>) -> T) -> T {
        let messages = match overlay {
            Overlay::Events(_) => self.toasts.all(&self.live),
            _ => Vec::new(),
        };
        act(&OverlayScene {
            view: &self.view(),
            keymap: &self.keymap,
            titles: &self.titles,
            title: self.titles.get(self.active).copied().unwrap_or(""),
            actions: self.own_actions(),
            messages: &messages,
            read_only: self.read_only,
            own: &self.own,
            themes: &self.themes,
            past: self.past.list(),
            // Without its frame.
            height: usize::from(self.pane_area().height.saturating_sub(2)),
        })
    }
}
