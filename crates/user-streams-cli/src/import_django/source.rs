//! Where the original's streams are, by a URL.

use user_streams::{Error, ErrorKind};
use user_streams_sql::read_only;

use super::{layout::Layout, redis::RedisSource, tables::Tables};
use crate::failure::Failure;

/// What is read, and never written.
#[derive(Debug)]
pub(super) enum Source {
    Tables(Tables),
    Redis(RedisSource),
}

impl Source {
    /// Opens the source of this URL. `prefix` is that of its keys in Redis.
    pub(super) async fn open(
        url: &str,
        layout: Option<Layout>,
        prefix: &str,
    ) -> Result<Self, Failure> {
        match url.trim().split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb") => {
                let opened = read_only::open(url).await;
                let database =
                    opened.map_err(|error| Failure::from(error).because_of("the source"))?;
                Ok(Self::Tables(Tables::find(database, layout).await?))
            }
            Some("redis" | "rediss") => Ok(Self::Redis(RedisSource::open(url, prefix).await?)),
            // It is not shown: it may be a URL with a password and without its scheme.
            _ => Err(Error::new(
                ErrorKind::UnknownScheme,
                "the source is no URL that begins with sqlite:, postgres:, mysql: or redis:, such \
                 as `postgres://user@host/database`",
            )
            .into()),
        }
    }
}
