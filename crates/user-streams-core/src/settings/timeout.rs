//! Options that are durations: seconds as a number, `0.5` or `30`, in every backend.

use std::{fmt, time::Duration};

use serde::{
    Deserializer,
    de::{Unexpected, Visitor},
};

use crate::{Error, ErrorKind, Result};

/// The shortest and the longest duration that an option can have.
const RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(1_000_000);
const EXPECTED: &str = "0.001 to 1000000 seconds";

/// A duration from a number of seconds:
/// `#[serde(deserialize_with = "user_streams_core::backend::timeout::deserialize")]`.
///
/// # Errors
/// If it is no number from 0.001 to 1,000,000.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_f64(Seconds)
}

/// The duration, which a program may have set without [`deserialize`], if it is within the range.
///
/// # Errors
/// `InvalidSettings`, naming the option, if it is not 0.001 to 1,000,000 seconds.
pub fn check(option: &str, duration: Duration) -> Result<Duration> {
    if RANGE.contains(&duration) {
        return Ok(duration);
    }
    let seconds = duration.as_secs_f64();
    let message = format!("{option}: {seconds} is out of range: expected {EXPECTED}");
    Err(Error::new(ErrorKind::InvalidSettings, message))
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Duration, E> {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if RANGE.contains(&duration) => Ok(duration),
            _ => Err(E::invalid_value(Unexpected::Float(seconds), &self)),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Duration, E> {
        #[expect(clippy::cast_precision_loss, reason = "only beyond the range")]
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Duration, E> {
        #[expect(clippy::cast_precision_loss, reason = "only beyond the range")]
        self.visit_f64(seconds as f64)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::settings::Options;

    #[derive(Debug, Deserialize)]
    struct Config {
        #[serde(deserialize_with = "deserialize")]
        wait: Duration,
    }

    fn parse(json: &str) -> Result<Duration> {
        let options: Options = serde_json::from_str(&format!(r#"{{"wait": {json}}}"#)).unwrap();
        options.parse::<Config>().map(|config| config.wait)
    }

    #[test]
    fn whole_and_broken_seconds_are_durations() {
        for (json, millis) in
            [("5", 5_000), ("0.25", 250), ("0.001", 1), ("1000000", 1_000_000_000)]
        {
            assert_eq!(parse(json).unwrap(), Duration::from_millis(millis), "{json}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        for json in ["0", "-1", "-0.5", "0.0009", "1000001", "1e300", "true", "\"5\""] {
            let error = parse(json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{json}");
            assert!(error.message().starts_with("wait: expected 0.001 to"), "{json}: {error}");
        }
        assert!(check("wait", Duration::ZERO).unwrap_err().message().starts_with("wait: 0 is out"));
        assert!(check("wait", Duration::from_secs(1)).is_ok());
    }
}
