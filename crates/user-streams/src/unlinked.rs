//! The backends whose features are off: their schemes are answered with the feature, and their
//! environment variables are passed over.

macro_rules! unlinked {
    ($($off:literal, $backend:literal, $schemes:expr, $feature:literal;)*) => {$(
        #[cfg(not(feature = $off))]
        user_streams_core::__private::inventory::submit! {
            user_streams_core::__private::UnlinkedBackend {
                name: $backend,
                schemes: &$schemes,
                advice: concat!("enable ", $feature, " of user-streams in Cargo.toml"),
            }
        }
    )*};
}

unlinked! {
    "single-table", "single-table", ["single-table+sqlite"],
        "the feature `single-table-sqlite`";
    "single-table", "single-table", ["single-table+postgres", "single-table+postgresql"],
        "the feature `single-table-postgres`";
    "single-table", "single-table", ["single-table+mysql", "single-table+mariadb"],
        "the feature `single-table-mysql`";
    "many-to-many", "many-to-many", ["many-to-many+sqlite"],
        "the feature `many-to-many-sqlite`";
    "many-to-many", "many-to-many", ["many-to-many+postgres", "many-to-many+postgresql"],
        "the feature `many-to-many-postgres`";
    "many-to-many", "many-to-many", ["many-to-many+mysql", "many-to-many+mariadb"],
        "the feature `many-to-many-mysql`";
    "redis", "redis", ["redis", "redis-cluster", "redis-sentinel", "redis+unix"],
        "the feature `redis`";
    "redis", "redis", ["rediss", "rediss-cluster", "rediss-sentinel"],
        "the features `redis` and `rustls`";
}
