//! [`RedisServer`].

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{
    child::{Guarded, Program, connect, free_port, fresh_directory, local, wait_until},
    shared::{self, Server},
};

/// How often another port is tried when somebody took ours.
const ATTEMPTS: usize = 5;

/// Keeps nothing on disk, listens to this machine only.
const DEFAULTS: &str = "bind 127.0.0.1\nsave \"\"\nappendonly no\ndaemonize no\n";

/// A Redis server of one's own. Dropped, it is gone with everything it held.
#[derive(Debug)]
pub struct RedisServer {
    directory: PathBuf,
    port: u16,
    running: Option<Guarded>,
}

impl RedisServer {
    /// A server that keeps everything in memory.
    ///
    /// # Errors
    ///
    /// When `redis-server` is not installed or does not start.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// A server with further lines of configuration, for instance `"appendonly yes"` or
    /// `"user worker on >secret ~* +@all"`.
    ///
    /// # Errors
    ///
    /// When `redis-server` is not installed or does not start with these lines.
    pub fn start_with(configuration: &[&str]) -> io::Result<Self> {
        Self::start_on(free_port, configuration)
    }

    /// A server on the first of the `ports` that is free.
    fn start_on(ports: impl Fn() -> io::Result<u16>, configuration: &[&str]) -> io::Result<Self> {
        let lines = configuration.join("\n");
        let mut tried = Err(io::Error::other("no attempt was made"));
        for _ in 0..ATTEMPTS {
            // A server that did not start takes its directory with it.
            let mut server = Self {
                directory: fresh_directory("redis")?,
                port: ports()?,
                running: None,
            };
            let directory = server.directory.display();
            let text = format!("{DEFAULTS}port {}\ndir {directory}\n{lines}\n", server.port);
            fs::write(configuration_file(&server.directory), text)?;
            tried = server.restart().map(|()| server);
            if tried.is_ok() {
                break;
            }
        }
        tried
    }

    /// The address of the server that the tests of a run share.
    ///
    /// It is what `MCP_TESTKIT_REDIS_URL` names, else a private server, started once for a run of
    /// nextest or, without that, for the process. It is never restarted or flushed: each case has
    /// its namespace.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn shared_url() -> io::Result<String> {
        static OWN: Mutex<Option<RedisServer>> = Mutex::new(None);
        shared::url(&OWN)
    }

    /// The port it listens on, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        local(self.port)
    }

    /// Its address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its directory, for certificates and the like.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends it as an operator would; what it was told to keep is on disk.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn stop(&mut self) -> io::Result<()> {
        self.end("TERM")
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn kill(&mut self) -> io::Result<()> {
        self.end("KILL")
    }

    /// Starts it again on its port and directory. A running one is killed first.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        let configuration = configuration_file(&self.directory).display().to_string();
        let started = Program {
            command: &["redis-server".to_owned(), configuration],
            directory: &self.directory,
            user: None,
            last_signal: "KILL",
        }
        .start()?;
        let started = self.running.insert(started);
        let is_ready = || {
            // With a password it answers that it wants one.
            let answer = command(local(self.port), &["PING"]);
            answer.is_ok_and(|answer| answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"))
        };
        wait_until(&self.directory, is_ready, || started.has_ended())
    }

    /// Stops answering and keeps every connection, until [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("STOP")
    }

    /// Goes on after [`pause`](Self::pause).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    /// Forgets everything, scripts included.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn flush(&self) -> io::Result<()> {
        self.command(&["FLUSHALL"])?;
        self.command(&["SCRIPT", "FLUSH"]).map(drop)
    }

    /// Sends one command on a connection of its own; returns the text of the answer, or its first line
    /// as it stands when the answer is not one text.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub fn command(&self, words: &[&str]) -> io::Result<String> {
        command(self.addr(), words)
    }

    fn end(&mut self, signal: &str) -> io::Result<()> {
        match self.running.take() {
            Some(running) => running.end(signal),
            None => Ok(()),
        }
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        match &self.running {
            Some(running) => running.signal(signal),
            None => Err(io::Error::other("the server is not running")),
        }
    }
}

impl Server for RedisServer {
    const NAME: &'static str = "redis";
    const VARIABLE: &'static str = "MCP_TESTKIT_REDIS_URL";

    fn start() -> io::Result<Self> {
        Self::start()
    }

    fn url(&self) -> String {
        self.url()
    }

    fn leave_to(mut self, pid: u32, notes: &Path) -> io::Result<()> {
        if let Some(running) = self.running.take() {
            running.leave_to(pid, notes)?;
        }
        // Its directory is the guard's now.
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        match self.running.take() {
            Some(running) => running.remove(),
            None => drop(fs::remove_dir_all(&self.directory)),
        }
    }
}

fn command(address: SocketAddr, words: &[&str]) -> io::Result<String> {
    let stream = connect(address)?;
    let arguments = words
        .iter()
        .map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let request = format!("*{}\r\n{}", words.len(), arguments.collect::<String>());
    (&stream).write_all(request.as_bytes())?;
    let mut reader = BufReader::new(&stream);
    let mut answer = String::new();
    reader.read_line(&mut answer)?;
    let answer = answer.trim_end();
    let Some(length) = answer.strip_prefix('$').and_then(|n| n.parse().ok()) else {
        return Ok(answer.to_owned());
    };
    let mut text = String::new();
    reader.take(length).read_to_string(&mut text)?;
    Ok(text)
}

fn configuration_file(directory: &Path) -> PathBuf {
    directory.join("redis.conf")
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, net::TcpListener};

    use super::*;

    #[test]
    fn a_port_that_somebody_took_is_not_the_last_one_tried() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let first = Cell::new(Some(taken.local_addr().unwrap().port()));
        let ports = || first.take().map_or_else(free_port, Ok);
        let server = RedisServer::start_on(ports, &[]).unwrap();
        assert_eq!(server.command(&["PING"]).unwrap(), "+PONG");
        assert_ne!(server.port(), taken.local_addr().unwrap().port());
    }
}
