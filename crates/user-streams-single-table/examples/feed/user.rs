//! The application's own users: an ordinary sea-orm entity.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ActiveValue::NotSet, ConnectionTrait, DatabaseConnection, DbErr, Schema, Set,
    entity::prelude::*, sea_query::OnConflict,
};

#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub name: String,
    pub active: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Creates the table, unless it exists, with a user per name. Every fifth is inactive.
pub async fn create(
    database: &DatabaseConnection,
    names: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, i64>, DbErr> {
    let schema = Schema::new(database.get_database_backend());
    database.execute(schema.create_table_from_entity(Entity).if_not_exists()).await?;
    let names: BTreeSet<_> = names.collect();
    let rows = names.iter().enumerate().map(|(index, name)| ActiveModel {
        id: NotSet,
        name: Set((*name).to_owned()),
        active: Set(index % 5 != 0),
    });
    let ignore = OnConflict::column(Column::Name).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(ignore).exec_without_returning(database).await?;
    let users = Entity::find().all(database).await?;
    Ok(users.into_iter().map(|user| (user.name, user.id)).collect())
}
