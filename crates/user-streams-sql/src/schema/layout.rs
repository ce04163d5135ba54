//! What differs between the SQL backends.

use std::fmt::Debug;

use sea_orm_migration::MigrationTrait;
use user_streams_core::{Error, ErrorKind, Name, Result, UserIdKind};

use crate::{
    Dialect, SqlConfig,
    config::{FEED_SEPARATOR, MAX_TABLE, invalid},
};

/// What the names of the other tables add to that of the deliveries.
const SUFFIXES: [&str; 4] = ["_items", "_identity", "_marks", "_migrations"];

/// How streams are stored in tables.
pub trait Layout: Debug + Default + Send + Sync + 'static {
    /// The backend's name, which is also the first part of its URLs' schemes.
    const NAME: &'static str;
    /// The default of the option `table`.
    const TABLE: &'static str;
    /// Whether items have a table of their own, apart from that of the deliveries.
    const SEPARATE_ITEMS: bool;

    /// The migrations that create the tables, oldest first.
    fn migrations(schema: &Schema) -> Vec<Box<dyn MigrationTrait>>;
}

/// The names and types of the tables, by the configuration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Schema {
    /// The database.
    pub dialect: Dialect,
    /// The name of the layout's backend.
    pub layout: &'static str,
    /// The kind of user ids.
    pub user_id: UserIdKind,
    /// The name of the table of deliveries, not quoted.
    pub table: String,
    /// The application's user table and its key, not quoted, for a foreign key.
    pub users: Option<(String, String)>,
}

impl Schema {
    /// The schema of a layout by its configuration, on a database of this dialect.
    ///
    /// # Errors
    /// `InvalidSettings` if a name in the configuration is malformed, or the kind of user ids is
    /// one of a later core.
    pub fn new<L: Layout>(dialect: Dialect, config: &SqlConfig) -> Result<Self> {
        let kind = config.user_id;
        if !matches!(kind, UserIdKind::BigInt | UserIdKind::Uuid | UserIdKind::Text) {
            return Err(invalid(format!("user_id: no column is made for {kind} ids")));
        }
        let (layout, table, users) = (L::NAME, config.table(L::TABLE)?, config.users()?);
        check_table(dialect, &table)?;
        Ok(Self { dialect, layout, user_id: kind, table, users })
    }

    /// The schema of a feed beside this one: tables of their own, for ids of the kind `user_id`.
    /// They have the foreign key to the users if they have ids of the same kind; text ids of a feed
    /// are not those of users alone.
    ///
    /// # Errors
    /// `InvalidArgument` if the name would be that of another table, or longer than a database
    /// keeps.
    pub fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Self> {
        let refused = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        if let Some(suffix) = SUFFIXES.iter().find(|suffix| name.as_str().ends_with(**suffix)) {
            return refused(format!(
                "the feed `{name}` cannot have a name that ends with `{suffix}`: the table of \
                 another feed is called so"
            ));
        }
        let table = format!("{}{FEED_SEPARATOR}{name}", self.table);
        if table.len() > MAX_TABLE {
            return refused(format!(
                "the feed `{name}` needs a table `{table}` of {} bytes, more than the {MAX_TABLE} \
                 that every database keeps: choose a shorter name, or a shorter `table`",
                table.len()
            ));
        }
        let has_users = user_id == self.user_id && user_id != UserIdKind::Text;
        let users = self.users.clone().filter(|_| has_users);
        Ok(Self { user_id, table, users, ..self.clone() })
    }

    /// The identifier, quoted.
    pub fn quote(&self, identifier: &str) -> String {
        self.dialect.quote(identifier)
    }

    /// The name of the table of items, where a layout has one.
    pub fn items_table(&self) -> String {
        items_table(&self.table)
    }

    /// The name of the table of the database's id.
    pub fn identity_table(&self) -> String {
        format!("{}_identity", self.table)
    }

    /// The name of the table of marks.
    pub fn marks_table(&self) -> String {
        format!("{}_marks", self.table)
    }

    /// The clause of the foreign key to the users, with the comma before it, or nothing.
    pub fn users_foreign_key(&self) -> String {
        self.foreign_key("")
    }

    /// The same with a name, where the database would make one that is too long for itself: on
    /// MySQL, whose names are those of the whole database.
    pub(super) fn marks_foreign_key(&self) -> String {
        match self.dialect {
            Dialect::MySql => self.foreign_key(&format!(
                "CONSTRAINT {} ",
                self.quote(&format!("{}_fk", self.marks_table()))
            )),
            _ => self.users_foreign_key(),
        }
    }

    fn foreign_key(&self, constraint: &str) -> String {
        self.users.as_ref().map_or_else(String::new, |(table, column)| {
            let (table, column) = (self.quote(table), self.quote(column));
            format!(
                ", {constraint}FOREIGN KEY ({}) REFERENCES {table} ({column}) ON DELETE CASCADE",
                self.quote("user_id")
            )
        })
    }
}

/// The name of the table of items beside a table of deliveries.
pub(super) fn items_table(table: &str) -> String {
    format!("{table}_items")
}

/// Refuses a table name that this database does not accept.
fn check_table(dialect: Dialect, table: &str) -> Result<()> {
    let refused = match dialect {
        Dialect::MySql if table.chars().any(|char| char > '\u{ffff}') => {
            "no character beyond U+FFFF, such as an emoji"
        }
        Dialect::MySql if table.ends_with(' ') => "no space at the end",
        Dialect::Sqlite if has_prefix(table, "sqlite_") => "no `sqlite_` at the start",
        _ => return Ok(()),
    };
    let name = dialect.name();
    Err(invalid(format!("table: not a table name of {name}: expected {refused}")))
}

/// In any case of ASCII letters.
fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
