//! The reference backend: what each operation means, in the fewest words. It also serves tests and
//! demos.

mod backend;
mod config;
mod driver;

pub use backend::MemoryBackend;
pub use config::MemoryConfig;
pub(crate) use driver::DRIVER;
