//! The rows of the original's tables: user by user, each user's by the original's own query.

use futures_util::{Stream, TryStreamExt};
use user_streams_sql::{
    read_only,
    sea_orm::{DbBackend, DbErr, QueryResult, Statement, StreamTrait, Value},
};

use super::tables::{Tables, query};
use crate::failure::Failure;

/// How many users are looked up at a time.
const USERS: usize = 1_000;

/// A user's item, as it is stored. What must not be missing may be.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Option<i64>,
    /// The key of the user.
    pub(super) user: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) content: Option<Vec<u8>>,
}

impl Tables {
    /// The keys of the users who have items, from this one on, in the order of their column.
    pub(super) async fn users_after(&self, last: Option<&str>) -> Result<Vec<String>, Failure> {
        let user = self.quote(&self.user.name);
        let after = last.map(|_| format!("WHERE {user} > {}", self.user_parameter()));
        let sql = format!(
            "SELECT {} FROM {} {} GROUP BY {user} ORDER BY {user} LIMIT {USERS}",
            self.text(&user),
            self.quote(self.layout.deliveries()),
            after.unwrap_or_default(),
        );
        let rows = query(&self.database, sql, last.map(|last| self.user_value(last))).await?;
        let users = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>();
        Ok(users.map_err(read_only::error)?)
    }

    /// A user's rows, newest first and in the order in which the original would answer.
    pub(super) async fn rows(
        &self,
        user: &str,
    ) -> Result<impl Stream<Item = Result<Row, Failure>>, Failure> {
        let sql = self.select();
        let value = self.user_value(user);
        let statement = Statement::from_sql_and_values(self.backend(), sql, [value]);
        let rows = self.database.stream_raw(statement).await.map_err(read_only::error)?;
        Ok(rows
            .and_then(async |row| Row::read(&row))
            .map_err(|error| Failure::from(read_only::error(error))))
    }

    /// The original's query of a user's stream: the same tables, condition and order, so that the
    /// database plans and sorts alike.
    fn select(&self) -> String {
        let (items, user) = (self.quote(self.layout.items()), self.quote(&self.user.name));
        let deliveries = self.quote(self.layout.deliveries());
        let join = if items == deliveries {
            String::new()
        } else {
            format!(" INNER JOIN {deliveries} ON ({items}.id = {deliveries}.streamitem_id)")
        };
        let user = format!("{deliveries}.{user}");
        let (date, content) = (format!("{items}.created_at"), format!("{items}.content"));
        let (key, content) = match self.backend() {
            DbBackend::Postgres => {
                (format!("{items}.id::bigint"), format!("convert_to({content}, 'UTF8')"))
            }
            DbBackend::MySql => (
                format!("CAST({items}.id AS SIGNED)"),
                format!("CAST(CONVERT({content} USING utf8mb4) AS BINARY)"),
            ),
            _ => (format!("{items}.id"), format!("CAST({content} AS BLOB)")),
        };
        let shown_date = match self.backend() {
            DbBackend::Postgres if self.has_instants() => {
                self.text(&format!("({date} AT TIME ZONE 'UTC')"))
            }
            _ => self.text(&date),
        };
        format!(
            "SELECT {key}, {}, {shown_date}, {content} FROM {items}{join} WHERE {user} = {} \
             ORDER BY {date} DESC",
            self.text(&user),
            self.user_parameter(),
        )
    }

    fn text(&self, what: &str) -> String {
        match self.backend() {
            DbBackend::Postgres => format!("{what}::text"),
            DbBackend::MySql => format!("CAST({what} AS CHAR)"),
            _ => format!("CAST({what} AS TEXT)"),
        }
    }

    fn user_parameter(&self) -> String {
        match self.backend() {
            DbBackend::Postgres if !self.has_number_of_users() => {
                format!("$1::text::{}", self.user.kind)
            }
            DbBackend::Postgres => format!("$1::{}", self.user.kind),
            _ => "?".to_owned(),
        }
    }

    fn user_value(&self, user: &str) -> Value {
        match user.parse::<i64>() {
            Ok(number) if self.has_number_of_users() => number.into(),
            _ => user.into(),
        }
    }

    fn has_number_of_users(&self) -> bool {
        self.user.kind.contains("int")
    }
}

impl Row {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            key: row.try_get_by_index(0)?,
            user: row.try_get_by_index(1)?,
            created_at: row.try_get_by_index(2)?,
            content: row.try_get_by_index(3)?,
        })
    }
}
