//! `list` and `count`.

use crate::{
    failure::Failure,
    feed::items,
    flags::{Count, List},
    output::{self, Output},
    session::Session,
};

pub(super) async fn list(flags: &List, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let mut items = items(&streams, &flags.stream)?;
    if let Some(since) = flags.since {
        items = items.since(since);
    }
    if let Some(until) = flags.until {
        items = items.until(until);
    }
    let mut page = items.cursor_page(flags.limit);
    if let Some(place) = flags.after {
        page = page.after(place);
    } else if let Some(place) = flags.before {
        page = page.before(place);
    }
    let page = page.await?;
    let mut output = Output::stdout();
    for item in &page.items {
        output.item(item, flags.json)?;
    }
    output.end()?;
    if let Some(next) = page.next {
        session.remark(format_args!("older: --after {next}"));
    }
    Ok(())
}

pub(super) async fn count(flags: &Count, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let count = items(&streams, &flags.stream)?.count().await?;
    output::result(count)
}
