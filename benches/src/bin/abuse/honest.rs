//! Clients that do as they should, at an even pace.

use std::{fmt, net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use mcp_benches::wire::Connection;
use mcp_core::BoxError;

use crate::{now, pause};

const EVERY: Duration = Duration::from_millis(100);

/// How long calls took.
pub(crate) struct Times {
    calls: usize,
    p50: Duration,
    pub(crate) p99: Duration,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, p50, p99 } = self;
        write!(f, "{calls} honest calls, p50 {p50:.1?}, p99 {p99:.1?}")
    }
}

/// Calls for this long; every call must be answered.
pub(crate) async fn calls(
    addr: SocketAddr,
    clients: usize,
    time: Duration,
) -> Result<Times, BoxError> {
    let end = now() + time;
    let each = (0..clients).map(|client| async move {
        // Not all at once.
        pause(EVERY * u32::try_from(client)? / u32::try_from(clients)?).await;
        let mut connection = Connection::open(addr).await?;
        let session = connection.begin().await?;
        let mut times = Vec::new();
        while now() < end {
            let asked = now();
            let answer = connection.call(&session, "echo").await?;
            times.push(asked.elapsed());
            if answer.status() != 200 {
                return Err(format!("an honest call got {}", answer.status()).into());
            }
            pause(EVERY.saturating_sub(asked.elapsed())).await;
        }
        Ok::<_, BoxError>(times)
    });
    let mut times = try_join_all(each).await?.concat();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    Ok(Times {
        calls: times.len(),
        p50: at(50).ok_or("no call was made")?,
        p99: at(99).ok_or("no call was made")?,
    })
}
