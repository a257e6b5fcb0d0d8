//! `notifications/cancelled`.

use serde::{Deserialize, Serialize};

use super::{Meta, setters::setters};
use crate::jsonrpc::RequestId;

/// A request whose answer is no longer wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CancelledNotificationParams {
    /// The request; until 2025-06-18 it is never absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Why, for logs and people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl CancelledNotificationParams {
    /// Cancels the request with this id.
    #[must_use]
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id: Some(request_id),
            ..Self::default()
        }
    }
}

setters!(CancelledNotificationParams {
    /// Says why.
    reason: String,
    /// Attaches `_meta`.
    meta: Meta,
});
