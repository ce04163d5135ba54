//! Runs a target with many inputs.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use crate::{Outcome, Target, generator::Generator, shrink::shrink};

/// What came of a target.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The number of inputs.
    pub inputs: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// How many different outcomes there were: forms of errors, and of what was accepted.
    pub outcomes: usize,
    /// The longest error with its causes, in bytes.
    pub longest_message: usize,
    /// How long it took.
    pub elapsed: Duration,
}

/// An input for which a property does not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which input of the seed it was, from 0.
    pub number: u64,
    /// The input, shortened.
    pub input: Vec<u8>,
    /// What the property says.
    pub message: String,
}

/// Runs the target with so many inputs of a seed, or until the time is over.
///
/// # Errors
/// The first input for which a property does not hold.
pub fn run(
    target: &Target,
    seed: u64,
    inputs: u64,
    until: Option<Instant>,
) -> Result<Summary, Failure> {
    let start = Instant::now();
    let mut generator = Generator::new(target, seed);
    let mut summary = Summary {
        inputs: 0,
        accepted: 0,
        outcomes: 0,
        longest_message: 0,
        elapsed: Duration::ZERO,
    };
    while summary.inputs < inputs
        && (!summary.inputs.is_multiple_of(1_024)
            || until.is_none_or(|until| Instant::now() < until))
    {
        let input = generator.next(summary.inputs);
        let outcome = check(target, input).map_err(|_| {
            let input = shrink(input, |input| check(target, input).is_err());
            let message = check(target, &input).err().unwrap_or_default();
            Failure { number: summary.inputs, input, message }
        })?;
        generator.note(outcome);
        summary.inputs += 1;
        summary.accepted += u64::from(outcome.is_accepted);
        summary.longest_message = summary.longest_message.max(outcome.message_len);
    }
    Ok(Summary { outcomes: generator.outcomes(), elapsed: start.elapsed(), ..summary })
}

/// Checks one input. A panic is an error.
///
/// # Errors
/// The message of the panic.
pub fn check(target: &Target, input: &[u8]) -> Result<Outcome, String> {
    panic::catch_unwind(AssertUnwindSafe(|| target.check(input))).map_err(|payload| {
        let place = PLACE.take();
        format!("{}{place}", message(payload.as_ref()))
    })
}

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes where a panic happens, and prints nothing: [`check`] reports it.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|panic| {
        if let Some(location) = panic.location() {
            PLACE.set(format!(" ({location})"));
        }
    }));
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
