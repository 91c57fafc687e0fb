//! HashiCorp's go-plugin: how a host starts a plugin and speaks with it over gRPC.

pub mod client;
pub mod handshake;
pub mod proto;
