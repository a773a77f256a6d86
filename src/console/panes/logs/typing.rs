//! The line in which a query is typed: results follow what is typed, one question after the other.

use super::LogsPane;
use super::query::Query;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::order::Work;
use crate::console::place::PastSearches;
use crate::console::time;
use crate::domain::log::parse_at;
use crate::domain::snapshot::{Level, Snapshot};

/// Searches of before that are kept.
const PAST_MAX: usize = 200;

/// A query that is being typed.
#[derive(Debug)]
pub(super) struct Typing {
    /// What Esc brings back.
    before: Query,
    /// Which of the searches of before is in the line, and what was typed before it.
    past: Option<usize>,
    draft: String,
    /// What is typed has not been asked yet: an answer is on its way.
    stale: bool,
}

/// Searches that were typed, newest first, and the answer that brings those of before.
#[derive(Debug, Default)]
pub(super) struct PastQueries {
    list: Vec<String>,
    asked: Asked<PastSearches>,
}

impl PastQueries {
    pub(super) fn read(&mut self) -> Effect {
        Effect::Work(Work::PastSearches(self.asked.put(PastSearches::Read)))
    }

    fn keep(&mut self, text: &str) -> Effect {
        self.list.retain(|own| own != text);
        self.list.insert(0, text.to_owned());
        self.list.truncate(PAST_MAX);
        Effect::Work(Work::PastSearches(self.asked.put(PastSearches::Add(text.to_owned()))))
    }

    /// What was typed meanwhile is among those that have come. What cannot be kept is told.
    pub(super) fn take_answer(&mut self) -> Option<Effect> {
        match self.asked.take()? {
            Ok(past) => {
                let newer: Vec<String> = self.list.drain(..).filter(|own| !past.contains(own)).collect();
                self.list = newer.into_iter().chain(past).take(PAST_MAX).collect();
                None
            }
            Err(text) => Some(Effect::Toast { level: Level::Warning, text }),
        }
    }
}

impl LogsPane {
    pub(super) fn begin_typing(&mut self) {
        let before = self.query.clone();
        (self.line, self.aim) = (Line::new(&before.text), None);
        self.typing = Some(Typing { before, past: None, draft: String::new(), stale: false });
    }

    pub(super) fn type_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        match key.code {
            KeyCode::Esc => return self.leave_typing(snapshot),
            KeyCode::Enter => return self.keep_typed(snapshot),
            KeyCode::Up => self.go_past(1),
            KeyCode::Down => self.go_past(-1),
            _ => {
                self.line.key(key);
                if let Some(typing) = &mut self.typing {
                    typing.past = None;
                }
            }
        }
        self.typed(snapshot)
    }

    /// The line has changed: what it asks for is asked, unless an answer is on its way.
    pub(super) fn typed(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let text = self.line.text();
        self.mistake = parse_at(&text, time::typed(snapshot.taken_at)).err();
        let mut query = self.query.clone();
        let Some(typing) = self.typing.as_mut().filter(|_| query.set(&text, snapshot.taken_at).is_ok()) else {
            return Vec::new();
        };
        let other = query.search != self.query.search;
        typing.stale = other && self.pending.page.is_open();
        if typing.stale {
            return Vec::new();
        }
        self.query = query;
        if other { self.ask(snapshot) } else { Vec::new() }
    }

    /// An answer has come: what was typed meanwhile is asked now.
    pub(super) fn go_on_typing(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let stale = self.typing.as_ref().is_some_and(|typing| typing.stale);
        if stale { self.typed(snapshot) } else { Vec::new() }
    }

    fn leave_typing(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let Some(typing) = self.typing.take() else { return Vec::new() };
        (self.mistake, self.line) = (None, Line::new(&typing.before.text));
        if typing.before == self.query {
            return Vec::new();
        }
        self.query = typing.before;
        self.ask(snapshot)
    }

    fn keep_typed(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let text = self.line.text();
        let before = self.query.clone();
        if let Err(mistake) = self.query.set(&text, snapshot.taken_at) {
            self.mistake = Some(mistake);
            return Vec::new();
        }
        (self.typing, self.mistake) = (None, None);
        let mut effects = Vec::new();
        if !text.trim().is_empty() {
            effects.push(self.past.keep(text.trim()));
        }
        if before != self.query || self.problem.is_some() {
            effects.extend(self.ask(snapshot));
        }
        effects
    }

    /// Puts the search before, or behind, into the line; behind the last one is what was typed.
    fn go_past(&mut self, by: isize) {
        let Some(typing) = &mut self.typing else { return };
        let at = typing.past.map_or(-1, usize::cast_signed) + by;
        let Ok(at) = usize::try_from(at) else {
            if typing.past.take().is_some() {
                self.line = Line::new(&typing.draft);
            }
            return;
        };
        let Some(text) = self.past.list.get(at) else { return };
        if typing.past.is_none() {
            typing.draft = self.line.text();
        }
        typing.past = Some(at);
        self.line = Line::new(text);
    }
}
