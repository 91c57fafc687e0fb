//! promfetch in other systems: metrics of Cloud Foundry apps for Nomad's autoscaler, Weave Scope and Docker, and
//! theirs for promfetch.
//!
//! Each program reads apps from a [`source`]: a running promfetch, or the core's own discovery.

#![forbid(unsafe_code)]

pub mod docker;
pub mod gauges;
pub mod listen;
pub mod nomad;
pub mod process;
pub mod sample;
pub mod scope;
pub mod settings;
pub mod source;
pub mod unix;
