//! Why a message is not served.

use std::time::Duration;

use crate::{
    jsonrpc::{ErrorCode, ErrorObject},
    store::{StoreError, StoreErrorKind},
};

/// What a transport has to say, in its own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The message is at fault (HTTP 400).
    Invalid,
    /// There is no such session, or it is not this caller's (HTTP 404).
    UnknownSession,
    /// Not now; the same message may be served later (HTTP 503).
    Unavailable,
    /// This server has no such thing (HTTP 405).
    NotOffered,
}

/// A message that is not served, before any handler saw it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .error.message)]
#[non_exhaustive]
pub struct Refusal {
    /// For the transport.
    pub kind: RefusalKind,
    /// For the client.
    pub error: ErrorObject,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn new(kind: RefusalKind, error: ErrorObject) -> Self {
        Self {
            kind,
            error,
            retry_after: None,
        }
    }

    /// The message breaks a rule.
    pub(crate) fn invalid(text: &'static str, reason: &'static str) -> Self {
        let error = ErrorObject::invalid_request(text).reason(reason);
        Self::new(RefusalKind::Invalid, error)
    }

    /// The message is wrong.
    pub(crate) fn bad(error: ErrorObject) -> Self {
        Self::new(RefusalKind::Invalid, error)
    }

    pub(crate) fn too_many_listeners() -> Self {
        Self::unavailable(
            "too many clients listen",
            "too_many_listeners",
            Duration::from_secs(5),
        )
    }

    /// Unknown, expired, deleted and somebody else's sessions look exactly alike.
    pub(crate) fn unknown_session() -> Self {
        let error = ErrorObject::invalid_request("unknown session; send `initialize` again");
        Self::new(RefusalKind::UnknownSession, error.reason("unknown_session"))
    }

    pub(crate) fn no_sessions() -> Self {
        let error = ErrorObject::invalid_request("this server keeps no sessions");
        Self::new(RefusalKind::NotOffered, error.reason("sessions_off"))
    }

    pub(crate) fn unavailable(text: &'static str, reason: &'static str, after: Duration) -> Self {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, text).reason(reason);
        Self {
            retry_after: Some(after),
            ..Self::new(RefusalKind::Unavailable, error)
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, kind = error.kind().as_str(), "a store call failed");
        match error.kind() {
            StoreErrorKind::LimitExceeded => Self::unavailable(
                "too many sessions",
                "too_many_sessions",
                Duration::from_secs(5),
            ),
            StoreErrorKind::TooLarge => Self::invalid("too large to be stored", "too_large"),
            _ => Self::unavailable(
                "the session store cannot be reached",
                "store_unavailable",
                Duration::from_secs(2),
            ),
        }
    }
}
