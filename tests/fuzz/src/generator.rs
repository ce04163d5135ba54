//! Makes inputs: mutations of seeds, and of earlier inputs that had a new outcome.

use std::collections::HashMap;

use fastrand::Rng;

use crate::{Outcome, Target};

/// Inputs that are kept are not longer, in bytes.
const MAX_KEPT: usize = 512;
/// How many inputs are kept.
const MAX_CORPUS: usize = 4_096;
/// Some inputs are made this long, to see whether errors repeat them.
const LONG: usize = 32 * 1024;

/// Numbers at which something changes.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "00",
    "0.001",
    "1e308",
    "1e999",
    "-0.0",
    "255",
    "256",
    "65535",
    "65536",
    "1000000",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
];

/// Characters that are treated apart somewhere.
const CHARACTERS: &[&str] = &[
    "\0",
    "\t",
    "\n",
    "\r",
    "\u{1c}",
    "\u{7f}",
    "\u{85}",
    " ",
    "\u{a0}",
    "\u{3000}",
    "\u{200b}",
    "\u{feff}",
    "٣",
    "९",
    "１",
    "𝟘",
    "²",
    "½",
    "ß",
    "İ",
    "é",
    "e\u{301}",
    "☃",
    "😀",
    "\u{10ffff}",
    "\u{202e}",
    "%",
    "%00",
    "%ff",
    "%E2%82%AC",
    "%25",
    "+",
    "-",
    "_",
    ":",
    "/",
    "//",
    "?",
    "#",
    "@",
    "&",
    "=",
    ",",
    ".",
    ";",
    "\\",
    "\"",
    "'",
    "`",
    "$",
    "$1",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "s3cr3t",
];

/// The inputs of a target, the same for the same seed.
#[derive(Debug)]
pub struct Generator<'a> {
    target: &'a Target,
    rng: Rng,
    corpus: Vec<Vec<u8>>,
    /// How often each outcome was seen.
    seen: HashMap<u64, u64>,
    input: Vec<u8>,
    spare: Vec<u8>,
}

impl<'a> Generator<'a> {
    /// The inputs of this target and seed.
    pub fn new(target: &'a Target, seed: u64) -> Self {
        let mut corpus = target.seeds().to_vec();
        corpus.push(Vec::new());
        let rng = Rng::with_seed(seed);
        let (seen, input, spare) = (HashMap::new(), Vec::new(), Vec::new());
        Self { target, rng, corpus, seen, input, spare }
    }

    /// The next input: at first the seeds as they are.
    pub fn next(&mut self, number: u64) -> &[u8] {
        self.input.clear();
        match usize::try_from(number).ok().and_then(|number| self.target.seeds().get(number)) {
            Some(seed) => self.input.extend_from_slice(seed),
            None if self.rng.u8(..) < 8 => self.compose(),
            None => self.mutate(),
        }
        &self.input
    }

    /// Notes what came of the last input.
    pub fn note(&mut self, outcome: Outcome) {
        let count = self.seen.entry(outcome.class).or_default();
        *count += 1;
        let is_rare = *count == 1 && self.corpus.len() < MAX_CORPUS;
        if is_rare && self.input.len() <= MAX_KEPT {
            self.corpus.push(self.input.clone());
        }
    }

    /// The number of different outcomes.
    pub fn outcomes(&self) -> usize {
        self.seen.len()
    }

    /// An input of words alone.
    fn compose(&mut self) {
        for _ in 0..self.rng.usize(0..14) {
            let word = self.word();
            self.input.extend_from_slice(word);
        }
    }

    fn word(&mut self) -> &'a [u8] {
        let words = self.target.words();
        match self.rng.u8(0..8) {
            0 => self.pick(NUMBERS).as_bytes(),
            1 | 2 => self.pick(CHARACTERS).as_bytes(),
            _ if words.is_empty() => self.pick(CHARACTERS).as_bytes(),
            _ => &words[self.rng.usize(..words.len())],
        }
    }

    fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.rng.usize(..texts.len())]
    }

    fn mutate(&mut self) {
        // Half from the inputs that were found, which are many, half from the seeds.
        let range = match self.target.seeds().len() {
            seeds if seeds > 0 && self.rng.bool() => seeds,
            _ => self.corpus.len(),
        };
        let parent = self.rng.usize(..range);
        self.input.extend_from_slice(&self.corpus[parent]);
        let mut more = true;
        while more {
            self.mutate_once();
            more = self.rng.u8(..) < 150;
        }
        if self.rng.u16(0..2_000) == 0 {
            self.lengthen();
        }
    }

    fn mutate_once(&mut self) {
        let at = self.rng.usize(..=self.input.len());
        let end = (at + self.rng.usize(..16)).min(self.input.len());
        match self.rng.u8(0..12) {
            0..=2 => {
                let word = self.word();
                self.replace(at, at, word);
            }
            3 | 4 => {
                let word = self.word();
                self.replace(at, end, word);
            }
            5 => drop(self.input.drain(at..end)),
            6 => self.input.truncate(at),
            7 if at < self.input.len() => self.input[at] ^= 1 << self.rng.u8(..8),
            8 if at < self.input.len() => self.input[at] = self.rng.u8(..),
            9 => self.change_number(),
            10 => {
                self.spare.clear();
                self.spare.extend_from_slice(&self.input[at..end]);
                self.input.splice(at..at, self.spare.iter().copied());
            }
            _ => {
                let other = self.rng.usize(..self.corpus.len());
                let other = &self.corpus[other];
                let from = self.rng.usize(..=other.len());
                let to = (from + self.rng.usize(..32)).min(other.len());
                self.input.splice(at..end, other[from..to].iter().copied());
            }
        }
    }

    fn replace(&mut self, from: usize, to: usize, word: &[u8]) {
        self.input.splice(from..to, word.iter().copied());
    }

    /// Replaces a number of the input by another.
    fn change_number(&mut self) {
        let digits: Vec<_> =
            (0..self.input.len()).filter(|&at| self.input[at].is_ascii_digit()).collect();
        if digits.is_empty() {
            return;
        }
        let at = digits[self.rng.usize(..digits.len())];
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let start = at - self.input[..at].iter().rev().take_while(|byte| is_digit(byte)).count();
        let end = at + self.input[at..].iter().take_while(|byte| is_digit(byte)).count();
        let number = self.pick(NUMBERS);
        self.replace(start, end, number.as_bytes());
    }

    /// Repeats a part of the input many times.
    fn lengthen(&mut self) {
        let at = self.rng.usize(..=self.input.len());
        let end = (at + self.rng.usize(1..64)).min(self.input.len());
        let part = if at == end { b"x".to_vec() } else { self.input[at..end].to_vec() };
        let times = self.rng.usize(1..=LONG / part.len());
        self.input.splice(end..end, part.repeat(times));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        let check = |text: &str| match text.len() {
            0..5 => Outcome::accepted(text.contains('é')),
            _ => Outcome::unreadable("long"),
        };
        Target::of_text("test", &["one", "two"], &["word"], check)
    }

    fn inputs(seed: u64) -> Vec<Vec<u8>> {
        let target = target();
        let mut generator = Generator::new(&target, seed);
        let next = |number| {
            let input = generator.next(number).to_vec();
            generator.note(target.check(&input));
            input
        };
        (0..20_000).map(next).collect()
    }

    #[test]
    fn a_seed_gives_the_same_inputs_and_another_gives_others() {
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
    }

    #[test]
    fn the_seeds_come_first_and_long_inputs_some_time() {
        let inputs = inputs(1);
        assert_eq!(inputs[..2], [b"one", b"two"]);
        assert!(inputs.iter().any(|input| input.len() > LONG / 4));
    }
}
