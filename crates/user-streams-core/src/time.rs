//! Instants: microseconds since the Unix epoch, in UTC.
//!
//! A backend stores [`micros`] and reads it back with [`from_micros`]; nothing is lost on the way,
//! since core truncates every instant to microseconds before it is stored.

use chrono::{DateTime, FixedOffset, Local, TimeZone, Utc};

use crate::{Error, ErrorKind, Result};

/// The earliest instant that every backend stores exactly: -2^53 microseconds, in the July of 1684.
pub const MIN_MICROS: i64 = -(1 << 53);

/// The latest instant that every backend stores exactly: 2^53 microseconds, in the June of 2255.
///
/// Redis keeps a score as an IEEE 754 double, whose whole numbers are exact up to 2^53.
pub const MAX_MICROS: i64 = 1 << 53;

/// The instant as microseconds since the Unix epoch; finer digits are cut off, toward the past.
pub fn micros<Tz: TimeZone>(instant: &DateTime<Tz>) -> i64 {
    instant.timestamp_micros()
}

/// The instant of that many microseconds since the Unix epoch, in UTC.
///
/// # Errors
/// `Corrupt` if it is outside [`MIN_MICROS`]..=[`MAX_MICROS`]: this library has not stored it.
pub fn from_micros(micros: i64) -> Result<DateTime<Utc>> {
    in_range(micros).and_then(DateTime::from_timestamp_micros).ok_or_else(|| {
        Error::new(
            ErrorKind::Corrupt,
            format!("a stored timestamp of {micros} microseconds is out of range"),
        )
    })
}

/// `micros` if every backend stores it exactly.
pub(crate) fn in_range(micros: i64) -> Option<i64> {
    (MIN_MICROS..=MAX_MICROS).contains(&micros).then_some(micros)
}

pub(crate) fn check(instant: &DateTime<Utc>) -> Result<()> {
    in_range(micros(instant)).map(|_| ()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidDate,
            format!(
                "{instant} is out of range: dates from July 1684 to June 2255 are stored \
                exactly on every backend"
            ),
        )
    })
}

/// The instant in UTC, cut off to microseconds. An instant so far off that it has no UTC form stays
/// far out of range.
pub(crate) fn truncate<Tz: TimeZone>(instant: &DateTime<Tz>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros(instant)).unwrap_or(instant.to_utc())
}

pub(crate) fn show(instant: DateTime<FixedOffset>, use_utc: bool) -> DateTime<FixedOffset> {
    if use_utc {
        instant.to_utc().fixed_offset()
    } else {
        whole_minutes(instant.with_timezone(&Local).fixed_offset())
    }
}

/// The same instant, shown at an offset of whole minutes: RFC 3339 has no seconds in an offset,
/// which places had before their standard time, and would move the instant by them. In UTC where
/// the local time is beyond chrono's range, which would panic when it is written.
pub(crate) fn whole_minutes(instant: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
    let seconds = instant.offset().local_minus_utc();
    let offset = FixedOffset::east_opt(seconds - seconds % 60);
    match offset.filter(|offset| instant.naive_utc().checked_add_offset(*offset).is_some()) {
        Some(offset) => instant.with_timezone(&offset),
        None => instant.to_utc().fixed_offset(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_goes_toward_the_past_on_both_sides_of_the_epoch() {
        for (nanos, expected) in [(1_999, 1), (-1, -1), (-1_001, -2)] {
            assert_eq!(micros(&truncate(&DateTime::from_timestamp_nanos(nanos))), expected);
        }
    }

    #[test]
    fn an_offset_of_seconds_is_shown_in_whole_minutes_and_the_instant_stays() {
        for seconds in [-2_670, 53, 1_172, -17_762, 3_600] {
            let offset = FixedOffset::east_opt(seconds).unwrap();
            let instant = DateTime::from_timestamp_micros(1).unwrap().with_timezone(&offset);
            let shown = whole_minutes(instant);
            assert_eq!(shown, instant);
            assert_eq!(shown.offset().local_minus_utc() % 60, 0);
            assert_eq!(DateTime::parse_from_rfc3339(&shown.to_rfc3339()).unwrap(), instant);
        }
    }

    #[test]
    fn an_instant_without_a_local_time_is_shown_in_utc() {
        let east = FixedOffset::east_opt(3_600).unwrap();
        let last = DateTime::<Utc>::MAX_UTC;
        assert_eq!(whole_minutes(last.with_timezone(&east)).to_rfc3339(), last.to_rfc3339());
    }

    #[test]
    fn the_limits_are_in_and_one_more_is_out() {
        for limit in [MIN_MICROS, MAX_MICROS] {
            assert_eq!(micros(&from_micros(limit).unwrap()), limit);
            assert!(from_micros(limit + limit.signum()).is_err());
        }
        assert!(check(&DateTime::<Utc>::MAX_UTC).is_err());
        assert!(check(&DateTime::<Utc>::MIN_UTC).is_err());
    }

    #[test]
    fn every_instant_within_the_limits_is_exact_as_a_double() {
        for micros in [MIN_MICROS, MIN_MICROS + 1, -1, 0, MAX_MICROS - 1, MAX_MICROS] {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "this is what is tested"
            )]
            let back = micros as f64 as i64;
            assert_eq!(back, micros);
        }
    }
}
