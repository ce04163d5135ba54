//! What is refused, and what is said then.

use crate::{
    command::import,
    redis,
    source::{DATABASES, Kind, Source},
    target::Target,
    tests,
};

tests![
    a_zone_is_asked_for: &[Kind::Sqlite, Kind::MySql, Kind::Redis],
    dates_with_a_zone_need_none: &[Kind::Postgres],
    a_layout_is_asked_for_where_both_are: DATABASES,
    tables_that_are_missing_are_named: DATABASES,
    a_misspelt_zone_or_source_is_refused: &[Kind::Sqlite],
    a_password_is_not_shown: &[Kind::Postgres, Kind::MySql, Kind::Redis],
    a_row_that_cannot_be_stored_is_named_or_left_out: &[Kind::Sqlite],
    a_member_that_cannot_be_stored_is_named_or_left_out: &[Kind::Redis],
    a_key_of_another_type_is_named: &[Kind::Redis],
];

const ITEMS: &str = "user_streams_single_table_backend_streamitem";

fn target(source: &Source) -> Target {
    Target::file("single-table", source.directory.path(), "ours")
}

async fn a_zone_is_asked_for(source: Source) {
    let layout = ["--layout", "single-table"];
    let arguments = [&[source.url.as_str()][..], &layout].concat();
    import(&target(&source), &arguments).refused(&["--zone Europe/Berlin", "TIME_ZONE"]);
}

async fn dates_with_a_zone_need_none(source: Source) {
    let arguments = [&source.url, "--layout", "many-to-many"];
    import(&target(&source), &arguments).said("5 users, 100 items, 100 added");
}

async fn a_layout_is_asked_for_where_both_are(source: Source) {
    let arguments = [&source.url, "--zone", "UTC"];
    import(&target(&source), &arguments)
        .refused(&["--layout single-table", "--layout many-to-many"]);
}

async fn tables_that_are_missing_are_named(source: Source) {
    let through = "user_streams_many_to_many_backend_streamitem_users";
    source.run(&format!("DROP TABLE {through}")).await;
    let arguments = [&source.url, "--zone", "UTC", "--layout", "many-to-many"];
    import(&target(&source), &arguments).refused(&[through, "Django's settings"]);
    source.run(&format!("DROP TABLE {ITEMS}")).await;
    import(&target(&source), &[&source.url, "--zone", "UTC"]).refused(&[through, ITEMS]);
}

async fn a_misspelt_zone_or_source_is_refused(source: Source) {
    let target = target(&source);
    import(&target, &[&source.url, "--zone", "Europe/Berlim"])
        .refused(&["such as `Europe/Berlin`"]);
    import(&target, &["oracle://h/db"]).refused(&["sqlite:", "redis:"]);
    let missing = format!("{}.missing", source.url);
    let ended = import(&target, &[&missing, "--zone", "UTC"]);
    ended.mentions(&["the source: ", "unable to open database file"]);
}

async fn a_password_is_not_shown(source: Source) {
    let url = source.url_of("nobody", "s3cr3t");
    let ended = import(&target(&source), &[&url, "--zone", "UTC"]);
    assert_ne!(ended.code, Some(0));
    ended.mentions(&["the source: "]);
    assert!(!ended.errors.contains("s3cr3t"), "{}", ended.errors);
}

async fn a_row_that_cannot_be_stored_is_named_or_left_out(source: Source) {
    source
        .run(&format!(
            "UPDATE {ITEMS} SET created_at = 'once' WHERE id = 7; \
             UPDATE {ITEMS} SET content = 'a' || char(0) || 'b' WHERE id = 8; \
             UPDATE {ITEMS} SET content = CAST(x'ff' AS TEXT) WHERE id = 9; \
             UPDATE {ITEMS} SET created_at = '1600-01-01 00:00:00' WHERE id = 10"
        ))
        .await;
    let target = target(&source);
    let arguments =
        [&source.url, "--zone", "Europe/Berlin", "--layout", "single-table", "--skip-invalid"];
    let ended = import(&target, &arguments[..5]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended.mentions(&["row 7 of `", "of user 1", "\"once\"", "--skip-invalid"]);
    let ended = import(&target, &arguments);
    ended.said("5 users, 96 items, 96 added\n4 left out");
    ended.mentions(&["row 7 of", "row 8 of", "NUL", "row 9 of", "UTF-8", "row 10 of", "1684"]);
}

async fn a_member_that_cannot_be_stored_is_named_or_left_out(source: Source) {
    let name = &source.name;
    let client = redis::connect(&source.url).await;
    redis::say(&client, &format!("ZADD {name}:user:2 1 short")).await;
    redis::say(&client, &format!("ZADD {name}:user:2 inf 0123456789abcdef0123456789abcdef")).await;
    redis::say(&client, &format!("ZADD {name}:user:ann 1 0123456789abcdef0123456789abcdef")).await;
    let twins = ["0123456789abcdef0000000000000000a", "0123456789abcdef0000000000000001b"];
    redis::say(&client, &format!("ZADD {name}:user:6 1 {} 1 {}", twins[0], twins[1])).await;
    let target = target(&source);
    let arguments = [&source.url, "--zone", "UTC", "--key-prefix", name, "--skip-invalid"];
    let ended = import(&target, &arguments[..5]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended.mentions(&[&format!("{name}:user:")]);
    let ended = import(&target, &arguments);
    ended.said("6 users, 100 items, 100 added\n4 left out");
    ended.mentions(&["`short`", "score inf", "\"ann\" is no bigint", "begins as the one before"]);
}

async fn a_key_of_another_type_is_named(source: Source) {
    let client = redis::connect(&source.url).await;
    let key = format!("{}:user:7", source.name);
    redis::say(&client, &format!("SET {key} x")).await;
    let arguments = [&source.url, "--zone", "UTC", "--key-prefix", &source.name];
    let ended = import(&target(&source), &arguments);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended.mentions(&[&key, "WRONGTYPE"]);
}
