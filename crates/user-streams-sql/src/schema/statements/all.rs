//! All statements of a backend.

use super::{
    bulk::BulkStatements,
    contains::contains,
    deliver::{DeliverStatements, deliver_many, deliver_one, deliver_query},
    items::ItemStatements,
    marks::MarkStatements,
    newer::ListNewerStatement,
    page::PageStatements,
    ranges::{CountNewerStatements, DeleteRangeStatements},
    remove::{remove_many, remove_one, remove_query},
    repair::RepairStatements,
    users::ListUsersStatements,
};
use crate::{Layout, Schema, dialect::Params};

/// The statements of a backend.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) items: Option<ItemStatements>,
    /// `created_at_us, id, [content,] user`
    pub(crate) deliver_one: String,
    /// `created_at_us, id, [content,] users`
    pub(crate) deliver_many: DeliverStatements,
    pub(crate) page: PageStatements,
    /// The same with content as bytes, for when a page fails for its text.
    pub(crate) page_of_bytes: Option<PageStatements>,
    pub(crate) repair: RepairStatements,
    /// `user`
    pub(crate) count: String,
    /// `user`
    pub(crate) delete: String,
    pub(crate) delete_range: DeleteRangeStatements,
    pub(crate) count_newer: CountNewerStatements,
    /// The rows
    pub(crate) contains: String,
    /// `user, created_at_us, id`
    pub(crate) remove_one: String,
    /// `users, created_at_us, id`
    pub(crate) remove_many: String,
    pub(crate) bulk: BulkStatements,
    pub(crate) list_newer: ListNewerStatement,
    pub(crate) list_users: ListUsersStatements,
    pub(crate) marks: MarkStatements,
    /// Returns the id of the database.
    pub(crate) identity: String,
    table: String,
}

impl Statements {
    pub(crate) fn new<L: Layout>(schema: &Schema) -> Self {
        let dialect = schema.dialect;
        let table = schema.quote(&schema.table);
        let items_table = L::SEPARATE_ITEMS.then(|| schema.quote(&schema.items_table()));
        let marks = schema.quote(&schema.marks_table());
        let has_content = items_table.is_none();
        let user = Params::after(dialect, 0).next();
        Self {
            items: items_table
                .as_ref()
                .map(|items| ItemStatements::new(dialect, items, &table, schema.user_id)),
            deliver_one: deliver_one(dialect, &table, has_content),
            deliver_many: deliver_many(schema, &table, has_content),
            page: PageStatements::new(dialect, &table, items_table.as_deref()),
            page_of_bytes: PageStatements::of_bytes(dialect, &table, items_table.as_deref()),
            repair: RepairStatements::new(dialect, &table, items_table.as_deref()),
            count: format!("SELECT COUNT(*) FROM {table} WHERE user_id = {user}"),
            delete: format!("DELETE FROM {table} WHERE user_id = {user}"),
            delete_range: DeleteRangeStatements::new(dialect, &table),
            count_newer: CountNewerStatements::new(dialect, &table, &marks),
            contains: contains(dialect, schema.user_id, &table),
            remove_one: remove_one(dialect, &table),
            remove_many: remove_many(schema, &table),
            bulk: BulkStatements::new(schema, &table, items_table.as_deref()),
            list_newer: ListNewerStatement::new(schema, &table),
            list_users: ListUsersStatements::new(dialect, &table),
            marks: MarkStatements::new(dialect, schema.user_id, &marks),
            identity: format!("SELECT id FROM {}", schema.quote(&schema.identity_table())),
            table,
        }
    }

    /// Whether deliveries have the content of their item.
    pub(crate) fn has_content(&self) -> bool {
        self.items.is_none()
    }

    /// Delivery to the rows of `select`. Parameters: `param_count` of `select`, then
    /// `created_at_us, id, [content]`.
    pub(crate) fn deliver_query(
        &self,
        schema: &Schema,
        select: &str,
        param_count: usize,
    ) -> DeliverStatements {
        deliver_query(schema, &self.table, self.has_content(), select, param_count)
    }

    /// Removal from the rows of `select`. Parameters: `param_count` of `select`, then
    /// `created_at_us, id`.
    pub(crate) fn remove_query(&self, schema: &Schema, select: &str, param_count: usize) -> String {
        remove_query(schema, &self.table, select, param_count)
    }
}
