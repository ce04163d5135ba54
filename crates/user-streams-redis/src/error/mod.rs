//! Failures of commands: their classification, and the errors that callers get.

pub(crate) mod tls;

use std::fmt;

use fred::error::ErrorKind as FredKind;
use user_streams_core::{Error, ErrorKind};

use crate::address::Address;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `MOVED`: another server of the cluster owns the slot. An empty host is the host of the
    /// server that redirects.
    Moved(u16, Address),
    /// `ASK`: the slot is migrating to another server, which has this key already.
    Ask(Address),
    /// `NOSCRIPT`: the script is not in the server's cache.
    NoScript,
    /// The server can be reached but cannot serve yet: it loads its data, a failover is under way.
    NotReady(String),
    /// The server is a replica.
    ReadOnly(String),
    /// The connection failed or was lost.
    Lost(String),
    /// No reply in time.
    Timeout,
    /// A failure that no retry helps.
    Refused(ErrorKind, String),
}

/// The error for settings that cannot work.
pub(crate) fn invalid_settings(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSettings, message)
}

impl Fault {
    /// For a call after `close`.
    pub(crate) fn closed() -> Self {
        Self::Refused(ErrorKind::Connection, "the backend was closed".to_owned())
    }

    /// For a cluster that is to name its nodes by hostnames, and a node without one.
    pub(crate) fn without_hostname() -> Self {
        Self::Refused(
            ErrorKind::InvalidSettings,
            "a node of the cluster has no hostname to give: set `cluster-announce-hostname` in its \
             configuration, or another `cluster-preferred-endpoint-type`"
                .to_owned(),
        )
    }

    /// Classifies an error of fred's: an error reply of the server, or a failed connection.
    pub(crate) fn of(error: &fred::error::Error) -> Self {
        let text = without_script_prefix(error.details());
        let is = |code: &str| text.strip_prefix(code).is_some_and(|rest| rest.starts_with(' '));
        if let Some(redirect) = redirect(text) {
            return redirect;
        }
        if is("NOSCRIPT") {
            return Self::NoScript;
        }
        if is("READONLY") {
            return Self::ReadOnly(text.to_owned());
        }
        if ["LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS"]
            .into_iter()
            .any(is)
        {
            return Self::NotReady(text.to_owned());
        }
        if is("WRONGTYPE") {
            return Self::Refused(
                ErrorKind::Corrupt,
                "the key of the stream is not a sorted set, or that of shared content not a \
                 string: something else has written it"
                    .to_owned(),
            );
        }
        // A script with several keys, which a cluster takes if they are in one slot.
        if is("CROSSSLOT") {
            return Self::Refused(
                ErrorKind::InvalidSettings,
                "the server is part of a cluster: use the scheme `redis-cluster`".to_owned(),
            );
        }
        // From `add.lua`.
        if is("CONFLICT") {
            return Self::Refused(
                ErrorKind::Conflict,
                "another item has the same id and `created_at`; nothing was stored".to_owned(),
            );
        }
        if ["NOAUTH", "WRONGPASS"].into_iter().any(is)
            || text.starts_with("ERR AUTH")
            || text.starts_with("ERR invalid password")
        {
            return Self::Refused(
                ErrorKind::InvalidSettings,
                format!("the server refuses the user or the password: {text}"),
            );
        }
        // After this reply the server closes the connection.
        if text.contains("invalid bulk length") {
            return Self::Refused(
                ErrorKind::InvalidContent,
                "the content is longer than the server takes: see `proto-max-bulk-len` in its \
                 configuration"
                    .to_owned(),
            );
        }
        if let Some(message) = tls::explain(text) {
            return Self::Refused(ErrorKind::InvalidSettings, message);
        }
        if text.contains("cluster support disabled") {
            return Self::Refused(
                ErrorKind::InvalidSettings,
                "the server is not part of a cluster: use the scheme `redis` instead of \
                 `redis-cluster`"
                    .to_owned(),
            );
        }
        // Error replies begin with a word in capitals; fred's own errors do not.
        let code = text.split(' ').next().unwrap_or_default();
        if code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Self::Refused(ErrorKind::Backend, format!("the server answered: {text}"));
        }
        match error.kind() {
            FredKind::Timeout => Self::Timeout,
            // Of an application's client, which follows none.
            FredKind::Routing if text.contains("Too many redirections") => {
                Self::NotReady("a slot of the cluster is moving".to_owned())
            }
            FredKind::Config
            | FredKind::Url
            | FredKind::InvalidArgument
            | FredKind::InvalidCommand
            | FredKind::Parse => Self::Refused(ErrorKind::Backend, error.to_string()),
            _ => Self::Lost(error.to_string()),
        }
    }

    /// The error for the caller; `server` is the name in its message.
    pub(crate) fn into_error(self, server: &dyn fmt::Display) -> Error {
        let (kind, message) = match self {
            Self::Refused(kind, message) => {
                return Error::new(kind, message).with_retryable(false);
            }
            Self::Timeout => (ErrorKind::Timeout, format!("no answer from {server} in time")),
            Self::Lost(why) => (ErrorKind::Connection, format!("no connection to {server}: {why}")),
            Self::NotReady(why) => (ErrorKind::Connection, format!("{server} is not ready: {why}")),
            Self::ReadOnly(why) => {
                (ErrorKind::Connection, format!("{server} takes no writes: {why}"))
            }
            Self::Moved(..) | Self::Ask(_) => {
                (ErrorKind::Connection, format!("{server}: the cluster keeps redirecting"))
            }
            Self::NoScript => (ErrorKind::Backend, format!("{server} does not keep scripts")),
        };
        Error::new(kind, message)
    }
}

/// Redis 6.2 prefixes errors that are raised within a script, for example with
/// `@user_script: 17: -`.
fn without_script_prefix(text: &str) -> &str {
    let error = text.rsplit_once("@user_script:").and_then(|(_, rest)| rest.split_once(": "));
    error.map_or(text, |(_, error)| error.strip_prefix('-').unwrap_or(error))
}

fn redirect(text: &str) -> Option<Fault> {
    let mut words = text.split(' ');
    let kind = words.next().filter(|kind| matches!(*kind, "MOVED" | "ASK"))?;
    let slot = words.next()?.parse().ok()?;
    let to = Address::parse(words.next()?)?;
    if to.is_unknown() {
        return Some(Fault::without_hostname());
    }
    Some(if kind == "MOVED" { Fault::Moved(slot, to) } else { Fault::Ask(to) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &'static str) -> Fault {
        Fault::of(&fred::error::Error::new(FredKind::Unknown, text))
    }

    fn kind(fault: Fault) -> (ErrorKind, bool) {
        let error = fault.into_error(&"h:1");
        (error.kind(), error.is_retryable())
    }

    #[test]
    fn redirects_are_parsed() {
        let to = |host: &str, port| Address { host: host.to_owned(), port };
        assert_eq!(fault("MOVED 3999 127.0.0.1:6381"), Fault::Moved(3999, to("127.0.0.1", 6381)));
        assert_eq!(fault("MOVED 3999 :6381"), Fault::Moved(3999, to("", 6381)));
        assert_eq!(fault("ASK 1 ::1:7000"), Fault::Ask(to("::1", 7000)));
        assert_eq!(to("::1", 7000).to_string(), "[::1]:7000");
    }

    /// As each version of Redis reports an error: bare, of a command in a script that ends it, and
    /// of one that the script returns.
    fn forms(text: &str) -> [String; 6] {
        [
            text.to_owned(),
            format!("{text} script: 1f2e, on @user_script:17."),
            format!("@user_script: 17: -{text}"),
            format!("@user_script: 17: {text}"),
            format!("ERR Error running script (call to f_1f2e): @user_script:17: {text}"),
            format!(
                "ERR Error running script (call to f_1f2e): @user_script:17: @user_script: 17: \
                 -{text}"
            ),
        ]
    }

    #[test]
    fn each_failure_is_told_by_its_code_in_and_out_of_scripts() {
        use ErrorKind::{Backend, Connection, Corrupt, InvalidSettings};
        for (text, expected) in [
            ("LOADING Redis is loading the dataset in memory", (Connection, true)),
            ("BUSY Redis is busy running a script.", (Connection, true)),
            ("CLUSTERDOWN The cluster is down", (Connection, true)),
            ("CLUSTERDOWN Hash slot not served", (Connection, true)),
            ("MASTERDOWN Link with MASTER is down", (Connection, true)),
            ("TRYAGAIN Multiple keys request during rehashing of slot", (Connection, true)),
            ("NOREPLICAS Not enough good replicas to write.", (Connection, true)),
            ("READONLY You can't write against a read only replica.", (Connection, true)),
            ("OOM command not allowed when used memory > 'maxmemory'.", (Backend, false)),
            ("MISCONF Redis is configured to save RDB snapshots, but", (Backend, false)),
            ("NOPERM this user has no permissions to run the 'zadd' command", (Backend, false)),
            ("NOPERM No permissions to access a key", (Backend, false)),
            ("WRONGTYPE Operation against a key holding the wrong kind", (Corrupt, false)),
            ("CROSSSLOT Keys in request don't hash to the same slot", (InvalidSettings, false)),
            ("NOAUTH Authentication required.", (InvalidSettings, false)),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                (InvalidSettings, false),
            ),
            ("MOVED 1 ?:7000", (InvalidSettings, false)),
            ("ASK 1 ?:7000", (InvalidSettings, false)),
        ] {
            for form in forms(text) {
                let fault = Fault::of(&fred::error::Error::new(FredKind::Unknown, form.clone()));
                assert_eq!(kind(fault), expected, "{form}");
            }
        }
        for form in forms("NOSCRIPT No matching script. Please use EVAL.") {
            let fault = Fault::of(&fred::error::Error::new(FredKind::Unknown, form));
            assert_eq!(fault, Fault::NoScript);
        }
        let disabled = fault("ERR This instance has cluster support disabled");
        assert_eq!(kind(disabled), (InvalidSettings, false));
    }

    #[test]
    fn a_lost_connection_and_a_timeout_are_retryable() {
        assert_eq!(kind(fault("channel closed")), (ErrorKind::Connection, true));
        assert_eq!(kind(Fault::Timeout), (ErrorKind::Timeout, true));
    }
}
