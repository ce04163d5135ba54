//! The page and its parts, as HTML.

mod assets;
mod bell;
mod document;
mod icons;
mod item;
mod list;
mod page;

pub(crate) use assets::{icon, script, style};
pub(crate) use bell::bell;
pub(crate) use item::article_of;
pub(crate) use list::list;
pub(crate) use page::page;
