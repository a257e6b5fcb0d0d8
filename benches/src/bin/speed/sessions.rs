//! What is kept: the memory of an idle session and of an open stream.

use mcp_benches::work;
use mcp_core::BoxError;

use crate::{
    connection::Connection,
    load::{awake, start},
    subject::Subject,
};

/// How many sessions are begun.
const SESSIONS: u32 = 5_000;

/// How many streams are open at once.
const STREAMS: u32 = 500;

/// The bytes that an idle session keeps resident.
pub(crate) async fn idle(subject: &Subject) -> Result<Option<u64>, BoxError> {
    if !subject.has_sessions() {
        return Ok(None);
    }
    let process = start(subject)?;
    let mut connection = Connection::open(process.addr()).await?;
    // What is made once for all sessions is made by the first ones.
    awake(begin(&mut connection, SESSIONS / 10)).await?;
    let before = process.resident()?;
    awake(begin(&mut connection, SESSIONS)).await?;
    let kept = process.resident()?.saturating_sub(before);
    Ok(Some(kept / u64::from(SESSIONS)))
}

async fn begin(connection: &mut Connection, times: u32) -> Result<(), BoxError> {
    for _ in 0..times {
        connection.initialize("/mcp").await?;
    }
    Ok(())
}

/// The bytes that an open stream keeps resident, the session that it belongs to included.
pub(crate) async fn stream(subject: &Subject) -> Result<Option<u64>, BoxError> {
    if subject.is_mcp() && !subject.has_sessions() {
        return Ok(None);
    }
    let process = start(subject)?;
    let mut open = Vec::new();
    let mut before = 0;
    // The first tenth makes what is made once.
    for number in 0..STREAMS + STREAMS / 10 {
        if number == STREAMS / 10 {
            before = process.resident()?;
        }
        let mut connection = Connection::open(process.addr()).await?;
        let (path, session) = if subject.is_mcp() {
            ("/mcp", connection.initialize("/mcp").await?)
        } else {
            ("/stream", None)
        };
        let request = work::listen(path, session.as_deref());
        connection.listen(&request).await?;
        open.push(connection);
    }
    let kept = process.resident()?.saturating_sub(before);
    Ok(Some(kept / u64::from(STREAMS)))
}
