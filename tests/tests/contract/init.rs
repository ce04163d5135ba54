//! `init` and the two free functions; the offset in which dates are shown.

use std::{env, process::Command};

use chrono::{DateTime, FixedOffset, Utc};
use user_streams_core::{
    ErrorKind, MemoryBackend, Settings, Streams, add_stream_item, get_stream_items, init,
};

/// All in one test: what `init` sets is set for the whole process.
#[tokio::test]
async fn the_free_functions_work_from_the_first_init_that_succeeds_and_a_second_one_is_refused() {
    let items = get_stream_items(42);
    for error in [
        add_stream_item(42, "too early").await.unwrap_err(),
        items.count().await.unwrap_err(),
        items.clone().await.unwrap_err(),
        items.cursor_page(1).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotInitialized, "{error}");
        assert!(error.to_string().contains("`init(settings).await?`"), "{error}");
    }

    let error = init(Settings::new("memory://typo")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "a failed init is its own error: {error}");

    let streams = init(Settings::new("memory://").with_use_utc(true))
        .await
        .expect("a failed init may be repeated");
    assert_eq!(add_stream_item([42, 43], "to both").await.unwrap().delivered, 2);
    assert_eq!(
        items.count().await.unwrap(),
        1,
        "a stream that was made before init works after it"
    );
    assert_eq!(streams.get_stream_items(43).get(0).await.unwrap().unwrap().content, "to both");

    let error = init(Settings::new("memory://")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyInitialized, "{error}");
    assert_eq!(items.count().await.unwrap(), 1, "the first one stays");
}

/// What a process in the time zone of `TZ` shows; not a test of its own.
#[tokio::test]
#[ignore = "run by the tests below, with TZ set"]
async fn show_in_the_time_zone_of_this_process() {
    let streams = Streams::from_backend(MemoryBackend::default());
    for date in DATES {
        let date: DateTime<Utc> = date.parse().unwrap();
        streams.add_stream_item(1, "").created_at(date).await.unwrap();
    }
    for use_utc in [false, true] {
        for item in streams.clone().with_use_utc(use_utc).get_stream_items(1).await.unwrap() {
            println!("shown {}", item.created_at.to_rfc3339());
        }
    }
}

/// On both sides of the night in which New York's clocks leap from 02:00 to 03:00; the newest
/// first.
const DATES: [&str; 2] = ["2024-03-10T07:00:00.000001Z", "2024-03-10T06:59:59.999999Z"];

fn shown_in(zone: &str) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("this test binary"));
    child.args([
        "--exact",
        "init::show_in_the_time_zone_of_this_process",
        "--ignored",
        "--nocapture",
    ]);
    let output = child.env("TZ", zone).output().expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| Some(line.split_once("shown ")?.1.trim().to_owned())).collect()
}

#[test]
fn without_use_utc_dates_are_shown_in_the_servers_offset_on_both_sides_of_a_clock_change() {
    // The rule of the zone itself, so that no time zone database is needed.
    let shown = shown_in("EST5EDT,M3.2.0,M11.1.0");
    let expected = ["2024-03-10T03:00:00.000001-04:00", "2024-03-10T01:59:59.999999-05:00"];
    assert_eq!(shown[..2], expected, "{shown:?}");
}

#[test]
fn with_use_utc_dates_are_shown_in_utc() {
    let shown = shown_in("EST5EDT,M3.2.0,M11.1.0");
    let expected = ["2024-03-10T07:00:00.000001+00:00", "2024-03-10T06:59:59.999999+00:00"];
    assert_eq!(shown[2..], expected, "{shown:?}");
}

#[test]
fn the_offset_never_changes_the_instant() {
    for zone in ["EST5EDT,M3.2.0,M11.1.0", "NPT-5:45", "UTC0"] {
        let shown = shown_in(zone);
        let instants: Vec<_> =
            shown.iter().map(|text| text.parse::<DateTime<FixedOffset>>().unwrap()).collect();
        assert_eq!(instants.len(), 4, "{shown:?}");
        assert_eq!(instants[..2], instants[2..], "{zone}: {shown:?}");
    }
}
