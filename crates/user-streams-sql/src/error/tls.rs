//! Failures of TLS, or of a login that requires it, and what to change.

use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::{Error, ErrorKind};

/// The error for one of the driver, if TLS is its cause. It is not retryable.
pub(super) fn explain(error: &SqlxError) -> Option<Error> {
    let message = match error {
        SqlxError::Tls(error) => explain_driver(&error.to_string()),
        // Such as that of a file that existed when the URL was parsed.
        SqlxError::Configuration(error) => explain_login(&error.to_string())?,
        SqlxError::Io(error) => handshake::explain(error)?,
        SqlxError::Database(error) => explain_server(&**error)?.to_owned(),
        _ => return None,
    };
    Some(Error::new(ErrorKind::InvalidSettings, message).with_retryable(false))
}

fn explain_driver(text: &str) -> String {
    if text.contains("server does not support TLS") {
        return "the server does not speak TLS, which the URL requires: enable it there (`ssl`), or \
            write `sslmode=disable` (`ssl-mode=DISABLED` for MySQL) in a trusted network"
            .to_owned();
    }
    format!("TLS to the database is misconfigured: {text}")
}

/// sqlx's message names its own features, not ours.
fn explain_login(text: &str) -> Option<String> {
    text.contains("RSA auth backend").then(|| {
        "the server requires an encrypted password: use TLS (`ssl-mode=REQUIRED` or more, feature \
         `rustls`), or enable the feature `mysql-rsa` of the backend's crate in Cargo.toml"
            .to_owned()
    })
}

/// PostgreSQL has one code for every refused login, and a message in the language of its
/// `lc_messages`: only English is recognized.
fn explain_server(error: &dyn DatabaseError) -> Option<&'static str> {
    let text = error.message();
    if error.code().as_deref() != Some("28000") {
        None
    } else if text.contains("valid client certificate") {
        Some("the server wants a client's certificate: write `sslcert=…&sslkey=…` into the URL")
    } else if text.contains("no encryption") || text.contains("SSL off") {
        Some(
            "the server does not accept this login without TLS: write `sslmode=verify-full` into \
             the URL, and enable the feature `rustls`",
        )
    } else {
        None
    }
}

#[cfg(not(feature = "rustls"))]
mod handshake {
    pub(super) fn explain(_: &std::io::Error) -> Option<String> {
        None
    }
}

#[cfg(feature = "rustls")]
mod handshake {
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

    /// What is wrong with a handshake; `None` if only the connection broke.
    pub(super) fn explain(error: &std::io::Error) -> Option<String> {
        Some(match error.get_ref()?.downcast_ref()? {
            Error::InvalidCertificate(error) => certificate(error),
            Error::AlertReceived(AlertDescription::CertificateRequired) => {
                "the server wants a client's certificate: write `sslcert=…&sslkey=…` (`ssl-cert` \
                 and `ssl-key` for MySQL) into the URL"
                    .to_owned()
            }
            Error::AlertReceived(alert) if refuses(*alert) => format!(
                "the server refuses the TLS handshake ({alert:?}): check the client's certificate, \
                 if the URL names one, and the server's log"
            ),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "what answers at that port does not speak TLS".to_owned()
            }
            Error::PeerIncompatible(why) => {
                format!(
                    "the server and this program have no TLS version or cipher in common: {why:?}"
                )
            }
            _ => return None,
        })
    }

    fn certificate(error: &CertificateError) -> String {
        use CertificateError as Why;
        match error {
            Why::UnknownIssuer => {
                "the server's TLS certificate is not signed by an authority that is trusted: name \
                 the authority's file in the URL, `sslrootcert=…` (`ssl-ca=…` for MySQL)"
                    .to_owned()
            }
            Why::NotValidForNameContext { presented, .. } => format!(
                "the server's TLS certificate is not for the host in the URL, but for {}",
                presented.join(", ").replace('"', "")
            ),
            Why::NotValidForName => {
                "the server's TLS certificate is not for the host in the URL".to_owned()
            }
            Why::Expired | Why::ExpiredContext { .. } => {
                "the server's TLS certificate has expired".to_owned()
            }
            Why::NotValidYet | Why::NotValidYetContext { .. } => {
                "the server's TLS certificate is not valid yet".to_owned()
            }
            other => format!("the server's TLS certificate is not accepted: {other}"),
        }
    }

    /// Whether the alert rejects our certificate or all that we offer, rather than closing an
    /// established connection.
    fn refuses(alert: AlertDescription) -> bool {
        use AlertDescription as Alert;
        matches!(
            alert,
            Alert::HandshakeFailure
                | Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError
                | Alert::ProtocolVersion
                | Alert::InsufficientSecurity
                | Alert::UnrecognisedName
        )
    }
}
