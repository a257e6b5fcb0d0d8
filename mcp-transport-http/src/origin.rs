//! Who may call from a browser, and under which name: `Origin` and `Host`.
//!
//! The specification's security warning for Streamable HTTP: a page that the user visits must not
//! reach a local server through DNS rebinding.

use axum::http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};
use mcp_core::jsonrpc::ErrorObject;

use crate::{
    answer::{self, Refused},
    config::Config,
};

/// Lets a request pass, or says why not.
pub(crate) fn check(config: &Config, parts: &Parts) -> Result<(), Refused> {
    let refused = |what: &'static str| {
        let error = ErrorObject::invalid_request(what).reason("forbidden_origin");
        Refused::from(answer::error(StatusCode::FORBIDDEN, &error))
    };
    let headers = &parts.headers;
    if let Some(origin) = one(headers, &header::ORIGIN).map_err(|()| refused("two origins"))?
        && !allowed(config, origin)
    {
        return Err(refused("this origin may not call"));
    }
    if !config.loopback && config.allowed_hosts.is_empty() {
        return Ok(());
    }
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => one(headers, &header::HOST).map_err(|()| refused("two hosts"))?,
    };
    if host.is_some_and(|host| host_allowed(config, host)) {
        Ok(())
    } else {
        Err(refused("this server is not reached under this name"))
    }
}

/// The value of a header that may stand once; `Err` when it stands twice or is not text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str().map_err(drop));
    if values.next().is_some() {
        return Err(());
    }
    first.transpose()
}

/// Whether pages of this origin may call.
pub(crate) fn allowed(config: &Config, origin: &str) -> bool {
    let listed = config.allowed_origins.iter();
    if listed
        .into_iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
    {
        return true;
    }
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|authority| is_loopback(name(authority)))
}

fn host_allowed(config: &Config, host: &str) -> bool {
    let mut listed = config.allowed_hosts.iter();
    if listed.any(|allowed| {
        allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(name(host))
    }) {
        return true;
    }
    config.loopback && is_loopback(name(host))
}

/// The host without its port.
fn name(authority: &str) -> &str {
    if authority.starts_with('[') {
        let end = authority.find(']').map_or(authority.len(), |at| at + 1);
        return &authority[..end];
    }
    authority.split(':').next().unwrap_or_default()
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_origins_pass_by_default_and_others_do_not() {
        let config = Config::default();
        for origin in [
            "http://localhost:5173",
            "http://127.0.0.1",
            "https://[::1]:8443",
        ] {
            assert!(allowed(&config, origin), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "null",
            "",
        ] {
            assert!(!allowed(&config, origin), "{origin}");
        }
    }

    #[test]
    fn listed_origins_and_hosts_pass() {
        let config = Config {
            allowed_origins: vec!["https://app.example.com".to_owned()],
            allowed_hosts: vec!["mcp.example.com".to_owned()],
            ..Config::default()
        };
        assert!(allowed(&config, "https://APP.example.com"));
        assert!(!allowed(&config, "http://app.example.com"));
        assert!(host_allowed(&config, "mcp.example.com:8443"));
        assert!(!host_allowed(&config, "localhost:3000"));
    }
}
