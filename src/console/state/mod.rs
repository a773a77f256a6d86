//! The whole console as a value: keys, snapshots and answers in, orders out, drawn from `&self`.

mod act;
mod draw;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::config::ConsoleConfig;
use crate::console::frame::header::tab_columns;
use crate::console::frame::layout::pane_area;
use crate::console::frame::toasts::Toasts;
use crate::console::input::{Key, KeyCode, Mouse, MouseAct};
use crate::console::keymap::table::Needs;
use crate::console::keymap::{Keymap, KeymapError, needs};
use crate::console::order::{Order, Outside, Work};
use crate::console::overlay::Overlay;
use crate::console::overlay::outcome::OverlayOutcome;
use crate::console::pane::Pane;
use crate::console::theme::Styles;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, Snapshot};

/// All state of the console.
pub struct Console {
    panes: Vec<Box<dyn Pane>>,
    titles: Vec<&'static str>,
    active: usize,
    overlay: Option<Overlay>,
    toasts: Toasts,
    keymap: Keymap,
    snapshot: Arc<Snapshot>,
    now: Timestamp,
    styles: Styles,
    mouse: bool,
    read_only: bool,
    /// Jobs that leaving would give up, in words.
    jobs: Vec<String>,
}

impl Console {
    /// The console at its start, with the first pane shown.
    ///
    /// # Errors
    /// [`KeymapError`] when the user's keys cannot be used.
    pub fn new(
        config: &ConsoleConfig,
        panes: Vec<Box<dyn Pane>>,
        styles: Styles,
        snapshot: Arc<Snapshot>,
        now: Timestamp,
    ) -> Result<Self, KeymapError> {
        let keymap = Keymap::new(&config.keys)?;
        Ok(Self {
            titles: panes.iter().map(|pane| pane.title()).collect(),
            panes,
            active: 0,
            overlay: None,
            toasts: Toasts::after(&snapshot),
            keymap: if config.controls { keymap } else { keymap.without(|action| needs(action) == Needs::Control) },
            now,
            styles,
            mouse: config.mouse,
            read_only: config.read_only || snapshot.instance.read_only,
            jobs: Vec::new(),
            snapshot,
        })
    }

    /// A new picture of the engine.
    pub fn take_snapshot(&mut self, snapshot: Arc<Snapshot>, now: Timestamp) -> Vec<Order> {
        self.now = now;
        self.toasts.take_notices(&snapshot, now);
        if let Some(Overlay::Confirm(question)) = &mut self.overlay
            && let Err(why) = question.refresh(&snapshot)
        {
            self.overlay = None;
            self.report(Level::Warning, why);
        }
        self.snapshot = snapshot;
        self.refresh()
    }

    /// A second has passed.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Order> {
        self.now = now;
        self.toasts.expire(now);
        self.refresh()
    }

    /// Lets the shown pane fetch what it needs; the loop calls it once after the first frame too.
    pub fn refresh(&mut self) -> Vec<Order> {
        let snapshot = Arc::clone(&self.snapshot);
        let effects = self.panes.get_mut(self.active).map(|pane| pane.refresh(&snapshot)).unwrap_or_default();
        self.perform(self.active, effects)
    }

    /// Moves the clock on, for messages between two ticks.
    pub const fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// What the console itself has under way, in words: leaving would give it up.
    pub fn set_jobs(&mut self, jobs: Vec<String>) {
        self.jobs = jobs;
    }

    /// Another theme.
    pub fn set_styles(&mut self, styles: Styles) {
        self.styles = styles;
    }

    /// A message as a toast and in the events list.
    pub fn report(&mut self, level: Level, text: String) {
        self.toasts.add(self.now, level, text);
    }

    /// An answer that a pane waits for has come to its place.
    pub fn take_answers(&mut self) -> Vec<Order> {
        if let Some(overlay) = &mut self.overlay {
            overlay.take_answers();
        }
        let snapshot = Arc::clone(&self.snapshot);
        let effects: Vec<_> = self.panes.iter_mut().map(|pane| pane.take_answers(&snapshot)).collect();
        effects.into_iter().enumerate().flat_map(|(pane, effects)| self.perform(pane, effects)).collect()
    }

    /// One key press.
    pub fn key(&mut self, key: Key) -> Vec<Order> {
        if key == Key::control('c') {
            return vec![Order::Outside(Outside::Quit)];
        }
        if key == Key::control('z') {
            return vec![Order::Outside(Outside::Suspend)];
        }
        if let Some(overlay) = &mut self.overlay {
            let outcome = overlay.key(key, &self.keymap);
            return self.overlay_outcome(outcome);
        }
        let snapshot = Arc::clone(&self.snapshot);
        let Some(pane) = self.panes.get_mut(self.active) else { return vec![Order::Outside(Outside::Quit)] };
        if pane.takes_text() {
            let effects = pane.text_key(key, &snapshot);
            return self.perform(self.active, effects);
        }
        match self.keymap.action(key, pane.actions()) {
            Some(action) => self.act(action),
            None => Vec::new(),
        }
    }

    fn overlay_outcome(&mut self, outcome: OverlayOutcome) -> Vec<Order> {
        if !matches!(outcome, OverlayOutcome::Stays | OverlayOutcome::Asks(_)) {
            self.overlay = None;
        }
        match outcome {
            OverlayOutcome::Asks(fetch) => vec![Order::Work(Work::Complete(fetch))],
            OverlayOutcome::Stays | OverlayOutcome::Closed => Vec::new(),
            OverlayOutcome::Left => vec![Order::Outside(Outside::Quit)],
            OverlayOutcome::Agreed(mut commands) if commands.len() == 1 => {
                commands.drain(..).map(|command| Order::Work(Work::Send(command))).collect()
            }
            OverlayOutcome::Agreed(commands) => vec![Order::Work(Work::Batch(commands))],
            OverlayOutcome::Answered { owner, action, text } => self.answered(owner, action, &text),
            OverlayOutcome::Typed(text) => self.typed(&text),
        }
    }

    /// Pasted text: typed where text is taken, nothing elsewhere.
    pub fn paste(&mut self, text: &str) -> Vec<Order> {
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            return Vec::new();
        }
        let snapshot = Arc::clone(&self.snapshot);
        let pane = self.panes.get_mut(self.active).filter(|pane| pane.takes_text());
        let effects = pane.map(|pane| pane.paste(text, &snapshot)).unwrap_or_default();
        self.perform(self.active, effects)
    }

    /// A click on a tab changes the pane; what is inside the pane is the pane's.
    pub fn mouse(&mut self, event: Mouse, screen: Rect) -> Vec<Order> {
        if self.overlay.is_some() {
            return self.overlay_wheel(event.does);
        }
        if event.row == 1 && event.does == MouseAct::Press {
            let hit = tab_columns(&self.titles).iter().position(|(l, r)| (*l..*r).contains(&event.column));
            return hit.map(|index| self.show(index)).unwrap_or_default();
        }
        let area = pane_area(screen);
        if !area.contains((event.column, event.row).into()) {
            return Vec::new();
        }
        let event = Mouse { column: event.column - area.x, row: event.row - area.y, ..event };
        let snapshot = Arc::clone(&self.snapshot);
        let inner = Rect::new(0, 0, area.width, area.height);
        let effects = self.panes.get_mut(self.active).map(|p| p.mouse(event, inner, &snapshot)).unwrap_or_default();
        self.perform(self.active, effects)
    }

    fn overlay_wheel(&mut self, act: MouseAct) -> Vec<Order> {
        let code = match act {
            MouseAct::WheelUp => KeyCode::Up,
            MouseAct::WheelDown => KeyCode::Down,
            MouseAct::Press => return Vec::new(),
        };
        if let Some(overlay @ (Overlay::Help(_) | Overlay::Events(_) | Overlay::Palette(_))) = &mut self.overlay {
            overlay.key(Key::plain(code), &self.keymap);
        }
        Vec::new()
    }

    /// Shows the pane of this index.
    fn show(&mut self, index: usize) -> Vec<Order> {
        if index >= self.panes.len() || index == self.active {
            return Vec::new();
        }
        self.active = index;
        self.refresh()
    }

    fn own_actions(&self) -> &'static [Action] {
        self.panes.get(self.active).map_or(&[], |pane| pane.actions())
    }
}
