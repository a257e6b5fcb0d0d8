//! What only operators see, on an address of its own: `/metrics` and `/sessions`.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, response::IntoResponse, routing::get};
use mcp_core::{clock::Timestamp, server::SessionHandle};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use tokio::{net::TcpListener, time::interval};

use crate::failure::Failure;

/// How often histograms are folded, so that they do not grow when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// Upper bounds of buckets, in seconds: from a cached answer to a slow tool.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

/// The address, and the recorder of this process.
pub(crate) struct Admin {
    listener: TcpListener,
    address: SocketAddr,
    metrics: PrometheusHandle,
}

impl Admin {
    /// Takes the address, and all metrics of this process from now on.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| Failure::new(format!("cannot listen on {address}: {error}")))?;
        let address = listener.local_addr()?;
        let durations = Matcher::Suffix("duration".to_owned());
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(durations, &SECONDS)?
            .install_recorder()?;
        Ok(Self {
            listener,
            address,
            metrics,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for ever; ends only by failing.
    pub(crate) async fn serve(self, sessions: SessionHandle) -> Result<(), Failure> {
        let metrics = self.metrics.clone();
        let app = Router::new()
            .route("/metrics", get(async move || metrics.render()))
            .route("/sessions", get(move || list(sessions.clone())));
        let upkeep = async {
            let mut ticks = interval(UPKEEP);
            loop {
                ticks.tick().await;
                self.metrics.run_upkeep();
            }
        };
        let served: io::Result<()> = tokio::select! {
            served = axum::serve(self.listener, app) => served,
            () = upkeep => Ok(()),
        };
        Ok(served?)
    }
}

/// The sessions of this process without their ids: who reads a page of an operator should not be able to
/// take a session over.
async fn list(sessions: SessionHandle) -> impl IntoResponse {
    let all = sessions.list_sessions().await;
    let all = all.iter().map(|session| {
        json!({
            "session": session.hash(),
            "created_at": session.created_at.as_millis(),
            "last_used_at": session.last_used_at.map(Timestamp::as_millis),
            "revision": session.revision.as_str(),
            "client": session.client.name,
        })
    });
    let body = json!({
        "count": sessions.session_count().await,
        "sessions": all.collect::<Vec<_>>(),
    });
    ([("content-type", "application/json")], body.to_string())
}
