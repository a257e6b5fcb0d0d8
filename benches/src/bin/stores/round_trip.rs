//! A bare round trip: the least that any operation can take.

use std::net::SocketAddr;

use mcp_core::BoxError;
use mcp_store_postgres::sqlx::{self, Connection, PgConnection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Cli,
    operations::{now, row},
};

/// `PING` over one connection.
pub(crate) async fn redis(address: SocketAddr, cli: &Cli) -> Result<(), BoxError> {
    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut answer = [0; 7];
    let mut each = Vec::with_capacity(cli.times);
    let began = now();
    for _ in 0..cli.times {
        let sent = now();
        connection.write_all(b"PING\r\n").await?;
        connection.read_exact(&mut answer).await?;
        each.push(sent.elapsed());
    }
    row("redis", "(PING, one at a time)", began.elapsed(), each);
    Ok(())
}

/// `SELECT 1` over one connection.
pub(crate) async fn postgres(url: &str, cli: &Cli) -> Result<(), BoxError> {
    let mut connection = PgConnection::connect(url).await?;
    let mut each = Vec::with_capacity(cli.times);
    let began = now();
    for _ in 0..cli.times {
        let sent = now();
        sqlx::query("SELECT 1").execute(&mut connection).await?;
        each.push(sent.elapsed());
    }
    row(
        "postgres",
        "(SELECT 1, one at a time)",
        began.elapsed(),
        each,
    );
    connection.close().await?;
    Ok(())
}
