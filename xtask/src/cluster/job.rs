//! A whole cluster, and the job that lets somebody try one.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::cluster::backend::Backend;
use crate::cluster::config::Changes;
use crate::cluster::nodes::Nodes;
use crate::cluster::proxy::{Kind, Proxy};
use crate::cluster::welcome;
use crate::run::{Result, Steps};
use crate::server;
use crate::workspace::Workspace;

/// How often somebody looks whether all still run.
const LOOK: Duration = Duration::from_millis(500);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The example that every instance runs.
    pub(crate) program: &'static str,
    /// `redis`, `postgres`, or a URL.
    pub(crate) backend: String,
    pub(crate) proxy: Option<Kind>,
    pub(crate) nodes: usize,
    pub(crate) changes: Changes,
    /// Further arguments of every instance.
    pub(crate) arguments: Vec<String>,
}

/// A running cluster. Dropped, everything ends: the proxy first, the backend last.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) proxy: Option<Proxy>,
    pub(crate) nodes: Nodes,
    pub(crate) backend: Backend,
}

impl Cluster {
    /// Starts all parts.
    pub(crate) fn start(workspace: &Workspace, options: &Options) -> Result<Self> {
        let backend = Backend::start(&options.backend)?;
        let mut arguments = vec!["--backend".to_owned(), backend.url()];
        arguments.extend(options.arguments.iter().cloned());
        let nodes = Nodes::start(workspace, options.program, arguments, options.nodes)?;
        let addresses: Vec<_> = nodes.addresses()?.iter().map(ToString::to_string).collect();
        let start = |kind| Proxy::start(workspace, kind, &addresses, &options.changes);
        let proxy = options.proxy.map(start).transpose()?;
        Ok(Self {
            proxy,
            nodes,
            backend,
        })
    }

    /// Where a client goes: to the proxy, else to the first instance.
    pub(crate) fn url(&self) -> String {
        let first = || self.nodes.iter().next().map(|node| node.url.clone());
        match &self.proxy {
            Some(proxy) => format!("http://{}/mcp", proxy.address),
            None => first().unwrap_or_default(),
        }
    }

    /// Ends all parts; every instance must end cleanly.
    pub(crate) fn stop(self) -> Result {
        drop(self.proxy);
        self.nodes.stop()
    }

    /// Says which part has ended although nobody asked it to.
    fn check(&mut self) -> Result {
        if let Some(at) = self.nodes.ended() {
            return Err(format!("node{} has ended", at + 1).into());
        }
        if self.proxy.as_mut().is_some_and(|proxy| !proxy.is_running()) {
            return Err("the proxy has ended".into());
        }
        Ok(())
    }
}

/// Starts a cluster, says what to try, and ends it at Ctrl-C or SIGTERM.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, options: &Options) -> Result {
    steps.step("cluster", || {
        // From now on: nothing that is started is left behind.
        let stop = signals()?;
        server::build()?;
        let mut cluster = Cluster::start(workspace, options)?;
        print!("{}", welcome::text(&cluster, options));
        loop {
            match stop.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => cluster.check()?,
                _ => return cluster.stop(),
            }
        }
    })
}

/// Hears Ctrl-C and SIGTERM from this call on.
fn signals() -> Result<Receiver<()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    let (heard, stop) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        heard.send(()).ok();
    });
    Ok(stop)
}
