//! Who is logged in: a cookie with a name in it. A real application has its sessions here, and the
//! feed needs nothing of them but the extractor.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, Path},
    http::{header, request::Parts},
    response::{IntoResponse, Redirect},
};
use user_streams::{ToUserId, UserId};

pub(crate) const PEOPLE: [&str; 3] = ["Ann", "Bob", "Chidi"];

/// The place of a name in `PEOPLE`.
pub(crate) struct CurrentUser(usize);

impl CurrentUser {
    pub(crate) fn id(&self) -> i64 {
        self.0 as i64 + 1
    }

    pub(crate) fn name(&self) -> &'static str {
        PEOPLE[self.0]
    }

    fn of(parts: &Parts) -> Option<Self> {
        let cookies = parts.headers.get(header::COOKIE)?.to_str().ok()?;
        let name = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("user="))?;
        PEOPLE.iter().position(|&person| person == name).map(Self)
    }
}

/// By which the feed knows whose it is.
impl ToUserId for CurrentUser {
    fn to_user_id(&self) -> UserId {
        UserId::Int(self.id())
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    /// To where one logs in.
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Redirect> {
        Self::of(parts).ok_or_else(|| Redirect::to("/"))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(parts))
    }
}

/// `Lax` keeps the cookie from what other sites let a browser send, such as a post.
pub(crate) async fn log_in(Path(name): Path<String>) -> impl IntoResponse {
    let name = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let cookie = format!("user={name}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/"))
}
