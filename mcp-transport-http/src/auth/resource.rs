//! What the server says about itself to clients that need a token: [`ProtectedResource`].

use std::{fmt, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use mcp_core::auth::Scopes;
use serde::{Serialize, Serializer};

use crate::answer;

/// Where metadata stands, before the resource's own path.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of a protected resource ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)): the URL
/// under which clients know the MCP endpoint, and who issues tokens for it.
///
/// It is served without authorisation at the well-known address that belongs to the URL, with the
/// resource's path as suffix, and at the bare one. Both are derived from the URL that clients use, so
/// they are right behind a proxy that rewrites paths, as long as it sends
/// `/.well-known/oauth-protected-resource` and all below it here unchanged.
#[derive(Clone)]
#[must_use = "it is only served by a transport or as a router"]
pub struct ProtectedResource {
    document: Document,
    scopes_required: Scopes,
    metadata_url: Arc<str>,
    metadata_path: String,
}

/// The members of RFC 9728, section 2, that mean something here.
#[derive(Clone, Serialize)]
struct Document {
    resource: String,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Scopes::is_empty", serialize_with = "names")]
    scopes_supported: Scopes,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
}

fn names<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scopes.iter())
}

/// A URL that cannot be the address of a protected resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` cannot be a protected resource: {why}")]
pub struct InvalidResource {
    url: String,
    why: &'static str,
}

impl ProtectedResource {
    /// The resource that clients reach under this URL: `https`, or `http` on this machine; with the path
    /// of the endpoint as clients see it, without a fragment.
    ///
    /// # Errors
    ///
    /// [`InvalidResource`] says what is wrong with the URL.
    pub fn new(url: impl Into<String>) -> Result<Self, InvalidResource> {
        let url = url.into();
        let parts = parts(&url).map_err(|why| InvalidResource {
            url: url.clone(),
            why,
        });
        let (origin, rest) = parts?;
        let path = rest.split('?').next().unwrap_or_default();
        let slash = if path == "/" { "" } else { path };
        let query = &rest[path.len()..];
        let metadata_path = format!("{WELL_KNOWN}{slash}");
        Ok(Self {
            metadata_url: format!("{origin}{metadata_path}{query}").into(),
            metadata_path,
            scopes_required: Scopes::none(),
            document: Document {
                resource: url,
                authorization_servers: Vec::new(),
                scopes_supported: Scopes::none(),
                bearer_methods_supported: ["header"],
                resource_name: None,
                resource_documentation: None,
            },
        })
    }

    /// The issuer of an authorization server that gives tokens for this resource. The specification wants
    /// at least one.
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.document.authorization_servers.push(issuer.into());
        self
    }

    /// The scopes that clients ask for when nobody tells them which: those for basic use. Not
    /// `offline_access`, which is no matter of a resource.
    pub fn scopes_supported(mut self, scopes: Scopes) -> Self {
        self.document.scopes_supported = scopes;
        self
    }

    /// The scopes that a refusal for want of a token asks for.
    pub fn challenge_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes_required = scopes;
        self
    }

    /// A name for people.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.document.resource_name = Some(name.into());
        self
    }

    /// Where developers read about it.
    pub fn documentation(mut self, url: impl Into<String>) -> Self {
        self.document.resource_documentation = Some(url.into());
        self
    }

    /// The URL under which clients know it: what tokens must be issued for (`aud`).
    #[must_use]
    pub fn url(&self) -> &str {
        &self.document.resource
    }

    /// Where clients find the metadata.
    #[must_use]
    pub fn metadata_url(&self) -> &str {
        &self.metadata_url
    }

    pub(super) fn scopes_required(&self) -> &Scopes {
        &self.scopes_required
    }

    /// The metadata as routes of their own. [`into_router`](crate::HttpTransport::into_router) has them
    /// already; an app that nests the endpoint below a path merges them at its root, where the
    /// well-known address is.
    pub fn router(&self) -> Router {
        let document = serde_json::to_vec(&self.document).map_or_else(
            |error| {
                tracing::error!(%error, "the metadata of the resource cannot be written");
                Bytes::from_static(b"{}")
            },
            Bytes::from,
        );
        let serve = get(async move || metadata(document));
        let router = Router::new().route(WELL_KNOWN, serve.clone());
        if self.metadata_path == WELL_KNOWN {
            return router;
        }
        router.route(&self.metadata_path, serve)
    }
}

impl fmt::Debug for ProtectedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedResource")
            .field("url", &self.document.resource)
            .field("metadata_url", &self.metadata_url)
            .finish_non_exhaustive()
    }
}

/// Public, and the same for everyone: pages of any origin may read it.
fn metadata(document: Bytes) -> Response {
    let mut response = answer::json(StatusCode::OK, document);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Origin, and path with query.
fn parts(url: &str) -> Result<(String, &str), &'static str> {
    let parsed: Uri = url.parse().map_err(|_| "it is no URL")?;
    let host = parsed.host().ok_or("it has no host")?;
    let name = host.trim_matches(['[', ']']);
    let local = name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match parsed.scheme_str() {
        Some("https") => {}
        Some("http") if local => {}
        _ => return Err("it must begin with https://"),
    }
    if url.contains('#') {
        return Err("it has a fragment");
    }
    // A route would take them for parameters.
    if url.contains(['{', '}', '*', '"']) {
        return Err("it has characters that are not part of a URL");
    }
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| start + at);
    Ok((url[..end].to_owned(), &url[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_stands_between_host_and_path() {
        let base = "https://a.example/.well-known/oauth-protected-resource";
        for (url, metadata) in [
            ("https://a.example", base.to_owned()),
            ("https://a.example/", base.to_owned()),
            ("https://a.example/mcp", format!("{base}/mcp")),
            ("https://a.example/x/mcp", format!("{base}/x/mcp")),
            ("https://a.example/mcp?t=1", format!("{base}/mcp?t=1")),
        ] {
            let resource = ProtectedResource::new(url).unwrap();
            assert_eq!(resource.metadata_url(), metadata, "{url}");
            assert_eq!(resource.url(), url);
        }
        let local = ProtectedResource::new("http://127.0.0.1:3000/mcp").unwrap();
        assert_eq!(
            local.metadata_url(),
            "http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp"
        );
    }

    #[test]
    fn what_is_no_address_of_a_resource_is_refused() {
        for url in [
            "",
            "/mcp",
            "a.example",
            "http://a.example/mcp",
            "ftp://a.example",
            "https://a.example/mcp#part",
            "https://a.example/{x}",
        ] {
            assert!(ProtectedResource::new(url).is_err(), "{url}");
        }
    }
}
