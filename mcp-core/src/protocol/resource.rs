//! `resources/…`, but for the contents themselves.

use serde::{Deserialize, Serialize};

use super::{
    Annotations, CacheScope, Icon, InputResponses, Meta, ResourceContents, ResultType,
    setters::setters,
};

/// Something a client can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// Its address.
    pub uri: String,
    /// Its name, for programs.
    pub name: String,
    /// Its name, for people (2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its media type, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size in bytes, before any encoding, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What a client may make of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Pictures of it (2025-11-25).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// What the sender attached (2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Resource {
    /// The resource at this URI.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Adds a picture.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }
}

setters!(Resource {
    /// Gives it a name for people.
    title: String,
    /// Says what it is.
    description: String,
    /// Names the media type.
    mime_type: String,
    /// Says how many bytes it has.
    size: u64,
    /// Says what a client may make of it.
    annotations: Annotations,
    /// Attaches `_meta`.
    meta: Meta,
});

/// Resources whose addresses have one shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// The shape, as an RFC 6570 URI template.
    pub uri_template: String,
    /// Its name, for programs.
    pub name: String,
    /// Its name, for people (2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the resources are, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Their media type, when it is the same for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// What a client may make of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Pictures of it (2025-11-25).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// What the sender attached (2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ResourceTemplate {
    /// The resources with addresses of this shape.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri_template: uri_template.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Adds a picture.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }
}

setters!(ResourceTemplate {
    /// Gives it a name for people.
    title: String,
    /// Says what the resources are.
    description: String,
    /// Names the media type all of them have.
    mime_type: String,
    /// Says what a client may make of them.
    annotations: Annotations,
    /// Attaches `_meta`.
    meta: Meta,
});

/// The resource to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadResourceRequestParams {
    /// The resource's address.
    pub uri: String,
    /// What the client answers to an [`InputRequiredResult`](super::InputRequiredResult)
    /// (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<InputResponses>,
    /// The `requestState` of that result (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ReadResourceRequestParams {
    /// For the resource at this URI.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            input_responses: None,
            request_state: None,
            meta: None,
        }
    }
}

setters!(ReadResourceRequestParams {
    /// Answers an [`InputRequiredResult`](super::InputRequiredResult).
    input_responses: InputResponses,
    /// Gives back the `requestState` of that result.
    request_state: String,
    /// Attaches `_meta`.
    meta: Meta,
});

macro_rules! uri_params {
    ($($(#[$doc:meta])* $name:ident,)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            /// The resource's address.
            pub uri: String,
            /// What the sender attached.
            #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
            pub meta: Option<Meta>,
        }

        impl $name {
            /// For the resource at this URI.
            pub fn new(uri: impl Into<String>) -> Self {
                Self { uri: uri.into(), meta: None }
            }
        }

        setters!($name {
            /// Attaches `_meta`.
            meta: Meta,
        });
    )* };
}

uri_params! {
    /// The resource whose changes the client wants to hear of.
    SubscribeRequestParams,
    /// The resource whose changes the client no longer wants to hear of.
    UnsubscribeRequestParams,
    /// A resource that has changed.
    ResourceUpdatedNotificationParams,
}

/// What a resource holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadResourceResult {
    /// The contents; a directory may have several.
    pub contents: Vec<ResourceContents>,
    /// Whether it is final; every result says so since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// How many milliseconds it stays fresh (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Who may keep it (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_scope: Option<CacheScope>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ReadResourceResult {
    /// These contents.
    #[must_use]
    pub const fn new(contents: Vec<ResourceContents>) -> Self {
        Self {
            contents,
            result_type: None,
            ttl_ms: None,
            cache_scope: None,
            meta: None,
        }
    }
}

setters!(ReadResourceResult {
    /// Says whether it is final.
    result_type: ResultType,
    /// Says how many milliseconds it stays fresh.
    ttl_ms: u64,
    /// Says who may keep it.
    cache_scope: CacheScope,
    /// Attaches `_meta`.
    meta: Meta,
});

impl From<ResourceContents> for ReadResourceResult {
    fn from(contents: ResourceContents) -> Self {
        Self::new(vec![contents])
    }
}
