//! Parses the URL.
//!
//! fred's own parser takes `rediss` without TLS for plain text, ignores unknown parameters, and
//! takes the password in `redis://password@host` for a user name. So fred gets the parts, not the
//! URL. No message shows the URL: any part of it may contain a password.

use std::{path::PathBuf, sync::Arc};

use url::{Host, Url};
use user_streams_core::Result;

use super::{Target, Topology, tls};
use crate::{
    address::Address,
    config::{ClientArguments, Limits},
    error::invalid_settings,
};

impl Target {
    /// The servers of a URL.
    pub(crate) fn new(url: &str, mut arguments: ClientArguments, limits: Limits) -> Result<Self> {
        let with_host = socket_with_host(url);
        let parsed = Url::parse(with_host.as_deref().unwrap_or(url)).map_err(|error| {
            invalid_settings(format!(
                "malformed URL: {error}; special characters in the user name and the \
                password are percent-encoded"
            ))
        })?;
        if [
            parsed.path(),
            parsed.query().unwrap_or_default(),
            parsed.fragment().unwrap_or_default(),
        ]
        .iter()
        .any(|part| part.contains('@'))
        {
            return Err(invalid_settings(
                "malformed URL: `@` after the host; special characters in the user name and the \
                 password are percent-encoded",
            ));
        }
        if parsed.fragment().is_some() {
            return Err(invalid_settings("malformed URL: `#…` has no meaning"));
        }
        if parsed.scheme() == SOCKET {
            return Self::socket(&parsed, arguments, limits);
        }
        let (tls, rest) = match parsed.scheme() {
            scheme if scheme.starts_with("rediss") => (true, &scheme["rediss".len()..]),
            scheme if scheme.starts_with("redis") => (false, &scheme["redis".len()..]),
            _ => return Err(invalid_settings(KNOWN_SCHEMES)),
        };
        let (mut topology, default_port) = match rest {
            "" => (Topology::One, 6379),
            "-cluster" => (Topology::Cluster, 6379),
            "-sentinel" => (Topology::Sentinel(String::new()), 26379),
            _ => return Err(invalid_settings(KNOWN_SCHEMES)),
        };
        let host = match parsed.host() {
            Some(Host::Domain(name)) if !name.is_empty() => decode(name)?,
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(invalid_settings("the URL names no host: write `redis://host:port`")),
        };
        let port = parsed.port().unwrap_or(default_port);
        if port == 0 {
            return Err(invalid_settings("the port must be from 1 to 65535"));
        }
        let mut hosts = vec![Address { host, port }];
        for (name, value) in parsed.query_pairs() {
            match (&*name, &mut topology) {
                ("node", Topology::Cluster | Topology::Sentinel(_)) => {
                    let node = Address::parse(&value)
                        .filter(|node| !node.host.is_empty() && node.port != 0);
                    hosts.push(node.ok_or_else(|| {
                        invalid_settings(
                            "the URL's parameter `node` is malformed: expected `host:port`",
                        )
                    })?);
                }
                ("sentinelServiceName", Topology::Sentinel(service)) if service.is_empty() => {
                    *service = value.into_owned();
                }
                (_, topology) => return Err(invalid_settings(topology.unknown(&name))),
            }
        }
        if topology == Topology::Sentinel(String::new()) {
            return Err(invalid_settings(
                "the URL names no service: add `?sentinelServiceName=…`, as the sentinels call it",
            ));
        }
        credentials(&parsed, &mut arguments)?;
        database(&parsed, &topology, &mut arguments)?;
        let tls = if tls {
            Some(tls::configure(&arguments)?)
        } else {
            without_tls(&arguments)?;
            None
        };
        Ok(Self { topology, hosts, arguments, limits, tls, closed: Arc::default() })
    }

    /// The server at a Unix socket: `redis+unix://user:password@/path?db=2`.
    fn socket(parsed: &Url, mut arguments: ClientArguments, limits: Limits) -> Result<Self> {
        if !matches!(parsed.host_str(), None | Some("" | "localhost")) || parsed.port().is_some() {
            return Err(invalid_settings(
                "the URL names a host beside the socket: write `redis+unix:///PATH`, with three \
                 slashes",
            ));
        }
        let path = decode(parsed.path())?;
        if path.len() < 2 || !path.starts_with('/') || path.contains('\0') {
            return Err(invalid_settings(
                "the URL names no socket: write `redis+unix:///run/redis.sock`",
            ));
        }
        for (name, value) in parsed.query_pairs() {
            if name != "db" {
                return Err(invalid_settings(Topology::Socket(PathBuf::new()).unknown(&name)));
            }
            set_database(&value, &mut arguments)?;
        }
        credentials(parsed, &mut arguments)?;
        without_tls(&arguments)?;
        let topology = Topology::Socket(path.into());
        Ok(Self {
            topology,
            hosts: Vec::new(),
            arguments,
            limits,
            tls: None,
            closed: Arc::default(),
        })
    }
}

const SOCKET: &str = "redis+unix";

/// The URL of a socket with a login, with a host: a URL with a login must have one, and a socket has
/// none.
fn socket_with_host(url: &str) -> Option<String> {
    let rest = url.strip_prefix(SOCKET)?.strip_prefix("://")?;
    let (login, path) = rest.split_at(rest.find('/')?);
    login.ends_with('@').then(|| format!("{SOCKET}://{login}localhost{path}"))
}

fn without_tls(arguments: &ClientArguments) -> Result<()> {
    match arguments.tls_name() {
        Some(name) => Err(invalid_settings(format!(
            "client_arguments: `{name}` is for the scheme `rediss`, which is TLS"
        ))),
        None => Ok(()),
    }
}

impl Topology {
    fn unknown(&self, unknown: &str) -> String {
        let known = match self {
            Self::One => "this scheme has none",
            Self::Socket(_) => "known is `db`",
            Self::Cluster => "known is `node`",
            Self::Sentinel(_) => "known are `node` and, once, `sentinelServiceName`",
        };
        // The name may be the end of a password with a `&` in it.
        let is_harmless = unknown.len() <= 40
            && unknown.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte));
        let named = if is_harmless { format!(" `{unknown}`") } else { String::new() };
        format!("unknown parameter{named} in the URL: {known}; other settings are options")
    }
}

const KNOWN_SCHEMES: &str = "unknown scheme: known are redis, redis-cluster, redis-sentinel and \
    redis+unix, and with TLS rediss, rediss-cluster and rediss-sentinel";

fn credentials(url: &Url, arguments: &mut ClientArguments) -> Result<()> {
    let user = Some(decode(url.username())?).filter(|user| !user.is_empty());
    let password = url.password().map(decode).transpose()?;
    if (user.is_some() && arguments.user.is_some())
        || (password.is_some() && arguments.password.is_some())
    {
        return Err(invalid_settings(
            "the user or the password is both in the URL and in the client arguments",
        ));
    }
    arguments.user = user.or(arguments.user.take());
    arguments.password = password.or(arguments.password.take());
    if arguments.user.is_some() && arguments.password.is_none() {
        return Err(invalid_settings(
            "there is a user without a password: for a password alone write \
             `redis://:password@host`, with the colon",
        ));
    }
    Ok(())
}

fn database(url: &Url, topology: &Topology, arguments: &mut ClientArguments) -> Result<()> {
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    if !path.is_empty() {
        set_database(path, arguments)?;
    }
    if *topology == Topology::Cluster && arguments.database.is_some_and(|number| number != 0) {
        return Err(invalid_settings("a cluster has database 0 alone"));
    }
    Ok(())
}

fn set_database(text: &str, arguments: &mut ClientArguments) -> Result<()> {
    let number = text.parse().map_err(|_| {
        invalid_settings(
            "the URL has no number of a database where there should be one, as in \
             `redis://host/2` or `redis+unix:///path?db=2`",
        )
    })?;
    if arguments.database.is_some_and(|other| other != number) {
        return Err(invalid_settings("the URL and the client arguments name two databases"));
    }
    arguments.database = Some(number);
    Ok(())
}

/// Decodes percent-encoding.
fn decode(text: &str) -> Result<String> {
    let malformed = || {
        invalid_settings(
            "malformed URL: the user name, the password or the host is badly percent-encoded",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit().ok_or_else(malformed)?, digit().ok_or_else(malformed)?);
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| malformed())?);
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
