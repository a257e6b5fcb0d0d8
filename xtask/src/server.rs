//! An example server as a child process, from its ready line to its clean exit.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::run::{self, Result};
use crate::workspace::Workspace;

const PACKAGE: &str = "mcp-examples";
/// Set when `mcp-core` is built, makes it write as its next version.
const NEXT_VERSION: &str = "MCP_CORE_NEXT_VERSION";
const READY: &str = "listening on ";
const LISTEN: &str = "--listen";
const READY_WITHIN: Duration = Duration::from_secs(20);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const LINES_SHOWN: usize = 40;

/// A running example server. Dropping it without [`Server::stop`] kills it.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
    reader: Option<JoinHandle<()>>,
}

/// Builds all example binaries.
pub(crate) fn build() -> Result {
    run::run(&mut run::cargo(&format!(
        "build --package {PACKAGE} --bins"
    )))
}

/// Builds an instance of the next version, for tests that have both beside each other, and then all
/// example binaries.
pub(crate) fn build_versions(workspace: &Workspace) -> Result {
    let command = format!("build --package {PACKAGE} --bin cluster-node");
    run::run(run::cargo(&command).env(NEXT_VERSION, "1"))?;
    let directory = workspace.target.join("next-version");
    fs::create_dir_all(&directory)?;
    fs::copy(
        workspace.binary("cluster-node"),
        directory.join("cluster-node"),
    )?;
    build()
}

/// Runs `job` with the address of the example `name`, which must end cleanly afterwards.
pub(crate) fn with(workspace: &Workspace, name: &str, job: impl FnOnce(&str) -> Result) -> Result {
    let server = Server::start(workspace, name, name, &[])?;
    let outcome = job(&server.url);
    // How the server ended may explain why the job failed.
    match (outcome, server.stop()) {
        (Err(error), Err(end)) => Err(format!("{error}\n{end}").into()),
        (outcome, end) => outcome.and(end),
    }
}

impl Server {
    /// Starts the example `program` and waits until it says that it listens. It is called `name`,
    /// and listens on a free port unless the arguments say where.
    pub(crate) fn start(
        workspace: &Workspace,
        program: &str,
        name: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let logs = workspace.target.join("tools/logs");
        fs::create_dir_all(&logs)?;
        let mut command = Command::new(workspace.binary(program));
        if !arguments.iter().any(|argument| argument == LISTEN) {
            command.args([LISTEN, "127.0.0.1:0"]);
        }
        command.args(arguments);
        Self::launch(name, &mut command, logs.join(format!("{name}.log")))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn launch(name: &str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        let stderr = child.stderr.take().ok_or("the server has no stderr")?;
        let copy = File::create(&log)?;
        let (ready, url) = mpsc::channel();
        let reader = thread::spawn(move || follow(stderr, copy, &ready));

        let mut server = Self {
            name: name.to_owned(),
            child,
            url: String::new(),
            log,
            reader: Some(reader),
        };
        server.url = match url.recv_timeout(READY_WITHIN) {
            Ok(url) => url,
            Err(RecvTimeoutError::Timeout) => return Err(server.failure("did not become ready")),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(server.failure("ended before it was ready"));
            }
        };
        println!("{name} listens on {}", server.url);
        Ok(server)
    }

    /// Asks the server to end (SIGTERM), and requires that it does so with exit code 0.
    pub(crate) fn stop(mut self) -> Result {
        self.drain()
    }

    /// The same, for a server that is started again in its place.
    pub(crate) fn drain(&mut self) -> Result {
        if let Some(status) = self.child.try_wait()? {
            return Err(self.failure(&format!("ended by itself with {status}")));
        }
        run::run(Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]))?;
        match run::wait_within(&mut self.child, STOPPED_WITHIN)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failure(&format!("ended with {status} after SIGTERM"))),
            None => Err(self.failure("did not end after SIGTERM")),
        }
    }

    /// An error that ends with what the server wrote last.
    fn failure(&mut self, what: &str) -> Box<dyn std::error::Error> {
        self.end();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
        format!("{} {what}; it wrote:\n{last}", self.name).into()
    }

    /// Ends the server without a word, as a crash does.
    pub(crate) fn end(&mut self) {
        // Both fail only if the child has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Copies what the server says and reports the address from its ready line.
fn follow(stderr: ChildStderr, mut copy: File, ready: &Sender<String>) {
    for line in BufReader::new(stderr)
        .lines()
        .map_while(std::result::Result::ok)
    {
        if let Some(url) = ready_url(&line) {
            ready.send(url.to_owned()).ok();
        }
        writeln!(copy, "{line}").ok();
    }
}

fn ready_url(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(READY)?;
    let url = rest.split_whitespace().next()?;
    url.starts_with("http://").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `job` have a shell script in place of a server.
    fn with_script<T>(name: &str, script: &str, job: impl FnOnce(Result<Server>) -> T) -> T {
        let log = std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()));
        let server = Server::launch(name, Command::new("sh").args(["-c", script]), log.clone());
        let outcome = job(server);
        fs::remove_file(log).unwrap();
        outcome
    }

    const SERVE: &str = "echo starting >&2
        echo listening on http://127.0.0.1:1/mcp >&2
        while true; do sleep 0.05; done";

    #[test]
    fn the_ready_line_carries_the_address() {
        let plain = "listening on http://127.0.0.1:4000/mcp";
        assert_eq!(ready_url(plain), Some("http://127.0.0.1:4000/mcp"));
        let logged = "INFO quickstart: listening on http://[::1]:1/mcp pid=3";
        assert_eq!(ready_url(logged), Some("http://[::1]:1/mcp"));
        assert_eq!(ready_url("listening on a socket"), None);
        assert_eq!(ready_url("starting"), None);
    }

    #[test]
    fn a_server_that_ends_cleanly_is_stopped() {
        with_script("clean", &format!("trap 'exit 0' TERM\n{SERVE}"), |server| {
            let server = server.unwrap();
            assert_eq!(server.url, "http://127.0.0.1:1/mcp");
            server.stop().unwrap();
        });
    }

    #[test]
    fn a_server_that_ends_with_an_error_is_reported() {
        let script = format!("trap 'echo lost >&2; exit 7' TERM\n{SERVE}");
        let stop = |server: Result<Server>| server.unwrap().stop().unwrap_err().to_string();
        let error = with_script("error", &script, stop);
        assert!(
            error.contains('7') && error.contains("after SIGTERM"),
            "{error}"
        );
        assert!(error.contains("lost"), "the log is shown: {error}");
    }

    #[test]
    fn a_server_that_the_signal_kills_is_reported() {
        let stop = |server: Result<Server>| server.unwrap().stop().unwrap_err().to_string();
        let error = with_script("killed", SERVE, stop);
        assert!(error.contains("after SIGTERM"), "{error}");
    }

    #[test]
    fn a_server_that_never_listens_is_reported_with_its_log() {
        let script = "echo no port >&2; exit 1";
        let error = with_script("early", script, |server| server.unwrap_err().to_string());
        assert!(error.contains("ended before it was ready"), "{error}");
        assert!(error.contains("no port"), "{error}");
    }

    #[test]
    fn a_server_that_is_not_built_is_named() {
        let mut missing = Command::new("/no/such/server");
        let error = Server::launch("quickstart", &mut missing, PathBuf::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("quickstart cannot be started"),
            "{error}"
        );
    }
}
