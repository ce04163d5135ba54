//! The Lua scripts: what has to be atomic on the server, or bounded in bytes. Each file has its
//! command beside it.
//!
//! A script is called by its hash. A server that does not have it (a new one, one that was
//! restarted, a replica that took over) replies `NOSCRIPT`, and is then sent the text.

pub(crate) mod add;
pub(crate) mod clear;
pub(crate) mod content;
pub(crate) mod delete;
pub(crate) mod page;
pub(crate) mod repair;
pub(crate) mod unlink;
