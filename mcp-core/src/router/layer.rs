//! Layers with their types forgotten, and their failures as answers.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tower::{Layer, Service, ServiceExt, load_shed::error::Overloaded, timeout::error::Elapsed};

use super::{McpRequest, McpResponse, McpService, RouterFuture};
use crate::{BoxError, handler::panicked, jsonrpc::ErrorObject};

/// Wraps one service in another.
#[derive(Clone)]
pub(crate) struct RouterLayer(Arc<dyn Fn(McpService) -> McpService + Send + Sync>);

impl RouterLayer {
    pub(crate) fn new<L>(layer: L) -> Self
    where
        L: Layer<McpService> + Send + Sync + 'static,
        L::Service: Service<McpRequest, Response = McpResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<McpRequest>>::Error: Into<BoxError>,
        <L::Service as Service<McpRequest>>::Future: Send,
    {
        Self(Arc::new(move |inner| infallible(layer.layer(inner))))
    }

    pub(super) fn wrap(&self, inner: McpService) -> McpService {
        (self.0)(inner)
    }
}

/// A service whose failures are answers.
///
/// Every call has its own clone, which it first makes ready: that is where a limit waits.
fn infallible<T>(service: T) -> McpService
where
    T: Service<McpRequest, Response = McpResponse> + Clone + Send + Sync + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
{
    McpService::new(move |request| {
        let service = service.clone();
        RouterFuture::boxed(async move {
            let asked = request.clone();
            match AssertUnwindSafe(service.oneshot(request))
                .catch_unwind()
                .await
            {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => failed(&asked, &*error.into()),
                Err(panic) => panicked(&asked, &*panic),
            }
        })
    })
}

/// The answer to a call that a layer let down.
fn failed(
    request: &McpRequest,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) -> McpResponse {
    let (message, reason) = if error.is::<Elapsed>() {
        ("the request took too long", "timeout")
    } else if error.is::<Overloaded>() {
        ("the server is overloaded", "overloaded")
    } else {
        ("the request could not be served", "layer")
    };
    tracing::warn!(id = %request.id(), method = %request.method(), error, reason, "a layer failed");
    McpResponse::error(request.id(), ErrorObject::internal(message).reason(reason))
}
