//! Who sends a request: [`Authenticator`].

use async_trait::async_trait;
use axum::http::request::Parts;
use mcp_core::auth::Grant;

use super::{AuthError, refused};
use crate::{answer::Refused, endpoint::Endpoint};

/// Reads the credentials of every request: POST, GET and DELETE, of new and of known sessions.
///
/// # Contract
///
/// * It sees the head of the request before anything of the body has been read.
/// * It accepts only what was issued for this server: it checks the audience (RFC 8707), the issuer, the
///   signature and the expiry. The specification forbids to accept or to pass on any other token.
/// * It says which scopes are granted, also those that a broader one implies.
/// * What it answers is not remembered: a token that it no longer accepts ends with the next request.
/// * It must be fast. A request to somebody else, such as fetching keys, belongs behind a cache and has a
///   deadline; when it fails, [`AuthError::unavailable`] is the answer, never a guess.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// What the credentials of this request allow.
    ///
    /// # Errors
    ///
    /// An [`AuthError`]; the request goes no further, and it becomes the answer.
    ///
    /// # Cancel safety
    ///
    /// Dropped when the client goes away.
    async fn authenticate(&self, request: &Parts) -> Result<Grant, AuthError>;
}

/// Attaches to a request what its credentials allow, or refuses it.
pub(crate) async fn authenticate(endpoint: &Endpoint, parts: &mut Parts) -> Result<(), Refused> {
    let Some(authenticator) = &endpoint.config.authenticator else {
        return Ok(());
    };
    let granted = authenticator.authenticate(parts).await.and_then(|grant| {
        let now = endpoint.server.clock().now();
        if grant.expires_at.is_some_and(|at| at <= now) {
            return Err(AuthError::invalid_token("the token has expired"));
        }
        Ok(grant)
    });
    match granted {
        Ok(grant) => {
            parts.extensions.insert(grant);
            Ok(())
        }
        Err(error) => Err(refused(endpoint.config.resource.as_ref(), &error).into()),
    }
}
