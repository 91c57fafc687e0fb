//! Length-delimited `io.prometheus.client.MetricFamily` messages.

pub(crate) mod model;

use super::error::Fault;
use super::page::Index;
use super::{Limits, ScanError};

/// Checks a body and indexes it.
pub(super) fn scan(bytes: &[u8], _limits: &Limits) -> Result<Index, ScanError> {
    Err(Fault::syntax(0, "protobuf").locate(bytes))
}
