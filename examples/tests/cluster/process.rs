//! Instances as processes of their own.

use std::{
    future::Future,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::time::interval;

use crate::{
    backend::{Backend, Place},
    client::soon,
    front::Front,
};

const BINARY: &str = env!("CARGO_BIN_EXE_cluster-node");

tokio::task_local! {
    /// Set while every second instance is of the next version.
    static TWO_VERSIONS: ();
}

/// Runs a case on instances of this version and of the next, by turns.
pub(crate) async fn of_two_versions(case: impl Future<Output = ()>) {
    TWO_VERSIONS.scope((), case).await;
}

/// What the next instance runs, when there are so many.
fn binary(instances: usize) -> PathBuf {
    let this = PathBuf::from(BINARY);
    if instances.is_multiple_of(2) || TWO_VERSIONS.try_with(|()| ()).is_err() {
        return this;
    }
    let target = this.parent().unwrap().parent().unwrap();
    let next = target.join("next-version/cluster-node");
    assert!(
        next.exists(),
        "`cargo xtask examples` builds {}",
        next.display()
    );
    next
}
const READY: &str = "listening on ";

/// Bounds that make the work between instances quick.
const QUICK: [&str; 4] = ["--poll-ms", "500", "--lease-ms", "1500"];

/// Instances that share a backend; their names are `a`, `b`, `c`, ….
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    flags: Vec<String>,
    front: Option<Front>,
}

impl Cluster {
    /// So many instances on a backend.
    pub(crate) fn of(instances: usize, backend: Backend) -> Self {
        Self::with(instances, backend, &[])
    }

    /// The same, with further flags.
    pub(crate) fn with(instances: usize, backend: Backend, flags: &[&str]) -> Self {
        Self::on(instances, &backend.place(), flags)
    }

    /// So many instances at a place, with further flags.
    pub(crate) fn on(instances: usize, place: &Place, flags: &[&str]) -> Self {
        let flags = QUICK.iter().chain(flags).map(|flag| (*flag).to_owned());
        let mut cluster = Self {
            nodes: Vec::new(),
            flags: place.flags().into_iter().chain(flags).collect(),
            front: None,
        };
        for _ in 0..instances {
            cluster.add(&[]);
        }
        let nodes: Vec<_> = cluster.nodes.iter().map(Node::address).collect();
        cluster.front = Front::before(&nodes);
        cluster
    }

    /// One more instance, with flags that override those of the others.
    pub(crate) fn add(&mut self, flags: &[&str]) {
        let name = char::from(b'a' + u8::try_from(self.nodes.len()).unwrap()).to_string();
        let own = flags.iter().map(|flag| (*flag).to_owned());
        let own = ["--instance".to_owned(), name].into_iter().chain(own);
        let flags = self.flags.iter().cloned().chain(own).collect();
        let binary = binary(self.nodes.len());
        self.nodes.push(Node::start(binary, "127.0.0.1:0", flags));
        if let (Some(front), Some(node)) = (&mut self.front, self.nodes.last()) {
            front.add(node.address());
        }
    }

    /// Where each instance is reached, in their order.
    pub(crate) fn urls(&self) -> Vec<String> {
        match &self.front {
            Some(front) => front.urls(),
            None => self.nodes.iter().map(|node| node.url.clone()).collect(),
        }
    }

    /// Where some instance is reached, by whoever does not care which: the proxy, or each in turn.
    pub(crate) fn any(&self) -> Vec<String> {
        match &self.front {
            Some(front) => vec![front.url()],
            None => self.urls(),
        }
    }
}

/// An instance that listens. Dropped, it is killed.
pub(crate) struct Node {
    pub(crate) url: String,
    binary: PathBuf,
    flags: Vec<String>,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Node {
    fn start(binary: PathBuf, address: &str, flags: Vec<String>) -> Self {
        let mut command = Command::new(&binary);
        for name in ["RUST_LOG", "MCP_STATE_KEYS"] {
            command.env_remove(name);
        }
        let mut child = command
            .args(["--listen", address])
            .args(&flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = String::new();
        let url = loop {
            let Some(line) = lines.next() else {
                panic!("an instance ended before it was ready:\n{before}");
            };
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix(READY) {
                break url.to_owned();
            }
            before.push_str(&line);
            before.push('\n');
        };
        let log = Arc::new(Mutex::new(before));
        let rest = Arc::clone(&log);
        // A full pipe would stop the instance.
        let reader = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = rest.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self {
            url,
            binary,
            flags,
            child,
            log,
            reader: Some(reader),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").unwrap();
        address.strip_suffix("/mcp").unwrap().parse().unwrap()
    }

    /// What it has logged so far.
    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends it without a word, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut ticks = interval(Duration::from_millis(10));
        soon(async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                ticks.tick().await;
            }
        })
        .await
    }

    /// Another start of an instance that has ended, at the same address.
    pub(crate) fn start_again(&mut self) {
        let address = self.address().to_string();
        *self = Self::start(self.binary.clone(), &address, self.flags.clone());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
        if thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.url, self.log());
        }
    }
}
