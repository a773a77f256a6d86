//! Times of day for people, in the zone of the machine that shows them.

use jiff::tz::TimeZone;

use crate::domain::ids::Timestamp;

/// `14:02:11`.
#[must_use]
pub fn of_day(at: Timestamp) -> String {
    format(at, "%H:%M:%S")
}

/// `2026-11-23 14:02:11`.
#[must_use]
pub fn of_date(at: Timestamp) -> String {
    format(at, "%Y-%m-%d %H:%M:%S")
}

fn format(at: Timestamp, pattern: &str) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| "-".to_owned(), |time| time.to_zoned_datetime(zone()).strftime(pattern).to_string())
}

/// Pictures of the screen in tests are made in one zone.
fn zone() -> TimeZone {
    if cfg!(test) { TimeZone::UTC } else { TimeZone::system() }
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
    }
}
