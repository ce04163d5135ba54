//! Reading the output of `cargo test`: which cell's trials ran, and how they ended.

use std::{borrow::Cow, collections::BTreeMap};

/// How many trials ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Ran and passed.
    pub(crate) passed: usize,
    /// Ran and failed.
    pub(crate) failed: usize,
    /// Did not run.
    pub(crate) ignored: usize,
}

impl Tally {
    /// How many ran.
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }

    fn count(&mut self, ending: Ending) {
        match ending {
            Ending::Passed => self.passed += 1,
            Ending::Failed => self.failed += 1,
            Ending::Ignored => self.ignored += 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    Failed,
    Ignored,
}

/// The trials seen so far in the output of one `cargo test`, which is fed in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    cells: BTreeMap<String, Tally>,
    others: Tally,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// Whether what runs is the conformance suite: a unit test in a module `memory` is no trial of
    /// the cell `memory`.
    in_conformance: bool,
    /// A trial that has begun and whose own output came before its result.
    begun: Option<String>,
}

impl Trials {
    /// Reads a piece of the output.
    pub(crate) fn feed(&mut self, output: &[u8]) {
        for &byte in output {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.read(&without_colors(&String::from_utf8_lossy(&line)));
            } else {
                self.line.push(byte);
            }
        }
    }

    /// The trials of this cell.
    pub(crate) fn of(&self, cell: &str) -> Tally {
        self.cells.get(cell).copied().unwrap_or_default()
    }

    /// The tests that belong to no cell.
    pub(crate) fn others(&self) -> Tally {
        self.others
    }

    fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(binary) = line.strip_prefix("Running ") {
            self.in_conformance =
                binary.contains("/conformance-") || binary.contains("conformance.rs");
            self.begun = None;
        } else if line.starts_with("Doc-tests ") {
            self.in_conformance = false;
            self.begun = None;
        } else if let Some((name, rest)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ..."))
        {
            match ending(rest) {
                Some(ending) => self.count(name.trim(), ending),
                None => self.begun = Some(name.trim().to_owned()),
            }
        } else if let Some(ending) = ending(line)
            && let Some(name) = self.begun.take()
        {
            self.count(&name, ending);
        }
    }

    fn count(&mut self, name: &str, ending: Ending) {
        self.begun = None;
        let tally = match name.split_once("::") {
            Some((cell, _)) if self.in_conformance => {
                self.cells.entry(cell.to_owned()).or_default()
            }
            _ => &mut self.others,
        };
        tally.count(ending);
    }
}

/// What stands after `test <name> ...`.
fn ending(text: &str) -> Option<Ending> {
    let word = text.trim().split([' ', ',', '<']).next().unwrap_or_default();
    match word {
        "ok" => Some(Ending::Passed),
        "FAILED" => Some(Ending::Failed),
        "ignored" => Some(Ending::Ignored),
        _ => None,
    }
}

/// The line without terminal escapes.
fn without_colors(line: &str) -> Cow<'_, str> {
    if !line.contains('\x1b') {
        return line.into();
    }
    let mut plain = String::new();
    let mut parts = line.split('\x1b');
    plain.extend(parts.next());
    for part in parts {
        let rest = part
            .strip_prefix('[')
            .and_then(|part| part.split_once(|c: char| c.is_ascii_alphabetic()));
        plain.push_str(rest.map_or(part, |(_, rest)| rest));
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
\x1b[1m\x1b[32m     Running\x1b[0m unittests src/lib.rs (target/debug/deps/user_streams_core-1f)

running 3 tests
test memory::tests::a_unit_test ... ok
test paginator::tests::x ... ignored, for a reason
test paginator::tests::y ... FAILED
     Running tests/conformance.rs (target/debug/deps/conformance-5d09)

running 5 tests
test memory::one_user                 ... ok
test memory::many_users               ... ok
test single-table/sqlite::one_user    ... thread 'one_user' panicked at src/x.rs:1:1:
left != right
FAILED
test single-table/sqlite::many_users  ... ignored
test single-table/sqlite::ordering    ... ok
   Doc-tests user_streams_core

test crates/user-streams-core/src/lib.rs - memory::of (line 3) ... ok
test result: ok. 1 passed; 0 failed
";

    fn read(pieces: usize) -> Trials {
        let mut trials = Trials::default();
        OUTPUT.as_bytes().chunks(pieces).for_each(|piece| trials.feed(piece));
        trials
    }

    #[test]
    fn trials_are_counted_by_cell_however_the_output_is_cut() {
        for pieces in [1, 7, 4096] {
            let trials = read(pieces);
            assert_eq!(trials.of("memory"), Tally { passed: 2, failed: 0, ignored: 0 });
            assert_eq!(
                trials.of("single-table/sqlite"),
                Tally { passed: 1, failed: 1, ignored: 1 }
            );
            assert_eq!(trials.of("redis").ran(), 0);
        }
    }

    #[test]
    fn unit_tests_and_doctests_belong_to_no_cell() {
        assert_eq!(read(4096).others(), Tally { passed: 2, failed: 1, ignored: 1 });
    }
}
