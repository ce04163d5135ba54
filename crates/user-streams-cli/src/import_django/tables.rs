//! The tables that Django has made for the original: which are there, and what they have.

use user_streams_sql::{
    read_only,
    sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value},
};

use super::layout::Layout;
use crate::failure::Failure;

/// The tables of a layout, in a transaction that sees them as they were at one instant.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) database: DatabaseTransaction,
    pub(super) layout: Layout,
    /// The column with the user's key.
    pub(super) user: Column,
    pub(super) created_at: Column,
}

/// A column, by its name and its type as the database writes it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: String,
}

impl Tables {
    /// Finds the tables of the layout that is asked for, or of the only one that is there.
    pub(super) async fn find(
        database: DatabaseTransaction,
        layout: Option<Layout>,
    ) -> Result<Self, Failure> {
        let mut found = Vec::new();
        for layout in Layout::ALL {
            let items = columns(&database, layout.items()).await?;
            let deliveries = columns(&database, layout.deliveries()).await?;
            let user = deliveries.into_iter().find(|column| is_user(layout, &column.name));
            let created_at = items.into_iter().find(|column| column.name == "created_at");
            found.extend(user.zip(created_at).map(|columns| (layout, columns)));
        }
        let is_asked_for = |other: &Layout| layout.is_none_or(|layout| layout == *other);
        found.retain(|(layout, _)| is_asked_for(layout));
        match (found.pop(), found.pop()) {
            (Some((layout, (user, created_at))), None) => {
                Ok(Self { database, layout, user, created_at })
            }
            (None, _) => Err(Failure::usage(format!(
                "the source has no tables of django-user-streams: looked for {}; is it the \
                 database of Django's settings, and may this login see its tables?",
                looked_for(is_asked_for)
            ))),
            _ => Err(Failure::usage(
                "the source has the tables of both layouts: say which by `--layout single-table` \
                 or `--layout many-to-many`; both are imported by one command for each",
            )),
        }
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.database.get_database_backend()
    }

    /// How many items all users have.
    pub(super) async fn count(&self) -> Result<u64, Failure> {
        let sql = format!("SELECT COUNT(*) FROM {}", self.quote(self.layout.deliveries()));
        let rows = query(&self.database, sql, []).await?;
        let count = rows.first().map(|row| row.try_get_by_index::<i64>(0)).transpose();
        Ok(count.map_err(read_only::error)?.and_then(|count| count.try_into().ok()).unwrap_or(0))
    }

    /// Whether its dates are instants: those of MySQL are read in UTC.
    pub(super) fn has_instants(&self) -> bool {
        match self.backend() {
            DbBackend::Postgres => self.created_at.kind == "timestamp with time zone",
            DbBackend::MySql => self.created_at.kind == "timestamp",
            _ => false,
        }
    }

    pub(super) fn quote(&self, name: &str) -> String {
        let mark = if self.backend() == DbBackend::MySql { "`" } else { "\"" };
        format!("{mark}{}{mark}", name.replace(mark, &mark.repeat(2)))
    }
}

/// Django names the column after the model of users, which may be the project's own.
fn is_user(layout: Layout, column: &str) -> bool {
    match layout {
        Layout::SingleTable => column == "user_id",
        Layout::ManyToMany => column != "streamitem_id" && column.ends_with("_id"),
    }
}

fn looked_for(is_asked_for: impl Fn(&Layout) -> bool) -> String {
    let of = |layout: &Layout| match layout {
        Layout::SingleTable => format!("`{}` ({})", layout.items(), layout.name()),
        Layout::ManyToMany => {
            format!("`{}` and `{}` ({})", layout.items(), layout.deliveries(), layout.name())
        }
    };
    let layouts = Layout::ALL.iter().filter(|layout| is_asked_for(layout));
    layouts.map(of).collect::<Vec<_>>().join(", and ")
}

/// The columns of a table; none if there is no such table.
async fn columns(database: &DatabaseTransaction, table: &str) -> Result<Vec<Column>, Failure> {
    let sql = match database.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT attname::text, format_type(atttypid, NULL)::text FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        }
        DbBackend::MySql => {
            "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR) \
             FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position"
        }
        _ => "SELECT name, type FROM pragma_table_info(?)",
    };
    let rows = query(database, sql.to_owned(), [table.into()]).await?;
    let column = |row: &QueryResult| {
        let name = row.try_get_by_index(0)?;
        let kind: String = row.try_get_by_index(1)?;
        Ok(Column { name, kind: kind.to_ascii_lowercase() })
    };
    Ok(rows.iter().map(column).collect::<Result<_, _>>().map_err(read_only::error)?)
}

pub(super) async fn query(
    database: &DatabaseTransaction,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Failure> {
    let statement = Statement::from_sql_and_values(database.get_database_backend(), sql, values);
    Ok(database.query_all_raw(statement).await.map_err(read_only::error)?)
}
