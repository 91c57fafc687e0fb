//! The pass over a body: what kind of line is it, and where does the next one begin?

use bytes::Bytes;

use super::bytes::{NAME_START, byte, is, skip_blanks};
use super::error::{CARRIAGE_RETURN, Fault, Step, quote};
use super::page::{Index, Mark, Page};
use super::scanner::Scanner;
use super::{Format, Limits, ScanError};

/// U+FEFF at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Page {
    /// Checks a body against its format and indexes it, in one pass.
    ///
    /// # Errors
    ///
    /// The first place where the body breaks the format, or a bound in `limits`. Bodies of 1 GiB and more are too large.
    pub fn scan(body: Bytes, format: Format, limits: &Limits) -> Result<Self, ScanError> {
        Self::scan_like(body, format, limits, None)
    }

    /// Does the same as [`scan`](Self::scan), and faster when `like` has nearly the same lines with other values: the
    /// page of another instance, or an older one.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan).
    pub fn scan_like(
        body: Bytes,
        format: Format,
        limits: &Limits,
        like: Option<&Self>,
    ) -> Result<Self, ScanError> {
        let index = match format {
            Format::Protobuf => super::protobuf::scan(&body, limits)?,
            Format::Text | Format::OpenMetrics => scan(&body, format, limits, like)?,
        };
        Ok(Self::new(body, format, index))
    }
}

fn scan(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    like: Option<&Page>,
) -> Result<Index, ScanError> {
    let mut scanner = Scanner::new(bytes, format, limits, like);
    scanner.run(format).map_err(|fault| fault.locate(bytes))?;
    let mut index = scanner.families.index;
    index.marks.shrink_to_fit();
    index.runs.shrink_to_fit();
    index.families.shrink_to_fit();
    Ok(index)
}

impl Scanner<'_> {
    fn run(&mut self, format: Format) -> Step<()> {
        let bytes = self.bytes;
        if bytes.len() >= Mark::MAX_OFFSET {
            return Err(Fault::too_large(0, "the page has 1 GiB or more"));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            return Err(Fault::syntax(
                error.valid_up_to(),
                "the page is not valid UTF-8",
            ));
        }
        if let Some(at) = memchr::memchr(0, bytes) {
            return Err(Fault::syntax(at, "a NUL byte"));
        }
        match format {
            Format::Text => self.text(),
            Format::OpenMetrics => self.openmetrics(),
            Format::Protobuf => Err(Fault::syntax(0, "protobuf has no lines")),
        }
    }

    fn text(&mut self) -> Step<()> {
        let bytes = self.bytes;
        // Windows programs begin files so.
        let mut at = if bytes.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        loop {
            at = self.follow(at);
            if at >= bytes.len() {
                break;
            }
            let line = at;
            let mut start = at;
            let mut first = byte(bytes, at);
            if matches!(first, b' ' | b'\t') {
                start = skip_blanks(bytes, at);
                first = byte(bytes, start);
            }
            at = match first {
                first if is(first, NAME_START) => self.sample::<false, false>(start)?,
                b'#' => self.text_comment(start)?,
                b'\n' => start + 1,
                b'{' => self.sample::<false, true>(start)?,
                b'\r' if matches!(byte(bytes, start + 1), b'\n' | 0) => {
                    (start + 2).min(bytes.len())
                }
                0 => start,
                _ => return Err(start_fault(bytes, start)),
            };
            self.check_line(line, at)?;
        }
        Ok(())
    }

    fn openmetrics(&mut self) -> Step<()> {
        let bytes = self.bytes;
        let mut at = 0;
        loop {
            let line = at;
            at = match byte(bytes, at) {
                first if is(first, NAME_START) => self.sample::<true, false>(at)?,
                b'{' => self.sample::<true, true>(at)?,
                b'#' if matches!(bytes.get(at..), Some(b"# EOF" | b"# EOF\n")) => break,
                b'#' => self.openmetrics_metadata(at)?,
                b'\n' => return Err(Fault::syntax(at, "a blank line")),
                0 => return Err(Fault::syntax(at, "the page does not end with `# EOF`")),
                _ => return Err(start_fault(bytes, at)),
            };
            self.check_line(line, at)?;
        }
        self.groups.finish()?;
        self.families.finish_current()
    }

    #[inline]
    fn check_line(&self, start: usize, end: usize) -> Step<()> {
        // `end` is after the line feed.
        if end - start > self.limits.max_line
            && end - start - usize::from(self.bytes.get(end - 1) == Some(&b'\n'))
                > self.limits.max_line
        {
            return Err(Fault::too_large(
                start,
                format!("a line of more than {} bytes", self.limits.max_line),
            ));
        }
        Ok(())
    }
}

#[cold]
fn start_fault(bytes: &[u8], at: usize) -> Box<Fault> {
    let rest = bytes.get(at..).unwrap_or_default();
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match byte(bytes, at) {
        b'\r' => Fault::syntax(at, CARRIAGE_RETURN),
        _ => Fault::syntax(
            at,
            format!("expected a metric name or `#`, found {}", quote(line)),
        ),
    }
}
