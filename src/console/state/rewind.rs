//! The console at a moment that is over, and back.

use std::sync::Arc;

use super::Console;
use crate::console::commands::complaint;
use crate::console::order::{Order, Work};
use crate::console::overlay::Overlay;
use crate::console::rewind::{Rewind, around, play_words};
use crate::console::time;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::rewind::{PictureThen, typed};
use crate::domain::snapshot::{Level, Snapshot};

/// So far a key leads back or on in time.
const STEP: Millis = Millis(10_000);

impl Console {
    /// The moment that is shown; `None` is now.
    pub(super) fn past(&self) -> Option<Timestamp> {
        self.snapshot.as_of()
    }

    /// Asks for the whole console at a moment. What is played ends.
    pub(super) fn go_at(&mut self, at: Timestamp) -> Vec<Order> {
        self.rewind.play = None;
        self.ask_at(at)
    }

    fn ask_at(&mut self, at: Timestamp) -> Vec<Order> {
        vec![Order::Work(Work::Fetch(Box::new(self.rewind.ask(at))))]
    }

    /// Shows what there is now again.
    pub(super) fn back_to_now(&mut self) -> Vec<Order> {
        let was = self.past().is_some() || self.rewind.on_its_way().is_some();
        self.rewind = Rewind::default();
        if was { self.look(&Arc::clone(&self.live)) } else { Vec::new() }
    }

    /// Shows another moment in all panes.
    fn look(&mut self, snapshot: &Arc<Snapshot>) -> Vec<Order> {
        // What is asked about now is not done from the past.
        if self.past().is_none() && matches!(self.overlay, Some(Overlay::Confirm(_) | Overlay::Prompt(_))) {
            self.overlay = None;
        }
        self.snapshot = Arc::clone(snapshot);
        self.panes.iter_mut().for_each(|pane| pane.rewind(snapshot));
        self.resize(self.screen);
        self.refresh()
    }

    /// The picture of a moment has come, or why there is none.
    pub(super) fn take_past(&mut self) -> Vec<Order> {
        let wanted = self.rewind.wanted();
        let why = match self.rewind.take() {
            None => return Vec::new(),
            Some(Ok(PictureThen::Kept(picture))) => return self.look(&Arc::from(picture)),
            Some(Ok(PictureThen::Before { earliest })) => {
                let asked = wanted.map(|at| format!(" of {}", time::of_date(at))).unwrap_or_default();
                format!("nothing was kept{asked}: the earliest moment is {}", time::of_date(earliest))
            }
            Some(Ok(PictureThen::Ahead { now })) => {
                format!("that moment has not come yet: it is {}", time::of_date(now))
            }
            Some(Ok(PictureThen::Nothing)) => "nothing has been kept yet".to_owned(),
            Some(Err(why)) => why,
        };
        self.rewind.play = None;
        self.report(Level::Warning, why);
        let snapshot = Arc::clone(&self.snapshot);
        self.panes.iter_mut().for_each(|pane| pane.rewind(&snapshot));
        self.refresh()
    }

    /// Some seconds back, or on to now.
    pub(super) fn step_in_time(&mut self, later: bool) -> Vec<Order> {
        let shown = self.rewind.on_its_way().or(self.past());
        let fine = self.snapshot.past.as_ref().and_then(|past| past.fineness);
        let step = fine.map_or(STEP, |fine| fine.max(STEP));
        match (shown, later) {
            (None, true) => Vec::new(),
            (shown, false) => self.go_at(Timestamp(shown.unwrap_or(self.now).0.saturating_sub(step.0))),
            (Some(at), true) if at.plus(step) >= self.now => self.back_to_now(),
            (Some(at), true) => self.go_at(at.plus(step)),
        }
    }

    /// The moment of the row in hand.
    pub(super) fn go_to_row(&mut self) -> Vec<Order> {
        let row = self.panes.get(self.active).and_then(|pane| pane.moment(&self.snapshot));
        row.map(|row| self.go_at(row.at)).unwrap_or_default()
    }

    /// `:at` with what was typed after it.
    pub(super) fn typed_at(&mut self, text: &str) -> Vec<Order> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match typed(&words, time::typed(self.now)) {
            Ok(at) if at == self.now => self.back_to_now(),
            Ok(at) => self.go_at(at),
            Err(why) => self.perform(self.active, vec![complaint(why.to_string())]),
        }
    }

    /// `:play` with what was typed after it: from that moment, else the incident in hand, else from what is shown.
    pub(super) fn typed_play(&mut self, text: &str) -> Vec<Order> {
        let read = play_words(text).and_then(|words| {
            let from = match &words.from[..] {
                [] => None,
                some => Some(typed(some, time::typed(self.now)).map_err(|why| why.to_string())?),
            };
            Ok((from, words.speed))
        });
        let row = self.panes.get(self.active).and_then(|pane| pane.moment(&self.snapshot));
        let incident = row.filter(|row| row.lasts.is_some()).map(around);
        let (from, until, speed) = match read {
            Ok((Some(from), speed)) => (from, None, speed),
            Ok((None, speed)) => match incident.or(self.past().map(|at| (at, None))) {
                Some((from, until)) => (from, until, speed),
                None => return self.refuse_play("from which moment: none was typed, and no incident is in hand"),
            },
            Err(why) => return self.refuse_play(&why),
        };
        self.rewind.begin(speed, from, until, self.now);
        self.ask_at(from)
    }

    fn refuse_play(&mut self, why: &str) -> Vec<Order> {
        self.perform(
            self.active,
            vec![complaint(format!("{why}. Usage: :play [MOMENT] [SPEED], such as :play 10:12 4x"))],
        )
    }

    /// Stops what is played, or lets it go on; without one, the time goes on from what is shown.
    pub(super) fn turn_play(&mut self) -> Vec<Order> {
        let Some(shown) = self.past() else { return Vec::new() };
        match self.rewind.play {
            Some(_) => self.rewind.turn(shown, self.now),
            None => self.rewind.begin(1, shown, None, self.now),
        }
        Vec::new()
    }

    /// The next step of what is played, when one is due.
    pub(super) fn play_on(&mut self) -> Vec<Order> {
        let Some(shown) = self.past() else { return Vec::new() };
        match self.rewind.step(shown, self.now) {
            Some((at, true)) if at >= self.now => {
                self.report(Level::Info, "played up to now".to_owned());
                self.back_to_now()
            }
            Some((at, _)) => self.ask_at(at),
            None => Vec::new(),
        }
    }
}
