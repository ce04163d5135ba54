//! What a target made of an input, and the properties of every error.

use std::{
    fmt::Display,
    hash::{DefaultHasher, Hash, Hasher},
};

use user_streams_core::{Error, ErrorKind};

/// Stands for a password in the inputs.
pub(crate) const SECRET: &str = "s3cr3t";

/// However long the input, an error with its causes is not longer, in bytes.
pub(crate) const MAX_ERROR: usize = 2_048;

/// What a target made of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the input was accepted.
    pub is_accepted: bool,
    /// The same for inputs that have the same effect. An input with a new one is mutated further.
    pub class: u64,
    /// The length of the error with its causes, in bytes.
    pub message_len: usize,
}

impl Outcome {
    /// An input that was accepted, and what distinguishes it from others.
    pub(crate) fn accepted(what: impl Hash) -> Self {
        Self { is_accepted: true, class: hash(&what), message_len: 0 }
    }

    /// An input that is malformed in this way, of which the library says nothing.
    pub(crate) fn unreadable(why: impl Hash) -> Self {
        Self { is_accepted: false, class: hash(&why), message_len: 0 }
    }

    /// An input that was refused by a library, with its own error. Nothing is promised of it.
    pub(crate) fn foreign(error: &impl Display) -> Self {
        Self::said(ErrorKind::Backend, &error.to_string())
    }

    /// An input that was refused. The error is short, in one line, and shows no password unless
    /// `may_show` says that it was where none belongs.
    ///
    /// # Panics
    /// If it is otherwise.
    pub(crate) fn refused(error: &Error, may_show: impl FnOnce() -> bool) -> Self {
        let (line, all) = (error.to_string(), format!("{error:?}"));
        assert!(all.len() <= MAX_ERROR, "an error of {} bytes: {}", all.len(), head(&all));
        assert!(!line.contains(char::is_control), "an error of several lines: {line:?}");
        assert!(!error.is_retryable(), "a retry cannot help: {all}");
        assert!(!all.contains(SECRET) || may_show(), "an error shows the password: {all}");
        Self::said(error.kind(), &all)
    }

    fn said(kind: ErrorKind, message: &str) -> Self {
        Self { is_accepted: false, class: hash(&(kind, form(message))), message_len: message.len() }
    }
}

/// The message without what comes from the input: quoted parts and numbers.
fn form(message: &str) -> String {
    let mut form = String::with_capacity(message.len());
    let mut quote = None;
    let mut chars = message.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) if c == '\\' => drop(chars.next()),
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None if !c.is_ascii_digit() => form.push(c),
            None => {}
        }
    }
    form
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The beginning of a text.
fn head(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_in_the_input_alone_are_the_same() {
        let outcome = |kind, message: &str| Outcome::refused(&Error::new(kind, message), || false);
        let kind = ErrorKind::InvalidCursor;
        assert_eq!(outcome(kind, "\"a\" is none").class, outcome(kind, "\"bb\" is none").class);
        assert_ne!(outcome(kind, "\"a\" is none").class, outcome(kind, "\"a\" is one").class);
        assert_ne!(outcome(kind, "x").class, outcome(ErrorKind::InvalidItemId, "x").class);
    }

    #[test]
    fn long_errors_several_lines_and_passwords_are_found() {
        let long = "x".repeat(MAX_ERROR);
        for message in [long.as_str(), "a\nb", "the password s3cr3t"] {
            let error = Error::new(ErrorKind::InvalidSettings, message);
            let check = || Outcome::refused(&error, || false);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err());
        }
    }
}
