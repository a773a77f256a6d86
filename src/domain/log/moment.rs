//! Points in time as an operator types them and as log lines tell them. All of it is UTC, but for what is typed at a
//! [`TypedClock`] of another zone.
//!
//! The calendar is reckoned by hand, for a scan does it line by line: with `jiff::civil` in its place a stamp alone was read
//! in 28 ns (here 37), but the whole scan of 200 MB took 2 to 8 % longer, run by turns (`cargo bench --bench logs`, `zxid`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{Millis, Timestamp};

const DAY_MS: u64 = 86_400_000;

/// A point in time of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// So long before now: `15m`.
    Ago(Millis),
    /// The last time that the clock showed this, counted from midnight: `14:01`.
    OfDay(Millis),
    /// Midnight of the day before.
    Yesterday,
    At(Timestamp),
}

/// What a moment may look like, for errors.
pub const MOMENT_RULE: &str = "a time: 15m, 2h, 7d, today, yesterday, 14:01, 2026-11-23 or 2026-11-23T14:01:58Z";

const UNITS: [(&str, u64); 6] =
    [("w", 7 * DAY_MS), ("d", DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The clock by which times are typed: what says no zone is of its zone.
#[derive(Clone, Copy)]
pub struct TypedClock<'a> {
    pub now: Timestamp,
    /// How far it is ahead of UTC at a moment, in milliseconds.
    pub ahead: &'a dyn Fn(Timestamp) -> i64,
}

impl TypedClock<'_> {
    /// A clock of UTC that is at the end of a day: every time of day has come.
    pub const UTC: TypedClock<'static> = TypedClock::utc(Timestamp(DAY_MS - 1));

    /// A clock of UTC.
    #[must_use]
    pub const fn utc(now: Timestamp) -> TypedClock<'static> {
        TypedClock { now, ahead: &|_| 0 }
    }

    /// The moment at which the clock shows what a clock of UTC shows at `shown`.
    fn moment(&self, shown: Timestamp) -> Option<Timestamp> {
        let before = |ahead: i64| shown.0.checked_add_signed(ahead.checked_neg()?).map(Timestamp);
        // What holds around there; where clocks are set, what held before.
        before((self.ahead)(before((self.ahead)(shown))?))
    }

    /// A time of day of this clock as one of UTC's, by what holds now.
    fn of_day(&self, shown: Millis) -> Millis {
        Millis((shown.0.cast_signed() - (self.ahead)(self.now)).rem_euclid(DAY_MS.cast_signed()).cast_unsigned())
    }

    /// Midnight of the day before, by this clock.
    fn yesterday(&self) -> Moment {
        match self.of_day(Millis(0)) {
            Millis(0) => Moment::Yesterday,
            midnight => Moment::At(Timestamp(Moment::OfDay(midnight).resolve(self.now).0.saturating_sub(DAY_MS))),
        }
    }

    /// The date that it shows at a moment: `2026-11-23`.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> Option<String> {
        let shown = instant(Timestamp(at.0.checked_add_signed((self.ahead)(at))?));
        shown.get(..10).map(str::to_owned)
    }

    /// Whether it does not show this time of day before its next midnight.
    #[must_use]
    pub fn is_ahead(&self, moment: Moment) -> bool {
        let Moment::OfDay(of_day) = moment else { return false };
        self.shown(of_day) > self.shown(Millis(self.now.0 % DAY_MS))
    }

    /// A time of day of UTC as this clock shows it.
    #[must_use]
    pub fn shown(&self, of_day: Millis) -> Millis {
        Millis((of_day.0.cast_signed() + (self.ahead)(self.now)).rem_euclid(DAY_MS.cast_signed()).cast_unsigned())
    }
}

/// Why a text is not taken as a moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MomentFault {
    #[error("must be {MOMENT_RULE}")]
    NoMoment,
    /// A time of day that is still to come: the day before's is not taken for it without a word.
    #[error("{word} has not come yet today; yesterday's is {yesterday}")]
    Ahead { word: String, yesterday: String },
}

impl Moment {
    /// Reads what is typed now.
    ///
    /// # Errors
    /// What is no moment, or a time of day that is still to come.
    pub fn typed(text: &str, clock: TypedClock<'_>) -> Result<Self, MomentFault> {
        let moment = Self::parse_at(text, clock).ok_or(MomentFault::NoMoment)?;
        if !clock.is_ahead(moment) {
            return Ok(moment);
        }
        let date = clock.date(moment.resolve(clock.now)).ok_or(MomentFault::NoMoment)?;
        Err(MomentFault::Ahead { word: text.to_owned(), yesterday: format!("{date}T{text}") })
    }

    /// Reads what [`MOMENT_RULE`] names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_at(text, TypedClock::UTC)
    }

    /// The same, typed by another clock.
    #[must_use]
    pub fn parse_at(text: &str, clock: TypedClock<'_>) -> Option<Self> {
        match text {
            "now" => return Some(Self::Ago(Millis(0))),
            "today" => return Some(Self::OfDay(clock.of_day(Millis(0)))),
            "yesterday" => return Some(clock.yesterday()),
            _ => {}
        }
        if let Some(of_day) = of_day(text) {
            return Some(Self::OfDay(clock.of_day(of_day)));
        }
        ago(text).or_else(|| {
            let (at, used, zone) = stamp(text.as_bytes())?;
            let at = if zone > 0 { at } else { clock.moment(at)? };
            (used == text.len()).then_some(Self::At(at))
        })
    }

    /// The instant that is meant at `now`.
    #[must_use]
    pub const fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => Timestamp(now.0.saturating_sub(span.0)),
            Self::At(at) => at,
            Self::Yesterday => Timestamp((now.0 - now.0 % DAY_MS).saturating_sub(DAY_MS)),
            Self::OfDay(of_day) => {
                let today = now.0 - now.0 % DAY_MS + of_day.0;
                Timestamp(if today > now.0 { today.saturating_sub(DAY_MS) } else { today })
            }
        }
    }
}

fn ago(text: &str) -> Option<Moment> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Moment::Ago(Millis(number.checked_mul(*size)?)))
}

fn of_day(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (ms, used) = read_time(bytes)?;
    (used == bytes.len()).then_some(Millis(ms))
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(Millis(0)) => f.write_str("now"),
            Self::Ago(Millis(span)) => {
                let unit = UNITS.iter().find(|(_, size)| span % size == 0);
                let (name, size) = unit.unwrap_or(&UNITS[5]);
                write!(f, "{}{name}", span / size)
            }
            Self::Yesterday => f.write_str("yesterday"),
            Self::OfDay(of_day) => f.write_str(&clock(*of_day)),
            Self::At(at) => f.write_str(&instant(*at)),
        }
    }
}

/// `2026-11-23T14:01:58.112Z`.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    let (year, month, day) = civil(at.0 / DAY_MS);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(Millis(at.0 % DAY_MS)))
}

/// `14:01:58.112` of a time since midnight.
#[must_use]
pub fn clock(of_day: Millis) -> String {
    let ms = of_day.0 % DAY_MS;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}", ms % 1_000)
}

/// Reads `2026-11-23`, `2026-11-23T14:01`, `2026-11-23 14:01:58,112`, with or without `Z` or `+01:00`,
/// from the beginning of `text`. Also says how many bytes it took.
#[must_use]
pub fn read_stamp(text: &[u8]) -> Option<(Timestamp, usize)> {
    stamp(text).map(|(at, used, _)| (at, used))
}

/// The zone that a stamp at the beginning of `text` names: `Z`, `+01:00`.
#[must_use]
pub fn stamp_zone(text: &str) -> Option<&str> {
    let (_, used, zone) = stamp(text.as_bytes())?;
    text.get(used - zone..used).filter(|zone| !zone.is_empty())
}

/// The same, with how many of the bytes tell a zone.
fn stamp(text: &[u8]) -> Option<(Timestamp, usize, usize)> {
    let fits = text.len() >= 10 && text[4] == b'-' && text[7] == b'-';
    if !fits {
        return None;
    }
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    let midnight = days(year, month, day) * DAY_MS;
    if !matches!(text.get(10), Some(b'T' | b' ')) {
        return Some((Timestamp(midnight), 10, 0));
    }
    let Some((of_day, used)) = read_time(&text[11..]) else {
        return (text[10] == b' ').then_some((Timestamp(midnight), 10, 0));
    };
    let (shift, zone) = read_zone(&text[11 + used..]);
    let at = (midnight + of_day).checked_add_signed(-shift)?;
    Some((Timestamp(at), 11 + used + zone, zone))
}

/// `14:01`, `14:01:58`, `14:01:58.112`: milliseconds since midnight, and the bytes that it took.
fn read_time(text: &[u8]) -> Option<(u64, usize)> {
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let (hour, minute) = (number(text, 0, 2)?, number(text, 3, 2)?);
    if hour > 23 || minute > 59 {
        return None;
    }
    let mut ms = (hour * 60 + minute) * 60_000;
    if text.get(5) != Some(&b':') {
        return Some((ms, 5));
    }
    // A leap second counts as the one before.
    let second = number(text, 6, 2)?.min(60);
    ms += second.min(59) * 1_000;
    if !matches!(text.get(8), Some(b'.' | b',')) {
        return Some((ms, 8));
    }
    let digits = text[9..].iter().take(9).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Some((ms, 8));
    }
    let fraction = number(text, 9, digits.min(3))?;
    ms += fraction * 10_u64.pow(3 - digits.min(3) as u32);
    Some((ms, 9 + digits))
}

/// `Z`, `+01:00`, `-0530` in milliseconds, and the bytes that it took.
fn read_zone(text: &[u8]) -> (i64, usize) {
    let sign = match text.first() {
        Some(b'Z') => return (0, 1),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, 0),
    };
    let colon = usize::from(text.get(3) == Some(&b':'));
    match (number(text, 1, 2), number(text, 3 + colon, 2)) {
        (Some(hours), Some(minutes)) if hours < 24 && minutes < 60 => {
            (sign * ((hours * 60 + minutes) * 60_000).cast_signed(), 5 + colon)
        }
        _ => (0, 0),
    }
}

fn number(text: &[u8], from: usize, len: usize) -> Option<u64> {
    let digits = text.get(from..from + len)?;
    digits.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
}

const fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + leap(year) as u64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01; the year begins in March, so that the leap day is its last.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a count of days from 1970-01-01; `civil_from_days` of the same source.
const fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + (month <= 2) as u64, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-23T14:01:58.112Z.
    const AT: Timestamp = Timestamp(1_795_442_518_112);

    #[test]
    fn stamps_of_every_writer_are_the_same_instant() {
        for text in [
            "2026-11-23T14:01:58.112Z",
            "2026-11-23 14:01:58,112",
            "2026-11-23T14:01:58.112345Z",
            "2026-11-23T15:01:58.112+01:00",
            "2026-11-23T08:31:58.112-0530",
        ] {
            assert_eq!(read_stamp(text.as_bytes()), Some((AT, text.len())), "{text}");
        }
        assert_eq!(read_stamp(b"2026-11-23 14:01:58,112 [myid:1]"), Some((AT, 23)));
        for text in [
            "",
            "2026-11-2",
            "2026-13-01",
            "2026-02-29",
            "2100-02-29",
            "2026-11-00",
            "1969-12-31",
            "2026/11/23",
            "at 2026-11-23",
        ] {
            assert_eq!(read_stamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn leap_days_are_days() {
        for text in ["2024-02-29T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999Z"] {
            assert_eq!(read_stamp(text.as_bytes()).map(|(at, _)| instant(at)).as_deref(), Some(text));
        }
    }

    #[test]
    fn moments_are_meant_from_now() {
        let meant = |text: &str| instant(Moment::parse(text).unwrap().resolve(AT));
        assert_eq!(meant("15m"), "2026-11-23T13:46:58.112Z");
        assert_eq!(meant("2d"), "2026-11-21T14:01:58.112Z");
        assert_eq!(meant("now"), "2026-11-23T14:01:58.112Z");
        assert_eq!(meant("today"), "2026-11-23T00:00:00.000Z");
        assert_eq!(meant("14:00"), "2026-11-23T14:00:00.000Z");
        assert_eq!(meant("14:01:58.112"), "2026-11-23T14:01:58.112Z");
        assert_eq!(meant("14:01:58.113"), "2026-11-22T14:01:58.113Z");
        assert_eq!(meant("14:30"), "2026-11-22T14:30:00.000Z");
        assert_eq!(meant("2026-11-23"), "2026-11-23T00:00:00.000Z");
        for bad in ["", "m", "15", "15x", "-1h", "25:00", "2026-11-23x", "99999999999999999999h", "1é"] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_typed_is_of_the_clock_that_it_is_typed_by() {
        // Half past five ahead until the day before, six ahead since.
        let ahead = |at: Timestamp| if at.0 < AT.0 - DAY_MS { 19_800_000 } else { 21_600_000 };
        let clock = TypedClock { now: AT, ahead: &ahead };
        let meant = |text: &str| instant(Moment::parse_at(text, clock).unwrap().resolve(AT));
        assert_eq!(meant("20:01"), "2026-11-23T14:01:00.000Z");
        assert_eq!(meant("20:02"), "2026-11-22T14:02:00.000Z");
        assert_eq!(meant("today"), "2026-11-22T18:00:00.000Z");
        assert_eq!(meant("yesterday"), "2026-11-21T18:00:00.000Z");
        assert_eq!(meant("2026-11-23"), "2026-11-22T18:00:00.000Z");
        assert_eq!(meant("2026-11-20"), "2026-11-19T18:30:00.000Z");
        assert_eq!(meant("2026-11-23T14:01"), "2026-11-23T08:01:00.000Z");
        assert_eq!(meant("2026-11-23T14:01Z"), "2026-11-23T14:01:00.000Z");
        assert_eq!(meant("2026-11-23T14:01+01:00"), "2026-11-23T13:01:00.000Z");
        assert_eq!(meant("15m"), "2026-11-23T13:46:58.112Z");
        assert_eq!(clock.shown(Millis(0)), Millis(21_600_000));
        assert_eq!(Moment::parse_at("1970-01-01", clock), None, "nothing is before 1970");
    }

    #[test]
    fn a_time_of_day_that_is_still_to_come_is_not_yesterdays() {
        let typed = |text: &str, ahead: i64| {
            let read = Moment::typed(text, TypedClock { now: AT, ahead: &|_| ahead });
            read.map(|moment| instant(moment.resolve(AT))).map_err(|fault| fault.to_string())
        };
        let refused =
            |word: &str, date: &str| Err(format!("{word} has not come yet today; yesterday's is {date}T{word}"));
        assert_eq!(typed("14:01", 0), Ok("2026-11-23T14:01:00.000Z".into()));
        assert_eq!(typed("14:01:58.112", 0), Ok("2026-11-23T14:01:58.112Z".into()), "it is that moment");
        for word in ["23:59", "14:02", "14:01:59", "14:01:58.113"] {
            assert_eq!(typed(word, 0), refused(word, "2026-11-22"));
        }
        // Eleven hours ahead it is one at night of the next day, eleven behind it is three at night.
        assert_eq!(typed("01:01", 39_600_000), Ok("2026-11-23T14:01:00.000Z".into()));
        assert_eq!(typed("01:02", 39_600_000), refused("01:02", "2026-11-23"));
        assert_eq!(typed("00:00", -39_600_000), Ok("2026-11-23T11:00:00.000Z".into()));
        assert_eq!(typed("14:00", -39_600_000), refused("14:00", "2026-11-22"));
        for word in ["today", "yesterday", "now", "15m", "2026-11-24"] {
            assert!(typed(word, 0).is_ok(), "{word}");
        }
        assert!(typed("soon", 0).is_err_and(|why| why.contains("15m")));
        assert!(Moment::typed("23:59", TypedClock::UTC).is_ok(), "its day is over");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(ms in 0_u64..253_402_300_800_000) {
            prop_assert_eq!(read_stamp(instant(Timestamp(ms)).as_bytes()).map(|(at, _)| at), Some(Timestamp(ms)));
            for moment in [Moment::At(Timestamp(ms)), Moment::Ago(Millis(ms)), Moment::OfDay(Millis(ms % DAY_MS))] {
                prop_assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
            }
        }

        #[test]
        fn whatever_is_read_is_in_the_text(
            text in "\\PC{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            if let Some(moment) = Moment::parse(&text) {
                prop_assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
            }
            if let Some((_, len)) = read_stamp(&bytes) {
                prop_assert!((10..=bytes.len()).contains(&len));
            }
        }
    }
}
