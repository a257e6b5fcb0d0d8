//! What a service manager passes to a process, and what it is told.

use std::{
    env,
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, net},
};

use listenfd::ListenFd;

/// The socket that systemd has passed to this process (`LISTEN_FDS`), if it has; once.
///
/// Call it before other threads look at the environment: it takes the variables away, so that
/// children of this process do not take the socket for theirs.
///
/// # Errors
///
/// When what was passed is no Unix stream socket.
pub fn activated() -> io::Result<Option<net::UnixListener>> {
    ListenFd::from_env().take_unix_listener(0)
}

/// Tells the service manager, if there is one: `READY=1`, `STOPPING=1`.
pub(crate) fn notify(state: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(&name, state) {
        tracing::warn!(%error, state, "the service manager was not told");
    }
}

fn send(name: &OsStr, state: &str) -> io::Result<()> {
    let socket = net::UnixDatagram::unbound()?;
    // An abstract address is written with an at sign for its leading zero.
    let sent = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.send_to_addr(state.as_bytes(), &abstract_address(name)?)?,
        None => socket.send_to(state.as_bytes(), name)?,
    };
    if sent == state.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<net::SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    net::SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
