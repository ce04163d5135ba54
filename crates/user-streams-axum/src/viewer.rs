//! Who is asking.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use user_streams_core::{Membership, StreamItems, Streams, ToUserId, UserId};

/// The user who is asking, and the [audiences](user_streams_core::Audience) that the user belongs
/// to. Whatever names a user is one: `42`, a [`UserId`], the application's own type that is
/// [`ToUserId`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Viewer {
    user: UserId,
    audiences: Vec<Membership>,
}

impl<U: ToUserId> From<U> for Viewer {
    fn from(user: U) -> Self {
        Self { user: user.to_user_id(), audiences: Vec::new() }
    }
}

impl Viewer {
    /// The same user, who belongs to these audiences as well; see
    /// [`StreamItems::with_audiences`].
    #[must_use]
    pub fn with_audiences(
        mut self,
        audiences: impl IntoIterator<Item = impl Into<Membership>>,
    ) -> Self {
        self.audiences.extend(audiences.into_iter().map(Into::into));
        self
    }

    /// Who it is.
    pub(crate) fn user(&self) -> &UserId {
        &self.user
    }

    /// What this user sees.
    pub(crate) fn items(self, streams: &Streams) -> StreamItems {
        let items = streams.get_stream_items(self.user);
        match self.audiences.is_empty() {
            true => items,
            false => items.with_audiences(self.audiences),
        }
    }
}

/// Says who is asking, or answers in place of this library.
pub(crate) type Who =
    Arc<dyn Fn(Parts) -> BoxFuture<'static, Result<Viewer, Response>> + Send + Sync>;

/// Of any closure that [`router`](crate::router) takes.
pub(crate) fn who<F, A, V, R>(who: F) -> Who
where
    F: Fn(Parts) -> A + Send + Sync + 'static,
    A: Future<Output = Result<V, R>> + Send + 'static,
    V: Into<Viewer>,
    R: IntoResponse,
{
    Arc::new(move |parts| {
        let answer = who(parts);
        Box::pin(async move {
            match answer.await {
                Ok(viewer) => Ok(viewer.into()),
                Err(refusal) => Err(refusal.into_response()),
            }
        })
    })
}

/// Lets an extractor of the application say who is asking.
///
/// ```
/// use axum::{Router, extract::FromRequestParts, http::{StatusCode, request::Parts}};
/// use user_streams_axum::{Options, by_extractor, router};
/// use user_streams_core::{MemoryBackend, Streams, ToUserId, UserId};
///
/// #[derive(Clone)]
/// struct App;
///
/// struct CurrentUser(i64);
///
/// impl FromRequestParts<App> for CurrentUser {
///     type Rejection = StatusCode;
///
///     async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, StatusCode> {
///         // Of the session, in an application.
///         let user = parts.headers.get("x-user").and_then(|user| user.to_str().ok());
///         let user = user.and_then(|user| user.parse().ok());
///         user.map(Self).ok_or(StatusCode::UNAUTHORIZED)
///     }
/// }
///
/// impl ToUserId for CurrentUser {
///     fn to_user_id(&self) -> UserId {
///         UserId::Int(self.0)
///     }
/// }
///
/// let streams = Streams::from_backend(MemoryBackend::default());
/// let feed = router(streams, by_extractor::<CurrentUser, _>(App), Options::new());
/// let app: Router = Router::new().nest("/feed", feed).with_state(App);
/// ```
pub fn by_extractor<E, S>(
    state: S,
) -> impl Fn(Parts) -> BoxFuture<'static, Result<E, E::Rejection>> + Send + Sync + 'static
where
    E: FromRequestParts<S> + Send + 'static,
    S: Clone + Send + Sync + 'static,
{
    move |mut parts| {
        let state = state.clone();
        Box::pin(async move { E::from_request_parts(&mut parts, &state).await })
    }
}
