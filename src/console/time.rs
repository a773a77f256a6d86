//! Times of day for people, in the zone of the machine that shows them.

use crate::domain::ids::Timestamp;
use crate::domain::log::TypedClock;

/// `14:02:11`.
#[must_use]
pub fn of_day(at: Timestamp) -> String {
    format(at, "%H:%M:%S")
}

/// `14:02:11.031`.
#[must_use]
pub fn of_moment(at: Timestamp) -> String {
    format(at, "%H:%M:%S%.3f")
}

/// `2026-11-23`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    format(at, "%Y-%m-%d")
}

/// The clock by which times are typed here.
#[must_use]
pub fn typed(now: Timestamp) -> TypedClock<'static> {
    TypedClock { now, ahead: &offset_ms }
}

/// `14:02`.
#[must_use]
pub fn of_minute(at: Timestamp) -> String {
    format(at, "%H:%M")
}

/// `Monday 23 November`.
#[must_use]
pub fn long_day(at: Timestamp) -> String {
    format(at, "%A %-d %B")
}

/// `23 Nov`.
#[must_use]
pub fn day(at: Timestamp) -> String {
    format(at, "%-d %b")
}

/// How far the zone is ahead of UTC at that moment, in milliseconds.
#[must_use]
pub fn offset_ms(at: Timestamp) -> i64 {
    moment(at).map_or(0, |time| i64::from(zone().to_offset(time).seconds()) * 1_000)
}

/// `2026-11-23 14:02:11`.
#[must_use]
pub fn of_date(at: Timestamp) -> String {
    format(at, "%Y-%m-%d %H:%M:%S")
}

/// The zone that these times are of, as it is then: `UTC`, `UTC+1`, `UTC-3:30`.
#[must_use]
pub fn zone_name(at: Timestamp) -> String {
    let seconds = moment(at).map_or(0, |time| zone().to_offset(time).seconds());
    offset(seconds)
}

fn offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

fn format(at: Timestamp, pattern: &str) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |time| time.to_zoned_datetime(zone()).strftime(pattern).to_string())
}

fn moment(at: Timestamp) -> Option<jiff::Timestamp> {
    i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
}

#[cfg(not(test))]
fn zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::system()
}

#[cfg(test)]
use self::testing::zone;

/// Pictures of the screen in tests are made in one zone, or in that which the test is about.
#[cfg(test)]
pub mod testing {
    use std::cell::Cell;

    use jiff::tz::{Offset, TimeZone};

    thread_local! {
        static AHEAD: Cell<i32> = const { Cell::new(0) };
    }

    pub(super) fn zone() -> TimeZone {
        Offset::from_seconds(AHEAD.get()).map_or(TimeZone::UTC, Offset::to_time_zone)
    }

    /// Runs a test where clocks are so many minutes ahead of UTC.
    pub fn ahead(minutes: i32, test: impl FnOnce()) {
        AHEAD.set(minutes * 60);
        test();
        AHEAD.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;

    #[test]
    fn times_read_as_on_a_clock() {
        assert_eq!(of_day(NOW), "14:02:11");
        assert_eq!(of_date(NOW), "2026-11-23 14:02:11");
        assert_eq!(of_day(Timestamp(u64::MAX)), "-");
        assert_eq!([0, 3600, 20_700, -12_600].map(offset), ["UTC", "UTC+1", "UTC+5:45", "UTC-3:30"]);
        assert_eq!(zone_name(NOW), "UTC");
        testing::ahead(330, || {
            assert_eq!((of_moment(NOW), zone_name(NOW)), ("19:32:11.000".into(), "UTC+5:30".into()));
            assert_eq!(date(Timestamp(NOW.0 + 5 * 3_600_000)), "2026-11-24");
        });
    }
}
