//! For feed readers: Atom and JSON Feed.

mod atom;
mod entry;
mod json_feed;

pub(crate) use atom::atom;
pub(crate) use json_feed::json_feed;
