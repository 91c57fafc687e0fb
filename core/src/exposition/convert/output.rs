//! The page under way, with its bounds.

use super::flat::Number;
use crate::exposition::{Limits, ScanError, ScanErrorKind};

/// Bytes of a converted page. Far more than a page can have that was fetched; native histograms with long labels
/// could come to many times the bytes of the source.
const MAX_BYTES: usize = 512 << 20;

/// A page asks its meter each time that it has grown by so many bytes.
const STEP: usize = 64 << 10;

/// Samples of a family that are not worth asking for.
const FEW: usize = 1000;

/// Says whether a page may go on, with room for so many bytes: the same as before, or half as many more.
pub(crate) type Meter = Box<dyn FnMut(usize) -> bool>;

/// A page that grows.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    samples: usize,
    limits: Limits,
    meter: Meter,
    /// Bytes that the meter has allowed.
    allowed: usize,
    /// It is asked again beyond this.
    asked: usize,
    /// Bytes of samples that are taken out of the source, about.
    held: usize,
}

impl Output {
    pub(super) fn new(capacity: usize, limits: &Limits, meter: Meter) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            samples: 0,
            limits: *limits,
            meter,
            allowed: capacity,
            asked: capacity.min(STEP),
            held: 0,
        }
    }

    /// Asks for the memory that so many samples take while they wait to be written.
    pub(super) fn hold(&mut self, samples: usize, bytes_each: usize) -> Result<(), ScanError> {
        self.held += samples.saturating_mul(bytes_each);
        if samples > FEW { self.ask() } else { Ok(()) }
    }

    /// So many of those that were held are written.
    pub(super) fn release(&mut self, samples: usize, bytes_each: usize) {
        self.held -= samples.saturating_mul(bytes_each).min(self.held);
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
        if self.bytes.len() > self.asked {
            self.ask()?;
        }
        Ok(())
    }

    #[cold]
    fn ask(&mut self) -> Result<(), ScanError> {
        let length = self.bytes.len();
        let wanted = if length > self.allowed {
            length + STEP.max(length / 2)
        } else {
            self.allowed
        };
        if length > MAX_BYTES || !(self.meter)(wanted.saturating_add(self.held)) {
            return Err(too_large(format!(
                "converted, the page has more than {} bytes",
                self.allowed
            )));
        }
        self.allowed = wanted;
        self.asked = (length + STEP).min(wanted);
        Ok(())
    }

    /// The whole page. The meter is asked once more: what follows takes time as well.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ScanError> {
        self.ask()?;
        Ok(self.bytes)
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
