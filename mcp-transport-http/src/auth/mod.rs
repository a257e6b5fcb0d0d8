//! Authorisation of the resource server: who may send a request, and how refusals say what is missing.
//!
//! By the specification's page on authorization
//! (<https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization>, and the same page of
//! 2026-07-28), RFC 6750 and RFC 9728. The way of a request: [`Authenticator`] reads its credentials →
//! [`Grant`](mcp_core::auth::Grant) → the server; a refusal becomes a status and a challenge that names
//! the [`ProtectedResource`].
//!
//! ```
//! use mcp_core::{McpRouter, auth::{Grant, Scopes}, handler::Tool, store::Principal};
//! use mcp_transport_http::{
//!     HttpTransport, auth::{AuthError, Authenticator, ProtectedResource, bearer_token},
//!     axum::http::request::Parts,
//! };
//!
//! struct Keys;
//!
//! #[async_trait::async_trait]
//! impl Authenticator for Keys {
//!     async fn authenticate(&self, request: &Parts) -> Result<Grant, AuthError> {
//!         match bearer_token(&request.headers)? {
//!             "the key of ada" => Ok(Grant::new(Principal::new("keys", "ada"))
//!                 .scopes(Scopes::parse("notes:read").unwrap_or_default())),
//!             _ => Err(AuthError::invalid_token("unknown key")),
//!         }
//!     }
//! }
//!
//! # fn app() -> Result<(), mcp_core::BoxError> {
//! let router = McpRouter::new().tool(
//!     Tool::new("publish").handler(|| async { "done" })
//!         .requires_scopes(Scopes::parse("notes:publish")?),
//! );
//! let resource = ProtectedResource::new("https://notes.example.com/mcp")?
//!     .authorization_server("https://login.example.com")
//!     .scopes_supported(Scopes::parse("notes:read notes:publish")?);
//! let app = HttpTransport::new(router)
//!     .authenticator(Keys)
//!     .protected_resource(resource)
//!     .into_router();
//! # drop(app); Ok(()) }
//! ```

mod authenticator;
mod bearer;
mod challenge;
mod error;
mod resource;

pub use self::{
    authenticator::Authenticator,
    bearer::bearer_token,
    error::{AuthError, AuthErrorKind},
    resource::{InvalidResource, ProtectedResource},
};
pub(crate) use self::{
    authenticator::authenticate,
    challenge::{forbidden, refused},
};
