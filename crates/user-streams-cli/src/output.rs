//! Standard output has the results and nothing else; standard error has the rest.

use std::{
    fmt::Display,
    io::{self, BufWriter, Stdout, Write},
};

use serde::Serialize;
use user_streams::{StreamItem, UserId};

use crate::failure::Failure;

/// The output, buffered.
#[derive(Debug)]
pub(crate) struct Output<W: Write = Stdout>(BufWriter<W>);

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W) -> Self {
        Self(BufWriter::new(to))
    }

    /// A line.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.0, "{line}")?)
    }

    /// A line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.0, value).map_err(io::Error::from)?;
        Ok(writeln!(self.0)?)
    }

    /// An item, for people or as JSON.
    pub(crate) fn item(&mut self, item: &StreamItem, json: bool) -> Result<(), Failure> {
        if json {
            #[derive(Serialize)]
            struct Shown<'a> {
                cursor: String,
                #[serde(flatten)]
                item: &'a StreamItem,
            }
            return self.json(&Shown { cursor: item.cursor().to_string(), item });
        }
        let at = item.created_at.to_rfc3339();
        self.line(format_args!("{at}  {}  {}", item.cursor(), one_line(&item.content)))
    }

    /// What is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }

    /// The end of the output.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

/// The one line that is the result of a command.
pub(crate) fn result(line: impl Display) -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.line(line)?;
    output.end()
}

/// A line on standard error: what is no result. Nobody can be told that it cannot be written.
pub(crate) fn remark(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A text in one line, without what would command the terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// An id as it is given to a command.
pub(crate) fn user(user: &UserId) -> String {
    match user {
        UserId::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_shown_in_one_line_that_commands_no_terminal() {
        assert_eq!(one_line("a\n\u{1b}[31mb ☃"), "a\\n\\u{1b}[31mb ☃");
    }
}
