//! Why the program ends without success: one line for people, and an exit code for scripts.

use std::{error::Error as StdError, io, process::ExitCode};

use user_streams::{Error, ErrorKind};

/// The end of a command that did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) end: End,
    pub(crate) message: String,
}

/// What kind of end it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is wrong: nobody reads the output any more, which is how `head` ends a pipe, or it
    /// was to run until it is interrupted.
    Quiet,
    Failed,
    Usage,
    Different,
    /// The same command may succeed later.
    Temporary,
    /// By a signal of this number.
    Interrupted(u8),
}

impl End {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Quiet => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Different => 3,
            // EX_TEMPFAIL of sysexits.h.
            Self::Temporary => 75,
            Self::Interrupted(signal) => 128 + signal,
        })
    }
}

impl Failure {
    pub(crate) fn new(end: End, message: impl Into<String>) -> Self {
        Self { end, message: message.into() }
    }

    /// What was asked for has no meaning; the message says what has.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(End::Usage, message)
    }

    /// It failed, and fails again until something has changed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(End::Failed, message)
    }

    /// The same failure, and what the operator is to know of it.
    #[must_use]
    pub(crate) fn because_of(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// The same failure, and what to do.
    #[must_use]
    pub(crate) fn advise(self, what: impl std::fmt::Display) -> Self {
        Self { message: format!("{}; {what}", self.message), ..self }
    }

    /// The message in one line.
    pub(crate) fn line(&self) -> String {
        self.message.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let end = match error.kind() {
            _ if error.is_retryable() => End::Temporary,
            ErrorKind::InvalidSettings
            | ErrorKind::UnknownScheme
            | ErrorKind::InvalidUserId
            | ErrorKind::InvalidContent
            | ErrorKind::InvalidDate
            | ErrorKind::InvalidItemId
            | ErrorKind::InvalidCursor
            | ErrorKind::InvalidArgument
            | ErrorKind::Unsupported => End::Usage,
            _ => End::Failed,
        };
        let mut message = error.to_string();
        // That a table is missing says all.
        let mut cause = error.source().filter(|_| error.kind() != ErrorKind::NotMigrated);
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        let failure = Self::new(end, message);
        match error.kind() {
            ErrorKind::NotMigrated => failure.advise("run `user-streams migrate` first"),
            ErrorKind::Corrupt => failure.advise("`user-streams repair` deletes what is damaged"),
            _ => failure,
        }
    }
}

/// An error of the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(End::Quiet, ""),
            _ => Self::failed(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        let error = Error::new(ErrorKind::Backend, "cannot write").with_source("disk\n full");
        let failure = Failure::from(error);
        assert_eq!(failure.line(), "cannot write: disk full");
        assert_eq!(failure.end, End::Failed);
    }

    #[test]
    fn what_may_pass_is_told_apart() {
        assert_eq!(Failure::from(Error::new(ErrorKind::Timeout, "")).end, End::Temporary);
        assert_eq!(Failure::from(Error::new(ErrorKind::UnknownScheme, "")).end, End::Usage);
    }
}
