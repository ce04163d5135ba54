//! Ids of users: JSON, the checks of every backend, and what an application's own types give.

use user_streams_core::{MAX_TEXT_ID_LEN, ToUserId, UserId, UserIdKind};

use crate::{outcome::Outcome, target::Target};

pub(super) fn target() -> Target {
    let seeds = [
        r#"{"bigint":"42"}"#,
        r#"{"bigint":"-9223372036854775808"}"#,
        r#"{"uuid":"550e8400-e29b-41d4-a716-446655440000"}"#,
        r#"{"text":"ann"}"#,
        r#"{"text":"550e8400-e29b-41d4-a716-446655440000"}"#,
        "ann",
    ];
    let words =
        ["bigint", "uuid", "text", "{\"", "\":\"", "\"}", "\\u0000", "\\ud83d\\ude00", "null"];
    Target::of_text("user-id", &seeds, &words, check)
}

fn check(text: &str) -> Outcome {
    let refused = check_id(&text.to_user_id());
    match serde_json::from_str::<UserId>(text) {
        Ok(id) => {
            check_id(&id);
            let json = serde_json::to_string(&id).unwrap_or_default();
            assert_eq!(serde_json::from_str::<UserId>(&json).ok().as_ref(), Some(&id), "{json}");
            assert_eq!(id.to_user_id(), id);
            Outcome::accepted(id.kind())
        }
        Err(error) if text.starts_with('{') => Outcome::foreign(&error),
        Err(_) => refused,
    }
}

/// Its own kind is right unless it is a text that no backend stores; another never is.
fn check_id(id: &UserId) -> Outcome {
    let mut outcome = Outcome::accepted(id.kind());
    for kind in [UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text] {
        let fits = match id {
            UserId::Text(text) => text.len() <= MAX_TEXT_ID_LEN && !text.contains('\0'),
            _ => true,
        };
        match id.check(kind) {
            Ok(()) => assert!(kind == id.kind() && fits, "{id:?} is no {kind}"),
            Err(error) => {
                assert!(kind != id.kind() || !fits, "{id:?} is a {kind}: {error}");
                // The beginning of an id is shown.
                outcome = Outcome::refused(&error, || true);
            }
        }
    }
    outcome
}
