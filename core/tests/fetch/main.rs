//! Fetch against real servers on 127.0.0.1: what works, and what each kind of broken instance costs.

mod bounds;
mod connections;
mod convert;
mod failures;
mod headers;
mod http2;
mod sharing;
mod sockets;
mod support;
mod targets;
mod tls;
