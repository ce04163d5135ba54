//! The page of `user-streams-axum` in a real browser: headless Chromium, by WebDriver.
//!
//! The tests need `chromedriver` and Chromium, so `cargo test` ignores them: `cargo xtask test
//! --page --install` runs them.

mod browser;
mod site;

pub use browser::{Browser, Look};
pub use site::Site;
