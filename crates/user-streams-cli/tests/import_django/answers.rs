//! What the original answers comes out, item by item, in its order.

use crate::{
    command::import,
    expected::{answers, of_redis, of_tables},
    source::{DATABASES, Kind, Source},
    target::Target,
    tests,
};

tests![
    of_both_layouts: DATABASES,
    of_keys: &[Kind::Redis],
    the_only_layout_is_found: &[Kind::Sqlite],
    an_item_of_many_users_is_stored_once: &[Kind::Sqlite],
    users_have_the_column_that_django_names_after_their_model: &[Kind::Sqlite],
    ids_are_of_the_target_s_kind: &[Kind::Sqlite],
];

async fn of_both_layouts(source: Source) {
    for layout in ["single-table", "many-to-many"] {
        for target in Target::all(&source, layout) {
            let arguments = [&source.url, "--layout", layout, "--zone", "Europe/Berlin"];
            let ended = import(&target, &arguments);
            ended.said("5 users, 100 items, 100 added");
            let expected = of_tables(source.kind.name(), layout);
            assert_eq!(answers(&target).await, expected, "{layout} into {}", target.url);
            import(&target, &arguments).said("5 users, 100 items, 0 added");
            assert_eq!(answers(&target).await, expected, "{layout} into {}", target.url);
        }
    }
}

async fn of_keys(source: Source) {
    let prefix = &source.name;
    for target in Target::all(&source, "redis") {
        let arguments = [
            &source.url,
            "--key-prefix",
            prefix,
            "--zone",
            "Europe/Berlin",
            "--server-zone",
            "UTC",
        ];
        import(&target, &arguments).said("5 users, 99 items, 99 added");
        assert_eq!(answers(&target).await, of_redis(), "{}", target.url);
        import(&target, &arguments).said("5 users, 99 items, 0 added");
        assert_eq!(answers(&target).await, of_redis(), "{}", target.url);
    }
}

async fn the_only_layout_is_found(source: Source) {
    let single_table = "user_streams_single_table_backend_streamitem";
    source.run(&format!("DROP TABLE {single_table}")).await;
    let target = &Target::all(&source, "")[0];
    import(target, &[&source.url, "--zone", "Europe/Berlin"]).said("5 users, 100 items, 100 added");
    assert_eq!(answers(target).await, of_tables("sqlite", "many-to-many"));
}

async fn an_item_of_many_users_is_stored_once(source: Source) {
    let target = Target::file("many-to-many", source.directory.path(), "ours");
    let arguments = [&source.url, "--layout", "many-to-many", "--zone", "Europe/Berlin"];
    import(&target, &arguments).said("5 users, 100 items, 100 added");
    assert_eq!(target.rows("ours_items").await, 54);
    assert_eq!(target.rows("ours").await, 100);
}

async fn users_have_the_column_that_django_names_after_their_model(source: Source) {
    let through = "user_streams_many_to_many_backend_streamitem_users";
    source.run(&format!("ALTER TABLE {through} RENAME COLUMN user_id TO account_id")).await;
    let target = &Target::all(&source, "")[0];
    let arguments = [&source.url, "--layout", "many-to-many", "--zone", "Europe/Berlin"];
    import(target, &arguments).said("5 users, 100 items, 100 added");
}

async fn ids_are_of_the_target_s_kind(source: Source) {
    let target = &Target::all(&source, "")[0];
    let url = source.url.as_str();
    let zone = ["--zone", "Europe/Berlin", "--layout", "single-table"];
    let texts = [&["--option", "user_id=text", url][..], &zone].concat();
    import(target, &texts).said("5 users, 100 items, 100 added");
    let streams = target.streams_of("text").await;
    assert_eq!(streams.get_stream_items("4").count().await.unwrap(), 44);
    let other = Target::file("single-table", source.directory.path(), "uuids");
    let uuids = [&["--option", "user_id=uuid", url][..], &zone].concat();
    import(&other, &uuids).mentions(&["of `user_streams_single_table", "of user 1", "no uuid id"]);
    source
        .run(
            "PRAGMA foreign_keys = OFF; \
             UPDATE user_streams_single_table_backend_streamitem \
             SET user_id = '550e8400e29b41d4a71644665544000' || user_id",
        )
        .await;
    import(&other, &uuids).said("5 users, 100 items, 100 added");
}
