//! A row of an answer.

use sea_orm::{DbErr, QueryResult, TryGetable};
use uuid::Uuid;

/// A row, of whichever client of the database.
#[derive(Debug)]
pub(crate) enum ResultRow {
    Driver(QueryResult),
    /// Of SQLite, by rusqlite.
    #[cfg(feature = "sqlite")]
    Read(Vec<Cell>),
}

/// A value as SQLite stores it.
#[cfg(feature = "sqlite")]
#[derive(Debug)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real,
    Text(String),
    /// A blob, or a text that is not UTF-8.
    Bytes(Vec<u8>),
}

#[cfg(feature = "sqlite")]
impl From<rusqlite::types::ValueRef<'_>> for Cell {
    fn from(value: rusqlite::types::ValueRef<'_>) -> Self {
        use rusqlite::types::ValueRef;
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(_) => Self::Real,
            ValueRef::Text(bytes) => str::from_utf8(bytes)
                .map_or_else(|_| Self::Bytes(bytes.into()), |text| Self::Text(text.into())),
            ValueRef::Blob(bytes) => Self::Bytes(bytes.into()),
        }
    }
}

impl From<QueryResult> for ResultRow {
    fn from(row: QueryResult) -> Self {
        Self::Driver(row)
    }
}

impl ResultRow {
    /// The rows of sqlx or of sea-orm.
    pub(crate) fn all<R: Into<QueryResult>>(rows: Vec<R>) -> Vec<Self> {
        rows.into_iter().map(|row| Self::Driver(row.into())).collect()
    }

    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// If it is of another type, or NULL and not an `Option`.
    pub(crate) fn get<T: Column>(&self, index: usize) -> Result<T, DbErr> {
        match self {
            Self::Driver(row) => row.try_get_by_index(index),
            #[cfg(feature = "sqlite")]
            Self::Read(cells) => cells
                .get(index)
                .and_then(T::from_cell)
                .ok_or_else(|| not_of_type(index, cells.get(index), std::any::type_name::<T>())),
        }
    }
}

#[cfg(feature = "sqlite")]
fn not_of_type(index: usize, cell: Option<&Cell>, wanted: &str) -> DbErr {
    let found = match cell {
        None => "missing",
        Some(Cell::Null) => "NULL",
        Some(Cell::Integer(_)) => "an integer",
        Some(Cell::Real) => "a real number",
        Some(Cell::Text(_)) => "a text",
        Some(Cell::Bytes(_)) => "bytes",
    };
    let source = format!("it is {found}, and not a value for {wanted}").into();
    let error = sqlx::Error::ColumnDecode { index: index.to_string(), source };
    DbErr::Query(sea_orm::RuntimeErr::SqlxError(error.into()))
}

/// What a column may be read as.
pub(crate) trait Column: TryGetable {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self>;
}

impl Column for i64 {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl Column for i32 {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl Column for String {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.clone()),
            Cell::Text(text) => Some(text.clone().into_bytes()),
            _ => None,
        }
    }
}

impl Column for Uuid {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Self::from_slice(bytes).ok(),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    #[cfg(feature = "sqlite")]
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_read_as_what_it_is_and_as_nothing_else() {
        let uuid = Uuid::from_u128(7);
        let row = ResultRow::Read(vec![
            Cell::Null,
            Cell::Integer(1 << 40),
            Cell::Text("a".to_owned()),
            Cell::Bytes(uuid.as_bytes().to_vec()),
            Cell::Real,
        ]);
        assert_eq!(row.get::<Option<i64>>(0).unwrap(), None);
        assert_eq!(row.get::<Option<i64>>(1).unwrap(), Some(1 << 40));
        assert_eq!(row.get::<String>(2).unwrap(), "a");
        assert_eq!(row.get::<Vec<u8>>(2).unwrap(), b"a");
        assert_eq!(row.get::<Uuid>(3).unwrap(), uuid);
        assert!(row.get::<i64>(0).is_err());
        assert!(row.get::<i32>(1).is_err());
        assert!(row.get::<i64>(2).is_err());
        assert!(row.get::<String>(3).is_err());
        assert!(row.get::<Uuid>(2).is_err());
        assert!(row.get::<i64>(4).is_err());
        assert!(row.get::<Option<i64>>(5).is_err());
    }
}
