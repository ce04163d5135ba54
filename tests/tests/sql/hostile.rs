//! Text ids and table names that look like others, or like something else than text.

use std::{collections::BTreeSet, fmt::Write as _};

use futures_util::{StreamExt, stream};
use sea_orm::{
    ConnectionTrait, DbBackend,
    sea_query::{Alias, Query},
};
use user_streams_core::{ErrorKind, NewItem, Recipients, UserIdKind};
use user_streams_single_table::{SingleTableBackend, Users};

use crate::{
    database::TestDatabase,
    faults::handles::{self, Handle, LAYOUTS, Layout},
};

crate::tests![
    ids_that_look_alike_never_meet,
    an_id_with_nul_or_of_256_bytes_is_refused,
    a_table_may_have_any_name_that_the_database_accepts,
];

/// Enough for a `COPY` on PostgreSQL; 2.2 million pairs.
const IDS: usize = 2_100;

/// Pieces that are special in SQL, in JSON, in the text form of a `COPY` or of an array, in
/// patterns, to a collation, or to Unicode.
const PIECES: &[&str] = &[
    "a",
    "A",
    "á",
    "a\u{301}",
    "Á",
    "ß",
    "ss",
    "SS",
    "ẞ",
    "i",
    "I",
    "ı",
    "İ",
    "ﬁ",
    "fi",
    "Å",
    "\u{212b}",
    "A\u{30a}",
    "k",
    "\u{212a}",
    "é",
    "e\u{301}",
    "E",
    "ｱ",
    "ア",
    "Σ",
    "ς",
    "σ",
    "ö",
    "oe",
    "'",
    "''",
    "\"",
    "\"\"",
    "`",
    "\\",
    "\\\\",
    "\\'",
    "\\\"",
    "\\.",
    "\\N",
    "\\n",
    "\\t",
    "\\u0041",
    "\\x41",
    "\n",
    "\t",
    "\r",
    "\r\n",
    " ",
    "  ",
    "\u{a0}",
    "\u{200b}",
    "\u{feff}",
    "\u{1}",
    "\u{7f}",
    "\u{80}",
    "%",
    "_",
    "*",
    "?",
    "$1",
    ":id",
    "{}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "#",
    "(",
    ")",
    "NULL",
    "null",
    "true",
    "0",
    "00",
    "0x41",
    "1e0",
    "1.0",
    "1",
    "-0",
    "+1",
    "😀",
    "😁",
    "👩\u{200d}💻",
    "🏳\u{fe0f}",
    "\u{10ffff}",
    "\u{e000}",
    "ﷺ",
    "\u{202e}",
    "&amp;",
    "<",
    "user:",
    "x'41'",
    "E'\\n'",
    "N'a'",
    "unhex('41')",
    "0'); --",
];

/// Distinct ids, each made of few pieces, so that many differ by one of them.
fn ids(random: &mut fastrand::Rng) -> Vec<String> {
    let mut ids: BTreeSet<String> = PIECES.iter().map(|&piece| piece.to_owned()).collect();
    for piece in PIECES {
        // Spaces at the end, which some collations ignore, and ids of up to 255 bytes.
        ids.extend([" ", "  ", "\t"].map(|end| format!("{piece}{end}")));
        ids.insert(format!(" {piece}"));
        ids.insert(piece.repeat(255 / piece.len()));
        ids.insert(" ".repeat(255 - piece.len()) + piece);
    }
    let mut pieces = || PIECES[random.usize(..PIECES.len())];
    while ids.len() < IDS {
        let mut id = String::new();
        for _ in 0..3 {
            id.push_str(pieces());
        }
        // The same in another form, order or case.
        let reversed: String = id.chars().rev().collect();
        ids.extend([id.to_uppercase(), id.to_lowercase(), reversed, id.clone() + &id, id]);
    }
    ids.into_iter().filter(|id| !id.is_empty() && id.len() <= 255).collect()
}

/// An id as bytes in hexadecimal, to be seen in a message.
fn shown(id: &str) -> String {
    let mut shown = format!("{id:?} ");
    for byte in id.bytes() {
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}

async fn ids_that_look_alike_never_meet(database: TestDatabase) {
    let seed = fastrand::u64(..);
    let ids = ids(&mut fastrand::Rng::with_seed(seed));
    assert!(ids.len() >= IDS);
    // The application's table, for a query of users.
    let text = match database.backend() {
        DbBackend::MySql => "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        _ => "TEXT",
    };
    database.run(&format!("CREATE TABLE names (name {text})")).await;
    for ids in ids.chunks(200) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("names")).columns([Alias::new("name")]);
        for id in ids {
            insert.values_panic([id.as_str().into()]);
        }
        database.connection.execute(&insert).await.unwrap();
    }
    let config = database.config().with_user_id(UserIdKind::Text);
    for handle in handles::handles(&config, 4).await {
        meet(&handle, &ids, seed).await;
    }
}

/// Each id receives an item of its own, and all of them by every way of a broadcast.
async fn meet(handle: &Handle, ids: &[String], seed: u64) {
    let name = format!("{}, seed {seed}", handle.name());
    let own = stream::iter(0..ids.len()).map(|number| async move {
        let id = &ids[number];
        assert_eq!(handle.add(id.as_str(), format!("own {number}")).await, 1, "{}", shown(id));
    });
    own.buffer_unordered(4).collect::<Vec<()>>().await;
    let all = ids.len() as u64;
    assert_eq!(handle.add(ids.to_vec(), "by a list").await, all, "{name}: a list");
    let streamed = Recipients::stream(stream::iter(ids.to_vec()));
    assert_eq!(handle.add(streamed, "by a stream").await, all, "{name}: a stream");
    let query = Query::select().column(Alias::new("name")).from(Alias::new("names")).to_owned();
    assert_eq!(handle.add(Users::query(query), "by a query").await, all, "{name}: a query");
    // A part alone, twice, by the statement that looks for those who have the item.
    let half: Vec<String> = ids.iter().step_by(2).cloned().collect();
    let item = NewItem::new("to some");
    assert_eq!(handle.add(half.clone(), item.clone()).await, half.len() as u64, "{name}: a half");
    assert_eq!(
        handle.add(ids.to_vec(), item.clone()).await,
        all - half.len() as u64,
        "{name}: the other half"
    );
    assert_eq!(handle.add(ids.to_vec(), item).await, 0, "{name}: nobody");
    let name = &name;
    let read = stream::iter(0..ids.len()).map(|number| async move {
        let id = ids[number].as_str();
        let items = handle.streams.get_stream_items(id).slice(..10).await.unwrap();
        let contents: Vec<_> = items.iter().rev().map(|item| item.content.as_str()).collect();
        let own = format!("own {number}");
        let expected = [own.as_str(), "by a list", "by a stream", "by a query", "to some"];
        assert_eq!(contents, expected, "{name}: {}", shown(id));
    });
    read.buffer_unordered(4).collect::<Vec<()>>().await;
    // What is deleted is one's own.
    let (first, others) = ids.split_at(50);
    for id in first {
        assert_eq!(handle.streams.delete_stream(id.as_str()).await.unwrap(), 5, "{}", shown(id));
    }
    let left = stream::iter(0..others.len()).map(|number| async move {
        handle.streams.get_stream_items(others[number].as_str()).count().await.unwrap()
    });
    let left: Vec<usize> = left.buffer_unordered(4).collect().await;
    assert!(left.iter().all(|count| *count == 5), "{name}: after deleting");
}

async fn an_id_with_nul_or_of_256_bytes_is_refused(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    for handle in handles::handles(&config, 2).await {
        for id in ["\0".to_owned(), "a\0".to_owned(), "x".repeat(256), "é".repeat(128)] {
            let users = vec!["fine".to_owned(), id.clone()];
            let error = handle.streams.add_stream_item(users, "item").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
            let error = handle.streams.get_stream_items(id.as_str()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
            let error = handle.streams.repair_stream(id.as_str()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
        }
        assert!(handle.streams.get_stream_items("fine").is_empty().await.unwrap());
    }
}

const TABLES: &[&str] = &[
    "select",
    "two words",
    " begins in a space",
    "a\"b",
    "a`b",
    "a'b",
    "x'; DROP TABLE names; --",
    "a\\b",
    "a%b",
    "$1",
    "?",
    ":name",
    "{}",
    "naïve",
    "-- x",
    "/* x",
    "[x]",
    "a\nb",
    "a\tb",
    "日本",
    "SQLite",
];

/// Names that one of the databases does not accept.
const REFUSED: &[(DbBackend, &str)] = &[
    (DbBackend::MySql, "😀"),
    (DbBackend::MySql, "ends in a space "),
    (DbBackend::Sqlite, "sqlite_feeds"),
    (DbBackend::Sqlite, "SQLITE_"),
];

async fn a_table_may_have_any_name_that_the_database_accepts(database: TestDatabase) {
    for layout in LAYOUTS {
        // 45 bytes, the most of all.
        let longest = format!("{:x<45}", format!("{layout:?}"));
        let names = TABLES.iter().map(|table| format!("{table} {layout:?}"));
        for table in names.chain([longest]) {
            let config = database.config().with_table(&table);
            let handle = handles::own_in(layout, config.clone()).await;
            for _ in 0..2 {
                let migrated = handle.streams.migrate().await;
                migrated.unwrap_or_else(|error| panic!("{table:?}: {error:?}"));
            }
            works(&handle, &table, 0).await;
            let over = handles::over_in(&database.connection, layout, config);
            works(&over, &table, 10_000).await;
        }
    }
    for (backend, table) in REFUSED {
        let config = database.config().with_table(*table);
        if database.backend() == *backend {
            let error = SingleTableBackend::connect(config).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{table:?}: {error:?}");
            assert!(error.message().starts_with("table: "), "{table:?}: {error}");
        } else {
            let handle = handles::own_in(Layout::ManyToMany, config).await.migrated().await;
            works(&handle, table, 0).await;
        }
    }
}

/// Every operation works on these tables, for users after `base`.
async fn works(handle: &Handle, table: &str, base: i64) {
    let (streams, first) = (&handle.streams, base + 1);
    let many: Vec<i64> = (first..base + 2_101).collect();
    assert_eq!(handle.add(first, "to one").await, 1, "{table:?}");
    assert_eq!(handle.add(many, "to many").await, 2_100, "{table:?}");
    assert_eq!(handle.contents(first).await, ["to many", "to one"], "{table:?}");
    assert_eq!(streams.get_stream_items(base + 2).count().await.unwrap(), 1, "{table:?}");
    assert_eq!(streams.repair_stream(first).await.unwrap(), 0, "{table:?}");
    assert_eq!(streams.delete_stream(first).await.unwrap(), 2, "{table:?}");
    if handle.layout == Layout::ManyToMany {
        assert_eq!(streams.purge().await.unwrap(), 1, "{table:?}");
    }
}
