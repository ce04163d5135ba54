//! The error of a URL.

use std::fmt;

use user_streams_core::Error;

use crate::config;

pub(super) fn invalid(message: impl fmt::Display) -> Error {
    config::invalid(format!("url: {message}"))
}
