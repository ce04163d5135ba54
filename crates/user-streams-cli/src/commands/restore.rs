//! `restore`: stores what `export` has written.

use std::{mem, time::Duration};

use futures_util::future;
use user_streams::{
    NewItem, Streams, UserId,
    maintenance::{Stored, StoredKind},
};

use crate::{
    failure::Failure,
    feed,
    flags::Restore,
    lines::Lines,
    output,
    progress::Progress,
    record::{Header, MAX_LINE, Mark, MarkName, Record, Row, VERSION, setting},
    retry::retried,
    session::Session,
};

/// When so much has been read it is stored.
const ROWS: usize = 4_096;
const BYTES: usize = 4 << 20;
/// How many marks are moved at once.
const MARKS: usize = 8;
/// How long errors that may pass are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn run(flags: &Restore, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let mut lines = Lines::open(flags.from.as_deref().unwrap_or("-"), MAX_LINE, parse)?;
    let mut progress = Progress::new(session, "records", lines.len);
    let mut target: Option<Target<'_>> = None;
    let mut end = None;
    let mut records = 0;
    while let Some(chunk) = lines.next().await? {
        for record in chunk.items {
            if end.is_some() {
                return Err(Failure::usage("there is something after the last line of an export"));
            }
            match (record, &mut target) {
                (Record::Export(header), None) => {
                    target = Some(Target::new(session, &streams, &header)?);
                }
                (Record::End { records }, Some(_)) => end = Some(records),
                (record, Some(target)) => {
                    target.take(record).await?;
                    records += 1;
                }
                (_, None) => {
                    let message = "the first line is not that of an export: give a file that \
                                   `user-streams export` has written";
                    return Err(Failure::usage(message));
                }
            }
        }
        progress.update(chunk.position, records);
        session.if_interrupted(format!(
            "{records} records were read and most of them are stored; run the same command again \
             to complete it: nothing is stored twice"
        ));
    }
    drop(progress);
    let added = match &mut target {
        Some(target) => target.finish().await?,
        None => return Err(Failure::usage("there is nothing to restore: the input is empty")),
    };
    if end != Some(records) {
        return Err(Failure::failed(format!(
            "the export is not whole: it ends after {records} records, which are stored; export \
             again, and restore that"
        )));
    }
    output::result(format_args!("{records} records, {added} added"))
}

fn parse(line: &str) -> Result<Record, Failure> {
    // The format's own error may show a content.
    serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        Failure::usage(format!("it is no record of an export, from column {column} on"))
    })
}

/// Where everything goes.
struct Target<'a> {
    session: &'a Session,
    /// The main streams, and the feeds by their names.
    feeds: Vec<(Option<String>, Streams)>,
    marks: Vec<Mark>,
    /// What rows are read for, one kind after the other.
    rows: Option<Rows>,
    added: u64,
}

/// What is to be stored.
struct Rows {
    feed: Option<String>,
    to: Stored,
    rows: Vec<(UserId, NewItem)>,
    bytes: usize,
}

impl<'a> Target<'a> {
    /// # Errors
    /// If the settings lack what the export has.
    fn new(session: &'a Session, streams: &Streams, header: &Header) -> Result<Self, Failure> {
        if header.version != VERSION {
            let message =
                format!("the export is of version {}: use a newer program", header.version);
            return Err(Failure::usage(message));
        }
        let kind = streams.capabilities().user_id();
        if header.user_id != kind {
            return Err(Failure::usage(format!(
                "the export has {} ids, these streams {kind}: give `--option user_id={}`",
                header.user_id, header.user_id
            )));
        }
        let stored = streams.stored();
        let has = |name: &String| {
            stored.iter().any(|stored| setting(stored.kind()) == Some(name.as_str()))
        };
        let mut missing: Vec<_> =
            header.settings.iter().filter(|name| !has(name)).map(|name| flag(name)).collect();
        if header.feeds.iter().any(|name| !streams.feeds().any(|feed| feed == name)) {
            missing.push(format!("--feeds {}", header.feeds.join(",")));
        }
        if !missing.is_empty() {
            let missing = missing.join(" ");
            let message = format!("the export has what these settings do not: give {missing}");
            return Err(Failure::usage(message));
        }
        let feeds = feed::all(streams)?;
        Ok(Self { session, feeds, marks: Vec::new(), rows: None, added: 0 })
    }

    async fn take(&mut self, record: Record) -> Result<(), Failure> {
        if let Record::Mark(mark) = record {
            self.marks.push(mark);
            if self.marks.len() == MARKS {
                self.move_marks().await?;
            }
            return Ok(());
        }
        // A mark that moves forgets the single items that it passes, so it moves before they come.
        self.move_marks().await?;
        let Some((kind, row)) = record.into_row() else {
            return Err(Failure::usage("an export within an export: give one after the other"));
        };
        self.push(kind, row).await
    }

    async fn push(&mut self, kind: StoredKind, row: Row) -> Result<(), Failure> {
        let rows = match self.rows.take() {
            Some(rows) if rows.to.kind() == kind && rows.feed == row.feed => rows,
            // What hides items is stored before them, as it comes before them.
            other => {
                self.store(other).await?;
                self.rows_of(kind, &row.feed)?
            }
        };
        let rows = rows.with(row);
        if rows.rows.len() >= ROWS || rows.bytes >= BYTES {
            self.store(Some(rows)).await?;
        } else {
            self.rows = Some(rows);
        }
        Ok(())
    }

    fn rows_of(&self, kind: StoredKind, feed: &Option<String>) -> Result<Rows, Failure> {
        let stored = self.streams(feed)?.stored();
        let Some(to) = stored.into_iter().find(|stored| stored.kind() == kind) else {
            return Err(Failure::usage("a record needs a setting that the first line lacks"));
        };
        Ok(Rows { feed: feed.clone(), to, rows: Vec::new(), bytes: 0 })
    }

    fn streams(&self, feed: &Option<String>) -> Result<&Streams, Failure> {
        let found = self.feeds.iter().find(|(name, _)| name == feed);
        let unknown = || Failure::usage("a record is of a feed that the first line lacks");
        found.map(|(_, streams)| streams).ok_or_else(unknown)
    }

    async fn store(&mut self, rows: Option<Rows>) -> Result<(), Failure> {
        if let Some(Rows { to, rows, .. }) = rows {
            self.added += retried(self.session, PATIENCE, || to.add(rows.clone())).await?;
        }
        Ok(())
    }

    async fn move_marks(&mut self) -> Result<(), Failure> {
        let marks = mem::take(&mut self.marks);
        let moves = marks.iter().map(|mark| async {
            let items = self.streams(&mark.feed)?.get_stream_items(&mark.user);
            let to = || async {
                match mark.mark {
                    MarkName::Seen => items.mark_seen().up_to(mark.place()).await,
                    MarkName::Read => items.mark_read().up_to(mark.place()).await,
                }
            };
            Ok::<_, Failure>(u64::from(retried(self.session, PATIENCE, to).await?))
        });
        self.added += future::try_join_all(moves).await?.iter().sum::<u64>();
        Ok(())
    }

    /// Stores what is left, and tells how many records were not there.
    async fn finish(&mut self) -> Result<u64, Failure> {
        self.move_marks().await?;
        let rows = self.rows.take();
        self.store(rows).await?;
        Ok(self.added)
    }
}

impl Rows {
    fn with(mut self, row: Row) -> Self {
        let row = row.new_item();
        self.bytes += row.1.content().len();
        self.rows.push(row);
        self
    }
}

fn flag(setting: &str) -> String {
    format!("--{}", setting.replace('_', "-"))
}
