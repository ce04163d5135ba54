//! Which of the stored items are there.

use std::{fmt, time::Duration};

use serde::{
    Deserializer,
    de::{Unexpected, Visitor},
};

/// What is expected of `max_age`.
pub(super) const SECONDS: &str = "a number of seconds, 0 or more";

/// The items of a stream that are there, whatever is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// So many of the newest.
    pub(crate) max_len: Option<u64>,
    /// Those that are no older.
    pub(crate) max_age: Option<Duration>,
    /// Those whose date has come.
    pub(crate) hide_future: bool,
}

impl Retention {
    /// The instant before which nothing is there, in microseconds.
    pub(crate) fn oldest_us(&self, now_us: i64) -> Option<i64> {
        let age = i64::try_from(self.max_age?.as_micros()).unwrap_or(i64::MAX);
        Some(now_us.saturating_sub(age))
    }
}

/// The duration of that many seconds.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn deserialize_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_f64(Seconds).map(Some)
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECONDS)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Duration, E> {
        seconds(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Duration, E> {
        match u64::try_from(seconds) {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(seconds), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Settings;

    #[test]
    fn an_age_is_in_seconds_and_anything_else_is_refused_by_name() {
        let parse = |json: &str| {
            let text = format!(r#"{{"backend": "memory://", "max_age": {json}}}"#);
            serde_json::from_str::<Settings>(&text)
        };
        for (json, expected) in [("0", 0), ("0.5", 500), ("604800", 604_800_000)] {
            let age = parse(json).unwrap().retention().max_age;
            assert_eq!(age, Some(Duration::from_millis(expected)), "{json}");
        }
        for json in ["-1", "-0.5", "1e300", "true", "\"s3cr3t\""] {
            let message = parse(json).unwrap_err().to_string();
            assert!(message.starts_with("max_age: expected a number of seconds"), "{message}");
            assert!(!message.contains("s3cr3t"), "{message}");
        }
    }
}
