//! The kinds of server that a cell can need: names, variables and packages.

use anyhow::{Result, bail};
use clap::ValueEnum;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB, or MySQL.
    Mysql,
    /// One Redis server.
    Redis,
    /// Six Redis servers: three masters with a replica each.
    RedisCluster,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Postgres, Self::Mysql, Self::Redis, Self::RedisCluster];

    /// The display name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MariaDB",
            Self::Redis => "Redis",
            Self::RedisCluster => "Redis Cluster",
        }
    }

    /// The environment variable with the URL of the server to use; the tests get ours by it too.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "USER_STREAMS_TEST_POSTGRES",
            Self::Mysql => "USER_STREAMS_TEST_MYSQL",
            Self::Redis => "USER_STREAMS_TEST_REDIS",
            Self::RedisCluster => "USER_STREAMS_TEST_REDIS_CLUSTER",
        }
    }

    /// The environment variable that names the directory of the binaries, to choose among versions.
    pub fn binaries_variable(self) -> &'static str {
        match self {
            Self::Postgres => "USER_STREAMS_TEST_POSTGRES_BIN",
            Self::Mysql => "USER_STREAMS_TEST_MYSQL_BIN",
            Self::Redis | Self::RedisCluster => "USER_STREAMS_TEST_REDIS_BIN",
        }
    }

    /// The Debian package.
    pub fn debian_package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Mysql => "mariadb-server",
            Self::Redis | Self::RedisCluster => "redis-server",
        }
    }

    /// The Homebrew formula.
    pub fn homebrew_formula(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql@17",
            Self::Mysql => "mariadb",
            Self::Redis | Self::RedisCluster => "redis",
        }
    }

    /// The Fedora package.
    pub fn fedora_package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql-server",
            Self::Mysql => "mariadb-server",
            Self::Redis | Self::RedisCluster => "redis",
        }
    }

    /// Refuses a URL of another kind of server: it would fail later, and less clearly.
    pub fn check_url(self, url: &str) -> Result<()> {
        let schemes: &[&str] = match self {
            Self::Postgres => &["postgres", "postgresql"],
            Self::Mysql => &["mysql", "mariadb"],
            Self::Redis => &["redis", "rediss"],
            Self::RedisCluster => &["redis-cluster", "rediss-cluster"],
        };
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !schemes.contains(&scheme) {
            bail!("{} must be a URL that begins with `{}://`", self.variable(), schemes[0]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_another_kind_is_refused_without_showing_it() {
        let error =
            Kind::Redis.check_url("postgres://u:secret@h/db").expect_err("refused").to_string();
        assert_eq!(error, "USER_STREAMS_TEST_REDIS must be a URL that begins with `redis://`");
        assert!(
            Kind::RedisCluster.check_url("redis-cluster://127.0.0.1:1?node=127.0.0.1:2").is_ok()
        );
    }
}
