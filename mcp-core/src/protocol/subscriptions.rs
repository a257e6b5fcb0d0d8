//! `subscriptions/listen` and `notifications/subscriptions/acknowledged` (2026-07-28).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Implementation, Meta, ResultType, setters::setters};
use crate::jsonrpc::RequestId;

/// The notifications a client wants to hear, or will hear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionFilter {
    /// Changes of the list of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_list_changed: Option<bool>,
    /// Changes of the list of prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts_list_changed: Option<bool>,
    /// Changes of the list of resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_list_changed: Option<bool>,
    /// Changes of the resources with these URIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_subscriptions: Option<Vec<String>>,
}

impl SubscriptionFilter {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes of the list of tools.
    #[must_use]
    pub const fn tools(mut self) -> Self {
        self.tools_list_changed = Some(true);
        self
    }

    /// Changes of the list of prompts.
    #[must_use]
    pub const fn prompts(mut self) -> Self {
        self.prompts_list_changed = Some(true);
        self
    }

    /// Changes of the list of resources.
    #[must_use]
    pub const fn resources(mut self) -> Self {
        self.resources_list_changed = Some(true);
        self
    }

    /// Changes of the resource with this URI.
    #[must_use]
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.resource_subscriptions
            .get_or_insert_with(Vec::new)
            .push(uri.into());
        self
    }

    /// Whether changes of the list of tools are wanted.
    #[must_use]
    pub fn wants_tools(&self) -> bool {
        self.tools_list_changed == Some(true)
    }

    /// Whether changes of the list of prompts are wanted.
    #[must_use]
    pub fn wants_prompts(&self) -> bool {
        self.prompts_list_changed == Some(true)
    }

    /// Whether changes of the list of resources are wanted.
    #[must_use]
    pub fn wants_resources(&self) -> bool {
        self.resources_list_changed == Some(true)
    }

    /// The URIs of the resources whose changes are wanted.
    #[must_use]
    pub fn uris(&self) -> &[String] {
        self.resource_subscriptions.as_deref().unwrap_or_default()
    }
}

/// What a client wants to listen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionsListenRequestParams {
    /// The notifications it wants; no others are sent.
    pub notifications: SubscriptionFilter,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl SubscriptionsListenRequestParams {
    /// Listens to these.
    #[must_use]
    pub const fn new(notifications: SubscriptionFilter) -> Self {
        Self {
            notifications,
            meta: None,
        }
    }
}

setters!(SubscriptionsListenRequestParams {
    /// Attaches `_meta`.
    meta: Meta,
});

/// `_meta` of what a server sends on the stream of a subscription.
///
/// The id is written as it was read, which [`Meta`] cannot promise of numbers beyond 2⁶⁴.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionMeta {
    /// The id of the `subscriptions/listen` that opened the stream.
    #[serde(
        rename = "io.modelcontextprotocol/subscriptionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub subscription_id: Option<RequestId>,
    /// What the server is.
    #[serde(
        rename = "io.modelcontextprotocol/serverInfo",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub server_info: Option<Implementation>,
    /// Members this crate does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SubscriptionMeta {
    /// For the stream that the request with this id opened.
    #[must_use]
    pub fn new(subscription_id: RequestId) -> Self {
        Self {
            subscription_id: Some(subscription_id),
            ..Self::default()
        }
    }
}

setters!(SubscriptionMeta {
    /// Names the server.
    server_info: Implementation,
});

/// The first message on the stream of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionsAcknowledgedNotificationParams {
    /// What the client will hear: what it wants, as far as the server has it.
    pub notifications: SubscriptionFilter,
    /// Which subscription it is.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<SubscriptionMeta>,
}

impl SubscriptionsAcknowledgedNotificationParams {
    /// The subscription that the request with this id opened will hear these.
    #[must_use]
    pub fn new(subscription_id: RequestId, notifications: SubscriptionFilter) -> Self {
        Self {
            notifications,
            meta: Some(SubscriptionMeta::new(subscription_id)),
        }
    }
}

/// The last message on the stream of a subscription that the server ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionsListenResult {
    /// That it is final.
    #[serde(default)]
    pub result_type: ResultType,
    /// Which subscription it is.
    #[serde(rename = "_meta")]
    pub meta: SubscriptionMeta,
}

impl SubscriptionsListenResult {
    /// Ends the subscription that the request with this id opened.
    #[must_use]
    pub fn new(subscription_id: RequestId) -> Self {
        Self {
            result_type: ResultType::Complete,
            meta: SubscriptionMeta::new(subscription_id),
        }
    }
}
