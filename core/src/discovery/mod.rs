//! The routing table and the sources that feed it.

pub mod exporters;
