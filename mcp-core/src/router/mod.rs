//! One message in, one answer out: [`McpRouter`].
//!
//! The way of a request: [`McpRouter`] freezes into a [`Catalogue`]; `scopes` sends the request
//! through the layers around its route; `dispatch` finds the handler, or a page of `listing`.

mod build_error;
mod builder;
mod cache;
mod catalogue;
mod cursor;
mod digest;
mod dispatch;
mod draft;
mod item;
mod layer;
mod listing;
mod mirror;
mod request;
mod response;
mod scopes;
mod service;
#[cfg(feature = "validate")]
mod validate;

pub use self::{
    build_error::BuildError,
    builder::McpRouter,
    cache::CacheHint,
    catalogue::Catalogue,
    digest::Digest,
    item::List,
    mirror::MirroredHeader,
    request::McpRequest,
    response::{McpResponse, error_message},
    service::{McpService, RouterFuture},
};
pub(crate) use self::{layer::RouterLayer, mirror::mirrored_headers};
