//! The refusal of a caller who may not do this: [`InsufficientScope`].

use serde_json::Value;

use super::Scopes;
use crate::jsonrpc::{ErrorCode, ErrorObject};

/// `data.reason` of the error.
const REASON: &str = "insufficient_scope";

/// The credentials do not allow what was asked; names the scopes that would.
///
/// Becomes a JSON-RPC error −32600 with `data.reason` `insufficient_scope` and `data.scope`; over HTTP
/// an answer with it has the status 403 and a challenge that names the scopes. Handlers that know only
/// from the arguments what is needed use [`Context::require_scopes`](crate::Context::require_scopes).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the scope `{scopes}`")]
pub struct InsufficientScope {
    scopes: Scopes,
}

impl InsufficientScope {
    /// All of these are needed.
    #[must_use]
    pub fn new(scopes: Scopes) -> Self {
        Self { scopes }
    }

    /// All scopes that are needed, held or not.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Reads it back from an error that an answer carries.
    #[must_use]
    pub fn of(error: &ErrorObject) -> Option<Self> {
        let data = error.data.as_ref()?;
        if error.code != ErrorCode::INVALID_REQUEST || data.get("reason")? != REASON {
            return None;
        }
        let scopes = data.get("scope").and_then(Value::as_str)?;
        Scopes::parse(scopes).ok().map(Self::new)
    }
}

impl From<InsufficientScope> for ErrorObject {
    fn from(insufficient: InsufficientScope) -> Self {
        Self::invalid_request(insufficient.to_string())
            .reason(REASON)
            .with("scope", insufficient.scopes.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scopes_are_read_back_from_the_error() {
        let refused = InsufficientScope::new(Scopes::parse("a b").unwrap());
        let error = ErrorObject::from(refused.clone());
        assert_eq!(InsufficientScope::of(&error), Some(refused));
        let other = ErrorObject::invalid_request("x").reason("other");
        assert_eq!(InsufficientScope::of(&other), None);
    }
}
