//! The pages of lists: one shape for all four.

use serde::{Deserialize, Serialize};

use super::{
    CacheScope, Cursor, Meta, Prompt, Resource, ResourceTemplate, ResultType, Revision, Tool,
    downgrade::{caching, each, result_type},
    setters::setters,
};

macro_rules! page {
    ($(#[$doc:meta])* $name:ident { $(#[$items_doc:meta])* $items:ident: $item:ident }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            $(#[$items_doc])*
            pub $items: Vec<$item>,
            /// Where the next page begins, if there is one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next_cursor: Option<Cursor>,
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

        impl $name {
            /// A last page with these items.
            #[must_use]
            pub const fn new($items: Vec<$item>) -> Self {
                Self {
                    $items,
                    next_cursor: None,
                    result_type: None,
                    ttl_ms: None,
                    cache_scope: None,
                    meta: None,
                }
            }

            /// Without what the revision does not know, and with what it demands.
            #[must_use]
            pub fn for_revision(mut self, revision: Revision) -> Self {
                self.$items = each(self.$items, revision, $item::for_revision);
                result_type(&mut self.result_type, revision);
                caching(&mut self.ttl_ms, &mut self.cache_scope, revision);
                self
            }
        }

        setters!($name {
            /// Says where the next page begins.
            next_cursor: Cursor,
            /// Says whether it is final.
            result_type: ResultType,
            /// Says how many milliseconds it stays fresh.
            ttl_ms: u64,
            /// Says who may keep it.
            cache_scope: CacheScope,
            /// Attaches `_meta`.
            meta: Meta,
        });
    };
}

page!(
    /// A page of tools.
    ListToolsResult {
        /// The tools.
        tools: Tool
    }
);

page!(
    /// A page of prompts.
    ListPromptsResult {
        /// The prompts.
        prompts: Prompt
    }
);

page!(
    /// A page of resources.
    ListResourcesResult {
        /// The resources.
        resources: Resource
    }
);

page!(
    /// A page of resource templates.
    ListResourceTemplatesResult {
        /// The templates.
        resource_templates: ResourceTemplate
    }
);
