//! A shop and its worker. What is shipped goes into a queue, in the shop's own database; the worker
//! tells the customers, in feeds that are elsewhere. No transaction spans both, so a job may run
//! twice: because the worker was killed, or could not tell whether an add took effect. The customer
//! has the item once all the same, since its id and its timestamp are made of the event.
//!
//! ```sh
//! export USER_STREAMS_BACKEND='single-table+sqlite://feeds.db?mode=rwc'
//! cargo run -p user-streams-examples --bin worker -- ship 1204 42
//! cargo run -p user-streams-examples --bin worker -- work    # kill it whenever you like
//! cargo run -p user-streams-examples --bin worker -- feed 42
//! ```

use std::{env, error::Error, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, Database, DatabaseConnection,
    DbErr, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter, QueryOrder, Schema,
};
use tokio::time::sleep;
use user_streams::{ItemId, NewItem, Settings, Streams};

mod job {
    //! The queue: an order that was shipped, and when to tell (again).

    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "jobs")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub order_number: i64,
        pub customer: i64,
        pub shipped_at_ms: i64,
        pub attempts: i32,
        pub due_at_ms: i64,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How long a worker without a job waits.
const IDLE: Duration = Duration::from_millis(200);
/// When a job is due that a person has to look at.
const NEVER: i64 = i64::MAX;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::connect("sqlite://shop.db?mode=rwc").await?;
    let schema = Schema::new(db.get_database_backend());
    db.execute(schema.create_table_from_entity(job::Entity).if_not_exists()).await?;
    let streams = Streams::connect(Settings::from_env()?).await?;
    streams.migrate().await?;

    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ship", order, customer] => ship(&db, order.parse()?, customer.parse()?).await?,
        ["work"] => work(&db, &streams).await?,
        ["feed", customer] => {
            for item in streams.get_stream_items(customer.parse::<i64>()?).await? {
                println!("{} {}", item.created_at, item.content);
            }
        }
        _ => return Err("ship ORDER CUSTOMER, work, or feed CUSTOMER".into()),
    }
    Ok(())
}

/// What the shop does. A real one has more to store about the order, in the same transaction.
async fn ship(db: &DatabaseConnection, order_number: i64, customer: i64) -> Result<(), DbErr> {
    let now_ms = Utc::now().timestamp_millis();
    let job = job::ActiveModel {
        order_number: Set(order_number),
        customer: Set(customer),
        shipped_at_ms: Set(now_ms),
        attempts: Set(0),
        due_at_ms: Set(now_ms),
        ..Default::default()
    };
    job.insert(db).await?;
    Ok(())
}

/// The same item, however often the job runs.
fn item(job: &job::Model) -> NewItem {
    let event = format!("order:{}:shipped", job.order_number);
    let shipped_at = DateTime::from_timestamp_millis(job.shipped_at_ms).unwrap_or_default();
    NewItem::new(format!("Order {} is on its way", job.order_number))
        .with_id(ItemId::from_event(event))
        .with_created_at(&shipped_at)
}

/// Does one job after the other, until the process is stopped, at whatever place that is.
async fn work(db: &DatabaseConnection, streams: &Streams) -> Result<(), DbErr> {
    loop {
        let now_ms = Utc::now().timestamp_millis();
        let due = job::Entity::find().filter(job::Column::DueAtMs.lte(now_ms));
        let Some(job) = due.order_by_asc(job::Column::DueAtMs).one(db).await? else {
            sleep(IDLE).await;
            continue;
        };
        match streams.add_stream_item(job.customer, item(&job)).await {
            // Killed before this line, the next worker finds the job and delivers nothing new.
            Ok(_) => {
                job.delete(db).await?;
            }
            Err(error) => {
                let attempts = job.attempts + 1;
                // What no retry can mend would be tried for ever.
                let pause = error.is_retryable().then(|| pause_ms(attempts));
                eprintln!("job {}, attempt {attempts}: {error}", job.id);
                let mut job = job.into_active_model();
                job.attempts = Set(attempts);
                job.due_at_ms = Set(pause.map_or(NEVER, |pause| now_ms + pause));
                job.update(db).await?;
            }
        }
    }
}

/// Half a second to a second, then twice that, up to a minute. By chance, so that the workers that
/// have failed together do not return together.
fn pause_ms(attempts: i32) -> i64 {
    let longest = 1_000_i64 << attempts.clamp(1, 7) >> 1;
    fastrand::i64(longest / 2..=longest).min(60_000)
}
