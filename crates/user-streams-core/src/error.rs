//! The one error type of the library.

use std::{error::Error as StdError, fmt};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in a form that a program can match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A free function was used before [`init`](crate::init).
    NotInitialized,
    /// [`init`](crate::init) was called a second time.
    AlreadyInitialized,
    /// A setting is missing, unknown or malformed; the message names it.
    InvalidSettings,
    /// No registered backend answers to the scheme of the URL, or more than one does.
    UnknownScheme,
    /// The user's id is of a kind the backend is not configured for, too long, or has a NUL
    /// character.
    InvalidUserId,
    /// The content has a NUL character or is longer than `max_content_len`.
    InvalidContent,
    /// The date is outside what every backend stores exactly.
    InvalidDate,
    /// The text is not an item id.
    InvalidItemId,
    /// The text is not a cursor.
    InvalidCursor,
    /// An argument has no meaning here; the message names it.
    InvalidArgument,
    /// The page number is not an integer (Django's `PageNotAnInteger`).
    PageNotAnInteger,
    /// The page has no items (Django's `EmptyPage`).
    EmptyPage,
    /// The stream or query of recipients failed. Where the backend's broadcasts are atomic, nothing
    /// was stored.
    Recipients,
    /// The backend does not have this operation.
    Unsupported,
    /// The backend's tables do not exist: run `migrate`.
    NotMigrated,
    /// The server or file cannot be reached, or the connection was lost.
    Connection,
    /// The operation did not finish in its time.
    Timeout,
    /// More calls wait than the backend lets wait (its option `max_waiting`): nothing was tried.
    Overloaded,
    /// Another writer was in the way (a lock, a deadlock, a serialization failure).
    Conflict,
    /// What is stored cannot be read: a damaged file, or data that this library did not write.
    Corrupt,
    /// Any other error of the storage; see [`source`](StdError::source).
    Backend,
}

impl ErrorKind {
    /// Whether the same call may succeed if it is made again, unchanged.
    fn is_transient(self) -> bool {
        matches!(self, Self::Connection | Self::Timeout | Self::Overloaded | Self::Conflict)
    }
}

/// An error: what happened, in which backend and operation, whether a retry can help, and what
/// caused it.
///
/// `Display` gives one line; `Debug` adds the chain of causes, for logs and for
/// `main() -> Result<(), Error>`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    backend: Option<&'static str>,
    operation: Option<&'static str>,
    retryable: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` says what happened and what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            backend: None,
            operation: None,
            retryable: kind.is_transient(),
            source: None,
        }))
    }

    /// The answer of an optional operation that a backend does not have.
    pub fn unsupported(backend: &'static str, operation: &'static str) -> Self {
        Self::new(ErrorKind::Unsupported, "this backend does not have this operation")
            .with_backend(backend)
            .with_operation(operation)
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the backend, unless one is named already.
    #[must_use]
    pub fn with_backend(mut self, backend: &'static str) -> Self {
        self.0.backend.get_or_insert(backend);
        self
    }

    /// Names the operation, unless one is named already.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Says whether the same call may succeed if made again (by default so for `Connection`,
    /// `Timeout`, `Overloaded` and `Conflict`).
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened and what to do about it, without the backend and the operation.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The backend it happened in, where one was involved.
    pub fn backend(&self) -> Option<&'static str> {
        self.0.backend
    }

    /// The operation that failed, where one was under way.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Whether the same call may succeed if made again. An add is retried with the same
    /// [`NewItem`](crate::NewItem).
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.0.backend, self.0.operation].into_iter().flatten() {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// What an error may show of a text that it refuses: the beginning.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The same of a name, which is shown without quotes: in one line.
pub(crate) fn name_excerpt(name: &str) -> String {
    excerpt(name).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_backend_operation_and_message() {
        let error = Error::new(ErrorKind::Timeout, "no answer within 5 s")
            .with_backend("redis")
            .with_operation("len");
        assert_eq!(error.to_string(), "redis: len: no answer within 5 s");
        assert!(error.is_retryable());
    }

    #[test]
    fn debug_lists_the_causes() {
        let error = Error::new(ErrorKind::Backend, "outer").with_source("inner");
        assert_eq!(format!("{error:?}"), "Backend: outer\n  caused by: inner");
    }

    #[test]
    fn the_first_name_stays() {
        let error = Error::unsupported("a", "op").with_backend("b").with_operation("other");
        assert_eq!((error.backend(), error.operation()), (Some("a"), Some("op")));
    }
}
