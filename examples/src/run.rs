//! From a router and flags to a server that runs until a signal.

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use mcp_core::{
    Server,
    server::ServerBuilder,
    store::{InstanceId, Principal},
    transport::{signal, until_second_signal},
};
use mcp_transport_http::HttpTransport;
use mcp_transport_stdio::StdioTransport;
#[cfg(unix)]
use mcp_transport_unix::UnixSocketTransport;
use tokio::net::TcpListener;

use crate::{admin::Admin, backend, failure::Failure, flags::Flags, logs};

/// What is left for the name in an id of at most 64 characters.
const LONGEST_NAME: usize = 64 - "-0123456789abcdef".len();

/// Serves until SIGTERM or Ctrl-C, drains, and gives the exit code.
///
/// Prints `listening on http://ADDR/mcp` on stderr once connections are accepted over TCP; whatever
/// goes wrong is one line there, too.
///
/// # Cancel safety
///
/// When dropped, connections end without draining.
pub async fn serve(router: impl Into<ServerBuilder> + Send, flags: &Flags) -> ExitCode {
    serve_with(router, flags, |_| {}).await
}

/// The same, with something to do as soon as the address is known, before the line on stderr. With
/// `--stdio` and `--unix` there is no address.
///
/// # Cancel safety
///
/// When dropped, connections end without draining.
pub async fn serve_with(
    router: impl Into<ServerBuilder> + Send,
    flags: &Flags,
    bound: impl FnOnce(SocketAddr) + Send,
) -> ExitCode {
    ended(run(router.into(), flags, bound, |http| http).await)
}

/// The same, over HTTP as `http` sets it: for instance with an authenticator.
///
/// # Cancel safety
///
/// When dropped, connections end without draining.
pub async fn serve_http(
    router: impl Into<ServerBuilder> + Send,
    flags: &Flags,
    http: impl FnOnce(HttpTransport<Server>) -> HttpTransport<Server> + Send + 'static,
) -> ExitCode {
    ended(run(router.into(), flags, |_| {}, http).await)
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            failure.exit_code()
        }
    }
}

async fn run(
    builder: ServerBuilder,
    flags: &Flags,
    bound: impl FnOnce(SocketAddr) + Send,
    http: impl FnOnce(HttpTransport<Server>) -> HttpTransport<Server> + Send + 'static,
) -> Result<(), Failure> {
    logs::start(flags.log_format)?;
    // Before the server is built: it makes its handles once.
    let admin = match flags.admin {
        Some(address) => Some(Admin::bind(address).await?),
        None => None,
    };
    let server = server(builder, flags).await?;
    let Some(admin) = admin else {
        return serve_flags(server, flags, bound, http).await;
    };
    say(&format!("admin on http://{}", admin.address()));
    let sessions = server.sessions();
    tokio::select! {
        ended = serve_flags(server, flags, bound, http) => ended,
        failed = admin.serve(sessions) => failed,
    }
}

/// Serves over the transport that the flags name.
async fn serve_flags(
    server: Server,
    flags: &Flags,
    bound: impl FnOnce(SocketAddr) + Send,
    http: impl FnOnce(HttpTransport<Server>) -> HttpTransport<Server> + Send + 'static,
) -> Result<(), Failure> {
    if flags.stdio {
        return Ok(StdioTransport::serving(server).serve().await?);
    }
    #[cfg(unix)]
    if let Some(path) = &flags.unix {
        let own = flags.clone();
        let transport = UnixSocketTransport::serving(server);
        let transport = transport.http(move |transport| chosen(http(transport), &own));
        match mcp_transport_unix::activated()? {
            Some(listener) => {
                until_second_signal(transport.serve_listener(listener, signal())).await?;
            }
            None => transport.serve(path).await?,
        }
        return Ok(());
    }
    let listener = TcpListener::bind(flags.listen)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {}: {error}", flags.listen)))?;
    let address = listener.local_addr()?;

    // Before the line below: who has read it may send a signal.
    let stop = signal();
    bound(address);
    say(&format!("listening on http://{address}/mcp"));
    let transport = chosen(http(HttpTransport::serving(server)), flags);
    Ok(until_second_signal(transport.serve_listener(listener, stop)).await?)
}

/// HTTP as the flags want it.
fn chosen(transport: HttpTransport<Server>, flags: &Flags) -> HttpTransport<Server> {
    let transport = match flags.timing.keep_alive_ms {
        Some(every) => transport.keep_alive(Duration::from_millis(every)),
        None => transport,
    };
    let transport = transport
        .allowed_hosts(flags.allowed_hosts.clone())
        .allowed_origins(flags.allowed_origins.clone());
    let Some(header) = flags.user_header.clone() else {
        return transport;
    };
    transport.with_principal(move |parts| {
        let user = parts.headers.get(header.as_str())?.to_str().ok()?;
        Some(Principal::new("proxy", user))
    })
}

async fn server(mut builder: ServerBuilder, flags: &Flags) -> Result<Server, Failure> {
    builder = flags.timing.apply(builder.sessions(flags.sessions.into()));
    if let Some(backend) = backend::connect(flags).await? {
        builder = builder.backend(backend);
    }
    if let Some(keys) = flags.keys()? {
        tracing::info!(keys = ?keys.ids().collect::<Vec<_>>(), "state keys read");
        builder = builder.state_keys(keys);
    }
    if let Some(name) = &flags.instance {
        builder = builder.instance(instance_id(name)?);
    }
    let server = builder.build()?;
    tracing::info!(instance = %server.instance(), "server built");
    Ok(server)
}

/// An id that no other start of the process has: the name and a random number. Of a name that is too
/// long for that the end stays, which tells the instances of one deployment apart.
fn instance_id(name: &str) -> Result<InstanceId, Failure> {
    let random = getrandom::u64()?;
    let name = &name[name.len().saturating_sub(LONGEST_NAME)..];
    Ok(InstanceId::new(format!("{name}-{random:016x}")))
}

/// Writes a line to stderr. When nobody reads it, there is nobody left to tell.
fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_pod_fits_into_an_id() {
        let name = format!("{}-x7k2p", "a".repeat(57));
        let id = instance_id(&name).unwrap();
        assert_eq!(id.as_str().len(), 64);
        assert!(id.as_str().contains("-x7k2p-"), "{id}");
        assert!(instance_id("a").unwrap().as_str().starts_with("a-"));
    }
}
