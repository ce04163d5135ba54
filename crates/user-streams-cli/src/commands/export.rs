//! `export`: everything that is stored, in an order that depends on nothing but what it is.

use std::{
    io::{self, Write},
    path::Path,
};

use futures_util::{TryStreamExt, future};
use tempfile::NamedTempFile;
use user_streams::{
    Cursor, Error, ErrorKind, Result as StreamsResult, Streams, UserId,
    maintenance::{Stored, StoredKind},
};

use crate::{
    failure::Failure,
    feed,
    flags::Export,
    output::Output,
    progress::Progress,
    record::{Header, MarkName, Record, VERSION, setting},
    session::Session,
    sorted::{Sorted, Sorter},
};

/// How many streams are read at once.
const AT_ONCE: usize = 8;

pub(super) async fn run(flags: &Export, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    session.if_interrupted("the export is not whole: run the same command again");
    let Some(name) = &flags.to else {
        return Writer::new(io::stdout(), session).everything(&streams).await.map(drop);
    };
    // Beside the file that it becomes, so that this one is whole or not there.
    let unwritable = |error| Failure::failed(format!("cannot write {name}: {error}"));
    let directory = Path::new(name).parent().filter(|path| !path.as_os_str().is_empty());
    let file = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(unwritable)?;
    let records = Writer::new(file.as_file(), session).everything(&streams).await?;
    file.as_file().sync_all().map_err(unwritable)?;
    file.persist(name).map_err(|error| unwritable(error.error))?;
    session.remark(format_args!("{records} records"));
    Ok(())
}

struct Writer<'a, W: Write> {
    output: Output<W>,
    session: &'a Session,
    records: u64,
}

impl<'a, W: Write + Send> Writer<'a, W> {
    fn new(to: W, session: &'a Session) -> Self {
        Self { output: Output::new(to), session, records: 0 }
    }

    /// All records between the first and the last.
    async fn everything(mut self, streams: &Streams) -> Result<u64, Failure> {
        let all = feed::all(streams)?;
        self.output.json(&Record::Export(header(streams)))?;
        for (feed, streams) in &all {
            let feed = feed.as_deref();
            let stored = streams.stored();
            for stored in &stored {
                // No mark comes after the single items that it would pass.
                if stored.kind() == StoredKind::Items {
                    self.marks(feed, streams, &of_users(streams)).await?;
                }
                self.stored(feed, stored).await?;
            }
        }
        self.output.json(&Record::End { records: self.records })?;
        self.output.end()?;
        Ok(self.records)
    }

    async fn marks(
        &mut self,
        feed: Option<&str>,
        streams: &Streams,
        of: &[Stored],
    ) -> Result<(), Failure> {
        let mut users = sorted(of).await?;
        let mut progress = Progress::new(self.session, "users asked for their marks", None);
        let mut asked = 0;
        loop {
            let some = users.take(AT_ONCE)?;
            asked += some.len() as u64;
            progress.update(asked, asked);
            let marks = some.iter().map(|user| marks(streams, user));
            for (user, marks) in some.iter().zip(future::try_join_all(marks).await?) {
                for (name, place) in marks {
                    self.write(&Record::mark(feed, user, name, place))?;
                }
            }
            if some.is_empty() {
                return Ok(());
            }
        }
    }

    async fn stored(&mut self, feed: Option<&str>, stored: &Stored) -> Result<(), Failure> {
        let mut owners = sorted(std::slice::from_ref(stored)).await?;
        let mut progress = Progress::new(self.session, "records", None);
        loop {
            let some = owners.take(AT_ONCE)?;
            // All of them end before anything else is awaited: one that waits meanwhile may have
            // the connection that the rest waits for.
            let beginnings = some.iter().map(|owner| async move {
                let mut items = stored.items(owner);
                Ok::<_, Error>((items.try_next().await?, items))
            });
            let beginnings = future::try_join_all(beginnings).await?;
            for (owner, (first, mut items)) in some.iter().zip(beginnings) {
                let mut next = first;
                while let Some(item) = next {
                    self.write(&Record::stored(stored.kind(), feed, owner, item)?)?;
                    next = items.try_next().await?;
                }
                progress.update(self.records, self.records);
            }
            if some.is_empty() {
                return Ok(());
            }
        }
    }

    fn write(&mut self, record: &Record) -> Result<(), Failure> {
        self.output.json(record)?;
        self.records += 1;
        Ok(())
    }
}

fn header(streams: &Streams) -> Header {
    let stored = streams.stored();
    let mut settings: Vec<_> =
        stored.iter().filter_map(|stored| setting(stored.kind())).map(str::to_owned).collect();
    settings.sort_unstable();
    settings.dedup();
    let mut feeds: Vec<_> = streams.feeds().map(str::to_owned).collect();
    feeds.sort_unstable();
    Header { version: VERSION, user_id: streams.capabilities().user_id(), feeds, settings }
}

/// The streams whose owners are users: who has any of these may have marks.
fn of_users(streams: &Streams) -> Vec<Stored> {
    let mut stored = streams.stored();
    stored.retain(|stored| !matches!(stored.kind(), StoredKind::Audiences | StoredKind::Retracted));
    stored
}

async fn sorted(stored: &[Stored]) -> Result<Sorted, Failure> {
    let mut sorter = Sorter::new();
    for stored in stored {
        let mut owners = stored.owners();
        while let Some(owner) = owners.try_next().await? {
            sorter.push(owner)?;
        }
    }
    sorter.sorted()
}

/// The marks of a user, in streams that can have some.
async fn marks(streams: &Streams, user: &UserId) -> StreamsResult<Vec<(MarkName, Cursor)>> {
    let items = streams.get_stream_items(user);
    let seen = match items.seen_up_to().await {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
        seen => seen?.map(|place| (MarkName::Seen, place)),
    };
    let read = items.read_up_to().await?.map(|place| (MarkName::Read, place));
    Ok(seen.into_iter().chain(read).collect())
}
