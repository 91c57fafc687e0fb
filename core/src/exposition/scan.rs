//! The pass over a body: what kind of line is it, and where does the next one begin?

use super::bytes::{NAME_START, byte, is, skip_blanks};
use super::error::{Fault, Step, quote};
use super::families::Families;
use super::groups::Groups;
use super::page::{Index, Mark};
use super::sample::{Latest, Place};
use super::{Format, Limits, ScanError};

/// State of one pass. The methods are in `sample.rs` and `metadata.rs`.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) families: Families<'a>,
    pub(super) groups: Groups,
    /// The latest sample: the next one mostly begins alike. None after metadata.
    pub(super) latest: Option<Latest>,
    /// Where the labels of the latest sample are. Those beyond its own are from samples before; their names are
    /// different from all others here.
    pub(super) places: Vec<Place>,
    /// For each label name of the page the line that had it last, to find a name that stands twice.
    pub(super) last_line: Vec<u32>,
    /// Counts lines on which a label name was not the known one.
    pub(super) line: u32,
    /// For values with escapes.
    pub(super) scratch: Vec<u8>,
    limits: Limits,
}

/// Checks the body and makes its index.
pub(super) fn scan(bytes: &[u8], format: Format, limits: &Limits) -> Result<Index, ScanError> {
    let mut scanner = Scanner {
        bytes,
        families: Families::new(bytes, format, limits.max_samples),
        groups: Groups::default(),
        latest: None,
        places: Vec::new(),
        last_line: Vec::new(),
        line: 0,
        scratch: Vec::new(),
        limits: *limits,
    };
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
        }
    }

    fn text(&mut self) -> Step<()> {
        let bytes = self.bytes;
        let mut at = 0;
        while at < bytes.len() {
            let line = at;
            let mut start = at;
            let mut first = byte(bytes, at);
            if matches!(first, b' ' | b'\t') {
                start = skip_blanks(bytes, at);
                first = byte(bytes, start);
            }
            at = match first {
                first if is(first, NAME_START) => self.sample::<false>(start)?,
                b'#' => self.text_comment(start)?,
                b'\n' => start + 1,
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
                first if is(first, NAME_START) => self.sample::<true>(at)?,
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
        b'{' => Fault::syntax(at, "quoted (UTF-8) names are not part of this format"),
        b'\r' => Fault::syntax(at, "a carriage return: lines end with a line feed alone"),
        _ => Fault::syntax(
            at,
            format!("expected a metric name or `#`, found {}", quote(line)),
        ),
    }
}
