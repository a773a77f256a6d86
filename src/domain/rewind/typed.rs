//! Moments as an operator types them: those of the filters, a day with a time, and so long ago.

use crate::domain::ids::Timestamp;
use crate::domain::log::{Moment, MomentFault, TypedClock};

/// What a moment may look like, for hints.
pub const MOMENT_TYPED: &str = "-5m, 10:12:21, yesterday 10:12 or 2026-11-23T14:01:58";

/// Why words are no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMoment {
    #[error("{word:?} is no moment: write {MOMENT_TYPED}")]
    Unread { word: String },
    #[error("{word} has not come yet today; yesterday's is: yesterday {word}")]
    Ahead { word: String },
}

/// The instant that words mean, typed by a clock.
///
/// # Errors
/// The word that is none, or that is still to come.
pub fn typed(words: &[&str], clock: TypedClock<'_>) -> Result<Timestamp, NotAMoment> {
    let not = |word: &str| NotAMoment::Unread { word: word.to_owned() };
    let read = |text: &str| match Moment::typed(text, clock) {
        Ok(moment) => Ok(moment.resolve(clock.now)),
        Err(MomentFault::NoMoment) => Err(not(text)),
        Err(MomentFault::Ahead { word, .. }) => Err(NotAMoment::Ahead { word }),
    };
    match words {
        [one] => {
            let past =
                one.strip_prefix('-').filter(|rest| matches!(Moment::parse_at(rest, clock), Some(Moment::Ago(_))));
            past.map_or_else(|| read(one), read)
        }
        [day, _] if is_time(day) => Err(not(day)),
        [_, time] if !is_time(time) => Err(not(time)),
        [day, time] => {
            let date = clock.date(read(day)?).ok_or_else(|| not(day))?;
            read(&format!("{date}T{time}")).map_err(|_| not(time))
        }
        [] => Err(not("")),
        [_, _, third, ..] => Err(not(third)),
    }
}

/// A time of day, and no day.
fn is_time(word: &str) -> bool {
    matches!(Moment::parse(word), Some(Moment::OfDay(_))) && word.contains(':')
}
