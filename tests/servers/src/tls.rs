//! The TLS settings of a throwaway server, and their files.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    account::Account,
    certificate::{Authority, Certificate},
};

/// The TLS settings of a server.
#[derive(Clone, Copy)]
pub struct Tls<'a> {
    /// Its own certificate.
    pub certificate: &'a Certificate,
    /// The authority for client certificates. Redis then requires one of every client.
    pub clients: Option<&'a Authority>,
}

/// The files with them.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) clients: Option<PathBuf>,
}

impl TlsFiles {
    /// Writes them to the directory. PostgreSQL requires that only the owner can read the key.
    pub(crate) fn write(tls: &Tls<'_>, directory: &Path, owner: Option<Account>) -> Result<Self> {
        let write = |name: &str, pem: &str| {
            let path = directory.join(name);
            fs::write(&path, pem).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(path)
        };
        let key = write("tls.key", &tls.certificate.key)?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        if let Some(owner) = owner {
            owner.own(&key)?;
        }
        let clients =
            tls.clients.map(|authority| write("clients.crt", authority.pem())).transpose()?;
        Ok(Self { certificate: write("tls.crt", &tls.certificate.certificate)?, key, clients })
    }
}
