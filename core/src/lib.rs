//! Metrics of all instances of a Cloud Foundry app, as one Prometheus page.
//!
//! [`Client`](client::Client) does three steps. *Discovery* keeps the platform's routing table in memory
//! and finds the instances of an app. *Fetch* asks all of them at once, within one deadline. *Merge* makes
//! one valid page of the answers and says of each instance whether it is up.
//!
//! The steps are usable alone: [`discovery`], [`fetch`], [`merge`]. [`exposition`] and [`merge`] do no I/O.

#![forbid(unsafe_code)]

pub mod address;
pub mod calls;
pub mod client;
pub mod config;
pub mod discovery;
pub mod error;
pub mod exposition;
pub mod failure;
pub mod fetch;
pub mod headers;
pub mod instance;
pub mod labels;
pub mod merge;
pub mod metric_path;
pub mod metrics;
pub mod nats;
pub mod policy;
pub mod selector;
pub mod template;
pub mod tls;

pub use error::{Error, Kind};
