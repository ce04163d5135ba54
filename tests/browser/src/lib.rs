//! The page of `user-streams-axum` in a real browser: headless Chromium, by WebDriver.
//!
//! The tests need `chromedriver` and Chromium (Debian's `chromium-driver`), so they are ignored
//! unless asked for: `cargo test -p user-streams-browser -- --ignored --test-threads 1`.

mod browser;
mod site;

pub use browser::{Browser, Look};
pub use site::Site;
