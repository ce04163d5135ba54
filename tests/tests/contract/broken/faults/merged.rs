//! Several streams read as one.

use super::{
    super::{Fault, Wrong},
    wrong,
};

pub(crate) const FAULTS: &[Fault] = &[
    wrong(
        "what is in several streams is there several times",
        Wrong::MergedRepeats,
        &[
            "merged::an_item_in_several_parts_is_there_once",
            "merged_model::random_parts_agree_with_the_model",
            "merge::an_item_in_several_feeds_is_there_once",
            "audiences::an_item_of_several_audiences_is_there_once",
        ],
    ),
    wrong(
        "nothing is subtracted",
        Wrong::MergedIgnoresLess,
        &[
            "merged::what_is_in_a_stream_to_subtract_is_not_there",
            "merged_model::random_parts_agree_with_the_model",
            "subtract::what_a_user_dismisses_is_gone_for_that_user_alone",
            "subtract::what_is_retracted_is_gone_for_all",
        ],
    ),
    wrong(
        "what is subtracted is a timestamp",
        Wrong::MergedLessByTimestamp,
        &[
            "merged::what_is_in_a_stream_to_subtract_is_not_there",
            "subtract::what_a_user_dismisses_is_gone_for_that_user_alone",
        ],
    ),
    wrong(
        "a page is cut off before anything is subtracted",
        Wrong::MergedCutsOffBeforeLess,
        &[
            "merged::what_is_in_a_stream_to_subtract_is_not_there",
            "subtract::pages_pass_over_many_hidden_items",
        ],
    ),
    wrong(
        "the first of several streams is read",
        Wrong::MergedReadsTheFirstPart,
        &[
            "merged::several_streams_are_one_from_every_position",
            "audiences::what_an_audience_is_sent_is_in_its_place_for_each_member",
            "merge::merged_feeds_are_one_stream_in_order",
        ],
    ),
    wrong(
        "the places of parts are ignored",
        Wrong::MergedIgnoresPlaces,
        &[
            "merged::a_part_is_there_above_its_place",
            "audience_bounds::an_audience_is_there_since_its_member_joined",
        ],
    ),
    wrong(
        "the places of parts are included",
        Wrong::MergedIncludesPlaces,
        &["merged::a_part_is_there_above_its_place"],
    ),
    wrong(
        "the parts have one place",
        Wrong::MergedOnePlaceForAll,
        &["merged::a_part_is_there_above_its_place"],
    ),
    wrong(
        "a page of newer items is the newest one",
        Wrong::MergedBeforeFromTheTop,
        &["merged::several_streams_are_one_from_every_position"],
    ),
    wrong(
        "an offset is of each stream",
        Wrong::MergedOffsetOfEachPart,
        &["merged::several_streams_are_one_from_every_position"],
    ),
    wrong(
        "a feed that is none is empty",
        Wrong::MergedUnknownIsEmpty,
        &["merged::a_part_of_a_feed_that_is_none_is_an_error"],
    ),
];
