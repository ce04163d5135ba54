//! `trim`: deletes what nobody sees.

use user_streams::{
    Streams,
    maintenance::{Trimmed, UsersCursor},
};

use crate::{
    failure::Failure, feed, flags::Trim, output::Output, progress::Progress, session::Session,
};

pub(super) async fn run(flags: &Trim, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let all = match (&flags.feed.feed, &flags.after) {
        (Some(name), _) => vec![(Some(name.clone()), streams.feed(name)?)],
        // A place is one of a list of users.
        (None, Some(_)) => vec![(None, streams)],
        (None, None) => feed::all(&streams)?,
    };
    let mut output = Output::stdout();
    for (name, streams) in all {
        let trimmed = trim(flags, &streams, name.as_deref(), session).await?;
        let of = name.map(|name| format!("{name}: ")).unwrap_or_default();
        let Trimmed { users, items, contents, .. } = trimmed;
        output.line(format_args!(
            "{of}{items} items of {users} users deleted, {contents} contents"
        ))?;
        output.flush()?;
    }
    output.end()
}

async fn trim(
    flags: &Trim,
    streams: &Streams,
    feed: Option<&str>,
    session: &Session,
) -> Result<Trimmed, Failure> {
    let mut progress = Progress::new(session, "users", None);
    let notes = session.notes();
    let feed = feed.map(|feed| format!(" --feed {feed}")).unwrap_or_default();
    let mut trim = streams.trim().on_progress(move |so_far| {
        progress.update(so_far.users, so_far.users);
        if let Some(place) = &so_far.next {
            notes.if_interrupted(format!(
                "{} items of {} users deleted; go on with `trim{feed} --after {place}`, or from \
                 the beginning",
                so_far.items, so_far.users
            ));
        }
    });
    if let Some(place) = &flags.after {
        trim = trim.after(UsersCursor::new(place));
    }
    Ok(trim.await?)
}
