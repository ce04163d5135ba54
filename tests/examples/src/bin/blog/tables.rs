//! The blog's own tables.

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, Schema,
    sea_query::OnConflict,
};

pub(crate) mod post {
    //! What somebody has written.

    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "posts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub author: i64,
        pub title: String,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod follow {
    //! Who follows whom.

    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "follows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub follower: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub author: i64,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Makes the tables, and lets Bob and Chidi follow Ann, and Ann follow Bob.
pub(crate) async fn create(db: &DatabaseConnection) -> Result<(), DbErr> {
    let schema = Schema::new(db.get_database_backend());
    db.execute(schema.create_table_from_entity(post::Entity).if_not_exists()).await?;
    db.execute(schema.create_table_from_entity(follow::Entity).if_not_exists()).await?;
    let follows = [(2, 1), (3, 1), (1, 2)].map(|(follower, author)| follow::ActiveModel {
        follower: Set(follower),
        author: Set(author),
    });
    let key = [follow::Column::Follower, follow::Column::Author];
    let insert = follow::Entity::insert_many(follows);
    insert
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(())
}
