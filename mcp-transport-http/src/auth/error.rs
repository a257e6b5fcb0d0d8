//! Why a request is not authorised: [`AuthError`].

use std::{borrow::Cow, time::Duration};

use mcp_core::auth::Scopes;

/// What an [`AuthError`] means, and which status it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// There are no credentials (401, a challenge without an error).
    Missing,
    /// The credentials are expired, revoked, forged, or for somebody else (401, `invalid_token`).
    InvalidToken,
    /// The request is not as it must be (400, `invalid_request`).
    Malformed,
    /// The credentials are good, but not for this (403, `insufficient_scope`).
    InsufficientScope,
    /// The credentials cannot be checked now (503).
    Unavailable,
}

impl AuthErrorKind {
    /// The label of metrics, and `data.reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::Malformed => "malformed_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::Unavailable => "authentication_unavailable",
        }
    }
}

/// Why a request is not authorised. The text reaches the client, so it holds nothing of the token.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct AuthError {
    kind: AuthErrorKind,
    text: Cow<'static, str>,
    scopes: Scopes,
    retry_after: Option<Duration>,
}

impl AuthError {
    fn new(kind: AuthErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            text: text.into(),
            scopes: Scopes::none(),
            retry_after: None,
        }
    }

    /// There are no credentials.
    #[must_use]
    pub fn missing() -> Self {
        Self::new(AuthErrorKind::Missing, "authorization is required")
    }

    /// The credentials do not count, and why: expired, revoked, forged, for somebody else.
    pub fn invalid_token(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AuthErrorKind::InvalidToken, text)
    }

    /// The request is not as it must be.
    pub fn malformed(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(AuthErrorKind::Malformed, text)
    }

    /// Whoever has these credentials may not use this server at all without these scopes.
    #[must_use]
    pub fn insufficient_scope(scopes: Scopes) -> Self {
        Self {
            scopes,
            ..Self::new(
                AuthErrorKind::InsufficientScope,
                "the token does not allow this",
            )
        }
    }

    /// The credentials cannot be checked now; try again after a while.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(
                AuthErrorKind::Unavailable,
                "credentials cannot be checked now",
            )
        }
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The scopes that would do.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
