//! Failed TLS handshakes.

/// Explains a failed handshake, if `text` is one: fred passes rustls' error on as its `Debug` text.
pub(crate) fn explain(text: &str) -> Option<String> {
    let has = |part: &str| text.contains(part);
    if has("InvalidCertificate(") {
        return Some(if has("UnknownIssuer") {
            "the server's TLS certificate is not signed by an authority that is trusted: name the \
             authority's file in the client argument `tls_ca_file`"
                .to_owned()
        } else if has("NotValidForName") {
            format!(
                "the server's TLS certificate is not for the host in the URL{}",
                presented(text)
            )
        } else if has("Expired") {
            "the server's TLS certificate has expired".to_owned()
        } else if has("NotValidYet") {
            "the server's TLS certificate is not valid yet".to_owned()
        } else {
            format!("the server's TLS certificate is not accepted: {text}")
        });
    }
    if has("AlertReceived(") {
        return Some(if has("CertificateRequired") {
            "the server wants a client's certificate: name it in the client arguments \
             `tls_cert_file` and `tls_key_file`"
                .to_owned()
        } else {
            format!(
                "the server refuses the TLS handshake: look at the client arguments \
                 `tls_cert_file` and `tls_key_file`, and at its log ({text})"
            )
        });
    }
    if has("InvalidContentType") {
        return Some(NO_TLS.to_owned());
    }
    has("PeerIncompatible(")
        .then(|| format!("the server and this program have no TLS in common: {text}"))
}

/// For a server without TLS at a URL with TLS.
pub(crate) const NO_TLS: &str = "the server does not speak TLS at that port: use its TLS port, or \
    the scheme `redis` instead of `rediss`";

/// For a server with TLS at a URL without it.
pub(crate) const TLS_ONLY: &str = "the server speaks TLS at that port: use the scheme `rediss` \
    instead of `redis` (feature `rustls`)";

/// The names that the certificate is for, if rustls lists them.
fn presented(text: &str) -> String {
    let names = text.split_once("presented: [").and_then(|(_, rest)| rest.split_once(']'));
    names.map_or_else(String::new, |(names, _)| {
        format!(", but for {}", names.replace(['"', '\\'], ""))
    })
}
