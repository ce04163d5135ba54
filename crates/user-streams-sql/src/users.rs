//! A query as the recipients.

use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, Iterable, PrimaryKeyToColumn,
    QuerySelect, QueryTrait, Select, StreamTrait, TryGetable, Value, sea_query::SelectStatement,
};
use user_streams_core::{
    Error, ErrorKind, IntoRecipients, Recipients, Result, UserId, backend::RecipientQuery,
};
use uuid::Uuid;

/// Every user that a sea-orm `Select` finds, by its primary key:
/// `add_stream_item(users(User::find().filter(..)), "Hello")`.
///
/// In a SQL backend the query becomes an `INSERT … SELECT` in the backend's own database, and its
/// rows never reach the client. Where the users are elsewhere, name their database with
/// [`Users::on`].
pub fn users<E: EntityTrait>(select: Select<E>) -> Users {
    let mut keys = E::PrimaryKey::iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) => users_by(select, key.into_column()),
        // Returned when the add is awaited, as every other error.
        _ => Users {
            select: Err(
                "the entity's primary key has more than one column: use `Users::by(select, \
                 column)`",
            ),
            on: None,
        },
    }
}

fn users_by<E: EntityTrait, C: ColumnTrait>(select: Select<E>, column: C) -> Users {
    Users::query(select.select_only().column(column).into_query())
}

/// A query for users; see [`users`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Users {
    select: Result<Box<SelectStatement>, &'static str>,
    on: Option<DatabaseConnection>,
}

impl Users {
    /// The users in another column than the primary key, such as the followers in a table of who
    /// follows whom: `Users::by(Follow::find().filter(follow::Column::Followed.eq(7)),
    /// follow::Column::Follower)`.
    pub fn by<E: EntityTrait, C: ColumnTrait>(select: Select<E>, column: C) -> Self {
        users_by(select, column)
    }

    /// The users in the one column of any query. NULL is ignored, and a user who occurs twice
    /// receives the item once; but on PostgreSQL a query without duplicates (`.distinct()`) takes
    /// half the time.
    pub fn query(select: SelectStatement) -> Self {
        Self { select: Ok(Box::new(select)), on: None }
    }

    /// Runs the query on this database and streams its rows to the backend: for users who are in
    /// another database than the streams.
    pub fn on(mut self, database: &DatabaseConnection) -> Self {
        self.on = Some(database.clone());
        self
    }

    /// The query, if it is for the backend's own database.
    pub(crate) fn into_local(self) -> Result<Box<SelectStatement>, Self> {
        match self {
            Self { select: Ok(select), on: None } => Ok(select),
            other => Err(other),
        }
    }
}

impl IntoRecipients for Users {
    fn into_recipients(self) -> Recipients {
        Recipients::query(self)
    }
}

impl RecipientQuery for Users {
    fn into_stream(
        self: Box<Self>,
        backend: &'static str,
    ) -> Result<BoxStream<'static, Result<UserId>>> {
        let select = self.select.map_err(|message| Error::new(ErrorKind::Recipients, message))?;
        let Some(database) = self.on else {
            return Err(Error::new(
                ErrorKind::Recipients,
                format!(
                    "the {backend} backend cannot run the query of the recipients: name their \
                     database with `users(..).on(&database)`"
                ),
            ));
        };
        let failed = |error| {
            Error::new(ErrorKind::Recipients, "the query of the recipients failed")
                .with_source(error)
        };
        let stream = async_stream::try_stream! {
            let statement = ConnectionTrait::get_database_backend(&database).build(&*select);
            let mut rows = database.stream_raw(statement).await.map_err(failed)?;
            while let Some(row) = rows.next().await {
                if let Some(user) = user_id(&row.map_err(failed)?)? {
                    yield user;
                }
            }
        };
        Ok(stream.boxed())
    }
}

/// The id in the first column, of any kind; none for NULL.
fn user_id(row: &sea_orm::QueryResult) -> Result<Option<UserId>> {
    fn get<T: TryGetable>(row: &sea_orm::QueryResult) -> Option<Option<T>> {
        row.try_get_by_index::<Option<T>>(0).ok()
    }
    let int = || {
        get::<i64>(row)
            .or_else(|| get::<i32>(row).map(|id| id.map(i64::from)))
            .map(|id| id.map(UserId::Int))
    };
    let uuid = || get::<Uuid>(row).map(|id| id.map(UserId::Uuid));
    let text = || get::<String>(row).map(|id| id.map(UserId::Text));
    int().or_else(uuid).or_else(text).ok_or_else(|| {
        Error::new(
            ErrorKind::Recipients,
            "the first column of the query of the recipients is neither an integer, nor a UUID, \
             nor a text",
        )
    })
}

/// The query as text and values.
pub(crate) fn build(select: &SelectStatement, backend: sea_orm::DbBackend) -> (String, Vec<Value>) {
    let statement = backend.build(select);
    (statement.sql, statement.values.map_or_else(Vec::new, |values| values.0))
}
