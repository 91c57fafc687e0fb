//! HashiCorp's go-plugin: how a host starts a plugin and speaks with it over gRPC.
//!
//! A plugin is a program with a cookie in its environment ([`handshake`]). It listens on a Unix socket, says so in
//! one line on stdout, and answers the services of its kind beside those of go-plugin itself ([`server`]). What it
//! writes to stderr, in the form of hclog, the host logs again ([`log`]). [`client`] is the other side.

pub mod client;
pub mod handshake;
pub mod log;
pub mod proto;
pub mod server;
mod socket;
