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
/// How long a fetch may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 30;

/// The keys of an issuer, fetched when they are needed.
pub(crate) struct KeySet {
    url: reqwest::Url,
    http: reqwest::Client,
    known: RwLock<Arc<JwkSet>>,
    /// When they were last asked for; whoever holds it fetches.
    asked: Mutex<Option<Instant>>,
}

impl KeySet {
    pub(crate) fn new(url: &str) -> Result<Self, mcp_core::BoxError> {
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            url: url.parse()?,
            http: http.build()?,
            known: RwLock::new(Arc::new(JwkSet { keys: Vec::new() })),
            asked: Mutex::new(None),
        })
    }

    fn known(&self) -> Arc<JwkSet> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys among which `id` is, if the issuer has such a key.
    async fn with(&self, id: &str) -> Result<Arc<JwkSet>, AuthError> {
        let known = self.known();
        if known.find(id).is_some() {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        // Somebody may have fetched while this waited.
        if self.known().find(id).is_none() && asked.is_none_or(|asked| asked.elapsed() >= PAUSE) {
            let fetched = self.fetch().await.map_err(|error| {
                tracing::warn!(%error, "the keys of the issuer cannot be fetched");
                AuthError::unavailable(DEADLINE)
            })?;
            *asked = Some(Instant::now());
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fetched);
        }
        Ok(self.known())
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
