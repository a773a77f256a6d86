//! The line in which a query is typed: results follow what is typed, one question after the other.

use super::LogsPane;
use super::past::Typing;
use crate::console::action::Action;
use crate::console::effect::{Completes, Effect, Prompt};
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::time;
use crate::domain::ids::Timestamp;
use crate::domain::log::parse_at;
use crate::domain::snapshot::Snapshot;

/// A word that is being typed finds what begins with it; once it is finished it is a whole word.
fn unfinished(text: &str) -> String {
    let last = text.rsplit([' ', '(']).next().unwrap_or_default();
    let word = last.trim_start_matches('-');
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let keyword = matches!(word, "AND" | "OR" | "NOT");
    if plain && !keyword { format!("{text}*") } else { text.to_owned() }
}

impl LogsPane {
    /// Asks for a line about the search: a span of time, or a file for what matches.
    pub(super) fn prompt(&self, action: Action, now: Timestamp) -> Effect {
        let zone = time::zone_name(now);
        Effect::Prompt(match action {
            Action::Export => {
                let title = format!("Export all events that match, {} ({zone})", self.query.span(now));
                Prompt::export(title, "logs.ndjson")
            }
            _ => Prompt {
                action,
                title: format!("Span of time ({zone})"),
                hint: "beginning and end: 2h, 14:00 14:30, 2026-11-23T14:00; empty: all".into(),
                value: String::new(),
                completes: Completes::Nothing,
            },
        })
    }

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
        let Some(typing) = self.typing.as_mut().filter(|_| query.set(&unfinished(&text), snapshot.taken_at).is_ok())
        else {
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
            effects.push(Effect::Work(self.past.keep(text.trim())));
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
        let Some(text) = self.past.list().get(at) else { return };
        if typing.past.is_none() {
            typing.draft = self.line.text();
        }
        typing.past = Some(at);
        self.line = Line::new(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_being_typed_is_a_beginning() {
        for (text, asked) in [
            ("elect", "elect*"),
            ("-elect", "-elect*"),
            ("a (b", "a (b*"),
            ("elect ", "elect "),
            ("a OR", "a OR"),
            ("node:zk1", "node:zk1"),
            ("elect*", "elect*"),
            ("", ""),
        ] {
            assert_eq!(unfinished(text), asked);
        }
    }
}
