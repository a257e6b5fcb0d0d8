//! Several instances of an example server behind a real proxy, on a backend they share.
//!
//! [`backend`] brings the backend, [`nodes`] the instances, [`proxy`] the proxy with the
//! configuration from `deploy/` that [`config`] fills in; [`job`] puts them together.

mod backend;
mod config;
mod job;
mod nodes;
mod proxy;
mod welcome;

pub(crate) use self::{
    config::Changes,
    job::{Cluster, Options, run},
    nodes::Nodes,
    proxy::{Kind, Proxy},
};
