//! Reading a page of several streams in one statement.
//!
//! Each stream is an arm of a UNION ALL, in the form in which a planner reads index ranges alone.
//! SQLite merges the ranges as they are read, and sorts whatever has a limit of its own. PostgreSQL
//! merges them if each has a limit, and sorts everything otherwise. MariaDB sorts in any case: with
//! content on the disk, so its arms are left for the client to merge; keys alone in memory.

use super::{keyset::compare, page::postgres_bytes};
use crate::{Dialect, dialect::Params, schema::layout::items_table};

/// Streams of one table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MergedGroup {
    /// The name of the table, not quoted.
    pub(crate) table: String,
    /// How many they are.
    pub(crate) streams: usize,
}

/// Which items of each stream are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum MergedRange {
    All,
    Older,
    /// Oldest first.
    Newer,
}

/// What a statement depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MergedShape {
    pub(crate) parts: Vec<MergedGroup>,
    pub(crate) less: Vec<MergedGroup>,
    pub(crate) range: MergedRange,
    /// Whether streams begin at a place, and those of what is left out.
    pub(crate) is_bounded: bool,
    pub(crate) is_less_bounded: bool,
    /// Content as bytes, for when a page fails for its text.
    pub(crate) of_bytes: bool,
    /// The [limit](super::limit_in_text) of each stream, if it is in the text.
    pub(crate) limit: Option<u64>,
}

/// What a parameter is. Streams are counted from 0 on, in the order of their groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergedParam {
    /// Whose stream.
    User(usize),
    /// The [keyset](crate::dialect::values::keyset) of the place from which a stream is read.
    Place(usize),
    /// That of the place at which it begins.
    Bound(usize),
    /// Whose stream is left out, and the place at which it begins.
    LessUser(usize),
    LessBound(usize),
    Limit,
}

/// A statement that returns `id, created_at_us, content` and the number of the stream.
#[derive(Debug)]
pub(crate) struct MergedStatement {
    pub(crate) sql: String,
    pub(crate) params: Vec<MergedParam>,
    /// Whether the rows are the nearest ones of all streams; otherwise they are those of each.
    pub(crate) is_limited: bool,
}

/// More tables than that cannot be joined on MySQL.
const MAX_JOINS: usize = 32;

impl MergedStatement {
    /// `separate_items` is whether content is in tables of items.
    pub(crate) fn new(dialect: Dialect, separate_items: bool, shape: &MergedShape) -> Self {
        let mut writer = Writer {
            dialect,
            shape,
            placeholders: Params::after(dialect, 0),
            params: Vec::new(),
            content: match separate_items {
                true => None,
                false if shape.of_bytes => Some(postgres_bytes("d.content")),
                false => Some("d.content".to_owned()),
            },
        };
        let tables = shape.parts.iter().flat_map(|group| vec![&*group.table; group.streams]);
        let arms: Vec<_> =
            tables.enumerate().map(|(number, table)| writer.arm(number, table)).collect();
        let is_one = arms.len() == 1 && dialect != Dialect::Sqlite;
        let mut sql = arms.join(" UNION ALL ");
        if is_one && shape.limit.is_some() {
            sql = format!("SELECT * FROM {sql} AS d");
        }
        let is_one = is_one && shape.limit.is_none();
        // On MariaDB an order of rows with content is a temporary table on the disk.
        let is_ordered = dialect != Dialect::MySql || separate_items;
        if is_ordered && !is_one {
            sql += &writer.order("", None);
        }
        if separate_items {
            sql = format!(
                "SELECT d.id, d.created_at_us, {} AS content, d.part FROM ({sql}) AS d",
                writer.looked_up()
            );
        }
        Self { sql, params: writer.params, is_limited: is_ordered || is_one }
    }
}

struct Writer<'a> {
    dialect: Dialect,
    shape: &'a MergedShape,
    placeholders: Params,
    params: Vec<MergedParam>,
    /// If the deliveries have it.
    content: Option<String>,
}

impl Writer<'_> {
    fn param(&mut self, param: MergedParam) -> String {
        self.params.push(param);
        self.placeholders.next()
    }

    /// The rows of one stream.
    fn arm(&mut self, number: usize, table: &str) -> String {
        let part = match self.dialect {
            Dialect::Postgres => format!("{number}::bigint"),
            _ => number.to_string(),
        };
        let content = self.content.as_ref();
        let content = content.map_or_else(String::new, |text| format!(", {text} AS content"));
        let table = self.dialect.quote(table);
        // Parameters are in the order of the text: joins come before the rest, subqueries after it.
        let joined = self.joins_less().then(|| self.less());
        let (joins, conditions) = joined.unzip();
        let joins = joins.unwrap_or_default();
        let user = self.param(MergedParam::User(number));
        let mut arm = format!(
            "SELECT d.id, d.created_at_us{content}, {part} AS part FROM {table} AS d{joins} WHERE \
             d.user_id = {user}"
        );
        match self.shape.range {
            MergedRange::All => {}
            range => arm += &self.keyset("d.", range, MergedParam::Place(number)),
        }
        if self.shape.is_bounded {
            arm += &self.keyset("d.", MergedRange::Newer, MergedParam::Bound(number));
        }
        arm += &conditions.unwrap_or_else(|| self.less().1);
        if self.dialect == Dialect::Sqlite {
            return arm;
        }
        arm += &self.order("d.", self.shape.limit);
        format!("({arm})")
    }

    fn joins_less(&self) -> bool {
        let less: usize = self.shape.less.iter().map(|group| group.streams).sum();
        self.dialect == Dialect::MySql && less <= MAX_JOINS
    }

    /// The joins and conditions that leave out what is in other streams. Each is a look-up in a
    /// primary key, for each row that is read and no more.
    fn less(&mut self) -> (String, String) {
        let shape = self.shape;
        let (mut joins, mut found) = (String::new(), String::new());
        let (is_joined, mut number) = (self.joins_less(), 0);
        for group in &shape.less {
            let table = self.dialect.quote(&group.table);
            // Streams that begin at places of their own are looked up one by one.
            let at_once = if is_joined || shape.is_less_bounded { 1 } else { group.streams };
            for _ in (0..group.streams).step_by(at_once) {
                let alias = format!("l{number}");
                let users = number..number + at_once;
                let users = users.map(|user| self.param(MergedParam::LessUser(user)));
                let users = users.collect::<Vec<_>>().join(", ");
                let mut same = format!(
                    "{alias}.user_id IN ({users}) AND {alias}.created_at_us = d.created_at_us AND \
                     {alias}.id = d.id"
                );
                if shape.is_less_bounded {
                    let bound = MergedParam::LessBound(number);
                    same += &self.keyset(&format!("{alias}."), MergedRange::Newer, bound);
                }
                if is_joined {
                    joins += &format!(" LEFT JOIN {table} AS {alias} ON {same}");
                    found += &format!(" AND {alias}.id IS NULL");
                } else {
                    // PostgreSQL would hash a whole stream if it had no offset.
                    found += &format!(
                        " WHEN EXISTS (SELECT 1 FROM {table} AS {alias} WHERE {same} LIMIT 1 \
                         OFFSET 0) THEN FALSE"
                    );
                }
                number += at_once;
            }
        }
        if !is_joined && !found.is_empty() {
            // PostgreSQL takes it that a CASE is true of half the rows, whatever is in it. It would
            // take several conditions to leave so few that it sorts them.
            found = format!(" AND CASE{found} ELSE TRUE END");
        }
        (joins, found)
    }

    fn keyset(&mut self, alias: &str, range: MergedRange, place: MergedParam) -> String {
        self.params.push(place);
        let at = self.placeholders.next();
        let again =
            if self.dialect == Dialect::MySql { self.placeholders.next() } else { at.clone() };
        let id = self.placeholders.next();
        compare(self.dialect, range == MergedRange::Older, alias, [&at, &again, &id])
    }

    /// Nearest first, up to this limit, or to that of the page.
    fn order(&mut self, alias: &str, limit: Option<u64>) -> String {
        let order = if self.shape.range == MergedRange::Newer { "ASC" } else { "DESC" };
        let limit = match limit {
            Some(limit) => limit.to_string(),
            None => format!("{}{}", self.param(MergedParam::Limit), self.dialect.limit_suffix()),
        };
        format!(" ORDER BY {alias}created_at_us {order}, {alias}id {order} LIMIT {limit}")
    }

    /// The content of the rows that are returned, from the table of items of each one's stream.
    fn looked_up(&self) -> String {
        let content = |table: &str| {
            let text = if self.shape.of_bytes {
                postgres_bytes("i.content")
            } else {
                "i.content".to_owned()
            };
            let items = self.dialect.quote(&items_table(table));
            format!(
                "(SELECT {text} FROM {items} AS i WHERE i.id = d.id AND i.created_at_us = \
                 d.created_at_us)"
            )
        };
        let Some((last, others)) = self.shape.parts.split_last() else { return "NULL".to_owned() };
        if others.is_empty() {
            return content(&last.table);
        }
        let mut case = "CASE".to_owned();
        let mut end = 0;
        for group in others {
            end += group.streams;
            case += &format!(" WHEN d.part < {end} THEN {}", content(&group.table));
        }
        format!("{case} ELSE {} END", content(&last.table))
    }
}
