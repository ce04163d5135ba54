//! The operations: their names and their spans.

use tracing::{Span, debug_span, field::Empty};

use crate::backend::Capabilities;

/// The target of every span and event of core.
pub(super) const TARGET: &str = "user_streams";

/// What is known of a call when it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    pub(super) capabilities: Capabilities,
    pub(super) in_transaction: bool,
    /// Unknown for a stream or a query.
    pub(super) recipients: Option<usize>,
}

/// The name of a span is static, so each operation has its own, which no function could make. Its
/// fields have the names of OpenTelemetry's conventions for database clients, or begin with
/// `user_streams`.
macro_rules! operations {
    ($($operation:ident => $name:literal,)+) => {
        /// An operation that an application calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($operation,)+
        }

        impl Operation {
            /// The name in errors, spans and metrics.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)+
                }
            }

            pub(super) fn span(self, known: &Attributes) -> Span {
                match self {
                    $(Self::$operation => debug_span!(
                        target: TARGET,
                        $name,
                        "otel.kind" = "client",
                        "otel.status_code" = Empty,
                        "db.system.name" = known.capabilities.system(),
                        "db.operation.name" = $name,
                        "db.response.returned_rows" = Empty,
                        "error.type" = Empty,
                        "user_streams.backend" = known.capabilities.backend(),
                        "user_streams.in_transaction" = known.in_transaction.then_some(true),
                        "user_streams.recipients" = known.recipients,
                        "user_streams.delivered" = Empty,
                        "user_streams.items" = Empty,
                    ),)+
                }
            }
        }
    };
}

operations! {
    AddStreamItem => "add_stream_item",
    GetStreamItems => "get_stream_items",
    CountStreamItems => "count_stream_items",
    DeleteStream => "delete_stream",
    DeleteUser => "delete_user",
    RemoveStreamItem => "remove_stream_item",
    BulkAdd => "bulk_add",
    ListUsers => "list_users",
    Mark => "mark",
    MarkSeen => "mark_seen",
    MarkRead => "mark_read",
    MarkItem => "mark_item",
    Unseen => "unseen",
    Unread => "unread",
    Subscribe => "subscribe",
    AreRead => "are_read",
    Dismiss => "dismiss",
    Undismiss => "undismiss",
    Retract => "retract",
    Unretract => "unretract",
    Trim => "trim",
    Copy => "copy",
    Verify => "verify",
    RepairStream => "repair_stream",
    Migrate => "migrate",
    Purge => "purge",
    Ping => "ping",
    Close => "close",
}
