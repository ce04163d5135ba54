//! JSON, for programs.

mod changes;
mod counts;
mod openapi;
mod pages;

pub(crate) use changes::{
    dismiss, mark_item_read, mark_item_unread, mark_read, mark_seen, undismiss,
};
pub(crate) use counts::counts;
pub(crate) use openapi::openapi;
pub(crate) use pages::{ItemBody, page};
