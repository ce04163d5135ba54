//! The optional operations that feeds are made of.

use super::{
    super::{Fault, Wrong},
    wrong,
};

pub(crate) const FAULTS: &[Fault] = &[
    wrong(
        "removing an item takes the stream",
        Wrong::RemoveTakesAll,
        &[
            "removal::an_item_is_removed_from_those_named_and_from_nobody_else",
            "unread::single_items_are_read_and_unread_until_the_mark_passes",
            "retention::a_walk_meets_once_what_stays_whatever_else_goes",
        ],
    ),
    wrong(
        "removing an item takes all of its timestamp",
        Wrong::RemoveByTimestamp,
        &["removal::only_the_item_at_exactly_that_place_is_removed"],
    ),
    wrong(
        "removing counts who is named",
        Wrong::RemoveCountsNames,
        &[
            "removal::an_item_is_removed_from_those_named_and_from_nobody_else",
            "removal::removing_an_item_again_removes_nothing",
        ],
    ),
    wrong(
        "a removed item never comes back",
        Wrong::RemoveIsForEver,
        &["removal::a_removed_item_can_be_added_again"],
    ),
    wrong(
        "removing serves the first thousand",
        Wrong::RemoveServesTheFirstThousand,
        &["removal::an_item_is_removed_from_a_long_stream_of_recipients"],
    ),
    wrong(
        "removing begins before its recipients are known",
        Wrong::RemoveBeforeTheRecipientsFail,
        &["removal::a_removal_whose_recipients_fail_at_once_removes_nothing"],
    ),
    wrong(
        "a range includes its places",
        Wrong::RangeTakesItsPlaces,
        &["ranges::a_range_lies_between_its_two_places_which_stay"],
    ),
    wrong(
        "a range is of timestamps",
        Wrong::RangeByTimestamp,
        &["ranges::a_range_divides_items_of_one_timestamp"],
    ),
    wrong(
        "a range is of everyone",
        Wrong::RangeOfEveryone,
        &["ranges::a_range_without_bounds_is_the_whole_stream_of_one_user"],
    ),
    wrong(
        "a range swaps its places",
        Wrong::RangeSwapsItsPlaces,
        &["ranges::a_range_between_places_in_the_wrong_order_is_empty"],
    ),
    wrong(
        "newer items are counted beyond the limit",
        Wrong::NewerWithoutLimit,
        &["ranges::newer_items_are_counted_up_to_the_limit"],
    ),
    wrong(
        "newer is by timestamp",
        Wrong::NewerByTimestamp,
        &[
            "ranges::newer_items_are_counted_among_those_of_one_timestamp",
            "retention::only_the_newest_of_max_len_are_there",
            "retention::what_is_older_than_max_age_is_not_there",
            "retention::what_is_yet_to_come_is_hidden",
            "retention::since_and_until_bound_what_is_there",
        ],
    ),
    wrong(
        "the newer items of everyone are counted",
        Wrong::NewerOfEveryone,
        &[
            "ranges::newer_items_are_counted_up_to_the_limit",
            "slicing::a_slice_is_counted_no_further_than_to_its_end",
            "paging::pages_beyond_what_is_counted_are_read",
        ],
    ),
    wrong(
        "a count from a mark begins anywhere",
        Wrong::NewerThanAnyMark,
        &[
            "marks::what_is_newer_than_a_mark_is_counted_up_to_the_limit",
            "unread::unread_is_what_is_newer_than_the_mark_up_to_the_limit",
            "unread::a_mark_goes_to_the_newest_item_that_is_there",
            "unread::seen_and_read_are_two_marks",
            "unread::what_comes_late_with_a_date_before_the_mark_is_read",
        ],
    ),
    wrong(
        "contains answers in its own order",
        Wrong::ContainsInItsOwnOrder,
        &["ranges::contains_answers_for_each_pair_in_order"],
    ),
    wrong(
        "contains looks at the timestamp alone",
        Wrong::ContainsByTimestamp,
        &[
            "ranges::contains_tells_apart_what_differs_in_one_part_alone",
            "merge::an_item_in_several_feeds_is_there_once",
        ],
    ),
    wrong(
        "contains looks at the first thousand",
        Wrong::ContainsTheFirstThousand,
        &["ranges::contains_takes_any_number_of_pairs"],
    ),
    wrong(
        "a bulk add gives all to the first",
        Wrong::BulkToTheFirst,
        &["bulk::each_row_of_a_bulk_add_comes_to_its_own_user"],
    ),
    wrong(
        "a bulk add counts its rows",
        Wrong::BulkCountsRows,
        &["bulk::a_bulk_add_counts_what_was_not_there"],
    ),
    wrong("a bulk add trims", Wrong::BulkTrims, &["bulk::a_bulk_add_keeps_contents_and_order"]),
    wrong("a bulk add is cut off", Wrong::BulkIsCutOff, &["bulk::a_long_bulk_add_is_stored_whole"]),
    wrong(
        "the list of users has one part",
        Wrong::ListsTheFirstPage,
        &["bulk::everyone_who_has_a_stream_is_listed"],
    ),
    wrong(
        "the list of users has those without a stream",
        Wrong::ListsTheDeleted,
        &["bulk::everyone_who_has_a_stream_is_listed"],
    ),
    wrong(
        "the list of users begins anywhere",
        Wrong::ListsFromAnywhere,
        &["bulk::the_list_of_users_takes_no_place_that_is_none"],
    ),
    wrong(
        "a mark is everyone's",
        Wrong::MarksOfEveryone,
        &["marks::a_mark_is_of_one_user_and_name"],
    ),
    wrong("a mark moves back", Wrong::MarksMoveBack, &["marks::a_mark_moves_forward_alone"]),
    wrong(
        "a mark never moves back",
        Wrong::MarksNeverMoveBack,
        &["marks::a_mark_moves_back_if_that_is_asked", "unread::a_mark_goes_back_if_that_is_asked"],
    ),
    wrong(
        "a mark cannot be removed",
        Wrong::MarksStayForEver,
        &["marks::a_mark_can_be_removed", "moving::everything_of_a_user_is_deleted"],
    ),
    wrong(
        "a mark is a timestamp",
        Wrong::MarksByTimestamp,
        &["marks::marks_are_ordered_as_items_are"],
    ),
    wrong(
        "a mark is looked at and then moved",
        Wrong::MarksLookAndMove,
        &["marks::of_marks_set_at_once_the_furthest_stays"],
    ),
    wrong(
        "a mark goes with the items",
        Wrong::MarksGoWithTheItems,
        &["marks::a_mark_is_independent_of_the_items"],
    ),
    wrong(
        "a mark is the connection's",
        Wrong::MarksOfTheConnection,
        &["marks::a_mark_is_seen_by_every_connection"],
    ),
    wrong(
        "a feed is the main one",
        Wrong::FeedIsTheMainOne,
        &[
            "feeds::a_feed_is_apart_from_the_main_one_and_from_others",
            "merge::merged_feeds_are_one_stream_in_order",
        ],
    ),
    wrong(
        "all feeds are one",
        Wrong::OneFeedForAll,
        &["feeds::a_feed_is_apart_from_the_main_one_and_from_others"],
    ),
    wrong(
        "a feed has ids of the main kind",
        Wrong::FeedOfTheMainKind,
        &["feeds::a_feed_has_ids_of_its_own_kind"],
    ),
    wrong(
        "a feed has nothing optional",
        Wrong::FeedWithoutOptions,
        &["feeds::a_feed_has_the_optional_operations_of_its_backend"],
    ),
    wrong(
        "a feed is new each time",
        Wrong::FeedIsNewEachTime,
        &["feeds::a_feed_is_the_same_each_time_it_is_asked_for"],
    ),
    wrong(
        "a feed is the connection's",
        Wrong::FeedOfTheConnection,
        &["feeds::a_feed_is_seen_by_every_connection"],
    ),
    wrong(
        "deleting in a feed deletes in all",
        Wrong::FeedDeletesEverywhere,
        &["feeds::deleting_in_one_feed_leaves_the_others"],
    ),
    wrong(
        "a range of a feed includes its places",
        Wrong::FeedRangeTakesItsPlaces,
        &["retention::trimming_deletes_what_nobody_sees"],
    ),
    wrong(
        "a bulk add to a feed is cut off",
        Wrong::FeedBulkIsCutOff,
        &[
            "moving::a_copy_has_every_item_and_mark",
            "moving::a_copy_that_stopped_goes_on",
            "moving::a_verification_names_who_differs",
        ],
    ),
];
