//! The operations of a feed that audiences and what is hidden are made of.

use super::{
    super::{Fault, Wrong},
    wrong,
};

pub(crate) const FAULTS: &[Fault] = &[
    wrong("a feed folds text ids", Wrong::FeedFoldsTextIds, &["audiences::no_audience_is_another"]),
    wrong(
        "a feed delivers again",
        Wrong::FeedDeliversAgain,
        &[
            "audiences::each_audience_is_delivered_to_once",
            "subtract::what_a_user_dismisses_is_gone_for_that_user_alone",
            "subtract::what_is_retracted_is_gone_for_all",
        ],
    ),
    wrong(
        "an audience is nobody",
        Wrong::AudienceIsNobody,
        &["audiences::without_the_setting_nobody_pays_and_nobody_is_served"],
    ),
    wrong(
        "what an audience is sent is the connection's",
        Wrong::FeedOfTheConnection,
        &["audiences::an_audience_is_there_for_every_connection"],
    ),
    wrong(
        "feeds of ids of a kind are one",
        Wrong::OneFeedForAllOfAKind,
        &[
            "audiences::a_feed_has_audiences_of_its_own",
            "audiences::what_an_audience_is_sent_is_in_its_place_for_each_member",
            "subtract::what_a_user_dismisses_is_gone_for_that_user_alone",
        ],
    ),
    wrong(
        "a feed removes nothing",
        Wrong::FeedRemovesNothing,
        &[
            "audiences::an_item_is_removed_from_an_audience_for_all",
            "subtract::what_was_hidden_is_there_again",
            "subtract_trim::trimming_takes_what_is_retracted",
        ],
    ),
    wrong(
        "a feed counts all as newer",
        Wrong::FeedCountsAllAsNewer,
        &[
            "audience_bounds::an_audience_is_there_since_its_member_joined",
            "audience_bounds::the_bounds_are_those_of_the_merged_stream",
            "audience_bounds::marks_are_of_the_merged_stream",
        ],
    ),
    wrong(
        "a feed stores no empty content",
        Wrong::FeedStoresNoEmptyContent,
        &[
            "subtract::what_a_user_dismisses_is_gone_for_that_user_alone",
            "subtract::what_is_retracted_is_gone_for_all",
            "subtract::what_is_hidden_does_not_count",
            "subtract::pages_pass_over_many_hidden_items",
            "algebra::random_feeds_marks_and_bounds_agree_with_the_model",
            "subtract_trim::what_is_dismissed_stays_so_after_a_trim",
            "subtract_trim::trimming_a_feed_leaves_what_is_seen_with_others",
        ],
    ),
    wrong(
        "a feed deletes no stream",
        Wrong::FeedDeletesNothing,
        &["subtract::a_deleted_user_has_dismissed_nothing"],
    ),
    wrong(
        "a feed deletes no range",
        Wrong::FeedRangeDeletesNothing,
        &[
            "subtract_trim::trimming_forgets_what_was_hidden_and_is_too_old",
            "subtract_trim::what_is_dismissed_stays_so_after_a_trim",
        ],
    ),
    wrong(
        "a range of a feed is its stream",
        Wrong::FeedRangeTakesTheStream,
        &[
            "subtract_trim::trimming_changes_nothing_that_a_user_sees",
            "algebra::random_feeds_marks_and_bounds_agree_with_the_model",
            "subtract_trim::trimming_a_feed_leaves_what_is_seen_with_others",
        ],
    ),
    wrong(
        "a feed lists no text ids",
        Wrong::FeedListsNoTextIds,
        &[
            "moving::a_copy_has_what_audiences_have_and_what_is_hidden",
            "moving::a_verification_counts_what_differs_beside_the_users",
        ],
    ),
];
