//! How many calls of a backend wait at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{Error, ErrorKind, Result};

/// The largest value of the option.
const MOST: usize = 1_000_000;

/// Lets so many calls of a backend wait, for a connection or an answer, and refuses any more at
/// once: they would only time out, and take memory until then. What the option `max_waiting` of a
/// backend is made of.
///
/// ```
/// use user_streams_core::backend::WaitLimit;
///
/// let waiting = WaitLimit::new(2)?;
/// let (first, _second) = (waiting.acquire()?, waiting.acquire()?);
/// assert!(waiting.acquire().is_err());
/// drop(first);
/// assert!(waiting.acquire().is_ok());
/// # Ok::<(), user_streams_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WaitLimit {
    now: Arc<AtomicUsize>,
    most: usize,
}

impl WaitLimit {
    /// The default of the option.
    pub const DEFAULT: usize = 10_000;

    /// Lets `most` calls wait.
    ///
    /// # Errors
    /// `InvalidSettings` if that is not 1 to 1,000,000.
    pub fn new(most: usize) -> Result<Self> {
        if (1..=MOST).contains(&most) {
            return Ok(Self { now: Arc::default(), most });
        }
        let message = format!("max_waiting: {most} is out of range: expected 1 to {MOST}");
        Err(Error::new(ErrorKind::InvalidSettings, message))
    }

    /// A permit to wait, given back when it is dropped.
    ///
    /// # Errors
    /// `Overloaded`, which is retryable, if there is none.
    pub fn acquire(&self) -> Result<WaitPermit<'_>> {
        let permit = WaitPermit(&self.now);
        if self.now.fetch_add(1, Ordering::Relaxed) < self.most {
            return Ok(permit);
        }
        Err(Error::new(
            ErrorKind::Overloaded,
            format!(
                "{} calls wait already (`max_waiting`): try again later, or do less at once",
                self.most
            ),
        ))
    }
}

/// A permit to wait.
#[derive(Debug)]
pub struct WaitPermit<'a>(&'a AtomicUsize);

impl Drop for WaitPermit<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_refused_takes_no_permit() {
        let waiting = WaitLimit::new(1).unwrap();
        let permit = waiting.acquire().unwrap();
        for _ in 0..3 {
            let error = waiting.acquire().map(drop).unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Overloaded, true));
        }
        drop(permit);
        assert!(waiting.acquire().is_ok());
    }

    #[test]
    fn a_limit_of_none_or_of_too_many_is_out_of_range() {
        for most in [0, MOST + 1] {
            let error = WaitLimit::new(most).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            assert!(error.message().starts_with("max_waiting: "), "{error}");
        }
    }
}
