//! The Lua scripts: what has to be atomic on the server, or bounded in bytes. Each file has its
//! command beside it, or is what others begin with.
//!
//! A script is called by its hash. A server that does not have it (a new one, one that was
//! restarted, a replica that took over) replies `NOSCRIPT`, and is then sent the text.

pub(crate) mod add;
pub(crate) mod bulk;
pub(crate) mod clear;
pub(crate) mod contains;
pub(crate) mod content;
pub(crate) mod list_newer;
pub(crate) mod mark;
pub(crate) mod merged;
pub(crate) mod newer;
pub(crate) mod page;
pub(crate) mod range;
pub(crate) mod remove;
pub(crate) mod repair;
pub(crate) mod slot;
pub(crate) mod unlink;
