//! What the original answers, and what is in a target, in the same form.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use user_streams::{StreamItem, UserId};

use crate::{redis, source::fixture, target::Target};

/// Of each user the items, newest first: the date as the original shows it, and the content.
pub(crate) type Answers = BTreeMap<String, Vec<(String, String)>>;

/// The answers of the original, on a database and by a layout.
pub(crate) fn of_tables(database: &str, layout: &str) -> Answers {
    let all = fixture(&format!("{database}.expected.json"));
    let all: BTreeMap<String, Answers> = serde_json::from_str(&all).unwrap();
    let mut answers = all[layout].clone();
    for (date, _) in answers.values_mut().flatten() {
        // No clock in Berlin has shown it: it is the time that PostgreSQL has made of it.
        *date = date.replace("2013-03-31T02:30:00", "2013-03-31T03:30:00");
    }
    answers
}

/// The answers of the original in Redis: those of `ZREVRANGE`, whose dates the original's server
/// has made of a local time as if it were UTC.
pub(crate) fn of_redis() -> Answers {
    let counts: BTreeMap<String, BTreeMap<String, usize>> =
        serde_json::from_str(&fixture("redis.expected.json")).unwrap();
    let mut answers = Answers::new();
    for (user, members) in redis::members() {
        assert_eq!(counts["redis"][&user], members.len(), "{user}");
        let item = |(score, member): &(f64, Vec<u8>)| {
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
            let date = Timestamp::from_second(*score as i64).unwrap();
            let date = TimeZone::UTC.to_datetime(date).to_string();
            let date = date.replace("2013-03-31T02:30:00", "2013-03-31T03:30:00");
            (date, String::from_utf8(member[32..].to_vec()).unwrap())
        };
        answers.insert(user, members.iter().rev().map(item).collect());
    }
    answers
}

/// What is in the target, with the dates that clocks in Berlin have shown.
pub(crate) async fn answers(target: &Target) -> Answers {
    let berlin = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let item = |item: StreamItem| {
        let instant = Timestamp::from_microsecond(item.created_at.timestamp_micros()).unwrap();
        (berlin.to_datetime(instant).to_string(), item.content)
    };
    let user = |(user, items): (UserId, Vec<StreamItem>)| {
        (user.to_string(), items.into_iter().map(item).collect())
    };
    target.everyone().await.into_iter().map(user).collect()
}
