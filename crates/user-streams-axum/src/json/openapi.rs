//! What there is, for programs that read OpenAPI.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

/// Compared with the routes by a test.
const DOCUMENT: &str = include_str!("../../assets/openapi.json");

/// It tells nothing of anyone: the application says who may ask all the same.
pub(crate) async fn openapi() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], DOCUMENT).into_response()
}
