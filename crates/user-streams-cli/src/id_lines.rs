//! Millions of ids, one a line, of a file or of standard input.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    mem, thread,
};

use tokio::sync::mpsc::{self, Receiver, Sender};
use user_streams::{UserId, UserIdKind};

use crate::{failure::Failure, user_ids};

/// How many ids are handed on at a time.
const CHUNK: usize = 10_000;
/// No id is longer, in bytes.
const MAX_LINE: u64 = 4_096;

/// The ids, which a thread of its own reads, so that reading and writing overlap: standard input
/// cannot be waited for.
#[derive(Debug)]
pub(crate) struct IdLines {
    chunks: Receiver<Result<IdChunk, Failure>>,
    /// The length of a file, in bytes.
    pub(crate) len: Option<u64>,
}

/// Some of the ids.
#[derive(Debug, Default)]
pub(crate) struct IdChunk {
    pub(crate) users: Vec<UserId>,
    /// How many bytes have been read so far.
    pub(crate) position: u64,
}

impl IdLines {
    /// The ids in this file; `-` is standard input.
    pub(crate) fn open(name: &str, kind: UserIdKind) -> Result<Self, Failure> {
        let unreadable = |error| Failure::usage(format!("cannot read the ids in {name}: {error}"));
        let (input, len): (Box<dyn Read + Send>, _) = if name == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(name).map_err(unreadable)?;
            let len = file.metadata().map_err(unreadable)?;
            (Box::new(file), len.is_file().then_some(len.len()))
        };
        let (sender, chunks) = mpsc::channel(2);
        let lines = Lines { input: BufReader::new(input), kind, number: 0, position: 0 };
        let name = if name == "-" { "standard input".to_owned() } else { name.to_owned() };
        thread::spawn(move || lines.send(&name, &sender));
        Ok(Self { chunks, len })
    }

    /// The next ones, until there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<IdChunk>, Failure> {
        self.chunks.recv().await.transpose()
    }
}

/// The thread that reads.
struct Lines<R> {
    input: BufReader<R>,
    kind: UserIdKind,
    number: u64,
    position: u64,
}

impl<R: Read> Lines<R> {
    fn send(mut self, name: &str, to: &Sender<Result<IdChunk, Failure>>) {
        let mut chunk = IdChunk::default();
        loop {
            let read = self.read();
            let is_end = matches!(read, Ok(None) | Err(_));
            let failure = match read {
                Ok(user) => {
                    chunk.users.extend(user.flatten());
                    None
                }
                Err(failure) => {
                    Some(failure.because_of(format_args!("{name}, line {}", self.number)))
                }
            };
            chunk.position = self.position;
            if (is_end && !chunk.users.is_empty()) || chunk.users.len() == CHUNK {
                // Nobody waits for them any more after an error.
                let Ok(()) = to.blocking_send(Ok(mem::take(&mut chunk))) else { return };
            }
            if let Some(failure) = failure {
                let _ = to.blocking_send(Err(failure));
            }
            if is_end {
                return;
            }
        }
    }

    /// The id of the next line, or none of an empty one.
    #[expect(clippy::option_option, reason = "the end, a line without an id, and one with it")]
    fn read(&mut self) -> Result<Option<Option<UserId>>, Failure> {
        let mut line = Vec::new();
        self.number += 1;
        let read = (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::failed(format!("cannot be read: {error}")))?;
        self.position += read as u64;
        if read == 0 {
            return Ok(None);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = str::from_utf8(line)
            .map_err(|_| Failure::usage("it is not UTF-8: expected an id of a user a line"))?;
        if text.is_empty() {
            return Ok(Some(None));
        }
        user_ids::parse(self.kind, text).map(|user| Some(Some(user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &str) -> Vec<Result<(usize, u64), String>> {
        let input = BufReader::new(io::Cursor::new(text.to_owned()));
        let lines = Lines { input, kind: UserIdKind::BigInt, number: 0, position: 0 };
        let (sender, mut chunks) = mpsc::channel(100);
        lines.send("ids.txt", &sender);
        drop(sender);
        let mut found = Vec::new();
        while let Ok(chunk) = chunks.try_recv() {
            let size = |chunk: IdChunk| (chunk.users.len(), chunk.position);
            found.push(chunk.map(size).map_err(|failure| failure.line()));
        }
        found
    }

    #[test]
    fn ids_come_in_chunks_whatever_ends_their_lines() {
        assert_eq!(chunks(""), []);
        assert_eq!(chunks("1\r\n\n-2\n3"), [Ok((3, 8))]);
        let many = "7\n".repeat(CHUNK + 1);
        assert_eq!(chunks(&many), [Ok((CHUNK, 20_000)), Ok((1, 20_002))]);
        assert_eq!(chunks(&"7\n".repeat(CHUNK)), [Ok((CHUNK, 20_000))]);
    }

    #[test]
    fn what_is_before_a_wrong_line_comes_first_and_then_its_number() {
        let found = chunks("1\n2\nthree\n4\n");
        assert_eq!(found[0], Ok((2, 10)));
        let error = found[1].as_ref().unwrap_err();
        assert!(error.starts_with("ids.txt, line 3: \"three\" is no bigint id"), "{error}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let found = chunks(&"7".repeat(100_000));
        assert!(found[0].as_ref().unwrap_err().contains("is no bigint id"), "{found:?}");
    }
}
