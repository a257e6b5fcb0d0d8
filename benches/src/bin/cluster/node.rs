//! One instance in a process of its own.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use mcp_benches::{catalogue, serve, yardstick};
use mcp_core::{BoxError, Context, Resource, Tool};
use mcp_store_postgres::PostgresBackend;
use mcp_store_redis::RedisBackend;

use crate::store::Store;

/// What clients hear of.
pub(crate) const URI: &str = "bench://news";

async fn publish(ctx: Context) -> &'static str {
    ctx.resource_updated(URI).await;
    "published"
}

/// Serves until the process is ended.
pub(crate) async fn serve(url: &str) -> Result<(), BoxError> {
    let router = catalogue::router(1)
        .tool(Tool::new("publish").handler(publish))
        .resource(Resource::new(URI, "news").handler(async || "news"));
    let backend = match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("redis") => Some(RedisBackend::connect(url).await?.into()),
        Some(_) => Some(Box::pin(PostgresBackend::connect(url)).await?.into()),
        None if url == "bare" => return serve::bare(yardstick::app()?).await,
        None => None,
    };
    serve::mcp(router, backend).await
}

/// A running instance; killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Node {
    pub(crate) fn start(store: &Store) -> Result<Self, BoxError> {
        Self::launch(&store.url())
    }

    /// Bare axum, to compare with.
    pub(crate) fn bare() -> Result<Self, BoxError> {
        Self::launch("bare")
    }

    fn launch(url: &str) -> Result<Self, BoxError> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--serve", url])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the instance has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line.trim().strip_prefix(serve::READY);
        let addr = addr.ok_or("the instance did not say where it listens")?;
        let addr = addr.parse()?;
        Ok(Self { child, addr })
    }

    /// The bytes of memory that it has in use.
    pub(crate) fn resident(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
