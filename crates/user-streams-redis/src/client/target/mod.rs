//! The servers to connect to, and how: what the URL and the options say together.

#[cfg(feature = "rustls")]
mod pem;
mod tls;
mod url;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use fred::types::config::{Config, ServerConfig};
use user_streams_core::Result;

use self::tls::Tls;
use crate::{
    address::Address,
    config::{ClientArguments, Limits},
    error::invalid_settings,
};

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) topology: Topology,
    /// At least one, but for a socket.
    pub(crate) hosts: Vec<Address>,
    pub(crate) arguments: ClientArguments,
    pub(crate) limits: Limits,
    /// Present if and only if the scheme asks for TLS.
    tls: Option<Tls>,
    /// Set when the backend is closed; all connections of the backend share it.
    pub(crate) closed: Arc<AtomicBool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topology {
    One,
    /// One server, by the path of its Unix socket.
    Socket(PathBuf),
    Cluster,
    /// The sentinels' name of the service.
    Sentinel(String),
}

impl Target {
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn first_host(&self) -> Result<&Address> {
        self.hosts.first().ok_or_else(|| invalid_settings("the URL names no host"))
    }

    /// The hosts, for messages.
    pub(crate) fn host_names(&self) -> String {
        if let Topology::Socket(path) = &self.topology {
            return path.display().to_string();
        }
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// fred's configuration for one of the servers.
    pub(crate) fn config(&self, server: ServerConfig) -> Config {
        let arguments = &self.arguments;
        Config {
            server,
            username: arguments.user.clone(),
            password: arguments.password.clone(),
            database: arguments.database.filter(|&database| database != 0),
            #[cfg(feature = "rustls")]
            tls: self.tls.clone(),
            ..Config::default()
        }
    }

    /// One of the sentinels, as a server that is asked itself.
    pub(crate) fn sentinel(&self) -> Self {
        let arguments = ClientArguments {
            user: self.arguments.sentinel_user.clone(),
            password: self.arguments.sentinel_password.clone(),
            ..ClientArguments::default()
        };
        Self { topology: Topology::One, arguments, ..self.clone() }
    }

    /// fred's configuration of the sentinels.
    pub(crate) fn sentinels(&self, service: &str) -> ServerConfig {
        ServerConfig::Sentinel {
            hosts: self.hosts.iter().map(|at| (at.host.as_str(), at.port).into()).collect(),
            service_name: service.to_owned(),
            username: self.arguments.sentinel_user.clone(),
            password: self.arguments.sentinel_password.clone(),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("topology", &self.topology)
            .field("hosts", &self.hosts)
            .field("arguments", &self.arguments)
            .field("limits", &self.limits)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}
