//! `GET /health` and `GET /ready`, for whoever decides where requests go.

use axum::{http::StatusCode, response::Response};
use mcp_core::server::{Phase, Server};
use serde_json::json;

use crate::answer;

/// The process lives. Stays 200 through an outage of the store: a restart would not mend it.
pub(crate) fn health(server: &Server) -> Response {
    let body = json!({ "status": "ok", "instance": server.instance().as_str() });
    answer::json(StatusCode::OK, body.to_string().into())
}

/// Requests may be sent here. Without its store a server still serves the sessions it knows, so an
/// outage is reported, not acted upon: else all instances would leave the load balancer at once.
pub(crate) async fn ready(server: Server) -> Response {
    let phase = server.phase();
    if phase > Phase::Running {
        let body = json!({ "status": "draining" });
        return answer::json(StatusCode::SERVICE_UNAVAILABLE, body.to_string().into());
    }
    // An endpoint that is mounted in another router is not told when serving begins.
    server.join().await;
    if !server.has_joined() {
        let body = json!({ "status": "starting" });
        return answer::json(StatusCode::SERVICE_UNAVAILABLE, body.to_string().into());
    }
    let store = server.store_answers().await;
    let body = json!({
        "status": if store { "ready" } else { "degraded" },
        "store": if store { "ok" } else { "unavailable" },
    });
    answer::json(StatusCode::OK, body.to_string().into())
}
