//! A real proxy as a child process, with its configuration from `deploy/`.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::cluster::config::{self, Changes};
use crate::run::{self, Result};
use crate::workspace::Workspace;

const READY_WITHIN: Duration = Duration::from_secs(10);
const STOPPED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// What nginx needs around a file of `conf.d`. Its folders must be writable for whoever runs it, and
/// sockets that only their owner may use must be reached by it.
const NGINX_CONF: &str = "user root;
worker_processes 2;
pid nginx.pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include mcp.conf;
}
";

/// The global options of a Caddy that is one of many on its machine.
const CADDYFILE: &str = "{
\tadmin off
}

import site
";

/// A proxy with a configuration in `deploy/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Caddy,
}

/// A running proxy. Dropped, it ends and its directory is removed.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    child: Child,
    directory: PathBuf,
}

impl Kind {
    /// The program, which is also the name of the package that brings it.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
        }
    }

    /// Whether this machine has it.
    pub(crate) fn is_installed(self) -> bool {
        let version = if self == Self::Caddy { "version" } else { "-v" };
        let mut command = Command::new(self.program());
        command
            .arg(version)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok()
    }

    fn file(self) -> &'static str {
        match self {
            Self::Nginx => "deploy/nginx/mcp.conf",
            Self::Haproxy => "deploy/haproxy/haproxy.cfg",
            Self::Caddy => "deploy/caddy/Caddyfile",
        }
    }

    /// Writes the configuration, as it was filled in, to where the command reads it.
    fn write(self, directory: &Path, filled: &str) -> Result {
        let (name, around) = match self {
            Self::Nginx => ("mcp.conf", Some(("nginx.conf", NGINX_CONF))),
            Self::Haproxy => ("haproxy.cfg", None),
            Self::Caddy => ("site", Some(("Caddyfile", CADDYFILE))),
        };
        fs::write(directory.join(name), filled)?;
        if let Some((name, text)) = around {
            fs::write(directory.join(name), text)?;
        }
        Ok(())
    }

    /// The proxy in the foreground.
    fn command(self, directory: &Path) -> Command {
        let mut command = Command::new(self.program());
        match self {
            Self::Nginx => command
                .args(["-g", "daemon off;", "-e", "stderr", "-p"])
                .arg(directory)
                .args(["-c", "nginx.conf"]),
            Self::Haproxy => command.args(["-db", "-f", "haproxy.cfg"]),
            Self::Caddy => command
                .args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"])
                .env("HOME", directory)
                .env("XDG_DATA_HOME", directory)
                .env("XDG_CONFIG_HOME", directory),
        };
        command.current_dir(directory);
        command
    }
}

/// What to do when a proxy is missing.
fn install_hint(kind: Kind) -> String {
    let name = kind.program();
    format!(
        "{name} is needed and not installed; its package is `{name}`: apt-get update && apt-get \
         install -y {name}"
    )
}

impl Proxy {
    /// Starts a proxy before these instances, and waits until it passes requests on.
    pub(crate) fn start(
        workspace: &Workspace,
        kind: Kind,
        nodes: &[String],
        changes: &Changes,
    ) -> Result<Self> {
        let directory = fresh_directory(workspace, kind)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let file = workspace.root.join(kind.file());
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let filled = config::fill(&text, port, nodes, changes)
            .map_err(|error| format!("{}: {error}", kind.file()))?;
        kind.write(&directory, &filled)?;
        let log = File::create(log(&directory))?;
        let child = kind
            .command(&directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => install_hint(kind),
                _ => format!("{} cannot be started: {error}", kind.program()),
            })?;
        let mut proxy = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child,
            directory,
        };
        proxy.wait_until_ready(kind)?;
        Ok(proxy)
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn wait_until_ready(&mut self, kind: Kind) -> Result {
        let deadline = run::now() + READY_WITHIN;
        while run::now() < deadline && self.child.try_wait()?.is_none() {
            if passes_on(self.address) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        let said = fs::read_to_string(log(&self.directory)).unwrap_or_default();
        Err(format!("{} does not serve; it wrote:\n{said}", kind.program()).into())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Asked first: killed, nginx would leave its workers.
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if asked.is_err() || run::wait_within(&mut self.child, STOPPED_WITHIN).is_err() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn log(directory: &Path) -> PathBuf {
    directory.join("log")
}

fn fresh_directory(workspace: &Workspace, kind: Kind) -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{}-{number}", kind.program(), std::process::id());
    let directory = workspace.target.join("cluster").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Whether a request without a session gets an answer that only an instance gives: it is refused.
fn passes_on(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, READY_WITHIN)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        stream.write_all(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 4"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_proxy_is_named_with_its_package() {
        let hint = install_hint(Kind::Haproxy);
        assert!(hint.contains("apt-get install -y haproxy"), "{hint}");
    }
}
