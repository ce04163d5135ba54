//! A feed from beginning to end, on SQLite: `cargo run --example feed`.
//!
//! It creates a database, fills the application's own `users` table and the streams from
//! `data/events.tsv`, adds single items and a broadcast to a query of users, and reads a stream in
//! every way.

mod events;
mod show;
mod user;

use std::path::PathBuf;

use clap::Parser;
use sea_orm::{ColumnTrait, ConnectOptions, Database, EntityTrait, QueryFilter};
use user_streams_core::{
    ItemId, Paginator, Settings, Streams, add_stream_item, get_stream_items, init,
};
use user_streams_single_table::users;

/// Shows a news feed from beginning to end.
#[derive(Parser)]
struct Arguments {
    /// The database file to create or reuse; a temporary one by default.
    #[arg(long)]
    database: Option<PathBuf>,
    /// The events to read: timestamp, user and content, separated by tabs.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/events.tsv"))]
    events: PathBuf,
    /// Whose stream to show.
    #[arg(long, default_value = "zoë")]
    user: String,
}

#[tokio::main]
async fn main() {
    if let Err(error) = run(Arguments::parse()).await {
        eprintln!("error: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            eprintln!("  caused by: {error}");
            cause = error.source();
        }
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let events = events::read(&arguments.events)?;
    let directory = tempfile::tempdir()?;
    let file = arguments.database.unwrap_or_else(|| directory.path().join("feed.db"));
    let url = format!("sqlite://{}?mode=rwc", file.display());

    // The application's own table, in the same file.
    let mut options = ConnectOptions::new(&url);
    let database = Database::connect(options.sqlx_logging(false).clone()).await?;
    let users_by_name =
        user::create(&database, events.iter().map(|event| event.user.as_str())).await?;

    let streams = init(Settings::new(format!("single-table+{url}"))).await?;
    streams.migrate().await?;

    show::title(&format!("{} events for {} users", events.len(), users_by_name.len()));
    let mut new = 0;
    for event in &events {
        // The id is derived from the line, so that a duplicate line or a second run adds nothing.
        let id = ItemId::from_event(&event.line);
        let added = add_stream_item(users_by_name[&event.user], &*event.content)
            .created_at(event.at)
            .id(id)
            .await?;
        new += added.delivered;
    }
    println!("{new} were new, {} had been delivered before.", events.len() as u64 - new);

    let me = *users_by_name
        .get(&arguments.user)
        .ok_or_else(|| format!("no user {:?} in the events", arguments.user))?;
    add_stream_item(me, "This is the contents of the stream item").await?;
    let friends: Vec<_> = users_by_name.values().filter(|id| id.abs_diff(me) < 3).collect();
    add_stream_item(friends, "You have a new message!").await?;
    let active = user::Entity::find().filter(user::Column::Active.eq(true));
    let broadcast =
        add_stream_item(users(active), "<strong>Maintenance</strong> on Sunday at 04:00 UTC")
            .await?;
    println!(
        "The broadcast to every active user reached {} by one statement.",
        broadcast.delivered
    );

    read(&streams, me, &arguments.user).await?;
    streams.close().await?;
    Ok(())
}

async fn read(streams: &Streams, me: i64, name: &str) -> Result<(), user_streams_core::Error> {
    let items = get_stream_items(me);
    let paginator = Paginator::new(items.clone(), 8);
    let page = paginator.page(1).await?;
    show::title(&format!(
        "The stream of {name}: page 1 of {}, items {}–{} of {}",
        paginator.num_pages().await?,
        page.start_index(),
        page.end_index(),
        paginator.count().await?
    ));
    show::items(&page);
    show::page_bar(&paginator.elided_page_range(1, 3, 2).await?, page.number());

    show::title("items.slice(3..7)");
    show::items(&items.slice(3..7).await?);

    show::title("items.len()");
    println!("{}", items.count().await?);

    let first = items.cursor_page(8).await?;
    if let Some(cursor) = first.next {
        show::title(&format!("The next page, by the cursor {cursor}"));
        show::items(&streams.get_stream_items(me).cursor_page(8).after(cursor).await?.items);
    }
    Ok(())
}
