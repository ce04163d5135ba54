//! What a throwaway server that speaks TLS has in its directory.

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

/// How a server speaks TLS.
#[derive(Clone, Copy)]
pub struct Tls<'a> {
    /// What it shows its clients.
    pub certificate: &'a Certificate,
    /// Who signs the certificates of its clients. Redis wants one of each client then.
    pub clients: Option<&'a Authority>,
}

/// The files of it.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) clients: Option<PathBuf>,
}

impl TlsFiles {
    /// Writes them to the directory. PostgreSQL wants its key to be read by its owner alone.
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
