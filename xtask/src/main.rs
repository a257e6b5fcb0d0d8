//! The project's automation: `cargo xtask --help` lists the jobs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

mod chaos;
mod ci;
mod clients;
mod cluster;
mod conformance;
mod deploy;
mod fuzz;
mod mutants;
mod official;
mod pooler;
mod proofs;
mod proxies;
mod run;
mod server;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::run::{Result, Steps};
use crate::workspace::Workspace;

/// The project's automation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Bring what the tests need, then run everything that CI runs but packaging
    Test,
    /// What CI runs: `test`, then build every published crate from its package
    Ci,
    /// Install Node 22, the official clients and the conformance suite below the target directory
    Tools,
    /// Run the kit on every store and write CONFORMANCE.md
    Conformance {
        /// Write nothing, and fail when the file is not as it would be written
        #[arg(long)]
        check: bool,
    },
    /// Run the official conformance suite against the conformance server
    Official {
        /// A server that is running already, instead of the conformance server
        #[arg(long, conflicts_with = "cluster")]
        url: Option<String>,
        /// Three conformance servers behind HAProxy on this backend: redis, postgres, or a URL
        #[arg(long, value_name = "BACKEND")]
        cluster: Option<String>,
    },
    /// Run the official clients against the conformance server and the quickstart
    Clients {
        /// A conformance fixture that is running already, instead of both servers
        #[arg(long)]
        url: Option<String>,
    },
    /// Run several instances on one backend behind a real proxy, until Ctrl-C
    Cluster {
        /// Private `redis` or `postgres`, or the URL of one that runs
        #[arg(long, default_value = "redis")]
        backend: String,
        /// The proxy; `none` leaves the choice of an instance to you
        #[arg(long, value_enum, default_value_t = Front::Haproxy)]
        proxy: Front,
        /// Lines of the configuration that begin with `#affinity` take effect
        #[arg(long)]
        affinity: bool,
        /// How many instances
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
        nodes: u8,
    },
    /// Kill, drain and restart instances, stop and start the store, while clients check every answer
    Chaos {
        /// A private `redis` or `postgres`
        #[arg(long, default_value = "redis")]
        backend: String,
        /// The proxy; with `none` the clients go to the instances in turn
        #[arg(long, value_enum, default_value_t = Front::Haproxy)]
        proxy: Front,
        /// How long: `90s`, `10m`
        #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = run::time)]
        time: Duration,
        /// What chance follows from
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Drain and restart one instance after the other while clients check every answer
    Rolling {
        /// Private `redis` or `postgres`, or the URL of one that runs
        #[arg(long, default_value = "redis")]
        backend: String,
        /// The proxy; with `none` the clients go to the instances in turn
        #[arg(long, value_enum, default_value_t = Front::Haproxy)]
        proxy: Front,
        /// Lines of the configuration that begin with `#affinity` take effect
        #[arg(long)]
        affinity: bool,
        /// How long: `90s`, `10m`
        #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = run::time)]
        time: Duration,
        /// How long an instance goes on as before when it is told to end: `0s`, `3s`
        #[arg(long, value_name = "TIME", default_value = "0s", value_parser = run::time)]
        pre_stop: Duration,
    },
    /// Send events and silence through nginx, HAProxy and Caddy, and the official clients through a socket
    Proxies,
    /// Run the rules of the kit on PostgreSQL behind pgbouncer, in session mode
    Pooler,
    /// Build what the tests of several instances need: the examples, one of them as its next version
    Examples,
    /// Run the cases of several instances on every backend, through HAProxy
    E2e,
    /// Check the deployment files: units, manifests, a server that systemd starts
    Deploy,
    /// Fuzz everything that reads bytes of strangers, with libFuzzer; takes cargo-fuzz and a nightly
    Fuzz {
        /// How long, all targets together: `90s`, `60m`
        #[arg(long = "for", value_name = "TIME", default_value = "60m", value_parser = run::time)]
        time: Duration,
    },
    /// Break each promise that takes a backend's own faults, in a copy of its store: a test must notice
    Mutants {
        /// Only those whose test has this in its name
        only: Option<String>,
    },
    /// Check the house rules that no compiler checks
    Tidy,
}

/// What stands before the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Front {
    Nginx,
    Haproxy,
    Caddy,
    None,
}

impl From<Front> for Option<cluster::Kind> {
    fn from(front: Front) -> Self {
        match front {
            Front::Nginx => Some(cluster::Kind::Nginx),
            Front::Haproxy => Some(cluster::Kind::Haproxy),
            Front::Caddy => Some(cluster::Kind::Caddy),
            Front::None => None,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut steps = Steps::default();
    let outcome = perform(&cli.job, &mut steps);
    steps.print_summary();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(job: &Job, steps: &mut Steps) -> Result {
    let workspace = Workspace::load()?;
    match job {
        Job::Test => test::run(&workspace, steps),
        Job::Ci => ci::run(&workspace, steps),
        Job::Tools => steps.step("tools", || tools::install(&workspace)).map(drop),
        Job::Conformance { check } => conformance::run(&workspace, steps, *check),
        Job::Official { url, cluster } => {
            let target = match (url, cluster) {
                (Some(url), _) => official::Target::Url(url),
                (_, Some(backend)) => official::Target::Cluster(backend),
                _ => official::Target::Alone,
            };
            official::run(&workspace, steps, target)
        }
        Job::Clients { url } => clients::run(&workspace, steps, url.as_deref()),
        Job::Cluster {
            backend,
            proxy,
            affinity,
            nodes,
        } => {
            let options = cluster::Options {
                program: "cluster-node",
                backend: backend.clone(),
                proxy: (*proxy).into(),
                nodes: usize::from(*nodes),
                changes: cluster::Changes {
                    affinity: *affinity,
                    silence: None,
                },
                arguments: Vec::new(),
            };
            cluster::run(&workspace, steps, &options)
        }
        Job::Chaos { .. } | Job::Rolling { .. } => match disturbance(job) {
            Some(options) => chaos::run(&workspace, steps, &options),
            None => Ok(()),
        },
        Job::Proxies => {
            let all = [
                cluster::Kind::Nginx,
                cluster::Kind::Haproxy,
                cluster::Kind::Caddy,
            ];
            proxies::run(&workspace, steps, &all)
        }
        Job::Pooler => pooler::run(&workspace, steps),
        Job::Examples => steps.step("examples", || server::build_versions(&workspace)),
        Job::E2e => test::through_haproxy(&workspace, steps),
        Job::Deploy => deploy::run(&workspace, steps),
        Job::Fuzz { time } => fuzz::run(&workspace, steps, *time),
        Job::Mutants { only } => mutants::run(&workspace, steps, only.as_deref()),
        Job::Tidy => steps.step("tidy", || tidy::check(&workspace)),
    }
}

/// What is done to instances while clients work; `None` for a job that does nothing to them.
fn disturbance(job: &Job) -> Option<chaos::Options> {
    match job {
        Job::Chaos {
            backend,
            proxy,
            time,
            seed,
        } => Some(chaos::Options {
            plan: chaos::Plan::Chaos,
            backend: backend.clone(),
            proxy: (*proxy).into(),
            time: *time,
            seed: *seed,
            changes: cluster::Changes::default(),
            arguments: chaos::LEASE.map(str::to_owned).to_vec(),
        }),
        Job::Rolling {
            backend,
            proxy,
            affinity,
            time,
            pre_stop,
        } => Some(chaos::Options {
            plan: chaos::Plan::Rolling,
            backend: backend.clone(),
            proxy: (*proxy).into(),
            time: *time,
            seed: 1,
            changes: cluster::Changes {
                affinity: *affinity,
                silence: None,
            },
            arguments: vec!["--pre-stop-ms".to_owned(), pre_stop.as_millis().to_string()],
        }),
        _ => None,
    }
}
