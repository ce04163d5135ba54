//! A fuzz target.

use std::fmt;

use crate::Outcome;

/// Panics if a property does not hold.
type Check = dyn Fn(&[u8]) -> Outcome + Send + Sync;

/// What is called with each input, and what inputs are made of.
pub struct Target {
    name: String,
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    check: Box<Check>,
}

impl Target {
    /// A target of this name for bytes. The function panics if a property does not hold.
    pub(crate) fn of_bytes(
        name: impl Into<String>,
        seeds: impl IntoIterator<Item = impl Into<Vec<u8>>>,
        words: &[&str],
        check: impl Fn(&[u8]) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            seeds: seeds.into_iter().map(Into::into).collect(),
            words: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
            check: Box::new(check),
        }
    }

    /// The same for text: bytes that are not UTF-8 are replaced.
    pub(crate) fn of_text(
        name: impl Into<String>,
        seeds: &[&str],
        words: &[&str],
        check: impl Fn(&str) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let seeds = seeds.iter().map(|seed| seed.as_bytes());
        Self::of_bytes(name, seeds, words, move |bytes| check(&String::from_utf8_lossy(bytes)))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Inputs to begin with.
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// What is inserted into inputs.
    pub fn words(&self) -> &[Vec<u8>] {
        &self.words
    }

    /// Checks one input.
    ///
    /// # Panics
    /// If a property does not hold.
    pub fn check(&self, input: &[u8]) -> Outcome {
        (self.check)(input)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}
