//! Reading the file of events.

use std::{error::Error, fs, path::Path};

use chrono::{DateTime, FixedOffset};

pub struct Event {
    pub at: DateTime<FixedOffset>,
    pub user: String,
    pub content: String,
    /// The whole line, which identifies the event.
    pub line: String,
}

/// Every event of the file, or an error that names the line.
pub fn read(path: &Path) -> Result<Vec<Event>, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().enumerate().skip(1);
    lines
        .map(|(index, line)| {
            parse(line).map_err(|why| format!("{}:{}: {why}", path.display(), index + 1).into())
        })
        .collect()
}

fn parse(line: &str) -> Result<Event, String> {
    let mut fields = line.splitn(3, '\t');
    let (Some(at), Some(user), Some(content)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err("expected a timestamp, a user and content, separated by tabs".to_owned());
    };
    let at = DateTime::parse_from_rfc3339(at).map_err(|error| format!("{at:?}: {error}"))?;
    Ok(Event { at, user: user.to_owned(), content: content.to_owned(), line: line.to_owned() })
}
