//! How long clients may keep what they are given (2026-07-28).
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching>

use std::{collections::BTreeMap, time::Duration};

use super::{BuildError, List, draft::Draft};
use crate::{
    handler::Route,
    protocol::{CacheScope, Method},
};

/// How long a list or the content of a resource stays fresh, and who may keep it.
///
/// Without a hint it is stale at once and for the caller only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheHint {
    ttl_ms: u64,
    scope: CacheScope,
}

impl CacheHint {
    /// Fresh for `ttl`, for callers with the same credentials.
    #[must_use]
    pub fn private(ttl: Duration) -> Self {
        Self {
            ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            scope: CacheScope::Private,
        }
    }

    /// Fresh for `ttl`, for everyone: nothing in it depends on who asks.
    #[must_use]
    pub fn public(ttl: Duration) -> Self {
        Self {
            scope: CacheScope::Public,
            ..Self::private(ttl)
        }
    }

    /// The time in milliseconds.
    #[must_use]
    pub const fn ttl_ms(self) -> u64 {
        self.ttl_ms
    }

    /// Who may keep it.
    #[must_use]
    pub const fn scope(self) -> CacheScope {
        self.scope
    }
}

/// The list that a method gives.
pub(super) fn list_of(method: &Method) -> Option<List> {
    match method {
        Method::ToolsList => Some(List::Tools),
        Method::PromptsList => Some(List::Prompts),
        Method::ResourcesList => Some(List::Resources),
        Method::ResourceTemplatesList => Some(List::ResourceTemplates),
        _ => None,
    }
}

/// What some callers may not see must not be kept for everyone.
pub(super) fn check(draft: &Draft<()>) -> Result<(), BuildError> {
    fn filtered<I>(routes: &[Route<I, ()>]) -> bool {
        routes.iter().any(|route| !route.visible.is_empty())
    }
    fn public<I>(route: &Route<I, ()>) -> bool {
        let hint = route
            .cache
            .is_some_and(|hint| hint.scope == CacheScope::Public);
        hint && !route.visible.is_empty()
    }
    let lists: BTreeMap<_, _> = [
        (List::Tools, filtered(&draft.tools)),
        (List::Prompts, filtered(&draft.prompts)),
        (List::Resources, filtered(&draft.resources)),
        (List::ResourceTemplates, filtered(&draft.templates)),
    ]
    .into();
    for (list, hint) in &draft.cache {
        if hint.scope == CacheScope::Public && lists.get(list) == Some(&true) {
            return Err(BuildError::PublicButFiltered(format!("{list:?}")));
        }
    }
    if let Some(resource) = draft.resources.iter().find(|route| public(route)) {
        return Err(BuildError::PublicButFiltered(resource.item.uri.clone()));
    }
    if let Some(template) = draft.templates.iter().find(|route| public(route)) {
        let uri = template.item.uri_template.clone();
        return Err(BuildError::PublicButFiltered(uri));
    }
    Ok(())
}
