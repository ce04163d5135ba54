//! Reads that give another part of a stream, and counts of something else.

use user_streams_core::{
    Cursor, Error, ErrorKind, Result,
    backend::{Position, StreamQuery},
};

use super::{
    super::{Fault, HONEST, Twist, part},
    fault,
};

type Part = Result<Vec<Cursor>>;

const fn read(part: fn(&[Cursor], &StreamQuery) -> Part) -> Twist {
    Twist { part, ..HONEST }
}

const fn counted(count: fn(&[Cursor], usize) -> usize) -> Twist {
    Twist { count, ..HONEST }
}

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "offsets are one too large",
        read(|all, query| part(all, &skip(query, |n| n.saturating_add(1)))),
        &[
            "slicing::the_first_ones_the_middle_and_the_rest",
            "slicing::every_kind_of_range_slices",
            "slicing::a_slice_of_a_slice_composes",
            "slicing::any_offset_and_limit_give_that_part",
            "slicing::get_gives_the_item_at_an_index",
            "slicing::a_stream_yields_a_slice",
            "slicing::a_slice_is_one_query_for_its_rows_alone",
            "delivery::an_item_is_there_when_its_add_has_ended",
            "paging::a_slice_is_paged",
            "paging::orphans_join_the_page_before",
            "paging::get_page_is_lenient",
        ],
    ),
    fault(
        "offsets are ignored",
        read(|all, query| part(all, &skip(query, |_| 0))),
        &[
            "slicing::past_the_end_there_is_nothing",
            "paging::the_last_page_has_what_is_left",
            "paging::a_page_knows_without_a_count_whether_another_follows",
        ],
    ),
    fault(
        "a limit of 0 is none",
        read(|all, query| {
            let limit = if query.limit == 0 { u64::MAX } else { query.limit };
            part(all, &with_limit(query, limit))
        }),
        &["slicing::a_limit_of_zero_is_no_items"],
    ),
    fault(
        "limits are ignored",
        read(|all, query| part(all, &with_limit(query, u64::MAX))),
        &[
            "slicing::the_first_ones_the_middle_and_the_rest",
            "slicing::a_limit_of_zero_is_no_items",
            "slicing::an_empty_range_has_no_items",
            "slicing::making_a_slice_reads_nothing",
            "cursors::after_gives_the_next_older_items",
        ],
    ),
    fault(
        "limits are one too large",
        read(|all, query| part(all, &with_limit(query, query.limit.saturating_add(1)))),
        &[
            "slicing::any_offset_and_limit_give_that_part",
            "cursors::every_place_splits_the_stream_in_two",
        ],
    ),
    fault(
        "limits end at 100",
        read(|all, query| part(all, &with_limit(query, query.limit.min(100)))),
        &[
            "delivery::a_user_may_be_added_to_many_times",
            "cursors::a_stream_longer_than_its_chunks_yields_each_item_once",
        ],
    ),
    fault(
        "limits are signed",
        read(|all, query| match i64::try_from(query.limit) {
            Ok(_) => part(all, query),
            Err(_) => Ok(Vec::new()),
        }),
        &["slicing::huge_offsets_and_limits_are_no_error"],
    ),
    fault(
        "huge numbers are an error",
        read(|all, query| match query.position {
            Position::Offset(offset) if offset.checked_add(query.limit).is_none() => {
                Err(Error::new(ErrorKind::Backend, "out of range"))
            }
            _ => part(all, query),
        }),
        &["slicing::huge_offsets_and_limits_are_no_error"],
    ),
    fault(
        "offsets have 32 bits",
        read(|all, query| part(all, &skip(query, |n| n & 0xffff_ffff))),
        &["slicing::huge_offsets_and_limits_are_no_error"],
    ),
    fault(
        "past the end is an error",
        read(|all, query| match query.position {
            Position::Offset(offset) if offset > all.len() as u64 => {
                Err(Error::new(ErrorKind::Backend, "no such item"))
            }
            _ => part(all, query),
        }),
        &["slicing::past_the_end_there_is_nothing", "paging::a_page_that_is_not_there_is_an_error"],
    ),
    fault(
        "an empty stream is an error",
        read(|all, query| match all {
            [] => Err(Error::new(ErrorKind::Backend, "no such stream")),
            _ => part(all, query),
        }),
        &[
            "delivery::a_user_without_items_has_an_empty_stream",
            "paging::an_empty_stream_has_one_empty_page",
        ],
    ),
    fault(
        "after includes the item",
        read(|all, query| match query.position {
            Position::After(cursor) => Ok(older(all, query, |place| place <= cursor)),
            _ => part(all, query),
        }),
        &[
            "cursors::the_item_at_the_cursor_is_not_among_them",
            "cursors::past_either_end_there_is_nothing",
            "cursors::a_walk_forward_and_back_visits_each_item_once",
            "cursors::a_cursor_survives_as_text",
            "cursors::a_page_neither_repeats_nor_loses_while_items_are_added",
            "cursors::a_stream_neither_repeats_nor_loses_while_items_are_added",
            "concurrency::sixteen_writers_and_four_readers_lose_and_repeat_nothing",
        ],
    ),
    fault(
        "before includes the item",
        read(|all, query| match query.position {
            Position::Before(cursor) => Ok(nearest(all, query, |place| place >= cursor)),
            _ => part(all, query),
        }),
        &[
            "cursors::the_item_at_the_cursor_is_not_among_them",
            "cursors::past_either_end_there_is_nothing",
            "cursors::a_walk_forward_and_back_visits_each_item_once",
        ],
    ),
    fault(
        "before gives the newest instead of the nearest",
        read(|all, query| match query.position {
            Position::Before(cursor) => Ok(older(all, query, |place| place > cursor)),
            _ => part(all, query),
        }),
        &[
            "cursors::before_gives_the_nearest_newer_items_newest_first",
            "cursors::every_place_splits_the_stream_in_two",
            "cursors::a_walk_forward_and_back_visits_each_item_once",
            "live::what_is_newer_than_a_place_comes_first_and_oldest_first",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "before gives the oldest first",
        read(|all, query| match query.position {
            Position::Before(_) => part(all, query).map(|items| items.into_iter().rev().collect()),
            _ => part(all, query),
        }),
        &[
            "cursors::before_gives_the_nearest_newer_items_newest_first",
            "cursors::the_outermost_places_have_everything_on_one_side",
        ],
    ),
    fault(
        "after goes by the timestamp alone",
        read(|all, query| match query.position {
            Position::After(cursor) => {
                Ok(older(all, query, |place| place.created_at_us() < cursor.created_at_us()))
            }
            _ => part(all, query),
        }),
        &[
            "cursors::the_item_at_the_cursor_is_not_among_them",
            "cursors::a_thousand_items_of_one_timestamp_are_walked_once",
            "cursors::a_stream_longer_than_its_chunks_yields_each_item_once",
            "cursors::a_place_without_an_item_is_a_place",
        ],
    ),
    fault(
        "before goes by the timestamp alone",
        read(|all, query| match query.position {
            Position::Before(cursor) => {
                Ok(nearest(all, query, |place| place.created_at_us() > cursor.created_at_us()))
            }
            _ => part(all, query),
        }),
        &[
            "cursors::every_place_splits_the_stream_in_two",
            "cursors::a_place_without_an_item_is_a_place",
        ],
    ),
    fault(
        "a place is looked up among the user's items",
        read(|all, query| match query.position {
            Position::After(cursor) | Position::Before(cursor) if !all.contains(&cursor) => {
                Ok(Vec::new())
            }
            _ => part(all, query),
        }),
        &[
            "cursors::a_place_without_an_item_is_a_place",
            "cursors::another_users_item_is_a_place",
            "cursors::a_deleted_item_is_still_a_place",
            "cursors::the_outermost_places_have_everything_on_one_side",
        ],
    ),
    fault(
        "cursors are ignored",
        read(|all, query| match query.position {
            Position::After(_) | Position::Before(_) => {
                part(all, &StreamQuery::new(query.user.clone(), query.limit))
            }
            _ => part(all, query),
        }),
        &[
            "cursors::after_gives_the_next_older_items",
            "cursors::a_cursor_survives_as_text",
            "concurrency::sixteen_writers_and_four_readers_lose_and_repeat_nothing",
        ],
    ),
    fault(
        "items of a slice are not in the stream",
        read(|all, query| match query.position {
            Position::Offset(0) => part(all, query),
            _ => Ok(Vec::new()),
        }),
        &["slicing::a_stream_yields_a_slice", "slicing::a_slice_of_a_slice_composes"],
    ),
    fault(
        "the count is that of all users",
        counted(|_, all| all),
        &["delivery::nobody_else_receives_it"],
    ),
    fault(
        "the count is one too many",
        counted(|places, _| places.len() + 1),
        &[
            "slicing::len_counts_what_a_slice_has",
            "slicing::len_reads_no_rows",
            "paging::a_hundred_items_make_ten_pages_of_ten",
            "paging::a_page_bar_is_elided",
            "bad_input::content_with_nul_is_refused",
            "bad_input::content_that_is_too_long_is_refused",
            "bad_input::a_user_of_another_kind_is_refused_by_every_operation",
            "bad_input::a_text_id_with_nul_or_too_long_is_refused",
            "bad_input::a_list_with_a_user_of_another_kind_is_refused_whole",
            "time::dates_out_of_range_are_refused",
            "optional::capabilities_never_change",
        ],
    ),
    fault(
        "the count ends at 400",
        counted(|places, _| places.len().min(400)),
        &[
            "delivery::a_user_may_be_added_to_many_times",
            "concurrency::sixteen_writers_and_four_readers_lose_and_repeat_nothing",
        ],
    ),
    fault(
        "the count is that of the timestamps",
        counted(|places, _| {
            let times: std::collections::BTreeSet<_> =
                places.iter().map(Cursor::created_at_us).collect();
            times.len()
        }),
        &[
            "identity::the_same_time_with_another_id_is_another_item",
            "paging::a_thousand_items_of_one_timestamp_are_each_on_one_page",
        ],
    ),
];

fn with_limit(query: &StreamQuery, limit: u64) -> StreamQuery {
    StreamQuery::new(query.user.clone(), limit).with_position(query.position)
}

fn skip(query: &StreamQuery, offset: fn(u64) -> u64) -> StreamQuery {
    match query.position {
        Position::Offset(n) => query.clone().with_position(Position::Offset(offset(n))),
        _ => query.clone(),
    }
}

fn limit(query: &StreamQuery) -> usize {
    usize::try_from(query.limit).unwrap_or(usize::MAX)
}

/// The first of those that fit.
fn older(all: &[Cursor], query: &StreamQuery, fits: impl Fn(Cursor) -> bool) -> Vec<Cursor> {
    all.iter().copied().filter(|place| fits(*place)).take(limit(query)).collect()
}

/// The last of those that fit.
fn nearest(all: &[Cursor], query: &StreamQuery, fits: impl Fn(Cursor) -> bool) -> Vec<Cursor> {
    let fitting: Vec<_> = all.iter().copied().filter(|place| fits(*place)).collect();
    fitting[fitting.len().saturating_sub(limit(query))..].to_vec()
}
