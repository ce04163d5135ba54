//! Instants that do not come back as they were.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use user_streams_core::{
    Delivery, Result, StreamItem,
    backend::{AddStreamItem, StreamQuery, async_trait},
    time::from_micros,
};

use super::{
    super::twist::{Twist, twisted},
    Fault, Store, fault,
};

const HOUR: i64 = 3_600_000_000;

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "microseconds are cut off",
        |store| kept(store, |us| us.div_euclid(1_000) * 1_000),
        &[
            "time::microseconds_come_back",
            "time::nanoseconds_are_cut_off_toward_the_past",
            "order::items_a_microsecond_apart_are_ordered",
            "delivery::the_delivery_names_the_item",
        ],
    ),
    fault(
        "milliseconds are cut off",
        |store| kept(store, |us| us.div_euclid(1_000_000) * 1_000_000),
        &[
            "time::microseconds_come_back",
            "time::an_item_without_a_date_is_of_now",
            "order::items_a_millisecond_apart_are_ordered",
        ],
    ),
    fault(
        "microseconds are rounded to even ones",
        |store| kept(store, |us| us & !1),
        &["order::items_a_microsecond_apart_are_ordered"],
    ),
    fault(
        "instants are doubles of seconds",
        |store| kept(store, in_double_seconds),
        &["time::both_limits_of_the_range_come_back"],
    ),
    fault(
        "dates before 1970 are 1970",
        |store| kept(store, |us| us.max(0)),
        &[
            "time::the_instants_around_1970_come_back",
            "order::dates_on_both_sides_of_1970_are_ordered",
        ],
    ),
    fault(
        "fractions before 1970 go toward it",
        |store| kept(store, |us| if us < 0 { us / 1_000 * 1_000 } else { us }),
        &[
            "time::the_instants_around_1970_come_back",
            "order::dates_on_both_sides_of_1970_are_ordered",
        ],
    ),
    fault(
        "seconds have 31 bits",
        |store| kept(store, |us| us.min(i64::from(i32::MAX) * 1_000_000)),
        &["time::the_instants_around_2038_and_2106_come_back"],
    ),
    fault(
        "seconds have 32 bits",
        |store| kept(store, |us| us.rem_euclid((i64::from(u32::MAX) + 1) * 1_000_000)),
        &["time::the_instants_around_2038_and_2106_come_back"],
    ),
    fault(
        "dates are of the Julian calendar before 1752",
        |store| {
            kept(store, |us| if us < -6_879_427_200_000_000 { us - 11 * 24 * HOUR } else { us })
        },
        &["time::instants_of_far_years_come_back"],
    ),
    fault(
        "a local time that does not exist is moved",
        |store| kept(store, |us| if is_in_the_gap_of_new_york(us) { us + HOUR } else { us }),
        &["time::local_times_that_do_not_exist_come_back"],
    ),
    fault(
        "a local time that comes twice is the first",
        |store| kept(store, |us| if is_second_time_in_new_york(us) { us - HOUR } else { us }),
        &["time::local_times_that_come_twice_are_two_instants"],
    ),
    fault(
        "instants are taken for local times",
        |store| kept(store, |us| us + 5 * HOUR),
        &[
            "time::a_date_of_another_offset_is_the_same_instant",
            "time::an_item_without_a_date_is_of_now",
        ],
    ),
    fault(
        "an instant is another one at each read",
        |store| twisted(store, Drifting(AtomicI64::new(0))),
        &["time::use_utc_changes_the_offset_alone"],
    ),
];

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "this is the fault"
)]
fn in_double_seconds(us: i64) -> i64 {
    (us as f64 / 1e6 * 1e6) as i64
}

/// 2024-03-10, 02:00 to 03:00, taken as the local time of New York.
fn is_in_the_gap_of_new_york(us: i64) -> bool {
    (1_710_036_000_000_000..1_710_039_600_000_000).contains(&us)
}

/// 2024-11-03, 01:00 to 02:00 of New York for the second time.
fn is_second_time_in_new_york(us: i64) -> bool {
    (1_730_613_600_000_000..1_730_617_200_000_000).contains(&us)
}

fn kept(store: Store, change: fn(i64) -> i64) -> Store {
    twisted(store, CreatedAt(change))
}

/// Stores what is left of a timestamp, in microseconds.
#[derive(Debug)]
struct CreatedAt(fn(i64) -> i64);

#[async_trait]
impl Twist for CreatedAt {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, on_progress) = args.into_parts();
        let promised = item.cursor();
        let changed = item.with_created_at(&from_micros(self.0(promised.created_at_us()))?);
        let args = AddStreamItem::new(recipients, changed)?.with_on_progress(on_progress);
        let added = store.add_stream_item(args).await?;
        Ok(Delivery::new(promised, added.delivered))
    }
}

/// Each item that is read is a second later than the one before.
#[derive(Debug)]
struct Drifting(AtomicI64);

#[async_trait]
impl Twist for Drifting {
    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let mut items = store.get_stream_items(query).await?;
        for item in &mut items {
            item.created_at += TimeDelta::seconds(self.0.fetch_add(1, Ordering::Relaxed));
        }
        Ok(items)
    }
}
