//! What a reader sees and does: `cargo test -p user-streams-browser -- --ignored --test-threads 1`.

mod harm;
mod live;
mod looks;
mod reading;
