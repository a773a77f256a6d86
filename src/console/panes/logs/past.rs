//! A query that is being typed, and those that were typed before.

use super::query::Query;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::order::Work;
use crate::console::place::PastSearches;
use crate::domain::snapshot::Level;

/// Searches of before that are kept.
const PAST_MAX: usize = 200;

/// A query that is being typed.
#[derive(Debug)]
pub(super) struct Typing {
    /// What Esc brings back.
    pub(super) before: Query,
    /// Which of the searches of before is in the line, and what was typed before it.
    pub(super) past: Option<usize>,
    pub(super) draft: String,
    /// What is typed has not been asked yet: an answer is on its way.
    pub(super) stale: bool,
}

/// Searches that were typed, newest first, and the answer that brings those of before.
#[derive(Debug, Default)]
pub(super) struct PastQueries {
    pub(super) list: Vec<String>,
    asked: Asked<PastSearches>,
}

impl PastQueries {
    pub(super) fn read(&mut self) -> Effect {
        Effect::Work(Work::PastSearches(self.asked.put(PastSearches::Read)))
    }

    /// Keeps one for the next time.
    pub(super) fn keep(&mut self, text: &str) -> Effect {
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
