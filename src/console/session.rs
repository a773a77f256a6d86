//! A console at work: the value, the engine that it asks, and what it has under way with it.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::input::Input;
use super::jobs::{Done, Jobs};
use super::order::{Order, Outside};
use super::own::GlyphSet;
use super::picture::{Easel, Picture, Size};
use super::place::Place;
use super::state::Console;
use super::theme::Styles;
use super::theme::file::ThemeEntry;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::{Level, Snapshot};
use crate::engine::handle::Handle;

/// What whoever shows a console holds of it: it puts in what happens and does what comes out. A session has no clock
/// and starts nothing by itself: [`ConsoleSession::done`] has to be awaited for its work to go on.
pub struct ConsoleSession {
    console: Console,
    jobs: Jobs,
}

impl ConsoleSession {
    /// A console with the engine behind `handle`, for a person at `place`.
    #[must_use]
    pub fn new(console: Console, handle: Handle, place: Arc<dyn Place>) -> Self {
        Self { console, jobs: Jobs::new(handle, place) }
    }

    /// After the first picture: the console and the shown pane ask for what they need.
    pub fn begin(&mut self, size: Size) -> Vec<Outside> {
        self.console.resize(Rect::new(0, 0, size.columns, size.rows));
        let orders = self.console.begin();
        self.carry_out(orders)
    }

    /// The screen has another size.
    pub fn resize(&mut self, size: Size) -> Vec<Outside> {
        self.console.resize(Rect::new(0, 0, size.columns, size.rows));
        let orders = self.console.refresh();
        self.carry_out(orders)
    }

    /// Something that a person did at `now`, on a screen of this size.
    pub fn take(&mut self, input: Input, size: Size, now: Timestamp) -> Vec<Outside> {
        self.console.set_now(now);
        self.console.set_jobs(self.jobs.under_way());
        self.console.resize(Rect::new(0, 0, size.columns, size.rows));
        let orders = match input {
            Input::Key(key) => self.console.key(key),
            Input::Paste(text) => self.console.paste(&text),
            Input::Mouse(mouse) => self.console.mouse(mouse),
        };
        self.carry_out(orders)
    }

    /// A new picture of the engine.
    pub fn take_snapshot(&mut self, snapshot: Arc<Snapshot>, now: Timestamp) -> Vec<Outside> {
        let orders = self.console.take_snapshot(snapshot, now);
        self.carry_out(orders)
    }

    /// A second has passed.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Outside> {
        let orders = self.console.tick(now);
        self.carry_out(orders)
    }

    /// What the next job has brought; waits for ever when there is none. May be dropped.
    pub async fn done(&mut self) -> Done {
        self.jobs.next().await
    }

    /// Shows what a job has brought.
    pub fn take_done(&mut self, done: Done, now: Timestamp) -> Vec<Outside> {
        self.console.set_now(now);
        match done {
            Done::Said(level, text) => {
                self.console.report(level, text);
                Vec::new()
            }
            Done::Begun(text) => {
                self.console.report_begun(text);
                Vec::new()
            }
            Done::Answered => {
                let orders = self.console.take_answers();
                self.carry_out(orders)
            }
        }
    }

    /// Another theme.
    pub fn set_styles(&mut self, styles: Styles) {
        self.console.set_styles(styles);
    }

    /// Another theme was chosen, which is in use now.
    pub fn chose_theme(&mut self, name: String, styles: Styles) {
        self.console.own_mut().theme = Some(name);
        self.console.set_styles(styles);
    }

    /// Other glyphs were chosen, which are in use now.
    pub fn chose_glyphs(&mut self, glyphs: GlyphSet, styles: Styles) {
        self.console.own_mut().glyphs = Some(glyphs);
        self.console.set_styles(styles);
    }

    /// The themes that there are.
    pub fn set_themes(&mut self, themes: Vec<ThemeEntry>) {
        self.console.set_themes(themes);
    }

    /// A message of the one who shows the console, as a toast and in the events list.
    pub fn report(&mut self, level: Level, text: String) {
        self.console.report(level, text);
    }

    /// Paints everything, over `picture`.
    pub fn paint(&self, size: Size, easel: &mut Easel, picture: &mut Picture) {
        easel.draw(size, picture, |area, buffer| self.console.draw(area, buffer));
    }

    /// Begins the work, and gives back what is for the one who shows the console.
    fn carry_out(&mut self, orders: Vec<Order>) -> Vec<Outside> {
        let mut outside = Vec::new();
        for order in orders {
            match order {
                Order::Outside(order) => outside.push(order),
                Order::Work(work) => {
                    if let Err(why) = self.jobs.begin(work) {
                        self.console.report(Level::Error, why);
                    }
                }
            }
        }
        outside
    }
}
