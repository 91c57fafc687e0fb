//! The page under way, with its bounds.

use super::flat::Number;
use crate::exposition::{Limits, ScanError, ScanErrorKind};

/// Bytes of a converted page. Far more than a page can have that was fetched; native histograms with long labels
/// could come to many times the bytes of the source.
const MAX_BYTES: usize = 512 << 20;

/// A page that grows.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    samples: usize,
    limits: Limits,
}

impl Output {
    pub(super) fn new(capacity: usize, limits: &Limits) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            samples: 0,
            limits: *limits,
        }
    }

    /// Counts one more sample, before or after it is written.
    pub(super) fn count(&mut self) -> Result<(), ScanError> {
        self.samples += 1;
        if self.samples > self.limits.max_samples {
            return Err(too_large(format!(
                "converted, the page has more than {} samples",
                self.limits.max_samples
            )));
        }
        if self.bytes.len() > MAX_BYTES {
            return Err(too_large(format!(
                "converted, the page has more than {MAX_BYTES} bytes"
            )));
        }
        Ok(())
    }

    /// Appends text.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends a number.
    pub(super) fn number(&mut self, number: Number<'_>) {
        number.write(&mut self.bytes);
    }

    /// Appends text with backslashes and line feeds escaped, and quotes if these are wanted too.
    ///
    /// NUL, which protobuf can have and lines cannot, becomes U+FFFD.
    pub(super) fn escaped(&mut self, text: &str, quotes: bool) {
        for byte in text.bytes() {
            match byte {
                b'\\' => self.text("\\\\"),
                b'\n' => self.text("\\n"),
                b'"' if quotes => self.text("\\\""),
                0 => self.text("\u{fffd}"),
                _ => self.bytes.push(byte),
            }
        }
    }
}

fn too_large(message: String) -> ScanError {
    ScanError {
        line: 1,
        column: 1,
        offset: 0,
        kind: ScanErrorKind::TooLarge,
        message,
    }
}
