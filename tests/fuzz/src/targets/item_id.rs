//! Ids of items: text, JSON, and those that are made of an event.

use user_streams_core::ItemId;

use crate::{outcome::Outcome, target::Target};

pub(super) fn target() -> Target {
    let seeds = ["1", "42", "9223372036854775807", "order:7", "+7", "007", "-1", ""];
    Target::of_text("item-id", &seeds, &["0", "+", "-", "_", " ", "e", "order:"], check)
}

fn check(text: &str) -> Outcome {
    let of_event = ItemId::from_event(text);
    assert_eq!(of_event, ItemId::from_event(text.as_bytes()));
    round_trip(of_event);
    match text.parse::<ItemId>() {
        Ok(id) => {
            round_trip(id);
            assert_eq!(text.parse::<i64>().ok(), Some(id.get()));
            Outcome::accepted(id.get().ilog2())
        }
        Err(error) => {
            assert!(text.parse::<i64>().is_ok_and(|id| id <= 0) || text.parse::<i64>().is_err());
            Outcome::refused(&error, || true)
        }
    }
}

fn round_trip(id: ItemId) {
    assert!(id.get() > 0, "{id:?}");
    assert_eq!(id.to_string().parse::<ItemId>().ok(), Some(id));
    assert_eq!(ItemId::try_from(id.get()).ok(), Some(id));
}
