//! The original's keys in Redis: a sorted set for each user.
//!
//! Redis has no snapshot. A set is read from its oldest member on, so that what is added meanwhile
//! shifts nothing; what is removed meanwhile may hide a member, which the next run finds.

use std::time::Duration;

use user_streams_redis::fred::{
    prelude::{Builder, Client, ClientLike, Config, SortedSetsInterface},
    types::{ClusterHash, CustomCommand, Value, config::ServerConfig},
};

use crate::failure::Failure;

/// Keys that are looked at by one `SCAN`.
const KEYS: &str = "1000";
/// Members that are read at a time.
const MEMBERS: i64 = 200;
const CONNECT: Duration = Duration::from_secs(10);
const COMMAND: Duration = Duration::from_secs(60);
/// The header of a member: a UUID in hexadecimal digits.
const HEADER: usize = 32;

#[derive(Debug)]
pub(super) struct RedisSource {
    client: Client,
    /// What a user's key begins with.
    prefix: String,
}

/// A member and its score.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) bytes: Vec<u8>,
    pub(super) score: f64,
}

impl RedisSource {
    pub(super) async fn open(url: &str, prefix: &str) -> Result<Self, Failure> {
        // Its error may show the URL.
        let malformed = |_| {
            Failure::usage(
                "malformed: the source is no URL such as `redis://user:password@host:6379/0`",
            )
        };
        let mut config = Config::from_url(url.trim()).map_err(malformed)?;
        if matches!(config.server, ServerConfig::Clustered { .. }) {
            return Err(Failure::usage("django-user-streams has no cluster: name one server"));
        }
        config.fail_fast = true;
        let mut builder = Builder::from_config(config);
        builder
            .with_connection_config(|connection| {
                connection.connection_timeout = CONNECT;
                connection.internal_command_timeout = CONNECT;
                connection.max_command_attempts = 1;
            })
            .with_performance_config(|performance| {
                performance.default_command_timeout = COMMAND;
            });
        let client = builder.build().map_err(failed)?;
        client.init().await.map_err(failed)?;
        Ok(Self { client, prefix: format!("{prefix}:user:") })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Some of the users' keys, and where the next ones are; a key may come twice.
    pub(super) async fn keys(&self, from: &str) -> Result<(Vec<Vec<u8>>, Option<String>), Failure> {
        let pattern = format!("{}*", escaped(&self.prefix));
        let scan = CustomCommand::new_static("SCAN", ClusterHash::Random, false);
        let arguments = [from, "MATCH", &pattern, "COUNT", KEYS].map(Value::from).to_vec();
        let (next, keys): (String, Vec<Value>) =
            self.client.custom(scan, arguments).await.map_err(failed)?;
        let keys = keys.into_iter().filter_map(Value::into_owned_bytes);
        Ok((keys.collect(), Some(next).filter(|next| next != "0")))
    }

    /// Some of the members of a key, from this rank on, the oldest first.
    pub(super) async fn members(&self, key: &[u8], from: u64) -> Result<Vec<Member>, Failure> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let to = from.saturating_add(MEMBERS - 1);
        let members: Vec<(Value, f64)> = self
            .client
            .zrange(key, from, to, None, false, None, true)
            .await
            .map_err(|error| failed(error).because_of(format!("the key {}", shown(key))))?;
        let member =
            |(bytes, score): (Value, f64)| Some(Member { bytes: bytes.into_owned_bytes()?, score });
        Ok(members.into_iter().filter_map(member).collect())
    }
}

impl Member {
    /// The header as a number, and the content.
    pub(super) fn split(self) -> Result<(u128, Vec<u8>), String> {
        let no_header = || {
            let beginning: Vec<u8> = self.bytes.iter().copied().take(HEADER).collect();
            format!("{} is no header of 32 hexadecimal digits", shown(&beginning))
        };
        let (header, content) = self.bytes.split_at_checked(HEADER).ok_or_else(no_header)?;
        let is_header = header.iter().all(u8::is_ascii_hexdigit);
        let header = str::from_utf8(header).ok().filter(|_| is_header);
        let header = header.and_then(|header| u128::from_str_radix(header, 16).ok());
        Ok((header.ok_or_else(no_header)?, content.to_vec()))
    }
}

/// A key or the beginning of a member as text.
pub(super) fn shown(bytes: &[u8]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

/// A prefix as a pattern that it alone matches.
fn escaped(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len());
    for c in prefix.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the source: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &str) -> Member {
        Member { bytes: text.into(), score: 0.0 }
    }

    #[test]
    fn a_member_is_a_header_and_content() {
        let (header, content) = member("0000000000000000000000000000000aHello").split().unwrap();
        assert_eq!((header, content.as_slice()), (10, &b"Hello"[..]));
        let (_, content) = member("ffffffffffffffffffffffffffffffff").split().unwrap();
        assert_eq!(content, b"");
    }

    #[test]
    fn what_has_no_header_is_told() {
        for bad in ["", "0000000000000000000000000000000", "+000000000000000000000000000000aHello"]
        {
            assert!(member(bad).split().unwrap_err().contains("no header"), "{bad}");
        }
    }

    #[test]
    fn a_pattern_matches_its_prefix_alone() {
        assert_eq!(escaped("a*[b]\\"), "a\\*\\[b\\]\\\\");
    }
}
