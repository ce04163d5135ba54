//! Where a test imports to.

use std::path::Path;

use futures_util::TryStreamExt;
use user_streams::{Settings, StreamItem, Streams, UserId};
use user_streams_sql::sea_orm::{ConnectionTrait, Statement};

use crate::source::{Kind, Source, connect};

/// A backend, with tables or keys of the test's own.
pub(crate) struct Target {
    pub(crate) url: String,
    /// An option of the backend, by its name.
    pub(crate) option: (&'static str, String),
}

impl Target {
    /// A file, with tables of this name.
    pub(crate) fn file(backend: &str, directory: &Path, table: &str) -> Self {
        let file = directory.join("target.db");
        let url = format!("{backend}+sqlite://{}?mode=rwc", file.display());
        Self { url, option: ("table", table.to_owned()) }
    }

    /// A backend beside what is imported, and files.
    pub(crate) fn all(source: &Source, layout: &str) -> Vec<Self> {
        let file = |backend: &str| {
            let table = format!("{}_{layout}", backend.replace('-', "_")).replace('-', "_");
            Self::file(backend, source.directory.path(), &table)
        };
        let beside = |backend: &str| Self {
            url: format!("{backend}+{}", source.url),
            option: ("table", format!("ours_{layout}").replace('-', "_")),
        };
        match source.kind {
            Kind::Sqlite => vec![file("single-table"), file("many-to-many")],
            Kind::Postgres => vec![beside(layout), file("many-to-many"), file("single-table")],
            Kind::MySql => vec![beside(layout), file("many-to-many")],
            Kind::Redis => {
                let option = ("key_prefix", format!("{}_ours", source.name));
                vec![Self { url: source.url.clone(), option }, file("single-table")]
            }
        }
    }

    pub(crate) async fn streams(&self) -> Streams {
        self.streams_of("bigint").await
    }

    /// With ids of this kind.
    pub(crate) async fn streams_of(&self, kind: &str) -> Streams {
        let (name, value) = &self.option;
        let settings = Settings::new(&self.url).with_option(*name, value.clone());
        Streams::connect(settings.with_option("user_id", kind)).await.unwrap()
    }

    /// How many rows a table has, by a reader of its own, in a file.
    pub(crate) async fn rows(&self, table: &str) -> u64 {
        let connection = connect(self.url.split_once('+').unwrap().1).await;
        let backend = connection.get_database_backend();
        let sql = format!("SELECT count(*) FROM {table}");
        let row = connection.query_one_raw(Statement::from_string(backend, sql)).await;
        let count: i64 = row.unwrap().unwrap().try_get_by_index(0).unwrap();
        connection.close().await.unwrap();
        count.try_into().unwrap()
    }

    /// Everyone's items, newest first.
    pub(crate) async fn everyone(&self) -> Vec<(UserId, Vec<StreamItem>)> {
        let streams = self.streams().await;
        let mut users: Vec<UserId> = streams.users().try_collect().await.unwrap();
        users.sort_unstable();
        let mut all = Vec::new();
        for user in users {
            let items = streams.get_stream_items(&user).stream().try_collect().await.unwrap();
            all.push((user, items));
        }
        streams.close().await.unwrap();
        all
    }
}
