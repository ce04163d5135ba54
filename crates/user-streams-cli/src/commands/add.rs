//! `add`: an item into the streams of users, of millions of them, or of audiences.

use std::{io::Read, time::Duration};

use user_streams::{ItemId, NewItem, Streams, UserId};

use crate::{
    failure::Failure, feed::feed, flags::Add, lines::Lines, output, progress::Progress,
    recipients::Whom, retry::retried, session::Session,
};

pub(super) async fn run(flags: &Add, session: &Session) -> Result<(), Failure> {
    let item = item(flags)?;
    let streams = session.connect().await?;
    let streams = feed(&streams, flags.recipients.feed.feed.as_deref())?;
    let patience = Duration::from_secs(flags.retry_for);
    let delivered = match Whom::new(&flags.recipients, &streams)? {
        Whom::Users(users) => {
            let add = || async { streams.add_stream_item(&users, item.clone()).await };
            retried(session, patience, add).await?.delivered
        }
        Whom::Audiences(audiences) => {
            let add = || async { streams.add_stream_item(audiences.clone(), item.clone()).await };
            retried(session, patience, add).await?.delivered
        }
        Whom::Lines(lines) => {
            let progress = Progress::new(session, "users", flags.recipients.total.or(lines.len));
            let counted = flags.recipients.total.is_some();
            let broadcast = Broadcast { streams, item: item.clone(), patience, progress, counted };
            broadcast.run(lines, session).await?
        }
    };
    output::result(format_args!("{}  {delivered} delivered", item.cursor()))
}

/// The item, which is the same each time if its identity is given.
fn item(flags: &Add) -> Result<NewItem, Failure> {
    let from = flags.recipients.users_from.as_deref();
    if from.is_some() && flags.id_from_event.is_none() && flags.item.is_none() {
        let message = "which item is it? With --users-from give --created-at and --id-from-event, \
                       so that the same command completes it after an interruption, or --item if \
                       an earlier add has printed one";
        return Err(Failure::usage(message));
    }
    let content = match flags.content.as_str() {
        "-" if from == Some("-") => {
            let message = "both the content and the ids are to come from standard input: give one \
                           of them otherwise";
            return Err(Failure::usage(message));
        }
        "-" => read_content()?,
        content => content.to_owned(),
    };
    let mut item = NewItem::new(content);
    if let Some(place) = flags.item {
        item = item.with_created_at(&place.created_at()).with_id(place.id());
    }
    if let Some(created_at) = &flags.created_at {
        item = item.with_created_at(created_at);
    }
    if let Some(event) = &flags.id_from_event {
        item = item.with_id(ItemId::from_event(event));
    }
    Ok(item)
}

/// The content of standard input, without the end of its last line.
fn read_content() -> Result<String, Failure> {
    let mut content = String::new();
    std::io::stdin()
        .read_to_string(&mut content)
        .map_err(|error| Failure::usage(format!("cannot read the content: {error}")))?;
    let line = content.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.map(str::to_owned).unwrap_or(content))
}

/// One item to the users of many lines, some thousands at a time: each part is stored whole or, on
/// Redis, completed by the same add.
struct Broadcast {
    streams: Streams,
    item: NewItem,
    patience: Duration,
    progress: Progress,
    /// Whether the whole is a number of users, and not of bytes.
    counted: bool,
}

impl Broadcast {
    async fn run(mut self, mut lines: Lines<UserId>, session: &Session) -> Result<u64, Failure> {
        let (mut served, mut delivered) = (0, 0);
        loop {
            let so_far = format!(
                "at least {served} users have the item {}; run the same command again to complete \
                 it: nobody is served twice",
                self.item.cursor()
            );
            session.if_interrupted(&so_far);
            let part = self.part(&mut lines, session).await;
            let Some((users, new, position)) = part.map_err(|failure| failure.advise(so_far))?
            else {
                return Ok(delivered);
            };
            served += users;
            delivered += new;
            self.progress.update(if self.counted { served } else { position }, served);
        }
    }

    /// Serves the next users: how many there were, how many of them had not had it, and up to where
    /// the ids have been read.
    async fn part(
        &self,
        lines: &mut Lines<UserId>,
        session: &Session,
    ) -> Result<Option<(u64, u64, u64)>, Failure> {
        let Some(chunk) = lines.next().await? else { return Ok(None) };
        let add = || async { self.streams.add_stream_item(&chunk.items, self.item.clone()).await };
        let delivery = retried(session, self.patience, add).await?;
        Ok(Some((chunk.items.len() as u64, delivery.delivered, chunk.position)))
    }
}
