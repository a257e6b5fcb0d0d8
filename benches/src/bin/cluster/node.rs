//! One instance in a process of its own.

use mcp_benches::{catalogue, process::Process, serve, yardstick};
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

/// Starts an instance on a store.
pub(crate) fn start(store: &Store) -> Result<Process, BoxError> {
    Process::serve(&store.url())
}

/// Starts bare axum, to compare with.
pub(crate) fn bare() -> Result<Process, BoxError> {
    Process::serve("bare")
}
