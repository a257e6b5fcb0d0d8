//! What a caller may do: [`Grant`], [`Scopes`], [`InsufficientScope`].
//!
//! A transport learns from the credentials of a request what they grant, and attaches the [`Grant`] to
//! it ([`Caller::with_grant`](crate::server::Caller::with_grant)). Items of the catalogue that require
//! scopes ([`ToolRoute::requires_scopes`](crate::handler::ToolRoute::requires_scopes)) are refused to
//! whoever was not granted all of them. Where nothing grants anything, such items are refused to
//! everyone.

mod grant;
mod insufficient;
mod scopes;

pub use self::{
    grant::Grant,
    insufficient::InsufficientScope,
    scopes::{InvalidScope, Scopes},
};
