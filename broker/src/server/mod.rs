//! The server: listeners, connections, TLS, health, what is observed of each request, and the way out.

pub(crate) mod connections;
pub(crate) mod health;
pub mod listeners;
pub(crate) mod observe;
pub(crate) mod panics;
pub mod shutdown;
mod stall;
pub(crate) mod tls;

#[cfg(test)]
mod tests;
