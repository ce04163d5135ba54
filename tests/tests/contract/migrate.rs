//! Tables are made by `migrate`, and never by connecting.

use user_streams_core::{ErrorKind, Settings, Streams};
// Names the crate, which names the backends.
use user_streams_tests as _;

#[tokio::test]
async fn connecting_makes_no_tables_and_every_operation_says_to_migrate() {
    let directory = tempfile::tempdir().unwrap();
    for backend in ["single-table", "many-to-many"] {
        let url =
            format!("{backend}+sqlite://{}/{backend}.db?mode=rwc", directory.path().display());
        let streams = Streams::connect(Settings::new(url.as_str())).await.unwrap();
        let items = streams.get_stream_items(42);
        for error in [
            streams.add_stream_item(42, "too early").await.unwrap_err(),
            items.clone().await.unwrap_err(),
            items.count().await.unwrap_err(),
            streams.delete_stream(42).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error:?}");
            assert!(error.to_string().contains("migrate"), "{error}");
        }
        // Another connection makes them for this one too.
        Streams::connect(Settings::new(url)).await.unwrap().migrate().await.unwrap();
        streams.add_stream_item(42, "in time").await.unwrap();
        assert_eq!(items.count().await.unwrap(), 1);
    }
}
