//! A program that ends with us.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

/// Starts the program and waits for a word: the name of a signal to end it with. When there is no
/// word, because we are gone, it ends the program and removes the directory.
const GUARD: &str = r#"
last=$1; log=$2; directory=$3; shift 3
"$@" >>"$log" 2>&1 </dev/null & pid=$!
echo "$pid"
if read -r signal; then
    kill "-$signal" "$pid"; wait "$pid"
else
    kill "-$last" "$pid"; wait "$pid"; rm -rf "$directory"
fi
"#;

/// How long a server may take to come up, in steps of [`STEP`].
const STEPS: u32 = 1500;
const STEP: Duration = Duration::from_millis(20);

/// A running program, with a guard that ends it when this process ends.
#[derive(Debug)]
pub(super) struct Guarded {
    guard: Child,
    word: ChildStdin,
    pid: u32,
}

/// What to start, and how it ends when nobody says.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) command: &'a [String],
    pub(super) directory: &'a Path,
    /// The user and group to run as.
    pub(super) user: Option<(u32, u32)>,
    pub(super) last_signal: &'a str,
}

impl Program<'_> {
    pub(super) fn start(&self) -> io::Result<Guarded> {
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARD, "guard", self.last_signal])
            .arg(log(self.directory))
            .arg(self.directory)
            .args(self.command)
            .current_dir(self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A signal for the tests is none for the guard, which cleans up after them.
            .process_group(0);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let mut guard = command.spawn()?;
        let (Some(word), Some(said)) = (guard.stdin.take(), guard.stdout.take()) else {
            return Err(io::Error::other("a child without pipes"));
        };
        let mut pid = String::new();
        BufReader::new(said).read_line(&mut pid)?;
        let pid = pid.trim().parse().map_err(io::Error::other)?;
        Ok(Guarded { guard, word, pid })
    }
}

impl Guarded {
    /// Ends the program with `signal`, and waits until it has.
    pub(super) fn end(mut self, signal: &str) -> io::Result<()> {
        writeln!(self.word, "{signal}")?;
        self.guard.wait().map(drop)
    }

    /// Sends a signal and does not wait.
    pub(super) fn signal(&self, signal: &str) -> io::Result<()> {
        run(Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.pid.to_string()))
    }

    /// Whether the program has ended by itself. Until the guard does, its process is remembered.
    pub(super) fn has_ended(&self) -> bool {
        let state = Command::new("ps")
            .args(["-o", "state=", "-p", &self.pid.to_string()])
            .output();
        state.is_ok_and(|state| matches!(state.stdout.trim_ascii().first(), None | Some(b'Z')))
    }

    /// Lets the program run, and have its directory, until the process `pid` has ended; then
    /// `notes` is removed, too.
    pub(super) fn leave_to(self, pid: u32, notes: &Path) -> io::Result<()> {
        // Holds the guard's pipe, and so the word that never comes, as long as that process runs.
        let watch = "while kill -0 \"$1\" 2>/dev/null; do sleep 1; done; rm -rf \"$2\"";
        Command::new("sh")
            .args(["-c", watch, "watch", &pid.to_string()])
            .arg(notes)
            .stdin(Stdio::null())
            .stdout(Stdio::from(self.word))
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(drop)
    }

    /// Ends the program and removes its directory.
    pub(super) fn remove(self) {
        let Self {
            mut guard, word, ..
        } = self;
        drop(word);
        guard.wait().ok();
    }
}

/// Runs a command to its end; an error carries what it wrote.
pub(super) fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let program = command.get_program().display();
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program}: {said}")))
}

/// Where a program writes what it has to say.
pub(super) fn log(directory: &Path) -> PathBuf {
    directory.join("log")
}

/// A new directory that nobody else has.
pub(super) fn fresh_directory(what: &str) -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("mcp-testkit-{what}-{}-{number}", process::id());
    let directory = std::env::temp_dir().join(name);
    // What another process with this id left behind is nobody's.
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir(&directory)?;
    Ok(directory)
}

/// Whether this process is the superuser: whom its files belong to says so.
pub(super) fn is_root(directory: &Path) -> io::Result<bool> {
    Ok(fs::metadata(directory)?.uid() == 0)
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Where a server of ours listens.
pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Asks again and again until the server is ready; the error carries the end of its log.
pub(super) fn wait_until(
    directory: &Path,
    is_ready: impl Fn() -> bool,
    has_ended: impl Fn() -> bool,
) -> io::Result<()> {
    for _ in 0..STEPS {
        if is_ready() {
            return Ok(());
        }
        if has_ended() {
            break;
        }
        thread::sleep(STEP);
    }
    let log = fs::read_to_string(log(directory)).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    let message = format!("the server did not start:\n{last}");
    Err(io::Error::other(message))
}

/// A connection on which nothing waits for ever.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let limit = Duration::from_secs(5);
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    Ok(stream)
}
