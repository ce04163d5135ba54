//! Logins with a password to a real server: an accepted one, and refused ones.

use sea_orm::{Database, TransactionTrait, sea_query::Query};
use user_streams_core::{
    IntoRecipients, NewItem, Paginator, Recipients, Settings, Streams,
    backend::{AddStreamItem, Capability},
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_redis::{
    ApplicationClient, RedisBackend, RedisConfig,
    fred::{
        interfaces::ClientLike,
        types::{Builder, config::Config},
    },
};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig, Users};

use crate::{
    capture,
    login::{Login, name},
    shown,
};

fn settings(login: &Login, url: &str) -> Settings {
    let settings = Settings::new(url);
    let settings = match &login.arguments {
        Some(arguments) => settings.with_option("client_arguments", arguments.clone()),
        None => settings,
    };
    match url.split_once('+') {
        Some((layout, _)) => settings.with_option("table", name() + &layout[..4].replace('-', "_")),
        None => settings.with_option("key_prefix", name()),
    }
}

pub(crate) async fn a_used_login_is_not_shown(login: Login) {
    for scheme in login.schemes {
        let settings = settings(&login, &format!("{scheme}{}", login.right));
        shown::check_debug(&settings);
        let streams = Streams::connect(settings).await.unwrap();
        streams.migrate().await.unwrap();
        streams.add_stream_item([1, 2], "Hello").await.unwrap();
        let items = streams.get_stream_items(1);
        assert_eq!(items.count().await.unwrap(), 1);
        show_all(&streams);
        if streams.capabilities().has(Capability::InTransaction) {
            over_an_applications_pool(&streams, &login.right).await;
        }
        let error = streams.add_stream_item("a text", "Hello").await.map(drop).unwrap_err();
        shown::check_error("an error", &error);
        streams.delete_stream(1).await.unwrap();
        streams.delete_stream(2).await.unwrap();
        streams.close().await.unwrap();
        shown::check_debug(&streams);
        shown::check_error("closed", &items.count().await.unwrap_err());
    }
    if login.right.starts_with("redis://") {
        over_an_applications_client(&login.right).await;
    }
}

/// What an application makes of a handle.
fn show_all(streams: &Streams) {
    shown::check_debug(streams);
    let items = streams.get_stream_items(1);
    shown::check_debug(&items);
    shown::check_debug(&items.cursor_page(1));
    shown::check_debug(&items.mark_read());
    shown::check_debug(&Paginator::new(items, 1));
    shown::check_debug(&streams.trim());
    streams.stored().iter().for_each(shown::check_debug);
    shown::check_debug(&streams.copy_to(streams));
    shown::check_debug(&streams.verify_copy(streams));
    shown::check_debug(&streams.add_stream_item(1, "Hello"));
    shown::check_debug(&AddStreamItem::new(1, NewItem::new("Hello")).unwrap());
    shown::check_debug(&[1].into_recipients());
    streams.downcast_ref::<SingleTableBackend>().iter().for_each(|it| shown::check_debug(*it));
    streams.downcast_ref::<ManyToManyBackend>().iter().for_each(|it| shown::check_debug(*it));
    streams.downcast_ref::<RedisBackend>().iter().for_each(|it| shown::check_debug(*it));
}

async fn over_an_applications_pool(streams: &Streams, url: &str) {
    // sea-orm's own span has the URL: it is the application's call. What was seen before is ours.
    shown::check("events, spans and panics", &capture::seen());
    let pool = Database::connect(url).await.unwrap();
    capture::forget();
    let query = Users::query(Query::select().expr(1).to_owned()).on(&pool);
    shown::check_debug(&query);
    shown::check_debug(&Recipients::query(query));
    let txn = pool.begin().await.unwrap();
    let within = streams.in_transaction(&txn).unwrap();
    shown::check_debug(&within);
    shown::check_debug(&within.add_stream_item(1, "Hello"));
    txn.rollback().await.unwrap();
    let config = SingleTableConfig::new(url);
    let backend = SingleTableBackend::new(pool.clone(), config).unwrap();
    shown::check_debug(&backend);
    shown::check_debug(&Streams::from_backend(backend));
    pool.close().await.unwrap();
}

async fn over_an_applications_client(url: &str) {
    // The same.
    shown::check("events, spans and panics", &capture::seen());
    let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    capture::forget();
    shown::check_debug(&ApplicationClient::from(client.clone()));
    let config = RedisConfig::new().with_key_prefix(name());
    let backend = RedisBackend::new(client.clone(), config).unwrap();
    shown::check_debug(&backend);
    let streams = Streams::from_backend(backend);
    streams.add_stream_item(1, "Hello").await.unwrap();
    show_all(&streams);
    streams.delete_stream(1).await.unwrap();
    client.quit().await.unwrap();
}

pub(crate) async fn a_refused_login_is_not_shown(login: Login) {
    for scheme in login.schemes {
        for wrong in &login.wrong {
            let url = format!("{scheme}{wrong}");
            let error = Streams::connect(settings(&login, &url)).await.unwrap_err();
            assert!(!error.is_retryable(), "{error}");
            shown::check_error("a refused login", &error);
        }
    }
}
