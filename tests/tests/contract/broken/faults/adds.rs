//! Adds that deliver to the wrong users, report it wrongly, or stop half-way.

use user_streams_core::{Error, ErrorKind};

use super::{
    super::{Adding, Fault, HONEST, Twist},
    fault,
};

const fn adding(adding: Adding) -> Twist {
    Twist { adding, ..HONEST }
}

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "a broadcast that fails keeps its first half",
        adding(Adding::ChunkByChunk),
        &[
            "broadcasts::a_broadcast_whose_recipients_fail_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_stores_nothing",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_stores_nothing",
        ],
    ),
    fault(
        "a failure is taken for the end of the recipients",
        adding(Adding::UpToAFailure),
        &[
            "broadcasts::a_failure_of_the_recipients_is_an_error_of_theirs",
            "broadcasts::a_failed_broadcast_is_completed_by_a_retry",
            "broadcasts::a_broadcast_whose_recipients_fail_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_is_an_error",
            "bad_input::a_stream_with_a_user_of_another_kind_stores_nothing",
        ],
    ),
    fault(
        "only the first chunk is served",
        adding(Adding::UpTo(1_000)),
        &[
            "broadcasts::a_broadcast_to_25_000_users_reaches_each_once",
            "broadcasts::a_failed_broadcast_is_completed_by_a_retry",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_for_recipients_can_be_retried",
        ],
    ),
    fault(
        "a broadcast ends at 65,535 recipients",
        adding(Adding::UpTo(65_535)),
        &["broadcasts::a_broadcast_to_70_000_users_reaches_each_once"],
    ),
    fault(
        "one of each full chunk is left out",
        adding(Adding::AllButOneOfAChunk),
        &[
            "broadcasts::a_broadcast_to_25_000_users_reaches_each_once",
            "broadcasts::a_large_retry_reaches_only_who_is_missing",
        ],
    ),
    fault(
        "who is named in two chunks receives it twice",
        adding(Adding::TwiceAcrossChunks),
        &["recipients::a_user_named_twice_far_apart_receives_it_once"],
    ),
    fault(
        "who is named twice receives it twice",
        adding(Adding::TwiceIfNamedTwice),
        &[
            "recipients::a_user_named_twice_receives_it_once",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "the content is stored first",
        adding(Adding::ContentFirst),
        &[
            "recipients::no_recipients_are_no_error_and_store_nothing",
            "broadcasts::a_broadcast_that_fails_early_stores_nothing",
            "broadcasts::a_broadcast_whose_recipients_fail_stores_nothing",
        ],
    ),
    fault(
        "no recipients are an error",
        adding(Adding::RefusesNone),
        &["recipients::no_recipients_are_no_error_and_store_nothing"],
    ),
    fault(
        "the rows come after the content",
        adding(Adding::RowsAfterContent),
        &["optional::purge_takes_nothing_from_an_add_under_way"],
    ),
    fault(
        "a broadcast is stored in halves",
        adding(Adding::InHalves),
        &["cancellation::a_broadcast_that_is_dropped_at_any_point_is_stored_whole_or_not_at_all"],
    ),
    fault(
        "a broadcast is visible in parts",
        adding(Adding::VisibleInParts),
        &["concurrency::a_broadcast_is_seen_by_readers_whole_or_not_at_all"],
    ),
    fault(
        "a lock is held while a broadcast waits for recipients",
        adding(Adding::LockedWhileWaiting),
        &["recipients::a_stream_of_recipients_may_read_and_add_itself"],
    ),
    fault(
        "an add needs a runtime of many threads",
        adding(Adding::BlocksInPlace),
        &["connections::a_backend_works_on_a_current_thread_runtime"],
    ),
    fault(
        "a dropped add keeps its lock",
        adding(Adding::LeakingALock),
        &[
            "cancellation::an_add_that_is_dropped_at_any_point_can_be_retried",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_stores_nothing",
        ],
    ),
    fault(
        "a stream is read and written back",
        adding(Adding::ReadAndWriteBack),
        &[
            "concurrency::sixteen_writers_and_four_readers_lose_and_repeat_nothing",
            "concurrency::adds_to_different_users_at_once_all_arrive",
            "concurrency::overlapping_broadcasts_at_once_all_arrive",
        ],
    ),
    fault(
        "adds that meet fail for good",
        adding(Adding::Alone),
        &[
            "concurrency::overlapping_broadcasts_at_once_all_arrive",
            "concurrency::adds_to_different_users_at_once_all_arrive",
        ],
    ),
    fault(
        "adds that meet have one count",
        adding(Adding::CountsForAll),
        &["concurrency::adds_at_once_have_a_count_each"],
    ),
    fault(
        "an add waits for one that was dropped",
        adding(Adding::AfterTheFirst),
        &["cancellation::adds_that_are_dropped_among_others_hold_up_nobody"],
    ),
    fault(
        "an add ends before it has stored anything",
        adding(Adding::Later),
        &[
            "delivery::an_item_is_there_when_its_add_has_ended",
            "delivery::a_broadcast_is_the_same_item_for_all",
        ],
    ),
    fault(
        "an item is looked for before it is stored",
        adding(Adding::LookAndStore),
        &["identity::retries_at_the_same_time_deliver_once"],
    ),
    fault(
        "an item is looked for right before it is stored",
        adding(Adding::LookAndStoreAtOnce),
        &["identity::retries_of_many_threads_at_once_deliver_once"],
    ),
    fault(
        "delivered counts names",
        Twist { delivered: |named, _| named as u64, ..HONEST },
        &[
            "recipients::a_user_named_twice_receives_it_once",
            "recipients::a_user_named_twice_far_apart_receives_it_once",
            "identity::an_add_that_is_retried_delivers_once",
            "identity::a_deleted_item_can_be_delivered_again",
        ],
    ),
    fault(
        "delivered is 0",
        Twist { delivered: |_, _| 0, ..HONEST },
        &[
            "delivery::one_user_receives_an_item",
            "recipients::every_form_of_recipients_is_served",
            "recipients::an_applications_own_user_type_is_served",
            "recipients::a_query_that_the_backend_does_not_know_is_read_as_a_stream",
        ],
    ),
    fault(
        "delivered is 1 for a broadcast",
        Twist { delivered: |_, new| new.min(1), ..HONEST },
        &[
            "delivery::many_users_receive_a_broadcast",
            "recipients::every_form_of_recipients_is_served",
        ],
    ),
    fault(
        "progress is not reported",
        Twist { progress: |_, _| {}, ..HONEST },
        &["broadcasts::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "progress ends before the end",
        Twist { progress: |report, delivered| report(delivered - 1), ..HONEST },
        &["broadcasts::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "progress is reported for each part",
        Twist {
            progress: |report, delivered| {
                report(delivered / 2 + 1);
                report(delivered / 2);
                report(delivered);
            },
            ..HONEST
        },
        &["broadcasts::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "errors are flattened",
        Twist { error: |error| Error::new(ErrorKind::Backend, error.to_string()), ..HONEST },
        &[
            "broadcasts::a_failure_of_the_recipients_is_an_error_of_theirs",
            "recipients::a_query_that_cannot_be_run_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_is_an_error",
        ],
    ),
    fault(
        "every error is said to be temporary",
        Twist { error: |error| error.with_retryable(true), ..HONEST },
        &["bad_input::a_stream_with_a_user_of_another_kind_is_an_error"],
    ),
];
