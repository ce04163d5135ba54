//! Streams in another order, and items that are taken for each other.

use std::cmp::Reverse;

use user_streams_core::Cursor;

use super::{
    super::{Fault, HONEST, Twist},
    fault,
};

const fn sorted(order: fn(&mut Vec<Cursor>)) -> Twist {
    Twist { order, ..HONEST }
}

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "the oldest item is first",
        sorted(|places| places.sort_unstable()),
        &[
            "order::the_newest_item_is_first",
            "slicing::get_gives_the_item_at_an_index",
            "slicing::the_first_ones_the_middle_and_the_rest",
            "paging::a_hundred_items_make_ten_pages_of_ten",
        ],
    ),
    fault(
        "ties are reversed",
        sorted(|places| places.sort_by_key(|place| (Reverse(place.created_at_us()), place.id()))),
        &[
            "order::equal_timestamps_keep_insertion_order",
            "order::equal_timestamps_keep_insertion_order_across_broadcasts",
            "cursors::a_thousand_items_of_one_timestamp_are_walked_once",
            "cursors::a_walk_forward_and_back_visits_each_item_once",
        ],
    ),
    fault(
        "ties are in any order",
        sorted(|places| {
            fastrand::shuffle(places);
            places.sort_by_key(|place| Reverse(place.created_at_us()));
        }),
        &[
            "order::equal_timestamps_keep_insertion_order",
            "paging::a_thousand_items_of_one_timestamp_are_each_on_one_page",
            "cursors::a_thousand_items_of_one_timestamp_are_walked_once",
            "cursors::a_stream_longer_than_its_chunks_yields_each_item_once",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "the order is that of insertion",
        sorted(|places| places.reverse()),
        &[
            "order::items_added_out_of_order_are_sorted",
            "order::items_a_microsecond_apart_are_ordered",
            "order::a_later_item_with_a_smaller_id_is_newer",
        ],
    ),
    fault(
        "the order is that of the ids",
        sorted(|places| places.sort_by_key(|place| Reverse(place.id()))),
        &[
            "order::a_later_item_with_a_smaller_id_is_newer",
            "order::items_added_out_of_order_are_sorted",
        ],
    ),
    fault(
        "the order is that of whole seconds",
        sorted(|places| {
            places.sort_by_key(|place| {
                Reverse((place.created_at_us().div_euclid(1_000_000), place.id()))
            });
        }),
        &["order::items_a_millisecond_apart_are_ordered"],
    ),
    fault(
        "the order is that of milliseconds",
        sorted(|places| {
            places.sort_by_key(|place| {
                Reverse((place.created_at_us().div_euclid(1_000), place.id()))
            });
        }),
        &["order::items_a_microsecond_apart_are_ordered"],
    ),
    fault(
        "ids are ordered as text",
        sorted(|places| {
            places.sort_by_key(|place| Reverse((place.created_at_us(), place.id().to_string())));
        }),
        &["order::equal_timestamps_are_ordered_by_id_as_a_number"],
    ),
    fault(
        "ids are ordered by their lower half",
        sorted(|places| {
            places.sort_by_key(|place| {
                Reverse((place.created_at_us(), place.id().get() & 0xffff_ffff))
            });
        }),
        &["order::equal_timestamps_are_ordered_by_id_as_a_number"],
    ),
    fault(
        "dates before 1970 are ordered by their distance",
        sorted(|places| {
            places.sort_by_key(|place| {
                Reverse((place.created_at_us() >= 0, place.created_at_us().abs(), place.id()))
            });
        }),
        &["order::dates_on_both_sides_of_1970_are_ordered"],
    ),
    fault(
        "dates before 1970 are newer than those after it",
        sorted(|places| {
            places.sort_by_key(|place| Reverse((place.created_at_us() < 0, *place)));
        }),
        &["order::dates_on_both_sides_of_1970_are_ordered"],
    ),
    fault(
        "an id is that of one item at any time",
        Twist { same: Some(|known, new| known.id() == new.id()), ..HONEST },
        &["identity::the_same_id_at_another_time_is_another_item"],
    ),
    fault(
        "a timestamp is that of one item",
        Twist { same: Some(|known, new| known.created_at_us() == new.created_at_us()), ..HONEST },
        &[
            "identity::the_same_time_with_another_id_is_another_item",
            "order::equal_timestamps_keep_insertion_order",
        ],
    ),
    fault(
        "a retry delivers again",
        Twist { same: Some(|_, _| false), ..HONEST },
        &[
            "identity::an_add_that_is_retried_delivers_once",
            "identity::a_retried_broadcast_reaches_only_who_is_missing",
            "identity::a_retry_may_come_late",
            "identity::an_event_that_comes_twice_arrives_once",
            "recipients::a_user_named_twice_receives_it_once",
            "recipients::a_large_retry_reaches_only_who_is_missing",
            "connections::another_connection_sees_what_is_stored",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "a stream has room for 400 items",
        sorted(|places| {
            places.sort_unstable_by(|a, b| b.cmp(a));
            places.truncate(400);
        }),
        &["delivery::a_user_may_be_added_to_many_times"],
    ),
    fault(
        "a content replaces that of the same item",
        Twist { replaces_content: true, ..HONEST },
        &["identity::another_content_of_the_same_id_and_time_is_no_second_item"],
    ),
];
