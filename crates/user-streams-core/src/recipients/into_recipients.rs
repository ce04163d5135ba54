//! What names recipients.

use std::collections::{BTreeSet, HashSet};

use crate::{Audience, Recipients, ToUserId};

/// What can be given to `add_stream_item` as its recipients.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name recipients",
    note = "give a user id, a type that implements `ToUserId`, a `Vec`, slice, array or set of \
        those,",
    note = "or `Recipients::iter(..)`, `Recipients::stream(..)`, `Recipients::try_stream(..)`, or \
        a backend's query"
)]
pub trait IntoRecipients {
    /// The recipients.
    fn into_recipients(self) -> Recipients;
}

impl IntoRecipients for Recipients {
    fn into_recipients(self) -> Recipients {
        self
    }
}

impl<T: ToUserId> IntoRecipients for T {
    fn into_recipients(self) -> Recipients {
        all([self])
    }
}

impl IntoRecipients for Audience {
    fn into_recipients(self) -> Recipients {
        Recipients::audiences(vec![self])
    }
}

impl IntoRecipients for Vec<Audience> {
    fn into_recipients(self) -> Recipients {
        Recipients::audiences(self)
    }
}

impl<const N: usize> IntoRecipients for [Audience; N] {
    fn into_recipients(self) -> Recipients {
        Recipients::audiences(self.into())
    }
}

fn all<T: ToUserId>(users: impl IntoIterator<Item = T>) -> Recipients {
    let users: Vec<_> = users.into_iter().map(|user| user.to_user_id()).collect();
    Recipients::users(users)
}

impl<T: ToUserId> IntoRecipients for Vec<T> {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId> IntoRecipients for &Vec<T> {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId> IntoRecipients for &[T] {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId, const N: usize> IntoRecipients for [T; N] {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId, const N: usize> IntoRecipients for &[T; N] {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId, S> IntoRecipients for HashSet<T, S> {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}

impl<T: ToUserId> IntoRecipients for BTreeSet<T> {
    fn into_recipients(self) -> Recipients {
        all(self)
    }
}
