//! Time is an instant with microseconds; it comes back exactly.

use chrono::{DateTime, FixedOffset, Local, Offset, TimeDelta, TimeZone, Utc};
use user_streams_core::{
    ErrorKind, NewItem, StreamItem,
    time::{MAX_MICROS, MIN_MICROS},
};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, stored},
    namespace::instant,
};

cases![
    microseconds_come_back for Kinds::Every,
    an_item_without_a_date_is_of_now,
    nanoseconds_are_cut_off_toward_the_past,
    the_instants_around_1970_come_back,
    the_instants_around_2038_and_2106_come_back,
    both_limits_of_the_range_come_back,
    instants_of_far_years_come_back,
    local_times_that_do_not_exist_come_back,
    local_times_that_come_twice_are_two_instants,
    a_date_of_another_offset_is_the_same_instant,
    use_utc_changes_the_offset_alone,
    dates_out_of_range_are_refused,
];

/// An instant of each must come back exactly.
async fn each_comes_back(ns: &Namespace, micros: &[i64]) {
    let user = ns.user();
    let items: Vec<_> = micros
        .iter()
        .map(|us| NewItem::new(us.to_string()).with_created_at(&instant(*us)))
        .collect();
    ns.store(&user, &items).await;
    let mut expected: Vec<_> = items.iter().map(stored).collect();
    expected.sort_by_key(|item| std::cmp::Reverse(item.created_at));
    assert_items(
        &ns.all(&user).await,
        &expected,
        "an instant comes back exactly, to the microsecond",
    );
}

/// The microseconds of this date in UTC.
fn utc(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().expect("a date").timestamp_micros()
}

async fn microseconds_come_back(ns: Namespace) {
    let second = utc("2024-02-29T12:34:56Z");
    each_comes_back(
        &ns,
        &[1, 10, 100, 999, 1_000, 123_456, 500_000, 999_999].map(|us| second + us),
    )
    .await;
}

async fn an_item_without_a_date_is_of_now(ns: Namespace) {
    let (user, before) = (ns.user(), Utc::now() - TimeDelta::microseconds(1));
    ns.add(&user, "now").await;
    let at = ns.all(&user).await[0].created_at.to_utc();
    assert!(before <= at && at <= Utc::now(), "created_at is now where none is given, not {at}");
}

async fn nanoseconds_are_cut_off_toward_the_past(ns: Namespace) {
    for (nanos, micros) in
        [(1_999_i64, 1), (-1, -1), (-1_001, -2), (1_700_000_000_123_456_999, 1_700_000_000_123_456)]
    {
        let user = ns.user();
        let add = ns
            .streams()
            .add_stream_item(&user, "")
            .created_at(DateTime::from_timestamp_nanos(nanos));
        let delivery = add.await.expect("an add of valid arguments succeeds");
        assert_eq!(
            delivery.item.created_at_us(),
            micros,
            "what is finer than a microsecond is cut off"
        );
        let read = ns.all(&user).await[0].created_at;
        assert_eq!(read, instant(micros), "what is read is what the delivery says");
    }
}

async fn the_instants_around_1970_come_back(ns: Namespace) {
    each_comes_back(
        &ns,
        &[
            -1_000_001,
            -1_000_000,
            -999_999,
            -1,
            0,
            1,
            999_999,
            1_000_000,
            utc("1969-07-20T20:17:40Z"),
        ],
    )
    .await;
}

async fn the_instants_around_2038_and_2106_come_back(ns: Namespace) {
    let (signed, unsigned) = (i64::from(i32::MAX) * 1_000_000, i64::from(u32::MAX) * 1_000_000);
    each_comes_back(
        &ns,
        &[signed, signed + 999_999, signed + 1_000_000, unsigned, unsigned + 1_000_000],
    )
    .await;
}

async fn both_limits_of_the_range_come_back(ns: Namespace) {
    // One microsecond from each other: a double has no digit to spare there.
    each_comes_back(
        &ns,
        &[MIN_MICROS, MIN_MICROS + 1, MIN_MICROS + 2, MAX_MICROS - 2, MAX_MICROS - 1, MAX_MICROS],
    )
    .await;
}

async fn instants_of_far_years_come_back(ns: Namespace) {
    let years = [
        "1700-03-01T00:00:00.000001Z",
        "1883-11-18T17:00:00Z",
        "1901-12-13T20:45:51.999999Z",
        "2100-02-28T23:59:59.999999Z",
        "2200-01-01T00:00:00Z",
    ];
    each_comes_back(&ns, &years.map(utc)).await;
}

async fn local_times_that_do_not_exist_come_back(ns: Namespace) {
    // In UTC they all exist: a column of local time would move or refuse them. Taken as local
    // times, the clocks of New York, Berlin, Lord Howe and Havana leap over these; those of Samoa
    // over a whole day.
    let gaps = [
        "2024-03-10T02:30:00Z",
        "2024-03-31T02:30:00.000001Z",
        "2024-10-06T02:15:00Z",
        "2024-03-10T00:30:00Z",
        "2011-12-30T12:00:00Z",
    ];
    let around = [
        "2024-03-10T06:59:59.999999Z",
        "2024-03-10T07:00:00Z",
        "2024-03-31T00:59:59.999999Z",
        "2024-03-31T01:00:00Z",
    ];
    each_comes_back(&ns, &gaps.map(utc)).await;
    each_comes_back(&ns, &around.map(utc)).await;
}

async fn local_times_that_come_twice_are_two_instants(ns: Namespace) {
    // 01:30 of this night comes twice in New York, 02:30 in Berlin.
    each_comes_back(
        &ns,
        &[
            "2024-11-03T05:30:00Z",
            "2024-11-03T06:30:00Z",
            "2024-10-27T00:30:00Z",
            "2024-10-27T01:30:00Z",
        ]
        .map(utc),
    )
    .await;
}

async fn a_date_of_another_offset_is_the_same_instant(ns: Namespace) {
    for (text, micros) in [
        ("2024-06-01T12:00:00+05:00", utc("2024-06-01T07:00:00Z")),
        ("2024-06-01T12:00:00-11:30", utc("2024-06-01T23:30:00Z")),
        ("2024-06-01T12:00:00.000001+14:00", utc("2024-05-31T22:00:00.000001Z")),
    ] {
        let user = ns.user();
        let date: DateTime<FixedOffset> = text.parse().expect("a date");
        ns.streams()
            .add_stream_item(&user, text)
            .created_at(date)
            .await
            .expect("an add of valid arguments succeeds");
        let read = ns.all(&user).await[0].created_at;
        assert_eq!(read.timestamp_micros(), micros, "{text} is an instant, whatever its offset");
    }
}

async fn use_utc_changes_the_offset_alone(ns: Namespace) {
    let dates = ["2024-01-15T12:00:00.123456Z", "2024-07-15T12:00:00.123456Z"]
        .map(|text| instant(utc(text)));
    let (user, _) =
        ns.feed_of(dates.map(|at| NewItem::new("").with_created_at(&at)).to_vec()).await;
    let show = async |use_utc| -> Vec<StreamItem> {
        ns.streams()
            .clone()
            .with_use_utc(use_utc)
            .get_stream_items(&user)
            .await
            .expect("a read succeeds")
    };
    let (shown_in_utc, shown_locally) = (show(true).await, show(false).await);
    assert_items(&shown_in_utc, &shown_locally, "use_utc never changes the instant");
    for (utc, local) in shown_in_utc.iter().zip(&shown_locally) {
        assert_eq!(
            utc.created_at.offset().local_minus_utc(),
            0,
            "with use_utc, dates are shown in UTC"
        );
        let offset = Local.offset_from_utc_datetime(&local.created_at.naive_utc()).fix();
        assert_eq!(
            *local.created_at.offset(),
            offset,
            "without use_utc, dates are shown in the local offset"
        );
    }
}

async fn dates_out_of_range_are_refused(ns: Namespace) {
    let user = ns.user();
    for date in [
        instant(MIN_MICROS - 1),
        instant(MAX_MICROS + 1),
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
    ] {
        let error = ns
            .streams()
            .add_stream_item(&user, "")
            .created_at(date)
            .await
            .expect_err("a date out of range is refused, not changed");
        assert_eq!(error.kind(), ErrorKind::InvalidDate, "{date} is refused, not changed");
    }
    assert_eq!(ns.len(&user).await, 0, "what is refused is not stored");
}
