//! The recipients whom a change did not reach, since the key of their stream is of another type.

use std::fmt;

use user_streams_core::{Error, ErrorKind, UserId};

/// How many of them an error names.
const NAMED: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Unreached {
    number: u64,
    /// The first of them.
    users: Vec<UserId>,
}

impl Unreached {
    pub(super) fn push(&mut self, user: UserId) {
        self.number += 1;
        if self.users.len() < NAMED {
            self.users.push(user);
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.number += other.number;
        let room = NAMED - self.users.len();
        self.users.extend(other.users.into_iter().take(room));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number == 0
    }

    /// The error for a change that reached all others, of which something is said.
    pub(super) fn error(&self, of_others: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("{self}; {of_others}"))
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<_> = self.users.iter().map(ToString::to_string).collect();
        let more = self.number - users.len() as u64;
        write!(
            f,
            "{} of the recipients could not be reached, since the key of their stream is not a \
             sorted set: {}",
            self.number,
            users.join(", ")
        )?;
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_named() {
        let mut unreached = Unreached::default();
        assert!(unreached.is_empty());
        (0..7).for_each(|id| unreached.push(UserId::Int(id)));
        let mut more = Unreached::default();
        (100..112).for_each(|id| more.push(UserId::Int(id)));
        unreached.append(more);
        let message = unreached.error("5 received it").to_string();
        assert!(message.starts_with("19 of the recipients could not be reached"), "{message}");
        assert!(message.contains("0, 1, 2, 3, 4, 5, 6, 100, 101, 102 and 9 more; 5 received it"));
    }
}
