//! The arguments of redis-py, which django-user-streams passes on: an application that moves here
//! has them in its settings.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::ClientArguments;

/// `ClientArguments` as they are written, with what else is written among them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments {
    #[serde(alias = "username")]
    user: Option<String>,
    password: Option<String>,
    #[serde(alias = "db")]
    database: Option<u8>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    #[serde(alias = "ssl_ca_certs")]
    tls_ca_file: Option<String>,
    #[serde(alias = "ssl_certfile")]
    tls_cert_file: Option<String>,
    #[serde(alias = "ssl_keyfile")]
    tls_key_file: Option<String>,
    /// `None` is null, which is redis-py's default of most.
    #[serde(flatten)]
    others: BTreeMap<String, Option<IgnoredAny>>,
}

const KNOWN: &str = "`user`, `password`, `database`, `sentinel_user`, `sentinel_password`, \
    `tls_ca_file`, `tls_cert_file`, `tls_key_file`";

/// How much of an unknown name is shown, in characters.
const MAX_SHOWN: usize = 40;

/// An argument that there is none of here.
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.0;
        match advice(name) {
            Some(advice) => write!(f, "`{name}` {advice}"),
            None => {
                let shown: String =
                    name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
                write!(f, "unknown argument `{shown}`, expected one of {KNOWN}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for ClientArguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgumentsVisitor)
    }
}

/// Within the visitor, so that the deserializer adds the name of the option to an error.
struct ArgumentsVisitor;

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = ClientArguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ClientArguments, A::Error> {
        let written = Arguments::deserialize(MapAccessDeserializer::new(map))?;
        written.try_into().map_err(A::Error::custom)
    }
}

impl TryFrom<Arguments> for ClientArguments {
    type Error = Refused;

    fn try_from(written: Arguments) -> Result<Self, Refused> {
        let is_refused = |(name, value): (String, Option<IgnoredAny>)| {
            (value.is_some() || advice(&name).is_none()).then_some(Refused(name))
        };
        match written.others.into_iter().find_map(is_refused) {
            Some(refused) => Err(refused),
            None => Ok(Self {
                user: written.user,
                password: written.password,
                database: written.database,
                sentinel_user: written.sentinel_user,
                sentinel_password: written.sentinel_password,
                tls_ca_file: written.tls_ca_file,
                tls_cert_file: written.tls_cert_file,
                tls_key_file: written.tls_key_file,
            }),
        }
    }
}

/// What to write instead of an argument of redis-py, or of the first release candidate.
fn advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "host" | "port" => "belongs in the URL: `redis://HOST:PORT`",
        "unix_socket_path" => "belongs in the URL: `redis+unix:///PATH`",
        "url" => "is the setting `backend`: `redis://HOST:PORT`",
        "ssl" => "belongs in the URL: the scheme `rediss` is TLS, `redis` is not",
        "ssl_cert_reqs" | "ssl_check_hostname" => {
            "has no meaning: with TLS the server's certificate and its name are always verified"
        }
        "ssl_ca_path" | "ssl_ca_data" => "is the argument `tls_ca_file`, one PEM file",
        "ssl_password" => "has no meaning: the file of `tls_key_file` is not encrypted",
        "socket_timeout" | "timeout" => "is the option `operation_timeout`, in seconds",
        "socket_connect_timeout" => "is the option `connect_timeout`, in seconds",
        "max_connections" => "is an option of its own, beside `client_arguments`",
        "connection_pool" | "connection_class" | "redis_connect_func" => {
            "has no meaning: over a client of your own, use `RedisBackend::new`"
        }
        "retry" | "retry_on_timeout" | "retry_on_error" => {
            "has no meaning: calls are retried for `operation_timeout`, with pauses of up to \
             `max_retry_delay`"
        }
        "health_check_interval" | "socket_keepalive" | "socket_keepalive_options" => {
            "has no meaning: connections are checked before use where they may be dead"
        }
        "charset" | "encoding" | "errors" | "encoding_errors" | "decode_responses" => {
            "has no meaning: content is UTF-8"
        }
        "client_name"
        | "lib_name"
        | "lib_version"
        | "protocol"
        | "socket_type"
        | "socket_read_size"
        | "single_connection_client"
        | "auto_close_connection_pool"
        | "ssl_min_version"
        | "ssl_ciphers" => "has no meaning here: leave it out",
        "pool_size" => "is the option `max_connections`",
        "connection_timeout_ms" => "is the option `connect_timeout`, in seconds",
        "command_timeout_ms" => "is the option `operation_timeout`, in seconds",
        "retry_pause_ms" => "is the option `max_retry_delay`, in seconds",
        _ => return None,
    })
}
