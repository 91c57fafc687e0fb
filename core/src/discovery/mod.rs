//! The routing table and the sources that feed it.

pub mod exporters;
pub mod message;
pub mod record;
pub mod route;
pub mod table;
