//! Each example, run as a reader would run it: `cargo test -p user-streams-examples`.

mod api;
mod blog;
mod program;
mod worker;
