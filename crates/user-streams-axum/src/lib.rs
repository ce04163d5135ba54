#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod answer;
mod html;
mod json;
mod live;
mod options;
mod reading;
mod request;
mod router;
mod shown;
mod site;
mod syndication;
mod viewer;

pub use options::Options;
pub use router::router;
pub use shown::Shown;
pub use viewer::{Viewer, by_extractor};
