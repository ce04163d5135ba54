//! The reference backend: what each operation means, in the fewest words. It also serves tests and
//! demos.

mod backend;
mod config;

pub use backend::MemoryBackend;
pub(crate) use config::DRIVER;
pub use config::MemoryConfig;
