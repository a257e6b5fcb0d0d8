//! What a store call can fail with.

use std::{borrow::Cow, error::Error, fmt};

use crate::error::BoxError;

/// What went wrong, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The backend could not be reached or refused to work; the call was **not** applied.
    Unavailable,
    /// The reply was lost; the call **may** have been applied.
    Unknown,
    /// The state is not the one the caller expected: a key with another payload, or a sealed log.
    Conflict,
    /// A configured limit is reached.
    LimitExceeded,
    /// The payload is larger than the store takes; nothing was stored.
    TooLarge,
    /// What is stored cannot be decoded.
    Corrupt,
    /// The store, or this version of it, does not do this.
    Unsupported,
    /// The caller broke the rules of the call.
    InvalidArgument,
}

impl StoreErrorKind {
    /// The word used as a metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
            Self::LimitExceeded => "limit_exceeded",
            Self::TooLarge => "too_large",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::InvalidArgument => "invalid_argument",
        }
    }
}

/// The error of every store trait.
///
/// "Not found", "expired", "deleted" and "somebody else's" are not errors: they are `Ok(None)` or
/// `Ok(false)`. Neither `Display` nor `Debug` shows payloads, session ids or passwords.
pub struct StoreError(Box<Inner>);

struct Inner {
    kind: StoreErrorKind,
    operation: &'static str,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl StoreError {
    /// An error of `operation`, for instance `"session.create"`.
    pub fn new(
        kind: StoreErrorKind,
        operation: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            operation,
            message: message.into(),
            source: None,
        }))
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// The call that failed.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Unknown
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.message)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
