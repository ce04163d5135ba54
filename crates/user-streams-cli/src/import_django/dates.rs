//! From a date as the original has stored it to an instant.

use chrono::{DateTime, Utc};
use jiff::{
    Timestamp, civil,
    tz::{TimeZone, TimeZoneDatabase},
};

/// The time zone of this name, out of the database that is a part of this program: the same
/// everywhere.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| {
        "expected the name of a time zone, such as `Europe/Berlin` or `UTC`".to_owned()
    })
}

/// How a source's dates are meant.
#[derive(Debug, Clone)]
pub(super) struct Zones {
    /// Of the naive dates. `None` where the source has none.
    pub(super) dates: Option<TimeZone>,
    /// In which the original has made the scores of Redis, if it was not the same.
    pub(super) server: Option<TimeZone>,
}

impl Zones {
    /// The instant of a date in a table.
    pub(super) fn of_text(&self, text: &str) -> Result<DateTime<Utc>, String> {
        let malformed = || format!("{text:?} is not a date that this program can read");
        let time = text.get(10..).unwrap_or_default();
        let instant = if time.contains(['+', '-', 'Z', 'z']) {
            text.parse().map_err(|_| malformed())?
        } else {
            let naive = text.parse().map_err(|_| malformed())?;
            match &self.dates {
                Some(zone) => in_zone(naive, zone)?,
                None => in_zone(naive, &TimeZone::UTC)?,
            }
        };
        to_chrono(instant)
    }

    /// The instant of a score in Redis, which the original has made by `time.mktime`.
    pub(super) fn of_score(&self, score: f64) -> Result<DateTime<Utc>, String> {
        let malformed = || format!("the score {score} is not a date");
        let us = (score * 1e6).round();
        if us.is_nan() || us.abs() > 9e17 {
            return Err(malformed());
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was checked to fit")]
        let instant = Timestamp::from_microsecond(us as i64).map_err(|_| malformed())?;
        to_chrono(match (&self.server, &self.dates) {
            (Some(server), Some(dates)) if server != dates => {
                in_zone(server.to_datetime(instant), dates)?
            }
            _ => instant,
        })
    }
}

/// In the gap of summer time, the time that the clock would show had it not been put forward; in
/// the overlap, the first of the two: Python's rule for dates without `fold`, and PostgreSQL's in
/// the gap. Dates of the overlap keep their order.
fn in_zone(naive: civil::DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let instant = zone.to_ambiguous_timestamp(naive).compatible();
    instant.map_err(|_| format!("{naive} is out of range"))
}

fn to_chrono(instant: Timestamp) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp_micros(instant.as_microsecond())
        .ok_or_else(|| format!("{instant} is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Zones {
        Zones { dates: Some(zone("Europe/Berlin").unwrap()), server: None }
    }

    fn shown(text: &str) -> String {
        berlin().of_text(text).unwrap().to_rfc3339()
    }

    #[test]
    fn naive_dates_are_in_the_zone_and_others_are_instants() {
        for (text, expected) in [
            ("2012-04-06 09:00:00", "2012-04-06T07:00:00+00:00"),
            ("2012-04-06 09:00:00.123456", "2012-04-06T07:00:00.123456+00:00"),
            ("2012-01-06T09:00:00", "2012-01-06T08:00:00+00:00"),
            ("2012-04-06 09:00:00+00:00", "2012-04-06T09:00:00+00:00"),
            ("2012-04-06T09:00:00Z", "2012-04-06T09:00:00+00:00"),
            ("2040-07-01 00:00:00", "2040-06-30T22:00:00+00:00"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn in_the_gap_the_clock_goes_on_and_in_the_overlap_the_first_time_counts() {
        assert_eq!(shown("2013-03-31 02:30:00"), "2013-03-31T01:30:00+00:00");
        assert_eq!(shown("2013-10-27 02:30:00"), "2013-10-27T00:30:00+00:00");
        let overlap = ["01:59:59", "02:00:00", "02:30:00", "02:59:59", "03:00:00"];
        let instants: Vec<_> = overlap
            .iter()
            .map(|time| berlin().of_text(&format!("2013-10-27 {time}")).unwrap())
            .collect();
        assert!(instants.is_sorted_by(|a, b| a < b), "{instants:?}");
    }

    #[test]
    fn what_is_no_date_is_shown() {
        for text in ["", "infinity", "0000-00-00 00:00:00", "0044-03-15 00:00:00 BC", "20:00"] {
            let error = berlin().of_text(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_score_is_an_instant_or_the_time_that_another_zone_s_clock_showed() {
        let score = 1_333_702_800.0;
        let mut zones = berlin();
        assert_eq!(zones.of_score(score).unwrap().to_rfc3339(), "2012-04-06T09:00:00+00:00");
        zones.server = Some(TimeZone::UTC);
        assert_eq!(zones.of_score(score).unwrap().to_rfc3339(), "2012-04-06T07:00:00+00:00");
        for score in [f64::NAN, f64::INFINITY, f64::MIN, 1e15] {
            assert!(zones.of_score(score).is_err(), "{score}");
        }
    }

    #[test]
    fn a_misspelt_zone_is_refused() {
        assert!(zone("Europe/Berlim").unwrap_err().contains("Europe/Berlin"));
    }
}
