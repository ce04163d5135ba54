//! Lines of a file or of standard input, however many, read by a thread of their own: so reading
//! and writing overlap, and standard input, which cannot be waited for, holds up nobody.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    mem, thread,
};

use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::failure::Failure;

/// How many lines are handed on at a time, and of how many bytes about.
const LINES: usize = 10_000;
const BYTES: u64 = 1 << 20;

/// What the lines say.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    chunks: Receiver<Result<Chunk<T>, Failure>>,
    /// The length of a file, in bytes.
    pub(crate) len: Option<u64>,
}

/// Some of it.
#[derive(Debug)]
pub(crate) struct Chunk<T> {
    pub(crate) items: Vec<T>,
    /// How many bytes have been read so far.
    pub(crate) position: u64,
}

impl<T: Send + 'static> Lines<T> {
    /// The lines of this file, or of standard input if it is `-`, each of up to `max` bytes and
    /// read by `parse`; empty ones are passed over.
    pub(crate) fn open(
        name: &str,
        max: u64,
        parse: impl FnMut(&str) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let unreadable = |error| Failure::usage(format!("cannot read {name}: {error}"));
        let (input, len): (Box<dyn Read + Send>, _) = if name == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(name).map_err(unreadable)?;
            let len = file.metadata().map_err(unreadable)?;
            (Box::new(file), len.is_file().then_some(len.len()))
        };
        let (sender, chunks) = mpsc::channel(2);
        let name = if name == "-" { "standard input".to_owned() } else { name.to_owned() };
        let reader = Reader { input: BufReader::new(input), max, parse, number: 0, position: 0 };
        thread::spawn(move || reader.send(&name, &sender));
        Ok(Self { chunks, len })
    }

    /// The next ones, until there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Chunk<T>>, Failure> {
        self.chunks.recv().await.transpose()
    }
}

/// What the thread does.
struct Reader<R, P> {
    input: R,
    max: u64,
    parse: P,
    number: u64,
    position: u64,
}

/// What a line has.
enum Line<T> {
    Something(T),
    Nothing,
    End,
}

impl<R: BufRead, P> Reader<R, P> {
    fn send<T>(mut self, name: &str, to: &Sender<Result<Chunk<T>, Failure>>)
    where
        P: FnMut(&str) -> Result<T, Failure>,
    {
        let (mut items, mut began) = (Vec::new(), 0);
        loop {
            let read = self.read();
            let ends = matches!(read, Ok(Line::End) | Err(_));
            let failure = match read {
                Ok(Line::Something(item)) => {
                    items.push(item);
                    None
                }
                Ok(Line::Nothing | Line::End) => None,
                Err(failure) => {
                    Some(failure.because_of(format_args!("{name}, line {}", self.number)))
                }
            };
            let is_full = items.len() == LINES || self.position - began >= BYTES;
            if (ends || is_full) && !items.is_empty() {
                began = self.position;
                let chunk = Chunk { items: mem::take(&mut items), position: self.position };
                // Nobody waits for more after an error.
                let Ok(()) = to.blocking_send(Ok(chunk)) else { return };
            }
            if let Some(failure) = failure {
                // The same.
                let _ = to.blocking_send(Err(failure));
            }
            if ends {
                return;
            }
        }
    }

    fn read<T>(&mut self) -> Result<Line<T>, Failure>
    where
        P: FnMut(&str) -> Result<T, Failure>,
    {
        let mut line = Vec::new();
        self.number += 1;
        // One byte more tells that it is too long.
        let read = (&mut self.input).take(self.max + 2).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::failed(format!("cannot be read: {error}")))?;
        self.position += read as u64;
        if read == 0 {
            return Ok(Line::End);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() as u64 > self.max {
            return Err(Failure::usage(format!("it is longer than {} bytes", self.max)));
        }
        let text = str::from_utf8(line).map_err(|_| Failure::usage("it is not UTF-8"))?;
        if text.is_empty() {
            return Ok(Line::Nothing);
        }
        (self.parse)(text).map(Line::Something)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &str) -> Vec<Result<(usize, u64), String>> {
        let parse = |line: &str| line.parse::<i64>().map_err(|_| Failure::usage("no number"));
        let input = text.as_bytes();
        let reader = Reader { input, max: 20, parse, number: 0, position: 0 };
        let (sender, mut chunks) = mpsc::channel(100);
        reader.send("ids.txt", &sender);
        drop(sender);
        let mut found = Vec::new();
        while let Ok(chunk) = chunks.try_recv() {
            let size = |chunk: Chunk<i64>| (chunk.items.len(), chunk.position);
            found.push(chunk.map(size).map_err(|failure| failure.line()));
        }
        found
    }

    #[test]
    fn lines_come_in_chunks_whatever_ends_them() {
        assert_eq!(chunks(""), []);
        assert_eq!(chunks("1\r\n\n-2\n3"), [Ok((3, 8))]);
        let many = "7\n".repeat(LINES + 1);
        assert_eq!(chunks(&many), [Ok((LINES, 20_000)), Ok((1, 20_002))]);
        assert_eq!(chunks(&"7\n".repeat(LINES)), [Ok((LINES, 20_000))]);
    }

    #[test]
    fn what_is_before_a_wrong_line_comes_first_and_then_its_number() {
        let expected = Err("ids.txt, line 3: no number".to_owned());
        assert_eq!(chunks("1\n2\nthree\n4\n"), [Ok((2, 10)), expected]);
    }

    #[test]
    fn a_line_that_does_not_end_is_refused() {
        let expected = Err("ids.txt, line 2: it is longer than 20 bytes".to_owned());
        assert_eq!(chunks(&format!("1\n{}", "7".repeat(100_000))), [Ok((1, 24)), expected]);
    }
}
