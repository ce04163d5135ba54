//! Imports from tables.

use std::fmt;

use futures_util::TryStreamExt;
use user_streams::UserId;

use super::{
    ids::RowKey,
    importer::Importer,
    row::{Item, Problem, Rules},
    rows::Row,
    tables::Tables,
    ties::Ties,
};
use crate::failure::Failure;

/// Each user's items, in the order in which the original answers.
pub(super) async fn import(tables: &Tables, importer: &mut Importer<'_>) -> Result<(), Failure> {
    let mut last: Option<String> = None;
    loop {
        let users = tables.users_after(last.as_deref()).await?;
        for user in &users {
            import_user(tables, user, importer).await?;
            importer.count_user();
        }
        match users.into_iter().next_back() {
            Some(user) => last = Some(user),
            None => return Ok(()),
        }
    }
}

async fn import_user(
    tables: &Tables,
    user: &str,
    importer: &mut Importer<'_>,
) -> Result<(), Failure> {
    let mut rows = std::pin::pin!(tables.rows(user).await?);
    let mut ties: Option<(UserId, Ties)> = None;
    while let Some(row) = rows.try_next().await? {
        let place = Place { table: tables.layout.items(), key: row.key, user: user.to_owned() };
        let (user, key, item) = match checked(row, &importer.rules) {
            Ok(checked) => checked,
            Err(problem) => {
                importer.leave_out(place, &problem)?;
                continue;
            }
        };
        let is_tie = ties
            .as_ref()
            .is_some_and(|(its, ties)| *its == user && ties.date() == Some(item.created_at));
        if !is_tie && let Some((user, ties)) = ties.take() {
            importer.add_ties(&user, tables.layout, ties).await?;
        }
        ties.get_or_insert_with(|| (user, Ties::default())).1.push(key, item);
    }
    match ties {
        Some((user, ties)) => importer.add_ties(&user, tables.layout, ties).await,
        None => Ok(()),
    }
}

/// The row in our terms. The user is the row's own: a database may compare without case.
fn checked(row: Row, rules: &Rules) -> Result<(UserId, RowKey, Item), Problem> {
    let missing = |what: &str| format!("its {what} is NULL");
    let user = rules.user(&row.user.ok_or_else(|| missing("user"))?)?;
    let key = row.key.ok_or_else(|| missing("id"))?;
    let key = RowKey::new(key).ok_or("its id is negative, or 2^46 or more")?;
    let date = row.created_at.ok_or_else(|| missing("created_at"))?;
    let content = row.content.ok_or_else(|| missing("content"))?;
    Ok((user, key, rules.item(rules.zones.of_text(&date), content)?))
}

/// Where a row is.
struct Place {
    table: &'static str,
    key: Option<i64>,
    user: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, user } = self;
        match key {
            Some(key) => write!(f, "row {key} of `{table}`, of user {user}"),
            None => write!(f, "a row without an id of `{table}`, of user {user}"),
        }
    }
}
