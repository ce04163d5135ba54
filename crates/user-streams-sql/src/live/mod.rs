//! Telling at once what is added, on PostgreSQL by NOTIFY: off unless asked for, since it costs
//! those who write.

mod notice;
mod telling;

pub(crate) use notice::Notice;
pub(crate) use telling::{Note, Telling, execute, execute_all, execute_with};
