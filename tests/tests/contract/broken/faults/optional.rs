//! Optional operations that do something else, or are declared wrongly.

use user_streams_core::{UserIdKind, backend::Capabilities};

use super::{
    super::{Fault, HONEST, Optional, Twist},
    fault,
};

const fn optional(optional: Optional) -> Twist {
    Twist { optional, ..HONEST }
}

pub(super) const DECLARED: &[&str] = &[
    "optional::migrate_works_if_declared",
    "optional::delete_stream_works_if_declared",
    "optional::repair_stream_works_if_declared",
    "optional::purge_works_if_declared",
    "optional::in_transaction_takes_no_other_type",
    "removal::remove_stream_item_works_if_declared",
    "ranges::delete_range_works_if_declared",
    "ranges::count_newer_works_if_declared",
    "ranges::contains_works_if_declared",
    "bulk::bulk_add_works_if_declared",
    "bulk::list_users_works_if_declared",
    "marks::marks_work_if_declared",
    "feeds::feeds_are_there_if_declared",
    "merged::get_merged_works_if_declared",
];

pub(crate) const FAULTS: &[Fault] = &[
    fault("what is not declared works", optional(Optional::UndeclaredButWorking), DECLARED),
    fault("Unsupported names nothing", optional(Optional::UnsupportedNamesNothing), DECLARED),
    fault(
        "anything is a transaction",
        optional(Optional::TransactionOfAnyType),
        &["optional::in_transaction_takes_no_other_type"],
    ),
    fault(
        "capabilities change",
        Twist {
            capabilities: |all, streams| match streams {
                0 => all,
                _ => Capabilities::new("renamed", UserIdKind::BigInt),
            },
            ..HONEST
        },
        &["optional::capabilities_never_change"],
    ),
    fault(
        "migrating again fails",
        optional(Optional::MigrateFailsAgain),
        &["optional::migrating_again_changes_nothing"],
    ),
    fault(
        "migrating wipes",
        optional(Optional::MigrateWipes),
        &["optional::migrating_again_changes_nothing", "optional::many_may_migrate_at_once"],
    ),
    fault(
        "migrations that meet fail",
        optional(Optional::MigrateFailsBesideAnother),
        &["optional::many_may_migrate_at_once"],
    ),
    fault(
        "deleting takes the items of others",
        optional(Optional::DeleteTakesOthers),
        &["optional::delete_stream_deletes_one_users_items_and_counts_them"],
    ),
    fault(
        "deleting counts nothing",
        optional(Optional::DeleteCountsNothing),
        &[
            "optional::delete_stream_deletes_one_users_items_and_counts_them",
            "optional::a_deleted_stream_can_be_added_to",
            "optional::deleting_an_empty_stream_deletes_nothing",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "deleting leaves the oldest",
        optional(Optional::DeleteLeavesTheOldest),
        &[
            "optional::delete_stream_deletes_one_users_items_and_counts_them",
            "optional::a_deleted_stream_can_be_added_to",
            "cursors::a_deleted_item_is_still_a_place",
        ],
    ),
    fault(
        "a deleted user is deleted for ever",
        optional(Optional::DeleteIsForEver),
        &[
            "optional::a_deleted_stream_can_be_added_to",
            "identity::a_deleted_item_can_be_delivered_again",
        ],
    ),
    fault(
        "deleting nothing fails",
        optional(Optional::DeleteFailsIfEmpty),
        &["optional::deleting_an_empty_stream_deletes_nothing"],
    ),
    fault(
        "deleting counts first, and takes what has come since",
        optional(Optional::DeleteCountsFirst),
        &["concurrency::an_add_beside_a_deletion_is_deleted_and_counted_or_stays"],
    ),
    fault(
        "deleting goes on after it has answered",
        optional(Optional::DeleteGoesOn),
        &["concurrency::an_item_added_after_a_deletion_stays"],
    ),
    fault(
        "a dropped deletion has deleted a part",
        optional(Optional::DeleteInHalves),
        &["cancellation::a_deletion_that_is_dropped_at_any_point_deletes_all_or_nothing"],
    ),
    fault(
        "repairing takes what can be read",
        optional(Optional::RepairTakesAll),
        &["optional::repairing_a_sound_stream_deletes_nothing"],
    ),
    fault(
        "repairing counts what it leaves",
        optional(Optional::RepairCountsAll),
        &["optional::repairing_a_sound_stream_deletes_nothing"],
    ),
    fault(
        "a ping fails",
        optional(Optional::PingFails),
        &["optional::ping_answers_and_stores_nothing"],
    ),
    fault(
        "a ping is an item",
        optional(Optional::PingAdds),
        &["optional::ping_answers_and_stores_nothing"],
    ),
    fault(
        "purging takes all content",
        optional(Optional::PurgeTakesAll),
        &["optional::purge_deletes_what_no_stream_refers_to"],
    ),
    fault(
        "purging counts nothing",
        optional(Optional::PurgeCountsNothing),
        &["optional::purge_deletes_what_no_stream_refers_to"],
    ),
    fault(
        "purging does nothing",
        optional(Optional::PurgeLeavesAll),
        &["optional::purge_deletes_what_no_stream_refers_to"],
    ),
    fault(
        "closing one connection closes all",
        optional(Optional::CloseClosesAll),
        &[
            "connections::closing_one_connection_leaves_the_others",
            "connections::what_is_stored_outlives_every_connection",
        ],
    ),
    fault(
        "a dropped read keeps its lock",
        optional(Optional::ReadsLeakLocks),
        &["cancellation::reads_that_are_dropped_leave_the_backend_usable"],
    ),
];
