//! Access tokens (RFC 9068) checked against the keys that their issuer shows (RFC 7517).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet,
};
use mcp_core::{
    auth::{Grant, Scopes},
    clock::Timestamp,
    store::Principal,
};
use mcp_transport_http::{
    auth::{AuthError, Authenticator, bearer_token},
    axum::http::request::Parts,
};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

/// What an issuer may sign with: only what has a public key.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::EdDSA,
];
/// Keys are fetched again for an unknown key id, but not more often than this: anybody can invent one.
const PAUSE: Duration = Duration::from_secs(30);
/// How soon they are fetched again when that failed.
const AGAIN: Duration = Duration::from_secs(2);
/// Keys that are older are fetched again: the issuer may have withdrawn one.
const OLD: Duration = Duration::from_mins(10);
/// How long a fetch may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 30;

/// The keys of an issuer, fetched when they are needed.
pub(crate) struct KeySet {
    url: reqwest::Url,
    http: reqwest::Client,
    known: RwLock<Known>,
    /// How the last fetch went; whoever holds it fetches.
    last: Mutex<Option<Fetch>>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<JwkSet>,
    since: Instant,
}

impl Known {
    fn has(&self, id: &str) -> bool {
        self.keys.find(id).is_some()
    }
}

#[derive(Clone, Copy)]
struct Fetch {
    began: Instant,
    failed: bool,
}

impl KeySet {
    pub(crate) fn new(url: &str) -> Result<Self, mcp_core::BoxError> {
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none());
        let none = Known {
            keys: Arc::new(JwkSet { keys: Vec::new() }),
            since: Instant::now(),
        };
        Ok(Self {
            url: url.parse()?,
            http: http.build()?,
            known: RwLock::new(none),
            last: Mutex::new(None),
        })
    }

    fn known(&self) -> Known {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// The keys among which `id` is, if the issuer has such a key.
    async fn with(&self, id: &str) -> Result<Arc<JwkSet>, AuthError> {
        let known = self.known();
        if known.has(id) && known.since.elapsed() < OLD {
            return Ok(known.keys);
        }
        let mut last = match self.last.try_lock() {
            Ok(last) => last,
            // An old key is good until it is known that it was withdrawn; nobody waits for that.
            Err(_) if known.has(id) => return Ok(known.keys),
            Err(_) => self.last.lock().await,
        };
        // Somebody may have fetched while this waited.
        let known = self.known();
        let pause = match *last {
            Some(Fetch { failed: true, .. }) => AGAIN,
            _ if known.has(id) => OLD,
            _ => PAUSE,
        };
        if last.is_none_or(|last| last.began.elapsed() >= pause) {
            *last = Some(self.renew().await);
        }
        let known = self.known();
        let failed = last.is_some_and(|last| last.failed);
        if failed && !known.has(id) {
            return Err(AuthError::unavailable(AGAIN));
        }
        Ok(known.keys)
    }

    async fn renew(&self) -> Fetch {
        let began = Instant::now();
        let fetched = self.fetch().await;
        let failed = fetched.is_err();
        match fetched {
            Ok(keys) => {
                let (keys, since) = (Arc::new(keys), began);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { keys, since };
            }
            Err(error) => tracing::warn!(%error, "the keys of the issuer cannot be fetched"),
        }
        Fetch { began, failed }
    }

    async fn fetch(&self) -> reqwest::Result<JwkSet> {
        let response = self.http.get(self.url.clone()).send().await?;
        response.error_for_status()?.json().await
    }
}

/// What tokens say that matters here.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    /// Scopes with spaces between them (RFC 9068).
    #[serde(default)]
    scope: String,
}

/// Accepts the tokens of one issuer for one resource.
pub(crate) struct Tokens {
    keys: Arc<KeySet>,
    issuer: Arc<str>,
    resource: String,
}

impl Tokens {
    pub(crate) fn new(keys: Arc<KeySet>, issuer: &str, resource: &str) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            resource: resource.to_owned(),
        }
    }

    async fn claims(&self, token: &str) -> Result<Claims, AuthError> {
        let no_token = |_| AuthError::invalid_token("the token cannot be read");
        let header = decode_header(token).map_err(no_token)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(AuthError::invalid_token("the algorithm is not accepted"));
        }
        let unknown = || AuthError::invalid_token("the key is not one of the issuer");
        let id = header.kid.as_deref().ok_or_else(unknown)?;
        let keys = self.keys.with(id).await?;
        let key = keys.find(id).ok_or_else(unknown)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| unknown())?;
        let mut rules = Validation::new(header.alg);
        rules.set_audience(&[&self.resource]);
        rules.set_issuer(&[&*self.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = LEEWAY;
        let read = decode::<Claims>(token, &key, &rules);
        read.map(|read| read.claims).map_err(|error| {
            AuthError::invalid_token(match error.kind() {
                ErrorKind::ExpiredSignature => "the token has expired",
                ErrorKind::InvalidAudience => "the token is for somebody else",
                ErrorKind::InvalidIssuer => "the token is of another issuer",
                ErrorKind::InvalidSignature => "the signature is wrong",
                _ => "the token is not valid",
            })
        })
    }
}

#[async_trait]
impl Authenticator for Tokens {
    async fn authenticate(&self, request: &Parts) -> Result<Grant, AuthError> {
        let claims = self.claims(bearer_token(&request.headers)?).await?;
        let scopes = Scopes::parse(&claims.scope)
            .map_err(|_| AuthError::invalid_token("a scope cannot be read"))?;
        let end = Timestamp::from_millis(claims.exp.saturating_add(LEEWAY).saturating_mul(1000));
        let principal = Principal::new(Arc::clone(&self.issuer), claims.sub);
        Ok(Grant::new(principal).scopes(scopes).expires_at(end))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mcp_transport_http::axum::{Router, routing::get, serve};
    use tokio::net::TcpListener;

    use super::*;

    const KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const NONE: &str = r#"{"keys":[]}"#;

    /// An issuer that shows each of these in turn, and the last for ever; and how often it was asked.
    async fn issuer(shown: &'static [&'static str]) -> (KeySet, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let show = async move || shown[count.fetch_add(1, Ordering::SeqCst).min(shown.len() - 1)];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with the runtime of its test"
        )]
        tokio::spawn(async { serve(listener, Router::new().route("/jwks", get(show))).await });
        (KeySet::new(&url).unwrap(), asked)
    }

    /// As if so much time had passed since the keys were fetched.
    async fn pass(keys: &KeySet, time: Duration) {
        keys.known.write().unwrap().since -= time;
        if let Some(last) = &mut *keys.last.lock().await {
            last.began -= time;
        }
    }

    #[tokio::test]
    async fn invented_ids_do_not_make_it_ask_the_issuer_again_and_again() {
        let (keys, asked) = issuer(&[KEY]).await;
        for _ in 0..10 {
            assert!(
                keys.with("invented")
                    .await
                    .unwrap()
                    .find("invented")
                    .is_none()
            );
            assert!(keys.with("one").await.unwrap().find("one").is_some());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_key_that_was_withdrawn_is_forgotten() {
        let (keys, asked) = issuer(&[KEY, NONE]).await;
        assert!(keys.with("one").await.unwrap().find("one").is_some());
        pass(&keys, OLD).await;
        assert!(keys.with("one").await.unwrap().find("one").is_none());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_issuer_that_is_away_takes_no_key_away_and_is_asked_seldom() {
        let (keys, asked) = issuer(&[KEY, "no JSON"]).await;
        keys.with("one").await.unwrap();
        pass(&keys, OLD).await;
        for _ in 0..10 {
            assert!(keys.with("one").await.unwrap().find("one").is_some());
            assert!(keys.with("two").await.is_err());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
