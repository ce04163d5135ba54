//! What comes is not told, or listed wrongly.

use super::{super::Wrong, Fault, wrong};

pub(crate) const FAULTS: &[Fault] = &[
    wrong(
        "what is told is not heard",
        Wrong::WatchTellsNothing,
        &[
            "live::what_is_added_comes_to_those_who_have_subscribed",
            "live::what_another_connection_adds_comes",
            "live::what_another_connection_stores_late_comes",
            "live::many_items_at_once_all_come",
            "live::an_item_of_an_old_date_comes_when_it_is_added",
            "live::an_item_with_a_date_to_come_comes_then",
            "live::what_is_merged_comes_once",
            "live::what_is_for_an_audience_comes_to_those_who_belong_to_it",
            "live::what_is_added_is_told",
        ],
    ),
    wrong(
        "what is newer is listed whatever the place",
        Wrong::ListsOlder,
        &[
            "live::what_stood_before_does_not_come",
            "live::newer_items_are_listed_for_the_users_who_are_asked_about",
        ],
    ),
    wrong(
        "what is newer is listed by its timestamp",
        Wrong::ListsNewerByTimestamp,
        &["live::newer_items_are_listed_for_the_users_who_are_asked_about"],
    ),
    wrong(
        "what is newer is listed of the first user",
        Wrong::ListsOfTheFirst,
        &["live::newer_items_are_listed_for_the_users_who_are_asked_about"],
    ),
    wrong(
        "what is newer is listed without a limit",
        Wrong::ListsWithoutLimit,
        &["live::a_limit_of_what_is_listed_holds"],
    ),
    wrong(
        "nothing is contained",
        Wrong::ContainsNothing,
        &["live::what_is_dismissed_retracted_or_too_old_does_not_come"],
    ),
];
