//! What it means that TLS to a server failed, or that a server wants it, and what to change.

use sqlx::{Error as SqlxError, error::DatabaseError};
use user_streams_core::{Error, ErrorKind};

/// The refusal that an error of the driver is, if TLS has to do with it. Another attempt would end
/// the same.
pub(super) fn refusal(error: &SqlxError) -> Option<Error> {
    let message = match error {
        SqlxError::Tls(error) => of_driver(&error.to_string()),
        // Such as that of a file that was there when the URL was read.
        SqlxError::Configuration(error) => of_login(&error.to_string())?,
        SqlxError::Io(error) => handshake::refusal(error)?,
        SqlxError::Database(error) => of_server(&**error)?.to_owned(),
        _ => return None,
    };
    Some(Error::new(ErrorKind::InvalidSettings, message).with_retryable(false))
}

fn of_driver(text: &str) -> String {
    if text.contains("server does not support TLS") {
        return "the server does not speak TLS, which the URL asks for: turn it on there (`ssl`), \
            or write \
                `sslmode=disable` (`ssl-mode=DISABLED` for MySQL) where nobody listens"
            .to_owned();
    }
    format!("TLS to the database is not set up well: {text}")
}

/// sqlx' own words name its features, not ours.
fn of_login(text: &str) -> Option<String> {
    text.contains("RSA auth backend").then(|| {
        "the server wants the password encrypted: use TLS (`ssl-mode=REQUIRED` or more, feature \
         `rustls`), or enable \
         the feature `mysql-rsa` of the backend's crate in Cargo.toml"
            .to_owned()
    })
}

/// PostgreSQL has one code for all that keeps somebody out, and says the rest in the language of
/// its `lc_messages`: these words are those of English.
fn of_server(error: &dyn DatabaseError) -> Option<&'static str> {
    let text = error.message();
    if error.code().as_deref() != Some("28000") {
        None
    } else if text.contains("valid client certificate") {
        Some("the server wants a client's certificate: write `sslcert=…&sslkey=…` into the URL")
    } else if text.contains("no encryption") || text.contains("SSL off") {
        Some(
            "the server does not take this login without TLS: write `sslmode=verify-full` into the \
             URL, and enable \
             the feature `rustls`",
        )
    } else {
        None
    }
}

#[cfg(not(feature = "rustls"))]
mod handshake {
    pub(super) fn refusal(_: &std::io::Error) -> Option<String> {
        None
    }
}

#[cfg(feature = "rustls")]
mod handshake {
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

    /// What is wrong with a handshake; none where the connection just broke.
    pub(super) fn refusal(error: &std::io::Error) -> Option<String> {
        Some(match error.get_ref()?.downcast_ref()? {
            Error::InvalidCertificate(error) => certificate(error),
            Error::AlertReceived(AlertDescription::CertificateRequired) => {
                "the server wants a client's certificate: write `sslcert=…&sslkey=…` (`ssl-cert` \
                 and `ssl-key` for MySQL) \
                 into the URL"
                    .to_owned()
            }
            Error::AlertReceived(alert) if refuses(*alert) => format!(
                "the server refuses the TLS handshake ({alert:?}): look at the client's \
                 certificate, if the URL names \
                 one, and at the server's log"
            ),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "what answers at that port does not speak TLS".to_owned()
            }
            Error::PeerIncompatible(why) => {
                format!("the server and this program have no TLS in common: {why:?}")
            }
            _ => return None,
        })
    }

    fn certificate(error: &CertificateError) -> String {
        use CertificateError as Why;
        match error {
            Why::UnknownIssuer => {
                "the server's TLS certificate is not signed by an authority that is trusted: name \
                 the authority's file in \
                 the URL, `sslrootcert=…` (`ssl-ca=…` for MySQL)"
                    .to_owned()
            }
            Why::NotValidForNameContext { presented, .. } => format!(
                "the server's TLS certificate is not for the host in the URL, but for {}",
                presented.join(", ").replace('"', "")
            ),
            Why::NotValidForName => "the server's TLS certificate is not for the host in the \
                URL"
            .to_owned(),
            Why::Expired | Why::ExpiredContext { .. } => "the server's TLS certificate has \
                expired"
                .to_owned(),
            Why::NotValidYet | Why::NotValidYetContext { .. } => {
                "the server's TLS certificate is not valid yet".to_owned()
            }
            other => format!("the server's TLS certificate is not accepted: {other}"),
        }
    }

    /// Of our certificate, or of all that we offer; others are the end of a connection that was.
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
