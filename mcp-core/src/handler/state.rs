//! What a handler finds besides the request: [`State`] of the router, [`Extension`]s of the call.

use std::{any::type_name, ops::Deref};

use super::{FromCall, Rejection};
use crate::{jsonrpc::ErrorObject, router::McpRequest};

/// A part of a router's state, for [`State`].
///
/// Every state is a part of itself.
///
/// # Examples
///
/// ```
/// use mcp_core::handler::FromRef;
///
/// #[derive(Clone)]
/// struct Db;
/// #[derive(Clone)]
/// struct App { db: Db }
///
/// impl FromRef<App> for Db {
///     fn from_ref(app: &App) -> Self {
///         app.db.clone()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a part of the router's state `{S}`",
    note = "give the router a `{Self}` with `with_state`, or implement `FromRef<{S}>` for it"
)]
pub trait FromRef<S> {
    /// Takes the part out of the whole.
    fn from_ref(state: &S) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

/// A part of what was given to the router with `with_state`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct State<T>(pub T);

impl<S, T: FromRef<S>> FromCall<S> for State<T> {
    fn from_call(_: &McpRequest, state: &S) -> Result<Self, Rejection> {
        Ok(Self(T::from_ref(state)))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What the transport or a layer attached to the call, by type.
///
/// A call without it is answered with −32603; `Option<Extension<T>>` lets it pass.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct Extension<T>(pub T);

impl<S, T: Clone + Send + Sync + 'static> FromCall<S> for Extension<T> {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        request
            .context()
            .extensions()
            .get::<T>()
            .cloned()
            .map(Self)
            .ok_or_else(|| {
                tracing::error!(extension = type_name::<T>(), "a call lacks an extension");
                Rejection::protocol(
                    ErrorObject::internal("the server is not set up for this call")
                        .reason("missing_extension"),
                )
            })
    }
}

impl<S, T: Clone + Send + Sync + 'static> FromCall<S> for Option<Extension<T>> {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        let found = request.context().extensions().get::<T>();
        Ok(found.cloned().map(Extension))
    }
}

impl<T> Deref for Extension<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
