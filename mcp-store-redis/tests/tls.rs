//! A server that speaks TLS only with those who know its authority.
#![cfg(feature = "tls")]

#[path = "support/operations.rs"]
mod operations;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, LogKey, Notifier, StoreErrorKind, WakeUp},
};
use mcp_store_redis::{
    RedisBackend,
    deadpool_redis::redis::{ClientTlsConfig, TlsCertificates},
};
use mcp_testkit::{Namespace, server::RedisServer};
use operations::every_operation;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A directory that is removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self, BoxError> {
        let path = std::env::temp_dir().join(Namespace::fresh("tls").as_str());
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A server with a certificate for `localhost` that wants one of its clients, too.
struct Secure {
    port: u16,
    certificates: TlsCertificates,
    _server: RedisServer,
    _directory: Directory,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Result<Authority, BoxError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// A certificate and its key.
fn issue(authority: &Authority, name: &str) -> Result<(String, String), BoxError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn write(directory: &Path, name: &str, text: &str) -> Result<String, BoxError> {
    let path = directory.join(name);
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn start() -> Result<Secure, BoxError> {
    let directory = Directory::new()?;
    let authority = authority()?;
    let (certificate, key) = issue(&authority, "localhost")?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let lines = [
        format!("tls-port {port}"),
        format!(
            "tls-cert-file {}",
            write(&directory.0, "cert", &certificate)?
        ),
        format!("tls-key-file {}", write(&directory.0, "key", &key)?),
        format!(
            "tls-ca-cert-file {}",
            write(&directory.0, "ca", &authority.pem())?
        ),
    ];
    let (client_cert, client_key) = issue(&authority, "client")?;
    Ok(Secure {
        port,
        certificates: TlsCertificates {
            client_tls: Some(ClientTlsConfig {
                client_cert: client_cert.into(),
                client_key: client_key.into(),
            }),
            root_cert: Some(authority.pem().into()),
        },
        _server: RedisServer::start_with(&lines.each_ref().map(String::as_str))?,
        _directory: directory,
    })
}

impl Secure {
    async fn connect(
        &self,
        host: &str,
        certificates: Option<TlsCertificates>,
    ) -> Result<RedisBackend, BoxError> {
        let url = format!("rediss://{host}:{}/", self.port);
        let mut builder = RedisBackend::builder(url)
            .deadline(Duration::from_secs(5))
            .reach_within(Duration::ZERO);
        if let Some(certificates) = certificates {
            builder = builder.certificates(certificates);
        }
        Ok(builder.connect().await?)
    }
}

#[tokio::test]
async fn everything_goes_over_tls() -> Result<(), BoxError> {
    let server = start()?;
    let store = server
        .connect("localhost", Some(server.certificates.clone()))
        .await?;
    every_operation(&store, "name", |_, _| {}).await?;
    let mut ear = store.listen(&InstanceId::new("here")).await?;
    store.publish(&Audience::Everyone, &LogKey::Config).await?;
    assert_eq!(ear.next().await, Some(WakeUp::Look(LogKey::Config)));
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_not_spoken_to() -> Result<(), BoxError> {
    let server = start()?;
    // Of an authority that the system does not know.
    assert!(server.connect("localhost", None).await.is_err());
    // With a certificate for another name.
    let mine = Some(server.certificates.clone());
    assert!(server.connect("127.0.0.1", mine).await.is_err());
    // Of another authority.
    let mut others = server.certificates.clone();
    others.root_cert = Some(authority()?.pem().into());
    assert!(server.connect("localhost", Some(others)).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_client_without_a_certificate_is_unavailable() -> Result<(), BoxError> {
    let server = start()?;
    let mut anonymous = server.certificates.clone();
    anonymous.client_tls = None;
    assert!(server.connect("localhost", Some(anonymous)).await.is_err());
    Ok(())
}

#[test]
fn certificates_need_a_url_that_uses_them() {
    let none = TlsCertificates {
        client_tls: None,
        root_cert: None,
    };
    let refused = RedisBackend::builder("redis://localhost")
        .certificates(none)
        .build();
    let kind = refused.err().map(|error| error.kind());
    assert_eq!(kind, Some(StoreErrorKind::InvalidArgument));
}
