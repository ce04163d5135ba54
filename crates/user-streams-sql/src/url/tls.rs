//! Whether TLS is used and what is verified: decision 18.

use std::{fs, path::PathBuf};

use user_streams_core::Result;

use super::invalid::invalid;

/// In ascending order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Plain,
    /// TLS if the server supports it, without verification.
    Prefer,
    /// TLS, without verification.
    Require,
    /// TLS; the certificate must be signed by the CA.
    VerifyCa,
    /// TLS; the certificate must be signed by a CA and be for this host.
    VerifyFull,
}

/// The parameters of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Option<Mode>,
    pub(super) ca: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// The names of the parameters and modes in the URLs of a database.
pub(super) struct Names {
    pub(super) mode: &'static str,
    pub(super) ca: &'static str,
    pub(super) certificate: &'static str,
    pub(super) key: &'static str,
    pub(super) verify_ca: &'static str,
    pub(super) verify_full: &'static str,
}

const CERTIFICATE: &str = "CERTIFICATE-----";
const KEY: &str = "PRIVATE KEY-----";

impl Tls {
    /// The effective mode, if the files for it are there.
    pub(super) fn check(&self, names: &Names) -> Result<Mode> {
        let Names { mode, ca, certificate, key, verify_ca, verify_full } = names;
        let strongest = format!("`{mode}={verify_full}`");
        let asked = match (self.mode, &self.ca) {
            // As in libpq: a CA that is named is used.
            (Some(Mode::Require), Some(_)) => Mode::VerifyCa,
            (Some(mode), _) => mode,
            (None, Some(_)) => Mode::VerifyFull,
            (None, None) => Mode::Prefer,
        };
        if asked < Mode::Require {
            let files = [(ca, &self.ca), (certificate, &self.certificate), (key, &self.key)];
            if let Some((name, _)) = files.iter().find(|(_, file)| file.is_some()) {
                return Err(invalid(format!(
                    "`{name}` has no effect without TLS: add {strongest}"
                )));
            }
            return Ok(asked);
        }
        if !cfg!(feature = "rustls") {
            return Err(invalid(
                "it requires TLS, and this program is built without: enable the feature `rustls` \
                 in Cargo.toml, of user-streams or of the backend's crate",
            ));
        }
        if asked == Mode::VerifyCa && self.ca.is_none() {
            return Err(invalid(format!(
                "`{mode}={verify_ca}` needs `{ca}`, the file of the CA: for a certificate of a \
                 public CA write {strongest}"
            )));
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(invalid(format!("`{certificate}` and `{key}` are used together")));
        }
        let files = [
            (ca, &self.ca, CERTIFICATE),
            (certificate, &self.certificate, CERTIFICATE),
            (key, &self.key, KEY),
        ];
        for (name, file, label) in files {
            let Some(file) = file else { continue };
            let content = fs::read(file)
                .map_err(|error| invalid(format!("{name}: the file cannot be read: {error}")))?;
            if !content.windows(label.len()).any(|window| window == label.as_bytes()) {
                return Err(invalid(format!(
                    "{name}: the file has no `-----BEGIN … {label}`: expected PEM"
                )));
            }
        }
        Ok(asked)
    }
}
