//! Where in time the console is: a moment on its way, and a play that goes on from one to the next.

use super::fetch::{Asked, Fetch};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::rewind::{PictureThen, SnapshotAt};

/// A play begins so much before its incident, and goes on so long after it.
const AROUND: Millis = Millis(10_000);
/// How fast a play goes where nobody says it, and at most.
const SPEED: u32 = 4;
const SPEED_MAX: u32 = 600;
/// What is proposed, as it is typed.
pub const SPEEDS: [&str; 5] = ["1x", "2x", "4x", "10x", "60x"];

/// The moment of a row in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowMoment {
    pub at: Timestamp,
    /// Of an incident: it goes on from `at` to its end, if that is known.
    pub lasts: Option<Option<Timestamp>>,
}

impl RowMoment {
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self { at, lasts: None }
    }
}

/// Time that goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    pub speed: u32,
    /// Where it ends; `None` is now.
    pub until: Option<Timestamp>,
    /// The moment that was shown when it began or went on, and when that was; `None` while it is stopped.
    going: Option<(Timestamp, Timestamp)>,
}

impl Play {
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.going.is_none()
    }

    /// The moment that is due, and whether it is the last one.
    fn due(&self, now: Timestamp) -> Option<(Timestamp, bool)> {
        let (from, since) = self.going?;
        let at = from.plus(Millis(now.since(since).0.saturating_mul(u64::from(self.speed))));
        let end = self.until.unwrap_or(now);
        Some(if at >= end { (end, true) } else { (at, false) })
    }
}

/// What is typed after `:play`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayWords<'a> {
    /// From which moment; empty where that is not said.
    pub from: Vec<&'a str>,
    pub speed: u32,
}

/// Reads `10:12 4x`.
///
/// # Errors
/// A speed that is none.
pub fn play_words(text: &str) -> Result<PlayWords<'_>, String> {
    let mut from: Vec<&str> = text.split_whitespace().collect();
    let number = from.last().and_then(|word| word.strip_suffix('x')).filter(|number| !number.is_empty());
    let Some(number) = number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())) else {
        return Ok(PlayWords { from, speed: SPEED });
    };
    let speed = number.parse().ok().filter(|speed| (1..=SPEED_MAX).contains(speed));
    from.pop();
    match speed {
        Some(speed) => Ok(PlayWords { from, speed }),
        None => Err(format!("{number}x is no speed: take 1x to {SPEED_MAX}x")),
    }
}

/// What a play shows first, and where it ends, of a row.
#[must_use]
pub fn around(row: RowMoment) -> (Timestamp, Option<Timestamp>) {
    let from = Timestamp(row.at.0.saturating_sub(AROUND.0));
    (from, row.lasts.flatten().map(|end| end.plus(AROUND)))
}

/// What is on its way to another moment.
#[derive(Debug, Default)]
pub struct Rewind {
    asked: Asked<SnapshotAt>,
    /// The moment that was asked for last.
    wanted: Option<Timestamp>,
    pub play: Option<Play>,
}

impl Rewind {
    /// Asks for a moment; one that was asked for before and has not come is given up.
    pub fn ask(&mut self, at: Timestamp) -> Fetch<SnapshotAt> {
        self.wanted = Some(at);
        self.asked.put(SnapshotAt { at })
    }

    /// The moment that was asked for last.
    #[must_use]
    pub const fn wanted(&self) -> Option<Timestamp> {
        self.wanted
    }

    /// The moment that is on its way.
    #[must_use]
    pub fn on_its_way(&self) -> Option<Timestamp> {
        self.wanted.filter(|_| self.asked.is_open())
    }

    pub fn take(&mut self) -> Option<Result<PictureThen, String>> {
        self.asked.take()
    }

    /// Begins a play that shows `from` at `now`.
    pub const fn begin(&mut self, speed: u32, from: Timestamp, until: Option<Timestamp>, now: Timestamp) {
        self.play = Some(Play { speed, until, going: Some((from, now)) });
    }

    /// Stops the play at what is shown, or lets it go on from there.
    pub const fn turn(&mut self, shown: Timestamp, now: Timestamp) {
        if let Some(play) = &mut self.play {
            play.going = if play.is_stopped() { Some((shown, now)) } else { None };
        }
    }

    /// The next moment of the play, when one is due and none is on its way; whether it ends there.
    pub fn step(&mut self, shown: Timestamp, now: Timestamp) -> Option<(Timestamp, bool)> {
        let play = self.play.as_ref()?;
        let (at, last) = play.due(now).filter(|(at, _)| !self.asked.is_open() && *at > shown)?;
        if last {
            self.play = None;
        }
        Some((at, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;

    const fn back(seconds: u64) -> Timestamp {
        Timestamp(NOW.0 - seconds * 1_000)
    }

    const fn on(seconds: u64) -> Timestamp {
        Timestamp(NOW.0 + seconds * 1_000)
    }

    #[test]
    fn a_play_goes_on_by_its_speed_one_question_at_a_time() {
        let mut rewind = Rewind::default();
        rewind.begin(10, back(100), Some(back(55)), NOW);
        assert_eq!(rewind.step(back(100), NOW), None, "it is shown already");
        assert_eq!(rewind.step(back(100), on(1)), Some((back(90), false)));
        let fetch = rewind.ask(back(90));
        assert_eq!(rewind.step(back(100), on(2)), None, "one is on its way");
        fetch.reply.send(Ok(PictureThen::Nothing)).expect("it is waited for");
        assert!(rewind.take().is_some());
        assert_eq!(rewind.step(back(90), on(4)), Some((back(60), false)), "what is late is left out");
        rewind.turn(back(60), on(4));
        assert_eq!(rewind.step(back(60), on(40)), None, "it is stopped");
        rewind.turn(back(60), on(40));
        assert_eq!(rewind.step(back(60), on(41)), Some((back(55), true)), "it ends there");
        assert_eq!(rewind.play, None);
        rewind.begin(4, back(3), None, NOW);
        assert_eq!(rewind.step(back(3), on(1)), Some((on(1), true)), "it is now");
    }

    #[test]
    fn words_of_a_play_are_a_moment_and_a_speed() {
        let read = |text| play_words(text).map(|words| (words.from.join(" "), words.speed));
        assert_eq!(read(""), Ok((String::new(), SPEED)));
        assert_eq!(read("10x"), Ok((String::new(), 10)));
        assert_eq!(read("yesterday 10:12 2x"), Ok(("yesterday 10:12".into(), 2)));
        assert_eq!(read("10:12"), Ok(("10:12".into(), SPEED)));
        assert!(read("0x").is_err() && read("10:12 601x").is_err() && read("99999999999x").is_err());
        assert_eq!(read("x"), Ok(("x".into(), SPEED)), "it is no moment either");
    }

    #[test]
    fn a_play_of_an_incident_begins_before_it_and_ends_after_it() {
        let row = |lasts| RowMoment { at: back(60), lasts };
        assert_eq!(around(row(Some(Some(back(30))))), (back(70), Some(back(20))));
        assert_eq!(around(row(Some(None))), (back(70), None));
        assert_eq!(around(RowMoment::of(back(60))), (back(70), None));
    }
}
