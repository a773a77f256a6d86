//! The whole console as a value: keys, snapshots and answers in, orders out, drawn from `&self`.

mod act;
mod draw;
mod rewind;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::away;
use crate::console::config::ConsoleConfig;
use crate::console::fetch::Asked;
use crate::console::frame::header::tab_columns;
use crate::console::frame::is_too_small;
use crate::console::frame::layout::{pane_area, toast_lines};
use crate::console::frame::toasts::Toasts;
use crate::console::input::{Key, KeyCode, Mouse, MouseAct};
use crate::console::keymap::table::Needs;
use crate::console::keymap::{Keymap, KeymapError, needs};
use crate::console::order::{Order, Outside, Work};
use crate::console::overlay::Overlay;
use crate::console::overlay::outcome::OverlayOutcome;
use crate::console::own::OwnSettings;
use crate::console::pane::Pane;
use crate::console::past_lines::PastLines;
use crate::console::place::{CompletionAsk, KeptLines};
use crate::console::rewind::Rewind;
use crate::console::theme::Styles;
use crate::console::theme::file::ThemeEntry;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, Snapshot};

/// All state of the console.
pub struct Console {
    panes: Vec<Box<dyn Pane>>,
    titles: Vec<&'static str>,
    active: usize,
    /// The way that led here: from which pane, and from what there.
    trail: Vec<(usize, String)>,
    overlay: Option<Overlay>,
    toasts: Toasts,
    keymap: Keymap,
    /// What is shown: the newest picture, or that of a past moment.
    snapshot: Arc<Snapshot>,
    /// The newest picture.
    live: Arc<Snapshot>,
    rewind: Rewind,
    now: Timestamp,
    styles: Styles,
    mouse: bool,
    /// Settings that were changed in this console.
    own: OwnSettings,
    read_only: bool,
    /// The engine is another process's.
    attached: bool,
    /// The screen as it was last told.
    screen: Rect,
    /// The themes that there are, and the one that is tried.
    themes: Vec<ThemeEntry>,
    tried: Option<String>,
    /// Commands that were typed, newest first, and the answer that brings those of before.
    past: PastLines,
    /// What could follow the path that is typed over the pane.
    completing: Asked<CompletionAsk>,
    /// When somebody last did something.
    last_input: Timestamp,
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
            trail: Vec::new(),
            overlay: None,
            toasts: Toasts::after(&snapshot),
            keymap: if config.controls { keymap } else { keymap.without(|action| needs(action) == Needs::Control) },
            now,
            styles,
            mouse: config.mouse,
            own: OwnSettings::default(),
            read_only: config.read_only || snapshot.instance.read_only,
            attached: config.attached,
            last_input: now,
            jobs: Vec::new(),
            screen: Rect::ZERO,
            themes: Vec::new(),
            tried: None,
            past: PastLines::new(KeptLines::PastCommands),
            completing: Asked::default(),
            rewind: Rewind::default(),
            live: Arc::clone(&snapshot),
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
        self.live = snapshot;
        if self.past().is_some() {
            return Vec::new();
        }
        self.snapshot = Arc::clone(&self.live);
        self.refresh()
    }

    /// A second has passed.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Order> {
        self.now = now;
        self.toasts.expire(now);
        self.tell_who_comes_back();
        let mut orders = self.play_on();
        orders.extend(self.refresh());
        orders
    }

    /// After the first picture: what is kept of before is asked for, and what the shown pane needs.
    pub fn begin(&mut self) -> Vec<Order> {
        let mut orders = vec![Order::Work(self.past.read())];
        orders.extend(self.refresh());
        orders
    }

    /// Lets the shown pane fetch what it needs.
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

    /// The settings of this console, for what was changed around it.
    pub const fn own_mut(&mut self) -> &mut OwnSettings {
        &mut self.own
    }

    /// The themes that there are.
    pub fn set_themes(&mut self, themes: Vec<ThemeEntry>) {
        self.themes = themes;
    }

    /// A message as a toast and in the events list.
    pub fn report(&mut self, level: Level, text: String) {
        self.toasts.add(self.now, level, text);
    }

    /// That something has begun, which is shown until the engine tells more.
    pub fn report_begun(&mut self, text: String) {
        self.toasts.add_begun(self.now, text);
    }

    /// An answer that a pane waits for has come to its place.
    pub fn take_answers(&mut self) -> Vec<Order> {
        if let Some(found) = self.completing.take()
            && let Some(mut overlay) = self.overlay.take()
        {
            let seen = overlay.clone();
            self.with_scene(&seen, |scene| overlay.take_completions(found, scene));
            self.overlay = Some(overlay);
        }
        self.take_past_commands();
        let mut orders = self.take_past();
        let snapshot = Arc::clone(&self.snapshot);
        let effects: Vec<_> = self.panes.iter_mut().map(|pane| pane.take_answers(&snapshot)).collect();
        orders.extend(effects.into_iter().enumerate().flat_map(|(pane, effects)| self.perform(pane, effects)));
        orders
    }

    /// Leaves on the screen what has happened since somebody was there.
    fn tell_who_comes_back(&mut self) {
        if self.now.since(self.last_input) >= away::AWAY {
            self.toasts.set_away(away::told(&self.live, self.last_input, self.now));
        }
    }

    /// Somebody is there: what was left for that moment goes; whether it stood there.
    fn comes_back(&mut self) -> bool {
        self.last_input = self.now;
        self.toasts.take_away().is_some()
    }

    /// One key press.
    pub fn key(&mut self, key: Key) -> Vec<Order> {
        let told = self.comes_back();
        let is_typed = self.overlay.is_some() || self.panes.get(self.active).is_some_and(|pane| pane.takes_text());
        if told && key == Key::plain(KeyCode::Enter) && !is_typed && !self.is_unseen() {
            return self.act(Action::Events);
        }
        if key == Key::control('c') {
            return vec![Order::Outside(Outside::Quit)];
        }
        if key == Key::control('z') {
            return vec![Order::Outside(Outside::Suspend)];
        }
        if self.is_unseen() {
            let quits = self.keymap.action(key, &[]) == Some(Action::Quit);
            return if quits { vec![Order::Outside(Outside::Quit)] } else { Vec::new() };
        }
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        let snapshot = Arc::clone(&self.snapshot);
        let Some(pane) = self.panes.get_mut(self.active) else { return vec![Order::Outside(Outside::Quit)] };
        if pane.takes_text() {
            let effects = pane.text_key(key, &snapshot);
            return self.perform(self.active, effects);
        }
        let first = snapshot.past.as_ref().and_then(|_| self.keymap.past_action(key));
        match first.or_else(|| self.keymap.action(key, pane.actions())) {
            Some(action) => self.act(action),
            None => Vec::new(),
        }
    }

    /// Whether the screen shows its own size only: nothing is done on it that nobody sees, and what it says of `q` is so.
    fn is_unseen(&self) -> bool {
        self.screen != Rect::ZERO && is_too_small(self.screen)
    }

    fn overlay_key(&mut self, key: Key) -> Vec<Order> {
        let Some(mut overlay) = self.overlay.take() else { return Vec::new() };
        // What is drawn from is that of the overlay as it was.
        let seen = overlay.clone();
        let outcome = self.with_scene(&seen, |scene| overlay.key(key, scene));
        if matches!(outcome, OverlayOutcome::Stays | OverlayOutcome::Asks(_) | OverlayOutcome::Copied(_)) {
            self.overlay = Some(overlay);
        }
        let mut orders = self.try_theme(&outcome);
        orders.extend(self.overlay_outcome(outcome));
        orders
    }

    /// Shows the theme that the cursor of the palette is on, and the chosen one again when it is on none.
    fn try_theme(&mut self, outcome: &OverlayOutcome) -> Vec<Order> {
        let wanted = match &self.overlay {
            Some(overlay @ Overlay::Palette(palette)) => self.with_scene(overlay, |scene| palette.theme(scene)),
            _ => None,
        };
        // A command may choose it.
        if wanted == self.tried || matches!(outcome, OverlayOutcome::Typed(_)) {
            return Vec::new();
        }
        self.tried.clone_from(&wanted);
        vec![Order::Outside(Outside::TryTheme(wanted))]
    }

    fn overlay_outcome(&mut self, outcome: OverlayOutcome) -> Vec<Order> {
        match outcome {
            OverlayOutcome::Asks(typed) => {
                vec![Order::Work(Work::Complete(self.completing.put(CompletionAsk { typed })))]
            }
            OverlayOutcome::Stays | OverlayOutcome::Closed => Vec::new(),
            OverlayOutcome::Left => vec![Order::Outside(Outside::Quit)],
            OverlayOutcome::Agreed(mut commands) if commands.len() == 1 => {
                commands.drain(..).map(|command| Order::Work(Work::Send(command))).collect()
            }
            OverlayOutcome::Agreed(commands) => vec![Order::Work(Work::Batch(commands))],
            OverlayOutcome::Answered { owner, action, text } => self.answered(owner, action, &text),
            OverlayOutcome::Typed(text) => self.typed(&text),
            OverlayOutcome::Copied(text) => vec![Order::Outside(Outside::Copy(text))],
        }
    }

    /// Pasted text: typed where text is taken, nothing elsewhere.
    pub fn paste(&mut self, text: &str) -> Vec<Order> {
        self.comes_back();
        if self.is_unseen() {
            return Vec::new();
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            return Vec::new();
        }
        let snapshot = Arc::clone(&self.snapshot);
        let pane = self.panes.get_mut(self.active).filter(|pane| pane.takes_text());
        let effects = pane.map(|pane| pane.paste(text, &snapshot)).unwrap_or_default();
        self.perform(self.active, effects)
    }

    /// The screen has this size now: what follows moves and clicks by it.
    pub fn resize(&mut self, screen: Rect) {
        self.screen = screen;
        let area = self.pane_area();
        if let Some(pane) = self.panes.get_mut(self.active) {
            pane.resize(area);
        }
    }

    /// The part of the screen that the pane has now.
    fn pane_area(&self) -> Rect {
        let toasts = self.toasts.lines(self.screen.width, toast_lines(self.screen), &self.styles);
        pane_area(self.screen, toasts.len() as u16, self.past().is_some())
    }

    /// A click on a tab changes the pane; what is inside the pane is the pane's.
    pub fn mouse(&mut self, event: Mouse) -> Vec<Order> {
        self.comes_back();
        if self.is_unseen() {
            return Vec::new();
        }
        if self.overlay.is_some() {
            return self.overlay_wheel(event.does);
        }
        if event.row == 1 && event.does == MouseAct::Press {
            let hit = tab_columns(&self.titles).iter().position(|(l, r)| (*l..*r).contains(&event.column));
            return hit.map(|index| self.show(index)).unwrap_or_default();
        }
        let area = self.pane_area();
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
        match self.overlay {
            Some(Overlay::Help(_) | Overlay::Why(_) | Overlay::Events(_) | Overlay::Settings(_) | Overlay::Who(_)) => {
                self.overlay_key(Key::plain(code))
            }
            _ => Vec::new(),
        }
    }

    /// Shows the pane of this index.
    fn show(&mut self, index: usize) -> Vec<Order> {
        if index >= self.panes.len() || index == self.active {
            return Vec::new();
        }
        // Who goes by number does not come back by Esc.
        self.trail.clear();
        self.turn_to(index)
    }

    fn turn_to(&mut self, index: usize) -> Vec<Order> {
        self.active = index;
        self.resize(self.screen);
        self.refresh()
    }

    /// What the shown pane can do with its row in hand, each in a word or two.
    fn labelled(&self) -> Vec<(Action, &'static str)> {
        let Some(pane) = self.panes.get(self.active) else { return Vec::new() };
        pane.actions().iter().filter_map(|action| Some((*action, pane.label(*action, &self.snapshot)?))).collect()
    }

    fn own_actions(&self) -> &'static [Action] {
        self.panes.get(self.active).map_or(&[], |pane| pane.actions())
    }
}
