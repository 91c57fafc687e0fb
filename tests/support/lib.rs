//! What the tests and benchmarks of the whole system share: the parts of a small platform, each started on a free
//! port and stopped when it is dropped.
//!
//! [`Platform`] is where most tests begin: a NATS server, the messages that route-emitter would send, and promfetch.
//! Apps are pushed to it as a list of [`Behaviour`]s, one for each instance. [`Promfetch::page`] gets a merged page
//! and has it checked by Prometheus' own tools.

#![forbid(unsafe_code)]

pub mod app;
pub mod behaviour;
pub mod browser;
pub mod certs;
pub mod check;
pub mod config;
pub mod database;
pub mod docker;
pub mod emitter;
pub mod farm;
pub mod foundation;
pub mod gorouter;
pub mod html;
pub mod http;
pub mod instance;
pub mod library;
pub mod mariadb;
pub mod measure;
pub mod nats;
pub mod net;
pub mod oracle;
pub mod osb;
pub mod pages;
pub mod platform;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod promfetch;
pub mod samples;
pub mod scope;
pub mod server;
pub mod tools;
pub mod uaa;
pub mod wait;

pub use app::App;
pub use behaviour::{Answer, Behaviour};
pub use database::Database;
pub use emitter::Emitter;
pub use foundation::Foundation;
pub use instance::Instance;
pub use nats::Nats;
pub use osb::Broker;
pub use platform::Platform;
pub use promfetch::Promfetch;
pub use samples::Page;
pub use server::Server;
pub use uaa::Uaa;
pub use wait::eventually;
