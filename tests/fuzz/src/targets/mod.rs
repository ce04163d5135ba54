//! The targets, and what they share.

mod connect;
mod cursor;
mod date;
mod input;
mod item_id;
mod json;
mod options;
mod page_number;
mod pages;
mod redis_storage;
mod serialized;
mod settings;
mod sql_values;
mod url;
mod url_parts;
mod user_id;

use crate::Target;

/// All targets, in the order of the table.
pub fn all() -> Vec<Target> {
    [
        settings::targets(),
        options::targets(),
        url::targets(),
        url_parts::targets(),
        cursor::targets(),
        vec![page_number::target(), pages::target()],
        vec![item_id::target(), user_id::target(), date::target()],
        serialized::targets(),
        redis_storage::targets(),
        sql_values::targets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
