//! `repair`: deletes what cannot be read.

use futures_util::{StreamExt, TryStreamExt, stream};
use user_streams::{Result as StreamsResult, UserId};

use crate::{
    failure::Failure,
    feed::feed,
    flags::Repair,
    output::{self, Output},
    progress::Progress,
    session::Session,
    user_ids,
};

pub(super) async fn run(flags: &Repair, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let streams = feed(&streams, flags.feed.feed.as_deref())?;
    let mut users = if flags.all {
        streams.users()
    } else {
        let users = user_ids::parse_all(&streams, &flags.user)?;
        stream::iter(users).map(StreamsResult::<UserId>::Ok).boxed()
    };
    let mut progress = Progress::new(session, "users", None);
    let (mut count, mut deleted) = (0, 0);
    let mut output = Output::stdout();
    while let Some(user) = users.try_next().await? {
        let of_user = streams.repair_stream(&user).await?;
        if of_user > 0 {
            output.line(format_args!("{}  {of_user} deleted", output::user(&user)))?;
        }
        count += 1;
        deleted += of_user;
        progress.update(count, count);
        session.if_interrupted(format!("{count} streams have been repaired; run it again"));
    }
    drop(progress);
    output.line(format_args!("{deleted} deleted from {count} streams"))?;
    output.end()
}
