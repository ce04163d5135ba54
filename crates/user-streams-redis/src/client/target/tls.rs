//! The configuration of TLS.

use user_streams_core::{Error, ErrorKind, Result};

use crate::config::ClientArguments;

#[cfg(feature = "rustls")]
pub(crate) type Tls = fred::types::config::TlsConfig;
#[cfg(not(feature = "rustls"))]
pub(crate) type Tls = std::convert::Infallible;

#[cfg(not(feature = "rustls"))]
pub(crate) fn configure(_: &ClientArguments) -> Result<Tls> {
    Err(invalid(
        "this scheme is TLS: enable the feature `rustls` of user-streams-redis in Cargo.toml",
    ))
}

/// The server's certificate and its name are always verified.
#[cfg(feature = "rustls")]
pub(crate) fn configure(arguments: &ClientArguments) -> Result<Tls> {
    use fred::{rustls, types::config::TlsConnector};

    let roots = match &arguments.tls_ca_file {
        Some(path) => files::authorities(path)?,
        None => files::system_authorities()?,
    };
    // Named explicitly: rustls panics if a program links two providers and has chosen neither.
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("TLS cannot be set up").with_source(error))?
        .with_root_certificates(roots);
    let config = match (&arguments.tls_cert_file, &arguments.tls_key_file) {
        (None, None) => config.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = files::certificates("tls_cert_file", certificate)?;
            config.with_client_auth_cert(chain, files::key("tls_key_file", key)?).map_err(
                |error| {
                    invalid("client_arguments: `tls_key_file` is not the key of `tls_cert_file`")
                        .with_source(error)
                },
            )?
        }
        _ => {
            return Err(invalid(
                "client_arguments: `tls_cert_file` and `tls_key_file` go together",
            ));
        }
    };
    Ok(TlsConnector::from(config).into())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSettings, message)
}

#[cfg(feature = "rustls")]
mod files {
    //! Certificates and keys, in PEM.

    use std::fmt::Display;

    use fred::{
        rustls::{
            RootCertStore,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        },
        rustls_native_certs::load_native_certs,
    };
    use user_streams_core::{Error, Result};

    use super::invalid;

    pub(super) fn authorities(path: &str) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("tls_ca_file", path)? {
            roots.add(certificate).map_err(|error| unreadable("tls_ca_file", path, error))?;
        }
        Ok(roots)
    }

    /// The system's root certificates. Ones that cannot be parsed are skipped.
    pub(super) fn system_authorities() -> Result<RootCertStore> {
        let mut found = load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if !roots.is_empty() {
            return Ok(roots);
        }
        let error = invalid(
            "the system has no root certificates, which TLS needs: install them \
             (`ca-certificates`), or name a file in the client argument `tls_ca_file`",
        );
        Err(match found.errors.pop() {
            Some(reason) => error.with_source(reason),
            None => error,
        })
    }

    pub(super) fn certificates(name: &str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
        let read = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
        match read {
            Ok(certificates) if certificates.is_empty() => {
                Err(unreadable(name, path, "it has no certificate"))
            }
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(unreadable(name, path, error)),
        }
    }

    pub(super) fn key(name: &str, path: &str) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(name, path, error))
    }

    fn unreadable(name: &str, path: &str, why: impl Display) -> Error {
        invalid(format!("client_arguments: `{name}` cannot be read from {path}: {why}"))
    }
}
