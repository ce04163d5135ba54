//! The format of what is stored: keys, members of sorted sets, shared content.

pub(crate) mod keys;
pub(crate) mod member;
pub(crate) mod notice;
pub(crate) mod shared_content;
pub(crate) mod slots;
