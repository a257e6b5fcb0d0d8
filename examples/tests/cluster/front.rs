//! HAProxy before the instances, with the configuration in `deploy/`, when `MCP_CLUSTER_PROXY` is
//! `haproxy`: one address for all of them, and one for each, because many cases choose theirs.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

const CONFIGURATION: &str = include_str!("../../../deploy/haproxy/haproxy.cfg");
const VARIABLE: &str = "MCP_CLUSTER_PROXY";
/// How often HAProxy is asked whether it serves, and how long it is waited for each time.
const ASKED: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// How many there have been in this process.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running HAProxy. Dropped, it is killed.
pub(crate) struct Front {
    child: Child,
    directory: PathBuf,
    /// The address for all.
    all: SocketAddr,
    /// The addresses for each, and where they lead.
    each: Vec<(SocketAddr, SocketAddr)>,
}

impl Front {
    /// HAProxy before these instances, if it is asked for.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is configured from outside"
    )]
    pub(crate) fn before(nodes: &[SocketAddr]) -> Option<Self> {
        match env::var(VARIABLE).as_deref() {
            Err(_) => return None,
            Ok("haproxy") => {}
            Ok(other) => panic!("{VARIABLE} is `{other}`; only `haproxy` is known"),
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mcp-front-{}-{number}", std::process::id());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let each: Vec<_> = nodes.iter().map(|node| (free_address(), *node)).collect();
        let all = free_address();
        let mut front = Self {
            child: launch(&directory, all, &each, None),
            directory,
            all,
            each,
        };
        let each: Vec<_> = front.each.iter().map(|(address, _)| *address).collect();
        front.wait_for(&each);
        front.wait_for(&[all]);
        Some(front)
    }

    /// One more instance. What is open goes on.
    pub(crate) fn add(&mut self, node: SocketAddr) {
        let address = free_address();
        self.each.push((address, node));
        let before = self.child.id();
        let next = launch(&self.directory, self.all, &self.each, Some(before));
        let mut before = std::mem::replace(&mut self.child, next);
        // The others may have been killed.
        self.wait_for(&[address]);
        // It ends when its last connection does, or with this test.
        thread::spawn(move || before.wait());
    }

    /// The one address for all instances.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.all)
    }

    /// The address of each instance.
    pub(crate) fn urls(&self) -> Vec<String> {
        let each = self.each.iter();
        each.map(|(address, _)| format!("http://{address}/mcp"))
            .collect()
    }

    fn wait_for(&mut self, addresses: &[SocketAddr]) {
        let mut asked = 0;
        for address in addresses {
            while !passes_on(*address) {
                let ended = self.child.try_wait().unwrap();
                let said = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                assert!(ended.is_none(), "HAProxy ended:\n{said}");
                assert!(asked < ASKED, "HAProxy does not serve:\n{said}");
                asked += 1;
                thread::sleep(PAUSE);
            }
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// Starts HAProxy; the process `before` leaves its addresses to it.
fn launch(
    directory: &Path,
    all: SocketAddr,
    each: &[(SocketAddr, SocketAddr)],
    before: Option<u32>,
) -> Child {
    let file = directory.join("haproxy.cfg");
    fs::write(&file, configuration(all, each)).unwrap();
    let log = directory.join("log");
    let log = File::options().create(true).append(true).open(log).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    if let Some(before) = before {
        command.args(["-sf", &before.to_string()]);
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("HAProxy is installed: apt-get install -y haproxy")
}

/// The file that users get, with these addresses, and a frontend for each instance.
fn configuration(all: SocketAddr, each: &[(SocketAddr, SocketAddr)]) -> String {
    let mut text = String::new();
    let server = "    server node";
    for line in CONFIGURATION
        .lines()
        .filter(|line| !line.starts_with(server))
    {
        let line = line.replace("127.0.0.1:8080", &all.to_string());
        writeln!(text, "{line}").unwrap();
    }
    for (number, (_, node)) in each.iter().enumerate() {
        writeln!(text, "{server}{number} {node}").unwrap();
    }
    for (number, (address, node)) in each.iter().enumerate() {
        let bind = format!("frontend only{number}\n    bind {address}");
        let backend = format!("backend only{number}\n{server}{number} {node}");
        writeln!(
            text,
            "\n{bind}\n    default_backend only{number}\n\n{backend}"
        )
        .unwrap();
    }
    text
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Whether a request without a session gets an answer that only an instance gives: it is refused.
fn passes_on(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PAUSE * ASKED))?;
        stream.write_all(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 4"))
    };
    ask().unwrap_or(false)
}
