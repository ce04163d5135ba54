//! What an answer is made of.

mod conditional;
mod fresh;
mod problem;

pub(crate) use conditional::{Content, conditional};
pub(crate) use fresh::{Fresh, Keep};
pub(crate) use problem::{Problem, Result};
