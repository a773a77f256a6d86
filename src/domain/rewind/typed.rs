//! Moments as an operator types them: those of the filters, a day with a time, and so long ago.

use crate::domain::ids::Timestamp;
use crate::domain::log::{Moment, TypedClock, instant};

/// What a moment may look like, for hints.
pub const MOMENT_TYPED: &str = "-5m, 10:12:21, yesterday 10:12 or 2026-11-23T14:01:58";

/// A word that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no moment: write {MOMENT_TYPED}")]
pub struct NotAMoment {
    pub word: String,
}

/// The instant that words mean, typed by a clock.
///
/// # Errors
/// The word that is none.
pub fn typed(words: &[&str], clock: TypedClock<'_>) -> Result<Timestamp, NotAMoment> {
    let not = |word: &str| NotAMoment { word: word.to_owned() };
    let read = |text: &str| Moment::parse_at(text, clock).map(|moment| moment.resolve(clock.now));
    match words {
        [one] => {
            let past =
                one.strip_prefix('-').filter(|rest| matches!(Moment::parse_at(rest, clock), Some(Moment::Ago(_))));
            read(past.unwrap_or(one)).ok_or_else(|| not(one))
        }
        [day, time] => {
            let midnight = read(day).filter(|_| !is_time(day)).ok_or_else(|| not(day))?;
            let shown = midnight.0.checked_add_signed((clock.ahead)(midnight)).map(|ms| instant(Timestamp(ms)));
            let date = shown.as_ref().and_then(|shown| shown.get(..10)).ok_or_else(|| not(day))?;
            if !is_time(time) {
                return Err(not(time));
            }
            read(&format!("{date}T{time}")).ok_or_else(|| not(time))
        }
        [] => Err(not("")),
        [_, _, third, ..] => Err(not(third)),
    }
}

/// A time of day, and no day.
fn is_time(word: &str) -> bool {
    matches!(Moment::parse(word), Some(Moment::OfDay(_))) && word.contains(':')
}
