//! Cross-origin calls from browsers, if asked for.

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    config::Config,
    headers::{LAST_EVENT_ID, PROTOCOL_VERSION, SESSION_ID},
    mirror, origin,
};

const ALLOWED_HEADERS: [HeaderName; 8] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    LAST_EVENT_ID,
    mirror::METHOD,
    mirror::NAME,
    PROTOCOL_VERSION,
    SESSION_ID,
];

/// Lets the allowed origins read answers and the session id. The same origins are checked again by
/// the endpoint itself.
pub(crate) fn layer(config: &Config) -> CorsLayer {
    let config = config.clone();
    let allowed = move |origin: &HeaderValue, _: &Parts| {
        let origin = origin.to_str();
        origin.is_ok_and(|origin| origin::allowed(&config, origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::POST, Method::GET, Method::DELETE])
        .allow_headers(ALLOWED_HEADERS)
        .expose_headers([
            SESSION_ID,
            PROTOCOL_VERSION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
        ])
}
