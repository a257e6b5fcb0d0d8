//! Plain async functions as handlers.

use super::{FromCall, InputSchema, Rejection};
use crate::router::McpRequest;

/// An async function over extractors, which the router can call.
///
/// Implemented for every `Fn` that takes up to eight arguments, each [`FromCall<S>`], and returns
/// a future that is `Send`. What the future may yield depends on what it handles:
/// [`IntoToolResult`](super::IntoToolResult) and its sisters for resources, prompts and
/// completions.
///
/// `A` only tells the arities apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn`, or a closure that returns a future, with at most 8 \
            arguments, each of which is an extractor: `Args<T>`, `RawArgs`, `State<T>`, `Context`, \
            `Extension<T>`, `Principal`, … (see `FromCall`)",
    note = "in `Args<T>`, `T` needs `serde::Deserialize` and `schemars::JsonSchema`; in `State<T>`, \
            `T` must be the router's state or implement `FromRef` for it",
    note = "its future must be `Send` and own everything it uses"
)]
pub trait Handler<A, S>: Send + Sync + 'static {
    /// What it yields.
    type Output;

    /// The running call.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the arguments from the request and begins the call.
    ///
    /// # Errors
    ///
    /// The first argument's [`Rejection`], if there is one.
    fn call(&self, request: &McpRequest, state: &S) -> Result<Self::Future, Rejection>;

    /// Says what the arguments expect of a call.
    fn describe(input: &mut InputSchema);
}

macro_rules! impl_handler {
    ($($argument:ident)*) => {
        impl<F, Fut, S, $($argument,)*> Handler<($($argument,)*), S> for F
        where
            F: Fn($($argument,)*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($argument: FromCall<S>,)*
        {
            type Output = Fut::Output;
            type Future = Fut;

            fn call(&self, request: &McpRequest, state: &S) -> Result<Fut, Rejection> {
                let _ = (request, state); // Unused by the function without arguments.
                Ok(self($($argument::from_call(request, state)?,)*))
            }

            fn describe(input: &mut InputSchema) {
                let _ = &input;
                $($argument::describe(input);)*
            }
        }
    };
}

impl_handler!();
impl_handler!(A1);
impl_handler!(A1 A2);
impl_handler!(A1 A2 A3);
impl_handler!(A1 A2 A3 A4);
impl_handler!(A1 A2 A3 A4 A5);
impl_handler!(A1 A2 A3 A4 A5 A6);
impl_handler!(A1 A2 A3 A4 A5 A6 A7);
impl_handler!(A1 A2 A3 A4 A5 A6 A7 A8);
