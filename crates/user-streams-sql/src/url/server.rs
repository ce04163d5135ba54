//! What the URLs of servers have in common: `scheme://user:password@host:port/database`.

use std::fmt;

use url::{Host, Url};
use user_streams_core::{Error, Result};

use super::{decode::decode, invalid::invalid};

/// The address of a server, the login and the database.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Server {
    /// Without the brackets of an IPv6 address.
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
}

/// Splits a URL into its parts and its query.
pub(super) fn split(text: &str) -> Result<(Server, Option<String>)> {
    let text = text.trim();
    // The parser would ignore line breaks and tabs, which would change a password.
    if text.contains(|c: char| c.is_ascii_control()) {
        return Err(malformed("a line break or another control character"));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(invalid(
            "expected `//` after the scheme, as in `postgres://user@host/database`",
        ));
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if tail.contains('@') {
        return Err(malformed("`@` after the host"));
    }
    if tail.contains('#') {
        return Err(malformed("`#` has no meaning in it"));
    }
    // The parser requires a host after a user, but a Unix socket has none.
    let is_hostless = authority.is_empty() || authority.ends_with('@');
    let host = if is_hostless { "none" } else { "" };
    let url = Url::parse(&format!("{scheme}://{authority}{host}{tail}")).map_err(malformed)?;
    let part = |text: &str| decode(text).ok_or_else(|| malformed("invalid percent-encoding"));
    let some = |text: &str| Some(text).filter(|text| !text.is_empty()).map(part).transpose();
    let host = match url.host() {
        _ if is_hostless => None,
        Some(Host::Domain(name)) => some(name)?,
        Some(Host::Ipv4(address)) => Some(address.to_string()),
        Some(Host::Ipv6(address)) => Some(address.to_string()),
        None => None,
    };
    let server = Server {
        host: host.map(|host| check_host(&host)).transpose()?,
        port: url.port().map(check_port).transpose()?,
        user: some(url.username())?,
        password: url.password().map(part).transpose()?,
        database: some(url.path().strip_prefix('/').unwrap_or_default())?,
    };
    Ok((server, url.query().map(str::to_owned)))
}

impl Server {
    pub(super) fn user(&self) -> Result<&str> {
        let user = self.user.as_deref();
        user.ok_or_else(|| invalid("it names no user: write `//user@host/database`"))
    }

    /// Reads the parameter `host`, which may be the directory of a Unix socket.
    pub(super) fn read_host(&mut self, value: &str) -> Result<(), String> {
        let host = value.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(value);
        let expected = |_| "one host, or the directory of a Unix socket".to_owned();
        self.host = Some(check_host(host).map_err(expected)?);
        Ok(())
    }

    pub(super) fn read_port(&mut self, value: &str) -> Result<(), String> {
        let port = value.parse().ok().and_then(|port| check_port(port).ok());
        self.port = Some(port.ok_or_else(|| PORTS.to_owned())?);
        Ok(())
    }
}

fn check_host(host: &str) -> Result<String> {
    if host.is_empty() || host.contains(',') {
        return Err(invalid("expected one host"));
    }
    Ok(host.to_owned())
}

const PORTS: &str = "a port from 1 to 65535";

fn check_port(port: u16) -> Result<u16> {
    if port == 0 { Err(invalid(format!("expected {PORTS}"))) } else { Ok(port) }
}

fn malformed(what: impl fmt::Display) -> Error {
    invalid(format!(
        "malformed: {what}; special characters in the user name and the password are \
         percent-encoded, such as `%2F` for `/`, `%3F` for `?`, `%23` for `#`, `%40` for `@` and \
         `%25` for `%`"
    ))
}

/// Without the login.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [String; 5] {
        let (server, _) = split(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let port = server.port.map(|port| port.to_string());
        [server.user, server.password, server.host, port, server.database]
            .map(Option::unwrap_or_default)
    }

    #[test]
    fn every_part_is_read() {
        for (text, expected) in [
            ("postgres://ann:s3cr3t@h:7/db", ["ann", "s3cr3t", "h", "7", "db"]),
            ("mysql://h", ["", "", "h", "", ""]),
            ("  mysql://ann@h/ ", ["ann", "", "h", "", ""]),
            ("postgres://ann@[::1]:7/db", ["ann", "", "::1", "7", "db"]),
            ("postgres://[2001:DB8::1]/db", ["", "", "2001:db8::1", "", "db"]),
            ("postgres://ann:%2F%3F%23%40%25%3A@h/a%2Fb", ["ann", "/?#@%:", "h", "", "a/b"]),
            ("postgres://ann:p@ss@h/db", ["ann", "p@ss", "h", "", "db"]),
            ("postgres://ann:a+b=@h/db", ["ann", "a+b=", "h", "", "db"]),
            ("postgres://%C3%A4nn:ü@h/db", ["änn", "ü", "h", "", "db"]),
            ("postgres://%2Frun%2Fpostgresql/db", ["", "", "/run/postgresql", "", "db"]),
            ("postgres:///db", ["", "", "", "", "db"]),
            ("postgres://ann:pw@/db?host=/tmp", ["ann", "pw", "", "", "db"]),
            ("postgres://ann@Db_1.example.org/db", ["ann", "", "Db_1.example.org", "", "db"]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn a_malformed_url_says_what_to_do_and_shows_nothing() {
        for (text, expected) in [
            ("mysql:ann:s3cr3t@h/db", "`//` after the scheme"),
            ("postgres:/ann:s3cr3t@h/db", "`//` after the scheme"),
            ("postgres://ann:s3cr3t/x@h/db", "`@` after the host"),
            ("postgres://ann:12/s3cr3t@h/db", "`@` after the host"),
            ("postgres://ann:12?s3cr3t@h/db", "`@` after the host"),
            ("postgres://ann:12#s3cr3t@h/db", "`@` after the host"),
            ("postgres://ann:s3cr3t/x", "invalid port"),
            ("postgres://ann:s3cr3t@h:x/db", "invalid port"),
            ("postgres://ann:s3cr3t@h:70000/db", "invalid port"),
            ("postgres://ann:s3cr3t@h:0/db", "a port from 1"),
            ("postgres://ann:s3cr3t@:5432/db", "empty host"),
            ("postgres://ann:s3cr3t%@h/db", "percent-encoding"),
            ("postgres://ann:s3cr3t%ff@h/db", "percent-encoding"),
            ("postgres://ann:s3c\nr3t@h/db", "control character"),
            ("postgres://ann:s3cr3t@h i/db", "malformed"),
            ("postgres://ann:s3cr3t@[::1/db", "invalid IPv6 address"),
            ("postgres://ann:s3cr3t@h,i/db", "one host"),
            ("postgres://ann:s3cr3t@h/db#x", "`#`"),
            ("post gres://ann:s3cr3t@h/db", "malformed"),
        ] {
            let error = split(text).unwrap_err();
            let shown = format!("{error:?}");
            assert!(shown.contains(expected), "{text}: {shown}");
            assert!(!shown.contains("s3c"), "{text}: {shown}");
        }
    }
}
