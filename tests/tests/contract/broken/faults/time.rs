//! Instants that do not come back as they were.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use user_streams_core::StreamItem;

use super::{
    super::{Fault, HONEST, Twist},
    fault,
};

const HOUR: i64 = 3_600_000_000;

const fn kept(created_at: fn(i64) -> i64) -> Twist {
    Twist { created_at, ..HONEST }
}

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "microseconds are cut off",
        kept(|us| us.div_euclid(1_000) * 1_000),
        &[
            "time::microseconds_come_back",
            "time::nanoseconds_are_cut_off_toward_the_past",
            "order::items_a_microsecond_apart_are_ordered",
            "delivery::the_delivery_names_the_item",
        ],
    ),
    fault(
        "milliseconds are cut off",
        kept(|us| us.div_euclid(1_000_000) * 1_000_000),
        &[
            "time::microseconds_come_back",
            "time::an_item_without_a_date_is_of_now",
            "order::items_a_millisecond_apart_are_ordered",
        ],
    ),
    fault(
        "microseconds are rounded to even ones",
        kept(|us| us & !1),
        &["order::items_a_microsecond_apart_are_ordered"],
    ),
    fault(
        "instants are doubles of seconds",
        kept(in_double_seconds),
        &["time::both_limits_of_the_range_come_back"],
    ),
    fault(
        "dates before 1970 are 1970",
        kept(|us| us.max(0)),
        &[
            "time::the_instants_around_1970_come_back",
            "order::dates_on_both_sides_of_1970_are_ordered",
        ],
    ),
    fault(
        "fractions before 1970 go toward it",
        kept(|us| if us < 0 { us / 1_000 * 1_000 } else { us }),
        &[
            "time::the_instants_around_1970_come_back",
            "order::dates_on_both_sides_of_1970_are_ordered",
        ],
    ),
    fault(
        "seconds have 31 bits",
        kept(|us| us.min(i64::from(i32::MAX) * 1_000_000)),
        &["time::the_instants_around_2038_and_2106_come_back"],
    ),
    fault(
        "seconds have 32 bits",
        kept(|us| us.rem_euclid((i64::from(u32::MAX) + 1) * 1_000_000)),
        &["time::the_instants_around_2038_and_2106_come_back"],
    ),
    fault(
        "dates are of the Julian calendar before 1752",
        kept(|us| if us < -6_879_427_200_000_000 { us - 11 * 24 * HOUR } else { us }),
        &["time::instants_of_far_years_come_back"],
    ),
    fault(
        "a local time that does not exist is moved",
        kept(|us| if is_in_the_gap_of_new_york(us) { us + HOUR } else { us }),
        &["time::local_times_that_do_not_exist_come_back"],
    ),
    fault(
        "a local time that comes twice is the first",
        kept(|us| if is_second_time_in_new_york(us) { us - HOUR } else { us }),
        &["time::local_times_that_come_twice_are_two_instants"],
    ),
    fault(
        "instants are taken for local times",
        kept(|us| us + 5 * HOUR),
        &[
            "time::a_date_of_another_offset_is_the_same_instant",
            "time::an_item_without_a_date_is_of_now",
        ],
    ),
    fault(
        "an instant is another one at each read",
        Twist { shown: drifting, ..HONEST },
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

fn drifting(mut item: StreamItem) -> StreamItem {
    static READS: AtomicI64 = AtomicI64::new(0);
    item.created_at += TimeDelta::seconds(READS.fetch_add(1, Ordering::Relaxed));
    item
}
