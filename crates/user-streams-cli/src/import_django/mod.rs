//! `import-django`: streams of django-user-streams, out of its tables or its keys in Redis.
//!
//! The source is only read. An item has the same date and id in every run, so that an import can
//! be run again, whether it was interrupted or the original is still in use.

mod dates;
mod from_redis;
mod from_tables;
mod ids;
mod importer;
mod layout;
mod redis;
mod row;
mod rows;
mod source;
mod tables;
mod ties;

use self::{dates::Zones, importer::Importer, row::Rules, source::Source};
use crate::{
    failure::Failure, flags::ImportDjango, output::Output, progress::Progress, session::Session,
    settings,
};

pub(crate) use self::{dates::zone, layout::Layout};

pub(crate) async fn run(flags: &ImportDjango, session: &Session) -> Result<(), Failure> {
    let settings = settings::settings(session.flags())?;
    let max_content_len = settings.max_content_len();
    let target = session.connect_to(settings).await?;
    let source = Source::open(&flags.source, flags.layout, &flags.key_prefix).await?;
    check_zone(&source, flags)?;
    let total = match &source {
        Source::Tables(tables) => Some(tables.count().await?),
        Source::Redis(_) => None,
    };
    target.migrate().await?;
    let has_instants = matches!(&source, Source::Tables(tables) if tables.has_instants());
    let dates = flags.zone.clone().filter(|_| !has_instants);
    let zones = Zones { dates, server: flags.server_zone.clone() };
    let rules = Rules::new(&target, max_content_len, zones);
    let progress = Progress::new(session, "items", total);
    session.if_interrupted("run the same command again to complete it");
    let mut importer = Importer::new(session, &target, rules, flags.skip_invalid, progress)?;
    match &source {
        Source::Tables(tables) => from_tables::import(tables, &mut importer).await?,
        Source::Redis(redis) => from_redis::import(redis, &mut importer).await?,
    }
    let counts = importer.end().await?;
    let mut output = Output::stdout();
    let (users, items, added) = (counts.users, counts.items, counts.added);
    output.line(format_args!("{users} users, {items} items, {added} added"))?;
    if counts.skipped > 0 {
        output.line(format_args!("{} left out", counts.skipped))?;
    }
    output.end()
}

/// A zone is asked for, and not guessed.
fn check_zone(source: &Source, flags: &ImportDjango) -> Result<(), Failure> {
    const WHICH: &str = "give --zone with Django's TIME_ZONE, such as `--zone Europe/Berlin`; with \
                         USE_TZ or USER_STREAMS_USE_UTC it is `--zone UTC`";
    match source {
        _ if flags.zone.is_some() => Ok(()),
        Source::Tables(tables) if tables.has_instants() => Ok(()),
        Source::Tables(tables) => Err(Failure::usage(format!(
            "the dates in `{}` have no time zone ({}): {WHICH}",
            tables.layout.items(),
            tables.created_at.kind
        ))),
        Source::Redis(_) => Err(Failure::usage(format!(
            "the dates in Redis were made of local times: {WHICH}; if the clock of the server \
             that ran Django was in another zone, give that as well by --server-zone"
        ))),
    }
}
