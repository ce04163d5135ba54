//! URLs without what may be a secret in them.

/// [RFC 3986, section 3.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.1).
pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// What of a URL is no secret: its scheme, and its host and path where it is plain which they are.
///
/// An `@`, a `?` or a `#` in a password that is not percent-encoded moves every border in the text.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return "…".to_owned();
    };
    let shown = rest.strip_prefix("//").and_then(|rest| {
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, host) = match authority.split_once('@') {
            Some((_, host)) => ("…@", host),
            None => ("", authority),
        };
        let (path, more) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
        let more = if more.is_empty() { "" } else { "?…" };
        let is_plain = is_host(host) && !tail.contains('@');
        is_plain.then(|| format!("//{user}{host}{path}{more}"))
    });
    format!("{scheme}:{}", shown.as_deref().unwrap_or("…"))
}

/// A name or an address, and perhaps a port: `user:password` is none.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let is_address = host.starts_with('[') && host.ends_with(']');
    port.bytes().all(|byte| byte.is_ascii_digit())
        && !host.contains('@')
        && (is_address || !host.contains(':'))
}
