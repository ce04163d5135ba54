//! Adds that tell wrongly what they have done.

use user_streams_core::{
    Delivery, Error, ErrorKind, Result,
    backend::{AddStreamItem, Progress, async_trait},
};

use super::{
    super::twist::{Gathered, Twist, add, gather, twisted},
    Fault, Store, fault,
};

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "delivered counts names",
        |store| delivering(store, |named, _| named as u64),
        &[
            "recipients::a_user_named_twice_receives_it_once",
            "recipients::a_user_named_twice_far_apart_receives_it_once",
            "identity::an_add_that_is_retried_delivers_once",
            "identity::a_deleted_item_can_be_delivered_again",
        ],
    ),
    fault(
        "delivered is 0",
        |store| delivering(store, |_, _| 0),
        &[
            "delivery::one_user_receives_an_item",
            "recipients::every_form_of_recipients_is_served",
            "recipients::an_applications_own_user_type_is_served",
            "recipients::a_query_that_the_backend_does_not_know_is_read_as_a_stream",
        ],
    ),
    fault(
        "delivered is 1 for a broadcast",
        |store| delivering(store, |_, new| new.min(1)),
        &[
            "delivery::many_users_receive_a_broadcast",
            "recipients::every_form_of_recipients_is_served",
        ],
    ),
    fault(
        "progress is not told",
        |store| reporting(store, |_, _| {}),
        &["recipients::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "progress ends before the end",
        |store| reporting(store, |report, delivered| report(delivered - 1)),
        &["recipients::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "progress is told for each part",
        |store| {
            reporting(store, |report, delivered| {
                report(delivered / 2 + 1);
                report(delivered / 2);
                report(delivered);
            })
        },
        &["recipients::progress_never_decreases_and_ends_at_delivered"],
    ),
    fault(
        "errors are flattened",
        |store| twisted(store, Failing(|error| Error::new(ErrorKind::Backend, error.to_string()))),
        &[
            "recipients::a_failure_of_the_recipients_is_an_error_of_theirs",
            "recipients::a_query_that_cannot_be_run_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_is_an_error",
        ],
    ),
    fault(
        "every error is said to be temporary",
        |store| twisted(store, Failing(|error| error.with_retryable(true))),
        &["bad_input::a_stream_with_a_user_of_another_kind_is_an_error"],
    ),
];

fn delivering(store: Store, delivered: fn(usize, u64) -> u64) -> Store {
    twisted(store, Told { delivered, progress: |report, delivered| report(delivered) })
}

fn reporting(store: Store, progress: fn(&mut Progress, u64)) -> Store {
    twisted(store, Told { delivered: |_, new| new, progress })
}

#[derive(Debug)]
struct Told {
    /// The number delivered, of those who were named and those who are new to the item.
    delivered: fn(usize, u64) -> u64,
    /// Tells the progress of an add that has delivered to so many.
    progress: fn(&mut Progress, u64),
}

#[async_trait]
impl Twist for Told {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let Gathered { users, item, on_progress } = gather(store, args).await?;
        let named = users.len();
        let delivered = (self.delivered)(named, add(store, users, &item).await?);
        on_progress.into_iter().for_each(|mut report| (self.progress)(&mut report, delivered));
        Ok(Delivery::new(item.cursor(), delivered))
    }
}

/// What an error becomes.
#[derive(Debug)]
struct Failing(fn(Error) -> Error);

#[async_trait]
impl Twist for Failing {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        store.add_stream_item(args).await.map_err(self.0)
    }
}
