//! The placeholders of an item in a delivery.

use crate::dialect::Params;

/// `created_at_us, id`, and `content` if the table of deliveries has it.
pub(super) struct ItemParams {
    pub(super) at: String,
    pub(super) id: String,
    pub(super) content: Option<String>,
}

impl ItemParams {
    pub(super) fn new(params: &mut Params, has_content: bool) -> Self {
        let (at, id) = (params.next(), params.next());
        Self { at, id, content: has_content.then(|| params.next()) }
    }

    pub(super) fn columns(&self) -> &'static str {
        if self.content.is_some() { "created_at_us, id, content" } else { "created_at_us, id" }
    }
}
