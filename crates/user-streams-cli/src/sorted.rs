//! Ids in order, each once, however many: what does not fit into memory is sorted in files.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Lines, Seek, Write},
    mem, vec,
};

use user_streams::UserId;

use crate::failure::Failure;

/// How many ids are held in memory.
const RUN: usize = 200_000;

/// Gathers ids.
#[derive(Debug, Default)]
pub(crate) struct Sorter {
    ids: Vec<UserId>,
    runs: Vec<File>,
    run: usize,
}

impl Sorter {
    pub(crate) fn new() -> Self {
        Self { run: RUN, ..Self::default() }
    }

    pub(crate) fn push(&mut self, id: UserId) -> Result<(), Failure> {
        self.ids.push(id);
        if self.ids.len() < self.run {
            return Ok(());
        }
        let ids = sorted(mem::take(&mut self.ids));
        self.runs.push(write(&ids).map_err(unsortable)?);
        Ok(())
    }

    /// The ids in order.
    pub(crate) fn sorted(self) -> Result<Sorted, Failure> {
        let mut runs = vec![Run::Memory(sorted(self.ids).into_iter())];
        for mut file in self.runs {
            file.rewind().map_err(unsortable)?;
            runs.push(Run::File(BufReader::new(file).lines()));
        }
        let mut sorted = Sorted { heads: BinaryHeap::new(), runs, last: None };
        for run in 0..sorted.runs.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// Ids in order.
#[derive(Debug)]
pub(crate) struct Sorted {
    heads: BinaryHeap<Reverse<(UserId, usize)>>,
    runs: Vec<Run>,
    last: Option<UserId>,
}

#[derive(Debug)]
enum Run {
    Memory(vec::IntoIter<UserId>),
    File(Lines<BufReader<File>>),
}

impl Sorted {
    /// Up to so many of the next ones.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<UserId>, Failure> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let Some(Reverse((id, run))) = self.heads.pop() else { break };
            self.advance(run)?;
            if self.last.as_ref() != Some(&id) {
                self.last = Some(id.clone());
                taken.push(id);
            }
        }
        Ok(taken)
    }

    fn advance(&mut self, run: usize) -> Result<(), Failure> {
        let next = match self.runs.get_mut(run) {
            Some(Run::Memory(ids)) => ids.next(),
            Some(Run::File(lines)) => {
                let line = lines.next().transpose().map_err(unsortable)?;
                let id = line.map(|line| serde_json::from_str(&line));
                id.transpose().map_err(|error| unsortable(error.into()))?
            }
            None => None,
        };
        self.heads.extend(next.map(|id| Reverse((id, run))));
        Ok(())
    }
}

fn sorted(mut ids: Vec<UserId>) -> Vec<UserId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn write(ids: &[UserId]) -> io::Result<File> {
    let mut file = BufWriter::new(tempfile::tempfile()?);
    for id in ids {
        serde_json::to_writer(&mut file, id)?;
        writeln!(file)?;
    }
    Ok(file.into_inner()?)
}

fn unsortable(error: io::Error) -> Failure {
    Failure::failed(format!("cannot sort ids in a temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_order_and_once_from_memory_and_from_files() {
        for run in [3, 7, 1_000] {
            let mut sorter = Sorter { run, ..Sorter::default() };
            for n in 0..100_i64 {
                sorter.push(UserId::Int(n * 37 % 50)).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            let mut found = Vec::new();
            loop {
                let some = sorted.take(8).unwrap();
                if some.is_empty() {
                    break;
                }
                found.extend(some);
            }
            assert_eq!(found, (0..50).map(UserId::Int).collect::<Vec<_>>(), "{run}");
        }
    }

    #[test]
    fn a_text_of_any_characters_comes_back_from_a_file() {
        let mut sorter = Sorter { run: 1, ..Sorter::default() };
        let text = UserId::from("a\n\"b\" \u{85} ☃");
        sorter.push(text.clone()).unwrap();
        assert_eq!(sorter.sorted().unwrap().take(2).unwrap(), [text]);
    }
}
