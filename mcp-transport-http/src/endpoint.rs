//! The axum routes: the MCP endpoint, `/health` and `/ready`.

use std::{convert::Infallible, mem, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Extensions, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
    routing::{any, get},
};
use mcp_core::{
    auth::Grant,
    jsonrpc::ErrorObject,
    router::BuildError,
    server::{Caller, Phase, Server, SessionMode},
    store::Principal,
};
use tower::service_fn;

use crate::{
    answer::{self, Refused},
    auth::{self, ProtectedResource},
    config::Config,
    cors, delete, get as get_stream, health, origin, post,
    quota::Quotas,
    sse::Listening,
};

/// What every request of an endpoint needs.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) server: Server,
    pub(crate) config: Config,
    quotas: Arc<Quotas>,
}

/// Who sends a request, as was attached to it.
pub(crate) fn principal(extensions: &Extensions) -> Option<&Principal> {
    extensions.get::<Grant>().map(|grant| &grant.principal)
}

/// The whole app.
pub(crate) fn app(server: Server, config: Config) -> Router {
    let (health, ready) = (server.clone(), server.clone());
    let metadata = config.resource.as_ref().map(ProtectedResource::router);
    endpoint(server, config)
        .merge(metadata.unwrap_or_default())
        .route("/health", get(async move || health::health(&health)))
        .route("/ready", get(move || health::ready(ready.clone())))
}

/// The MCP route alone.
pub(crate) fn endpoint(server: Server, config: Config) -> Router {
    let path = config.path.clone();
    let cors = config.cors.then(|| cors::layer(&config));
    let endpoint = Arc::new(Endpoint {
        server,
        quotas: Quotas::new(config.quota),
        config,
    });
    let service = service_fn(move |request: Request| {
        let endpoint = Arc::clone(&endpoint);
        let (mut parts, body) = request.into_parts();
        async move { Ok::<_, Infallible>(endpoint.serve(&mut parts, body).await) }
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
    /// Serves a request.
    ///
    /// Boxed, here and elsewhere, is what is rare: the future of a request is as large as the
    /// largest way it may take, and is moved and allocated for every plain call.
    async fn serve(&self, parts: &mut Parts, body: Body) -> Response {
        let served = match self.admit(parts).await {
            Ok(()) if parts.method == Method::POST => post::post(self, parts, body).await,
            Ok(()) => Box::pin(self.serve_other(parts)).await,
            Err(refused) => Err(refused),
        };
        let mut response = served.unwrap_or_else(Into::into);
        if self.server.phase() > Phase::Running {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }

    /// Whether a request may go further; attaches who sends it and what that allows.
    async fn admit(&self, parts: &mut Parts) -> Result<(), Refused> {
        origin::check(&self.config, parts)?;
        if self.config.authenticator.is_some() || self.config.principal.is_some() {
            Box::pin(self.identify(parts)).await?;
        }
        if let Some(principal) = principal(&parts.extensions) {
            let now = self.server.clock().now();
            self.quotas.request(principal, now)?;
        }
        Ok(())
    }

    async fn serve_other(&self, parts: &Parts) -> Result<Response, Refused> {
        match parts.method {
            Method::GET => get_stream::get(self, parts).await,
            Method::DELETE => delete::delete(self, parts).await,
            _ if !self.has_sessions() => Ok(method_not_allowed("POST")),
            _ => Ok(method_not_allowed("POST, GET, DELETE")),
        }
    }

    /// Whether anything but POST is offered.
    pub(crate) fn has_sessions(&self) -> bool {
        let mut revisions = self.server.revisions().iter();
        self.server.session_mode() != SessionMode::Off
            && revisions.any(|revision| revision.is_session_oriented())
    }

    /// Attaches what is known about the sender to a request, or refuses it.
    async fn identify(&self, parts: &mut Parts) -> Result<(), Refused> {
        if self.config.authenticator.is_some() {
            return auth::authenticate(self, parts).await;
        }
        let named = self.config.principal.as_ref();
        if parts.extensions.get::<Grant>().is_none()
            && let Some(principal) = named.and_then(|named| named(parts))
        {
            parts.extensions.insert(Grant::new(principal));
        }
        Ok(())
    }

    /// What a stream that only listens needs: a place among those of its principal, and how long the
    /// credentials allow it.
    pub(crate) fn listening(&self, parts: &Parts) -> Result<Listening, Refused> {
        let place = principal(&parts.extensions).map(|owner| self.quotas.stream(owner));
        Ok(Listening {
            allowed: self.allowed_for(parts),
            place: place.transpose()?,
        })
    }

    /// How long the credentials of a request still allow what it began; for ever, if absent.
    fn allowed_for(&self, parts: &Parts) -> Option<Duration> {
        let end = parts.extensions.get::<Grant>()?.expires_at?;
        Some(end.since(self.server.clock().now()))
    }
}

/// Who sends a request, and what was attached to it.
pub(crate) fn caller(parts: &mut Parts) -> Caller {
    let mut extensions = mem::take(&mut parts.extensions);
    let principal = principal(&extensions).cloned();
    extensions.insert(mem::take(&mut parts.headers));
    Caller::new(principal, extensions)
}

pub(crate) fn method_not_allowed(allow: &'static str) -> Response<Body> {
    let error = ErrorObject::invalid_request("this method is not offered here");
    let mut response = answer::error(StatusCode::METHOD_NOT_ALLOWED, &error);
    let allow = HeaderValue::from_static(allow);
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
