//! What an answer is made of.

mod conditional;
mod problem;

pub(crate) use conditional::{Content, conditional};
pub(crate) use problem::{Problem, Result};
