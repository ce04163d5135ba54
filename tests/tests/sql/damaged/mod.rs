//! Rows that no add has stored, and what an operation does among them.

mod foreign;
mod pages;
mod repair;
pub(crate) mod rows;
mod sql_ascii;
pub(crate) mod warnings;

pub(crate) const TOPICS: &[&[crate::Test]] =
    &[foreign::TESTS, pages::TESTS, repair::TESTS, sql_ascii::TESTS];
