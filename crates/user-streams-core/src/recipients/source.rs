//! Where recipients come from.

use std::{any::Any, fmt, vec};

use futures_core::stream::BoxStream;

use crate::{Audience, Result, UserId};

pub(crate) enum Source {
    /// Taken from the front, which moves none of those behind.
    Users(vec::IntoIter<UserId>),
    Stream(BoxStream<'static, Result<UserId>>),
    Query(Box<dyn RecipientQuery>),
    Audiences(Vec<Audience>),
}

/// A query for users that a backend may recognize (by
/// [`Recipients::query_as`](crate::Recipients::query_as)) and run itself, so
/// that its rows never reach the client. For every other backend it is a stream.
pub trait RecipientQuery: Any + fmt::Debug + Send {
    /// The users, one by one, for the backend of this name, which does not know this kind of query.
    ///
    /// # Errors
    /// `Recipients` if the query cannot be run outside of its own database.
    fn into_stream(
        self: Box<Self>,
        backend: &'static str,
    ) -> Result<BoxStream<'static, Result<UserId>>>;
}
