//! What the credentials of one request allow: [`Grant`].

use super::Scopes;
use crate::{clock::Timestamp, store::Principal};

/// What the credentials of one request allow: for whom, what, until when.
///
/// It belongs to the request, not to a session: the next request may come with other credentials of
/// the same principal. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// Who it is. Sessions belong to the principal, whatever the scopes.
    pub principal: Principal,
    /// What the caller may do.
    pub scopes: Scopes,
    /// When the credentials expire; never, if absent.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Nothing but the knowledge who it is, for ever.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            scopes: Scopes::none(),
            expires_at: None,
        }
    }

    /// Grants these scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Ends then.
    #[must_use]
    pub fn expires_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}
