//! What a reader sees and does: `cargo xtask test --page`.

mod harm;
mod live;
mod looks;
mod reading;
