//! Reads certificates and keys from PEM files.

use std::fmt::Display;

use fred::{
    rustls::{
        RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    rustls_native_certs::load_native_certs,
};
use user_streams_core::{Error, Result};

use crate::{config::is_pem, error::invalid_settings};

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
    let error = invalid_settings(
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

/// The path is not shown, since it may be a secret in the wrong place.
fn unreadable(name: &str, path: &str, why: impl Display) -> Error {
    if is_pem(path) {
        return invalid_settings(format!(
            "client_arguments: `{name}` is the text of a PEM file: expected the path of one"
        ));
    }
    invalid_settings(format!("client_arguments: `{name}`: the file cannot be read: {why}"))
}
