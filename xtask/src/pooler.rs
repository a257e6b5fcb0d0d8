//! The rules of the kit on PostgreSQL behind pgbouncer.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use mcp_testkit::server::PostgresServer;

use crate::run::{self, Result, Steps, cargo};
use crate::workspace::Workspace;

const PROGRAM: &str = "pgbouncer";
const READY_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A pooler. Dropped, it ends.
struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    /// Starts one before `server`, in session mode: a client has a connection of its own.
    fn start(workspace: &Workspace, server: &PostgresServer) -> Result<Self> {
        let directory = workspace.target.join("pooler");
        fs::create_dir_all(&directory)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let target = server.addr().port();
        let configuration = directory.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             postgres = host=127.0.0.1 port={target} user=postgres dbname=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = session\n\
             max_client_conn = 1000\n\
             default_pool_size = 180\n\
             ignore_startup_parameters = extra_float_digits,options\n"
        );
        fs::write(&configuration, text)?;
        // It refuses to run as root.
        let id = |which: &str| -> Result<u32> {
            Ok(run::output(Command::new("id").args([which, "postgres"]))?
                .trim()
                .parse()?)
        };
        let mut command = Command::new(PROGRAM);
        command
            .args(["-q", "/dev/stdin"])
            .stdin(fs::File::open(&configuration)?);
        if run::output(Command::new("id").arg("-u"))?.trim() == "0" {
            command.uid(id("-u")?).gid(id("-g")?);
        }
        let child = command.stdout(Stdio::null()).spawn()?;
        let mut pooler = Self { child, port };
        pooler.wait()?;
        Ok(pooler)
    }

    fn wait(&mut self) -> Result {
        let began = run::now();
        while began.elapsed() < READY_WITHIN {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{PROGRAM} ended with {status}").into());
            }
            thread::sleep(POLL);
        }
        Err(format!("{PROGRAM} does not listen").into())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs the suites of the kit on PostgreSQL through a pooler in session mode.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Result {
    steps.step("PostgreSQL behind pgbouncer", || {
        let server = PostgresServer::start_with(&["max_connections=200"])?;
        let pooler = Pooler::start(workspace, &server)?;
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", pooler.port);
        let mut tests = cargo(
            "nextest run --package mcp-store-postgres --all-features --test conformance --profile ci",
        );
        run::run(tests.env("MCP_TESTKIT_POSTGRES_URL", url))
    })
}

/// The same when there is a pooler on this machine; says when there is none.
pub(crate) fn installed(workspace: &Workspace, steps: &mut Steps) -> Result {
    if run::output(Command::new(PROGRAM).arg("--version")).is_ok() {
        return run(workspace, steps);
    }
    println!("note: {PROGRAM} is not installed, so nothing is sent through it");
    Ok(())
}
