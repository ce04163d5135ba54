//! What a request says.

mod asking;
mod base;
mod change;
mod cross_site;
mod window;

pub(crate) use asking::{Asking, parameters};
pub(crate) use base::Base;
pub(crate) use change::Change;
pub(crate) use cross_site::{add_headers, refuse_cross_site};
pub(crate) use window::{Place, Window};
