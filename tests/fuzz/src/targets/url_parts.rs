//! The login, host and database of a URL, percent-encoded, arrive as they are.

use std::fmt::Write as _;

use arbitrary::{Result, Unstructured};
use user_streams_core::backend::{ConnectArgs, Options};

use super::input;
use crate::{
    outcome::{Outcome, SECRET},
    target::Target,
};

pub(super) fn targets() -> Vec<Target> {
    let target = |name, check: fn(&mut Unstructured<'_>) -> Result<Outcome>| {
        Target::of_bytes(name, input::seeds(), &[SECRET], move |bytes| {
            check(&mut Unstructured::new(bytes)).unwrap_or_else(|_| Outcome::unreadable("short"))
        })
    };
    vec![target("url-parts/sql", sql), target("url-parts/redis", redis)]
}

fn part(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(format!("x{}", input::text(u)?.replace('\0', "")))
}

fn port(u: &mut Unstructured<'_>) -> Result<u16> {
    u.int_in_range(1..=u16::MAX)
}

/// Every byte but letters and digits, or every byte at all.
fn encode(text: &str, all: bool) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() && !all {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

fn sql(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let [user, password, database] = [part(u)?, part(u)?, part(u)?];
    let (port, all) = (port(u)?, u.arbitrary()?);
    let encoded = [&user, &password, &database].map(|text| encode(text, all));
    let [encoded_user, encoded_password, encoded_database] = &encoded;
    let url =
        format!("postgres://{encoded_user}:{encoded_password}@host:{port}/{encoded_database}");
    let expected = [user, password, "host".to_owned(), port.to_string(), database];
    let parts = user_streams_sql::fuzz::server(&url);
    assert_eq!(parts.ok(), Some(expected.map(Some)), "{url}");
    let parse = |url: &str, options| {
        let args = ConnectArgs::new(format!("single-table+{url}"), options);
        user_streams_sql::fuzz::parse(args, "single-table")
    };
    let shown = parse(&url, Options::new());
    assert!(shown.is_ok_and(|shown| !shown.contains(SECRET)), "{url}");
    Ok(Outcome::accepted((port.ilog2(), all)))
}

fn redis(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let [user, password] = [part(u)?, part(u)?];
    let (port, database, all) = (port(u)?, u.arbitrary::<u8>()?, u.arbitrary()?);
    let [encoded_user, encoded_password] = [&user, &password].map(|text| encode(text, all));
    let url = format!("redis://{encoded_user}:{encoded_password}@host:{port}/{database}");
    let expected =
        [user.clone(), password, "host".to_owned(), port.to_string(), database.to_string()];
    let parts = user_streams_redis::fuzz::server(&url);
    assert_eq!(parts.ok(), Some(expected.map(Some)), "{url}");
    let shown = user_streams_redis::fuzz::parse(&ConnectArgs::new(&url, Options::new()));
    let is_hidden = |shown: String| !shown.contains(SECRET) || user.contains(SECRET);
    assert!(shown.is_ok_and(is_hidden), "{url}");
    Ok(Outcome::accepted((port.ilog2(), all)))
}
