//! What the fault trials and the benchmarks share: cells with their database and layout, and Redis
//! without a client library.

mod cell;
pub mod member;
pub mod resp;
mod select;

pub use cell::{Cell, CellFlags, Engine, Layout};
pub use select::select;
