//! `remove`: an item out of streams.

use crate::{
    failure::Failure, feed::feed, flags::Remove, output, progress::Progress, recipients::Whom,
    session::Session,
};

pub(super) async fn run(flags: &Remove, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let streams = feed(&streams, flags.recipients.feed.feed.as_deref())?;
    let removed = match Whom::new(&flags.recipients, &streams)? {
        Whom::Users(users) => streams.remove_stream_item(users, flags.item).await?,
        Whom::Audiences(audiences) => streams.remove_stream_item(audiences, flags.item).await?,
        Whom::Lines(mut lines) => {
            let total = flags.recipients.total;
            let mut progress = Progress::new(session, "users", total.or(lines.len));
            let (mut users, mut removed) = (0, 0);
            while let Some(chunk) = lines.next().await? {
                users += chunk.items.len() as u64;
                removed += streams.remove_stream_item(chunk.items, flags.item).await?;
                progress.update(if total.is_some() { users } else { chunk.position }, users);
                session.if_interrupted(format!(
                    "removed from {removed} of the first {users}; run the same command again to \
                     complete it"
                ));
            }
            removed
        }
    };
    output::result(format_args!("{removed} removed"))
}
