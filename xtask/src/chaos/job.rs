//! Does what the plan says while clients work.

use std::thread;
use std::time::{Duration, Instant};

use crate::chaos::clients::Clients;
use crate::chaos::plan::{Deed, Deeds, Plan};
use crate::cluster::{self, Changes, Cluster, Kind, Nodes};
use crate::run::{self, Result, Steps};
use crate::server;
use crate::workspace::Workspace;

/// How long the short form lasts, and what chance follows from in it.
const SHORT: Duration = Duration::from_secs(25);
const SHORT_SEED: u64 = 1;
/// Bounds that make the work between instances quick, for the short form.
const QUICK: [&str; 4] = ["--poll-ms", "500", "--lease-ms", "1500"];
/// In the long form somebody is killed every few seconds; with a short lease there is nevertheless
/// somebody who may judge that another is gone.
pub(crate) const LEASE: [&str; 2] = ["--lease-ms", "3000"];
/// How long an instance is away that was killed.
const AWAY: Duration = Duration::from_millis(1500);

/// What is run, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) plan: Plan,
    pub(crate) backend: String,
    pub(crate) proxy: Option<Kind>,
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    /// What differs in the proxy's configuration.
    pub(crate) changes: Changes,
    /// Further arguments of every instance.
    pub(crate) arguments: Vec<String>,
}

/// A short run on each backend, for every day.
pub(crate) fn short(workspace: &Workspace, steps: &mut Steps) -> Result {
    for backend in ["redis", "postgres"] {
        let options = Options {
            plan: Plan::Chaos,
            backend: backend.to_owned(),
            proxy: None,
            time: SHORT,
            seed: SHORT_SEED,
            changes: Changes::default(),
            arguments: QUICK.map(str::to_owned).to_vec(),
        };
        run(workspace, steps, &options)?;
    }
    Ok(())
}

/// Runs the plan; what the clients saw must be as it should.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, options: &Options) -> Result {
    let name = match options.plan {
        Plan::Chaos => "chaos",
        Plan::Rolling => "rolling restarts",
    };
    steps.step(&format!("{name}, {}", options.backend), || {
        server::build()?;
        Run::start(workspace, options)?.finish(options)
    })
}

struct Run<'a> {
    workspace: &'a Workspace,
    clients: Clients,
    cluster: Cluster,
    began: Instant,
}

impl<'a> Run<'a> {
    fn start(workspace: &'a Workspace, options: &Options) -> Result<Self> {
        let cluster = Cluster::start(
            workspace,
            &cluster::Options {
                program: "cluster-node",
                backend: options.backend.clone(),
                proxy: options.proxy,
                nodes: 3,
                changes: options.changes.clone(),
                arguments: options.arguments.clone(),
            },
        )?;
        let urls = match options.proxy {
            Some(_) => vec![cluster.url()],
            None => cluster.nodes.iter().map(|node| node.url.clone()).collect(),
        };
        let clients = Clients::start(workspace, &urls, options.seed)?;
        Ok(Self {
            workspace,
            clients,
            cluster,
            began: run::now(),
        })
    }

    fn finish(mut self, options: &Options) -> Result {
        let mut deeds = Deeds::new(options.plan, options.seed, 3);
        loop {
            thread::sleep(deeds.pause());
            if self.began.elapsed() >= options.time {
                break;
            }
            let deed = deeds.next();
            println!("{:>7.1} s  {deed:?}", self.began.elapsed().as_secs_f64());
            self.perform(deed)?;
        }
        let judged = self.clients.end();
        // How an instance ended may explain what the clients saw.
        let stopped = self.cluster.stop();
        judged.and(stopped)
    }

    fn perform(&mut self, deed: Deed) -> Result {
        match deed {
            Deed::Kill { first, both } => {
                let second = both.then_some((first + 1) % 3);
                let killed = [Some(first), second];
                for at in killed.into_iter().flatten() {
                    self.clients.tell(&format!("kill {}", Nodes::name(at)))?;
                    self.cluster.nodes.kill(at);
                }
                thread::sleep(AWAY);
                // A proxy learns that they are gone from refused connections: no answer is lost.
                for at in killed.into_iter().flatten() {
                    self.cluster.nodes.start_again(self.workspace, at)?;
                }
            }
            Deed::Drain(at) => {
                self.cluster.nodes.drain(at)?;
                self.cluster.nodes.start_again(self.workspace, at)?;
            }
            Deed::Outage(time) => {
                self.store_gone()?;
                thread::sleep(time);
                self.store_back()?;
            }
            Deed::KillInOutage(at) => {
                self.store_gone()?;
                thread::sleep(AWAY);
                self.clients.tell(&format!("kill {}", Nodes::name(at)))?;
                self.cluster.nodes.kill(at);
                thread::sleep(AWAY);
                self.store_back()?;
                self.cluster.nodes.start_again(self.workspace, at)?;
            }
        }
        Ok(())
    }

    fn store_gone(&mut self) -> Result {
        self.clients.tell("store gone")?;
        self.cluster.backend.stop()
    }

    fn store_back(&mut self) -> Result {
        self.cluster.backend.restart()?;
        self.clients.tell("store back")
    }
}
