//! The promises of core, and that the suite notices when a backend breaks its own.
//!
//! `cargo test -p user-streams-tests --test contract`

mod broken;
mod broken_backends;
mod init;
mod migrate;
