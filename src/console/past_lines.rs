//! Lines that were typed, newest first, with those of before once they have come.

use super::fetch::Asked;
use super::order::Work;
use super::place::{KeptLines, KeptLinesAsk, LineChange};

/// Lines that are kept.
const LINES_MAX: usize = 200;

#[derive(Debug)]
pub struct PastLines {
    of: KeptLines,
    list: Vec<String>,
    asked: Asked<KeptLinesAsk>,
    /// That they cannot be kept is told once.
    told: bool,
}

impl PastLines {
    #[must_use]
    pub fn new(of: KeptLines) -> Self {
        Self { of, list: Vec::new(), asked: Asked::default(), told: false }
    }

    /// Newest first.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.list
    }

    /// Asks for those of before.
    pub fn read(&mut self) -> Work {
        self.ask(LineChange::Read)
    }

    /// Keeps one for the next time.
    pub fn keep(&mut self, text: &str) -> Work {
        self.list.retain(|own| own != text);
        self.list.insert(0, text.to_owned());
        self.list.truncate(LINES_MAX);
        self.ask(LineChange::Add(text.to_owned()))
    }

    fn ask(&mut self, change: LineChange) -> Work {
        Work::Lines(self.asked.put(KeptLinesAsk { of: self.of, change }))
    }

    /// Takes in those of before, once they have come: what was typed meanwhile stays among them. Gives why they cannot be
    /// kept, the first time.
    pub fn take_answer(&mut self) -> Option<String> {
        match self.asked.take()? {
            Ok(past) => {
                let newer: Vec<String> = self.list.drain(..).filter(|own| !past.contains(own)).collect();
                self.list = newer.into_iter().chain(past).take(LINES_MAX).collect();
                None
            }
            Err(why) => Some(why).filter(|_| !std::mem::replace(&mut self.told, true)),
        }
    }
}
