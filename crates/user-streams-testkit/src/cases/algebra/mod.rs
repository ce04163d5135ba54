//! Random sequences of everything that is made of several operations (merged feeds, audiences, what
//! is hidden, bounds, trims, marks, single items that are read) agree with a model that is as
//! simple as can be.

mod audiences;
mod compare;
mod model;
mod plan;
mod reads;
mod step;

use crate::case::cases;
use plan::random_feeds_marks_and_bounds_agree_with_the_model;

cases![random_feeds_marks_and_bounds_agree_with_the_model; requires Feeds,];
