//! The configuration of TLS.

use user_streams_core::Result;

#[cfg(feature = "rustls")]
use super::pem;
use crate::{config::ClientArguments, error::invalid_settings};

#[cfg(feature = "rustls")]
pub(crate) type Tls = fred::types::config::TlsConfig;
#[cfg(not(feature = "rustls"))]
pub(crate) type Tls = std::convert::Infallible;

#[cfg(not(feature = "rustls"))]
pub(crate) fn configure(_: &ClientArguments) -> Result<Tls> {
    Err(invalid_settings(
        "this scheme is TLS: enable the feature `rustls` in Cargo.toml, of user-streams or of \
         user-streams-redis",
    ))
}

/// The server's certificate and its name are always verified.
#[cfg(feature = "rustls")]
pub(crate) fn configure(arguments: &ClientArguments) -> Result<Tls> {
    use fred::{rustls, types::config::TlsConnector};

    let roots = match &arguments.tls_ca_file {
        Some(path) => pem::authorities(path)?,
        None => pem::system_authorities()?,
    };
    // Named explicitly: rustls panics if a program links two providers and has chosen neither.
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid_settings("TLS cannot be set up").with_source(error))?
        .with_root_certificates(roots);
    let config = match (&arguments.tls_cert_file, &arguments.tls_key_file) {
        (None, None) => config.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = pem::certificates("tls_cert_file", certificate)?;
            config.with_client_auth_cert(chain, pem::key("tls_key_file", key)?).map_err(
                |error| {
                    invalid_settings(
                        "client_arguments: `tls_key_file` is not the key of `tls_cert_file`",
                    )
                    .with_source(error)
                },
            )?
        }
        _ => {
            return Err(invalid_settings(
                "client_arguments: `tls_cert_file` and `tls_key_file` go together",
            ));
        }
    };
    Ok(TlsConnector::from(config).into())
}
