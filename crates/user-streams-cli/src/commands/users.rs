//! `users`: everyone who has a stream.

use futures_util::TryStreamExt;

use crate::{
    failure::Failure,
    feed::feed,
    flags::Feed,
    output::{self, Output},
    session::Session,
};

pub(super) async fn run(flags: &Feed, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let mut users = feed(&streams, flags.feed.as_deref())?.users();
    let mut output = Output::stdout();
    while let Some(user) = users.try_next().await? {
        output.line(output::user(&user))?;
    }
    output.end()
}
