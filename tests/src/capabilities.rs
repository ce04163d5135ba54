//! The table of capabilities in `docs/choosing-a-backend.md` is generated from the code.
//!
//! Write it again with
//! `USER_STREAMS_TEST_WRITE_DOCS=1 cargo test -p user-streams-tests --lib capabilities`.

use std::{env, fs};

use user_streams_core::{
    Settings, Streams,
    backend::{Backend, Capabilities, Capability},
};
use user_streams_redis::{
    RedisBackend, RedisConfig,
    fred::types::{
        Builder,
        config::{Config, ConnectionConfig},
    },
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/choosing-a-backend.md");
const BEGIN: &str = "<!-- capabilities: made by a test -->\n\n";
const END: &str = "\n<!-- end -->";

/// Each backend that the table has a column for. None needs a server: a layout has the same
/// capabilities on every database, so SQLite in memory stands for all, and a client of Redis has
/// its own before it connects.
async fn backends() -> [(&'static str, Capabilities); 5] {
    [
        ("memory", connected("memory://").await),
        ("single-table", connected("single-table+sqlite::memory:").await),
        ("many-to-many", connected("many-to-many+sqlite::memory:").await),
        ("redis", unconnected("redis://localhost")),
        ("redis-cluster", unconnected("redis-cluster://localhost")),
    ]
}

async fn connected(url: &str) -> Capabilities {
    Streams::connect(Settings::new(url)).await.expect(url).capabilities()
}

fn unconnected(url: &str) -> Capabilities {
    let mut builder = Builder::from_config(Config::from_url(url).expect(url));
    let options = ConnectionConfig { max_redirections: 0, ..ConnectionConfig::default() };
    let client = builder.set_connection_config(options).build().expect(url);
    RedisBackend::new(client, RedisConfig::new().with_live(true)).expect(url).capabilities()
}

/// The operation, or what else it is called, and what an application has by it.
fn meaning(capability: Capability) -> (&'static str, &'static str) {
    match capability {
        Capability::Migrate => {
            ("`migrate`", "tables are created and upgraded, or the server's settings checked")
        }
        Capability::DeleteStream => ("`delete_stream`", "that, and `delete_user`"),
        Capability::Purge => {
            ("`purge`", "content that no stream refers to is deleted; elsewhere there is none")
        }
        Capability::AtomicBroadcast => {
            ("atomic broadcast", "an add to many is stored whole or not at all")
        }
        Capability::Durable => ("durable", "what is stored outlives the process"),
        Capability::InTransaction => {
            ("`in_transaction`", "writes that commit with the application's own")
        }
        Capability::RepairStream => {
            ("`repair_stream`", "items that were damaged outside of the library can be deleted")
        }
        Capability::RemoveStreamItem => {
            ("`remove_stream_item`", "that, and with `delete_range` the setting `item_marks`")
        }
        Capability::DeleteRange => ("`delete_range`", "with `list_users`, `trim`"),
        Capability::CountNewer => {
            ("`count_newer`", "`unread`, `unseen` and bounded counts read no items")
        }
        Capability::Contains => {
            ("`contains`", "counts of merged feeds, and `are_read`, look up many items at once")
        }
        Capability::BulkAdd => ("`bulk_add`", "that, and `copy_to` this backend, in few exchanges"),
        Capability::ListUsers => {
            ("`list_users`", "`users`, `trim`, being the old side of `copy_to`, `verify_copy`")
        }
        Capability::Marks => {
            ("`mark`, `set_mark`", "a mark moves by one write, and not as an item of a feed")
        }
        Capability::Feeds => (
            "`feed`",
            "several feeds, `merge`, `item_marks`, `audiences`, `dismissals`, `retractions`",
        ),
        Capability::GetMerged => {
            ("`get_merged`", "a page of merged feeds and audiences is one exchange")
        }
        Capability::ListNewer => ("`list_newer`", "a thousand subscribers are asked about at once"),
        Capability::Watch => {
            let gives = "with the setting `live`, subscribers are told at once; of the SQL \
                         databases PostgreSQL has it";
            ("`watch`", gives)
        }
        other => panic!("{other:?}: say here what an application has by it"),
    }
}

fn table(backends: &[(&str, Capabilities)]) -> String {
    let names = backends.iter().map(|(name, _)| *name);
    let head = ["capability", "what it gives"].into_iter().chain(names);
    let mut table = row(head) + &row(vec!["---"; 2 + backends.len()]).replace(' ', "");
    for capability in Capability::ALL {
        let (name, gives) = meaning(*capability);
        let has = backends.iter().map(|(_, its)| if its.has(*capability) { "yes" } else { "no" });
        table += &row([name, gives].into_iter().chain(has));
    }
    table
}

fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

#[tokio::test]
async fn the_table_of_capabilities_is_generated_from_the_code() {
    let document = fs::read_to_string(DOCUMENT).expect("the document");
    let (before, rest) = document.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where it ends");
    let table = table(&backends().await);
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if env::var_os("USER_STREAMS_TEST_WRITE_DOCS").is_some() {
        fs::write(DOCUMENT, expected).expect("the document is written");
        return;
    }
    assert!(document == expected, "write the table again: see the top of {}", file!());
}
