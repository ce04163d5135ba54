//! Pages of several streams.

mod damaged;
mod pages;
mod plans;
mod random;
mod statements;
mod stores;

pub(crate) const TOPICS: &[&[crate::Test]] =
    &[damaged::TESTS, pages::TESTS, plans::TESTS, random::TESTS, statements::TESTS];
