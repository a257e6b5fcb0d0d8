//! [`PostgresServer`].

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use super::{
    child::{
        Guarded, Program, connect, free_port, fresh_directory, is_root, local, run, wait_until,
    },
    shared::{self, Server},
};

/// How often another port is tried when somebody took ours.
const ATTEMPTS: usize = 5;

/// Where distributions put what is not on the search path.
const PLACES: [&str; 3] = [
    "/usr/lib/postgresql",
    "/usr/pgsql",
    "/usr/local/opt/postgresql",
];

/// Fast, and still as durable against a kill as the operating system is.
const SETTINGS: [&str; 5] = [
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
];

/// A PostgreSQL server of one's own. Dropped, it is gone with everything it held.
///
/// The superuser `postgres` needs no password. When the process is root, the server runs as the
/// system's user `postgres`, because it refuses to run as root.
#[derive(Debug)]
pub struct PostgresServer {
    directory: PathBuf,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    settings: Vec<String>,
    port: u16,
    running: Option<Guarded>,
}

impl PostgresServer {
    /// A server with an empty database `postgres`.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// A server with further settings, for instance `"max_connections=5"`.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not start with these settings.
    pub fn start_with(settings: &[&str]) -> io::Result<Self> {
        let mut server = Self::prepare(settings)?;
        server.init()?;
        server.start_on_a_free_port()?;
        Ok(server)
    }

    /// A server that follows this one, asynchronously, and takes no writes until
    /// [`promote`](Self::promote).
    ///
    /// # Errors
    ///
    /// When this server is not running, or the other does not start.
    pub fn standby(&self) -> io::Result<Self> {
        let settings: Vec<_> = self.settings.iter().map(String::as_str).collect();
        let mut standby = Self::prepare(&settings)?;
        let mut copy = standby.command("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        copy.args(["--dbname", &self.url(), "--pgdata", &standby.data()]);
        run(&mut copy)?;
        standby.start_on_a_free_port()?;
        Ok(standby)
    }

    /// Makes a standby take writes; what its primary has not sent by then is not there.
    ///
    /// # Errors
    ///
    /// When it is no standby, or not running.
    pub fn promote(&self) -> io::Result<()> {
        let mut promote = self.command("pg_ctl");
        promote.args(["promote", "--wait", "--pgdata", &self.data()]);
        run(&mut promote)
    }

    /// The address of the server that the tests of a run share.
    ///
    /// It is what `MCP_TESTKIT_POSTGRES_URL` names, else a private server, started once for a run
    /// of nextest or, without that, for the process. It is never restarted: each case has its
    /// namespace.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn shared_url() -> io::Result<String> {
        static OWN: Mutex<Option<PostgresServer>> = Mutex::new(None);
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

    /// Its address for clients, as superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it as an operator would: sessions are cut, everything is on disk.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn stop(&mut self) -> io::Result<()> {
        self.end("INT")
    }

    /// Ends it as a crash would: all its processes at once, and it must recover afterwards.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn kill(&mut self) -> io::Result<()> {
        self.end("QUIT")
    }

    /// Starts it again on its port and directory. A running one is killed first.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        let mut command = vec![self.program("postgres"), "-D".to_owned(), self.data()];
        let port = format!("port={}", self.port);
        let own = self.settings.iter().map(String::as_str);
        for setting in SETTINGS.into_iter().chain(own).chain([port.as_str()]) {
            command.extend(["-c".to_owned(), setting.to_owned()]);
        }
        let started = Program {
            command: &command,
            directory: &self.directory,
            user: self.user,
            last_signal: "QUIT",
        }
        .start()?;
        let started = self.running.insert(started);
        let has_ended = || started.has_ended();
        wait_until(&self.directory, || is_ready(local(self.port)), has_ended)
    }

    /// Everything but the data and the port.
    fn prepare(settings: &[&str]) -> io::Result<Self> {
        let directory = fresh_directory("postgres")?;
        let user = if is_root(&directory)? {
            let user = user_postgres()?;
            chown(&directory, Some(user.0), Some(user.1))?;
            Some(user)
        } else {
            None
        };
        let settings = settings.iter().map(|&setting| setting.to_owned());
        Ok(Self {
            programs: programs()?,
            directory,
            user,
            settings: settings.collect(),
            port: 0,
            running: None,
        })
    }

    fn init(&self) -> io::Result<()> {
        let mut init = self.command("initdb");
        init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        init.args(["--locale=C", "--no-sync", "--pgdata", &self.data()]);
        run(&mut init)
    }

    fn start_on_a_free_port(&mut self) -> io::Result<()> {
        let mut tried = Err(io::Error::other("no attempt was made"));
        for _ in 0..ATTEMPTS {
            self.port = free_port()?;
            tried = self.restart();
            if tried.is_ok() {
                break;
            }
        }
        tried
    }

    /// One of PostgreSQL's programs, as the user of the server.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        command.current_dir(&self.directory);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    fn end(&mut self, signal: &str) -> io::Result<()> {
        match self.running.take() {
            Some(running) => running.end(signal),
            None => Ok(()),
        }
    }
}

impl Server for PostgresServer {
    const NAME: &'static str = "postgres";
    const VARIABLE: &'static str = "MCP_TESTKIT_POSTGRES_URL";

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

impl Drop for PostgresServer {
    fn drop(&mut self) {
        match self.running.take() {
            Some(running) => running.remove(),
            None => drop(fs::remove_dir_all(&self.directory)),
        }
    }
}

/// Where the programs of PostgreSQL are: on the search path, else the newest that is installed.
fn programs() -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|place| is_there(place));
    // A link leads to where all the others are.
    let on_path = on_path.map(|place| match fs::canonicalize(place.join("initdb")) {
        Ok(initdb) => initdb.parent().map_or(place, Path::to_path_buf),
        Err(_) => place,
    });
    on_path.or_else(newest_installed).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "initdb and postgres are needed and not installed",
        )
    })
}

fn newest_installed() -> Option<PathBuf> {
    let installed = PLACES.iter().filter_map(|place| fs::read_dir(place).ok());
    let versions = installed.flatten().filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((number, path.join("bin")))
    });
    let usable = versions.filter(|(_, place)| is_there(place));
    usable.max().map(|(_, place)| place)
}

fn is_there(place: &Path) -> bool {
    place.join("initdb").exists() && place.join("postgres").exists()
}

/// Whether a session can begin: the server asks for no password, or says why not.
fn is_ready(address: SocketAddr) -> bool {
    let hello = || {
        let stream = connect(address)?;
        (&stream).write_all(&startup_message())?;
        let mut kind = [0];
        (&stream).read_exact(&mut kind).map(|()| kind == *b"R")
    };
    hello().unwrap_or(false)
}

/// Asks for a session of the user `postgres`, in version 3.0 of the protocol.
fn startup_message() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0postgres\0\0";
    let length = u32::try_from(body.len() + 4).unwrap_or_default();
    [&length.to_be_bytes(), body.as_slice()].concat()
}

/// The ids of the system's user `postgres`.
fn user_postgres() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.ok_or_else(|| io::Error::other("root cannot run PostgreSQL, and there is no user postgres"))
}
