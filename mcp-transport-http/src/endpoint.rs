//! The axum routes: the MCP endpoint, `/health` and `/ready`.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
    routing::{any, get},
};
use mcp_core::{
    jsonrpc::ErrorObject,
    router::BuildError,
    server::{Caller, Phase, Server, SessionMode},
    store::Principal,
};
use tower::service_fn;

use crate::{
    answer::{self, Refused},
    config::Config,
    cors, delete, get as get_stream, health, origin, post,
};

/// What every request of an endpoint needs.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) server: Server,
    pub(crate) config: Config,
}

/// The whole app.
pub(crate) fn app(server: Server, config: Config) -> Router {
    let (health, ready) = (server.clone(), server.clone());
    endpoint(server, config)
        .route("/health", get(async move || health::health(&health)))
        .route("/ready", get(move || health::ready(ready.clone())))
}

/// The MCP route alone.
pub(crate) fn endpoint(server: Server, config: Config) -> Router {
    let path = config.path.clone();
    let cors = config.cors.then(|| cors::layer(&config));
    let endpoint = Arc::new(Endpoint { server, config });
    let service = service_fn(move |request: Request| {
        let endpoint = Arc::clone(&endpoint);
        async move { Ok::<_, Infallible>(endpoint.serve(request).await) }
    });
    let router = Router::new().route_service(&path, service);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Answers everything with an error, because the router contradicts itself.
pub(crate) fn broken(error: &BuildError) -> Router {
    tracing::error!(%error, "the server cannot be built; every request will fail");
    Router::new().fallback(any(|| async {
        let error = ErrorObject::internal("the server is misconfigured");
        answer::error(StatusCode::INTERNAL_SERVER_ERROR, &error)
    }))
}

impl Endpoint {
    async fn serve(&self, request: Request) -> Response {
        let mut response = match self.try_serve(request).await {
            Ok(response) => response,
            Err(refused) => refused.into(),
        };
        if self.server.phase() > Phase::Running {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }

    async fn try_serve(&self, request: Request) -> Result<Response, Refused> {
        origin::check(&self.config, &request)?;
        match *request.method() {
            Method::POST => post::post(self, request).await,
            Method::GET => get_stream::get(self, request).await,
            Method::DELETE => delete::delete(self, request).await,
            _ if self.server.session_mode() == SessionMode::Off => Ok(method_not_allowed("POST")),
            _ => Ok(method_not_allowed("POST, GET, DELETE")),
        }
    }

    /// Who sends a request.
    pub(crate) fn principal(&self, parts: &Parts) -> Option<Principal> {
        let principal = self.config.principal.as_ref();
        principal.and_then(|principal| principal(parts))
    }

    /// Who sends a request, and what was attached to it.
    pub(crate) fn caller(&self, mut parts: Parts) -> Caller {
        let principal = self.principal(&parts);
        parts.extensions.insert(parts.headers);
        Caller::new(principal, parts.extensions)
    }
}

pub(crate) fn method_not_allowed(allow: &'static str) -> Response<Body> {
    let error = ErrorObject::invalid_request("this method is not offered here");
    let mut response = answer::error(StatusCode::METHOD_NOT_ALLOWED, &error);
    let allow = HeaderValue::from_static(allow);
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
