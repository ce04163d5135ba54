//! `import-django`.

use clap::Args;
use jiff::tz::TimeZone;

use crate::import_django::{Layout, zone};

/// Imports the streams of a Django project that used django-user-streams.
///
/// The source is only read. Run again, after an interruption or later, it adds what is missing.
#[derive(Debug, Args)]
pub(crate) struct ImportDjango {
    /// From where: the URL of Django's database (`sqlite:`, `postgres:`, `mysql:`), or of the
    /// Redis that has the streams (`redis:`).
    #[arg(value_name = "URL")]
    pub(crate) source: String,
    /// Which tables, if those of both layouts are there.
    #[arg(long, value_enum)]
    pub(crate) layout: Option<Layout>,
    /// What the keys in Redis begin with: the setting `USER_STREAMS_REDIS_KEY_PREFIX`.
    #[arg(long, value_name = "PREFIX", default_value = "user_streams")]
    pub(crate) key_prefix: String,
    /// The time zone of dates that have none, such as `Europe/Berlin`: Django's TIME_ZONE, or `UTC`
    /// with USE_TZ.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(crate) zone: Option<TimeZone>,
    /// The time zone of the server that ran Django, if it was not that of the dates. Only for
    /// Redis, whose dates were made by its clock.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(crate) server_zone: Option<TimeZone>,
    /// Leave out what cannot be imported, and name each; else the first ends the import.
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}
