//! Sample lines: `name{label="value",…} value timestamp`.
//!
//! The hot path of the scan. Lines resemble the one before: its name and its label names are compared first,
//! and only what differs is looked at byte by byte. `OM` is OpenMetrics, where every blank counts; in text,
//! blanks and tabs may stand between all tokens.

use super::MetricType;
use super::bytes::{LABEL, LABEL_START, NAME, byte, is, skip, skip_blanks, value_stop};
use super::error::{Fault, Step, quote};
use super::exemplar::exemplar;
use super::families::Owner;
use super::groups::Sample;
use super::names::{Known, MAX_LABEL_NAMES, Role, hash, is_reserved_label};
use super::number::{is_number, milliseconds, number, value};
use super::page::{Mark, Span, Splice};
use super::scan::Scanner;

/// What the labels of one sample told.
#[derive(Debug)]
struct Labels {
    /// The offset after `}`.
    end: usize,
    /// Where added labels go, and how.
    mark: usize,
    splice: Splice,
    /// One bit for each name.
    bits: u64,
    /// An escape that strict readers do not know.
    irregular: bool,
    bound: Option<Span>,
    quantile: Option<Span>,
    /// OpenMetrics: a label with the family's name, and the hash of those that make the group.
    state: bool,
    group: u64,
}

impl Scanner<'_> {
    /// Checks the sample whose name begins at `start` and notes it. Gives the start of the next line.
    #[inline]
    pub(super) fn sample<const OM: bool>(&mut self, start: usize) -> Step<usize> {
        let bytes = self.bytes;
        let (name_end, owner) = self.sample_name(start)?;
        let mut labels = Labels {
            end: name_end,
            mark: name_end,
            splice: Splice::Braces,
            bits: 0,
            irregular: false,
            bound: None,
            quantile: None,
            state: false,
            group: 0,
        };
        let open = if OM {
            name_end
        } else {
            skip_blanks(bytes, name_end)
        };
        if byte(bytes, open) == b'{' {
            self.labels::<OM>(open, owner, &mut labels)?;
        } else if open == name_end && byte(bytes, open) != b' ' {
            return Err(name_fault(bytes, start, open));
        }
        let value_start = if OM {
            if byte(bytes, labels.end) != b' ' {
                return Err(Fault::syntax(labels.end, "expected a blank and the value"));
            }
            labels.end + 1
        } else {
            skip_blanks(bytes, labels.end)
        };
        let Some(value_end) = number(bytes, value_start) else {
            return Err(value_fault(bytes, value_start));
        };
        let end = if OM {
            self.openmetrics_end(start, owner, &mut labels, Span::new(value_start, value_end))?
        } else {
            if owner.kind == MetricType::Histogram && byte(bytes, value_start) == b'-' {
                check_not_negative(bytes, owner, &labels, value_start, value_end)?;
            }
            text_end(bytes, value_start, value_end, &mut labels)?
        };
        let next = (end + 1).min(bytes.len());
        let mark = if labels.irregular {
            Mark::new(start, Splice::Irregular)
        } else {
            Mark::new(labels.mark, labels.splice)
        };
        self.families
            .add(owner.family, start, next, mark, labels.bits)?;
        Ok(next)
    }

    /// The end of the metric name at `start`, and whose it is.
    #[inline]
    fn sample_name(&mut self, start: usize) -> Step<(usize, Owner)> {
        let bytes = self.bytes;
        if let Some((latest, owner)) = self.latest {
            let latest = latest.of(bytes);
            let end = start + latest.len();
            if bytes.get(start..end) == Some(latest) && !is(byte(bytes, end), NAME) {
                return Ok((end, owner));
            }
        }
        let end = skip(bytes, start, NAME);
        let before = self.families.current();
        let owner = self.families.owner(start, end)?;
        if before != Some(owner.family) {
            self.groups.finish()?;
        }
        self.latest = Some((Span::new(start, end), owner));
        Ok((end, owner))
    }

    /// Checks the labels after the `{` at `open`.
    #[inline]
    fn labels<const OM: bool>(
        &mut self,
        open: usize,
        owner: Owner,
        labels: &mut Labels,
    ) -> Step<()> {
        let bytes = self.bytes;
        let mut at = open + 1;
        let mut place = 0;
        let mut new_names = false;
        (labels.mark, labels.splice) = (at, Splice::Plain);
        loop {
            let predicted = self
                .known
                .get(place)
                .and_then(|known| Some((*known, known.matches(bytes, at)?)));
            let (known, value_start) = match predicted {
                Some(found) => found,
                None => {
                    at = if OM { at } else { skip_blanks(bytes, at) };
                    if byte(bytes, at) == b'}' && (!OM || place == 0) {
                        labels.end = at + 1;
                        return Ok(());
                    }
                    self.new_label::<OM>(at, place, &mut new_names)?
                }
            };
            place += 1;
            labels.bits |= known.bit;
            at = value_start;
            let mut escapes = false;
            loop {
                at = value_stop(bytes, at);
                match byte(bytes, at) {
                    b'"' => break,
                    b'\\' => {
                        escapes = true;
                        match byte(bytes, at + 1) {
                            b'\\' | b'"' | b'n' => {}
                            0 | b'\n' => {
                                return Err(Fault::syntax(
                                    at,
                                    "the label value does not end on this line",
                                ));
                            }
                            // Prometheus takes it as it stands, Go's expfmt refuses it.
                            _ => labels.irregular |= !OM,
                        }
                        at += 2;
                    }
                    _ => {
                        return Err(Fault::syntax(
                            at,
                            "the label value does not end on this line",
                        ));
                    }
                }
            }
            let value = Span::new(value_start, at);
            at += 1;
            if known.role != Role::Plain {
                note_role::<OM>(bytes, owner, known.role, value, labels)?;
            }
            if OM {
                self.note_group(owner, known, value, escapes, labels);
            }
            (labels.mark, labels.splice) = (at, Splice::Comma);
            if !OM && matches!(byte(bytes, at), b' ' | b'\t') {
                at = skip_blanks(bytes, at);
            }
            match byte(bytes, at) {
                b',' => {
                    at += 1;
                    (labels.mark, labels.splice) = (at, Splice::Plain);
                }
                b'}' => {
                    labels.end = at + 1;
                    return Ok(());
                }
                _ => {
                    return Err(Fault::syntax(
                        at,
                        "expected `,` or `}` after the label value",
                    ));
                }
            }
        }
    }

    /// Checks the label name at `at`, which is not the one known for this place. Gives the start of its value.
    fn new_label<const OM: bool>(
        &mut self,
        at: usize,
        place: usize,
        new_names: &mut bool,
    ) -> Step<(Known, usize)> {
        let bytes = self.bytes;
        let end = if is(byte(bytes, at), LABEL_START) {
            skip(bytes, at, LABEL)
        } else {
            at
        };
        let name = bytes.get(at..end).unwrap_or_default();
        if name.is_empty() {
            return Err(label_fault(bytes, at));
        }
        if is_reserved_label(name) {
            return Err(Fault::syntax(
                at,
                format!("the label name {} is reserved", quote(name)),
            ));
        }
        let equals = if OM { end } else { skip_blanks(bytes, end) };
        if byte(bytes, equals) != b'=' {
            return Err(Fault::syntax(
                equals,
                format!("expected `=` after the label name {}", quote(name)),
            ));
        }
        let opening = if OM {
            equals + 1
        } else {
            skip_blanks(bytes, equals + 1)
        };
        if byte(bytes, opening) != b'"' {
            return Err(Fault::syntax(
                opening,
                format!("expected `\"` before the value of label {}", quote(name)),
            ));
        }
        let Some(known) = self.families.index.label_names.intern(bytes, at, end) else {
            return Err(Fault::too_large(
                at,
                format!("more than {MAX_LABEL_NAMES} different label names"),
            ));
        };
        // The labels before this one were the known ones. Mark them as seen on this line, once.
        if !*new_names {
            *new_names = true;
            self.line += 1;
            for earlier in self.known.iter().take(place) {
                if let Some(line) = self.last_line.get_mut(earlier.id as usize) {
                    *line = self.line;
                }
            }
        }
        if known.id as usize >= self.last_line.len() {
            self.last_line.resize(known.id as usize + 1, 0);
        }
        if let Some(line) = self.last_line.get_mut(known.id as usize) {
            if *line == self.line {
                return Err(Fault::syntax(
                    at,
                    format!("the label name {} stands twice", quote(name)),
                ));
            }
            *line = self.line;
        }
        self.known.truncate(place);
        self.known.push(known);
        Ok((known, opening + 1))
    }

    /// OpenMetrics: adds the label to the hash of the group, unless it tells samples of one group apart.
    fn note_group(
        &mut self,
        owner: Owner,
        known: Known,
        value: Span,
        escapes: bool,
        labels: &mut Labels,
    ) {
        let state =
            owner.kind == MetricType::StateSet && self.is_family_name(owner.family, known.id);
        labels.state |= state;
        let apart = match (owner.kind, owner.suffix) {
            (MetricType::Info, _) => true,
            (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => {
                known.role == Role::Bound
            }
            (MetricType::Summary, "") => known.role == Role::Quantile,
            (MetricType::StateSet, _) => state,
            _ => false,
        };
        if apart {
            return;
        }
        let text = value.of(self.bytes);
        let value = if escapes {
            self.scratch.clear();
            super::line::unescape(text, &mut self.scratch);
            hash(&self.scratch)
        } else {
            hash(text)
        };
        // Addition: the order of labels does not matter. The multiplier keeps `a="x",b="y"` and `a="y",b="x"` apart.
        let place = (u64::from(known.id) << 1 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        labels.group = labels
            .group
            .wrapping_add((value ^ place).wrapping_mul(place));
    }

    fn is_family_name(&self, family: u32, label: u32) -> bool {
        let name = self.families.name(family);
        self.families.index.label_names.name(self.bytes, label) == name
    }

    /// OpenMetrics: checks what follows the value, and the rules of the family. Gives the offset of the line feed.
    fn openmetrics_end(
        &mut self,
        start: usize,
        owner: Owner,
        labels: &mut Labels,
        value: Span,
    ) -> Step<usize> {
        let bytes = self.bytes;
        let mut end = value.end as usize;
        let mut timestamp = None;
        if byte(bytes, end) == b' ' && byte(bytes, end + 1) != b'#' {
            let Some(stamp_end) = number(bytes, end + 1) else {
                return Err(Fault::syntax(
                    end + 1,
                    format!(
                        "expected a timestamp, found {}",
                        quote(word(bytes, end + 1))
                    ),
                ));
            };
            timestamp = Some(Span::new(end + 1, stamp_end));
            end = stamp_end;
        }
        let mut has_exemplar = false;
        if bytes.get(end..end + 4) == Some(b" # {") {
            let found = exemplar(bytes, end + 3)?;
            has_exemplar = true;
            labels.irregular |= found.escaped_quote;
            end = found.end;
        }
        match byte(bytes, end) {
            b'\n' => {}
            0 => return Err(Fault::syntax(end, "the page does not end with `# EOF`")),
            _ => {
                return Err(Fault::syntax(
                    end,
                    format!(
                        "expected the end of the line, found {}",
                        quote(word(bytes, end))
                    ),
                ));
            }
        }
        self.groups.sample(&Sample {
            at: start,
            kind: owner.kind,
            suffix: owner.suffix,
            group: labels.group,
            bound: labels.bound.map(|span| span.of(bytes)),
            quantile: labels.quantile.map(|span| span.of(bytes)),
            state: labels.state,
            value: value.of(bytes),
            timestamp: timestamp.map(|span| span.of(bytes)),
            exemplar: has_exemplar,
        })?;
        Ok(end)
    }
}

/// Text: checks what follows the value. Gives the offset of the line feed, or the end of the body.
#[inline]
fn text_end(
    bytes: &[u8],
    value_start: usize,
    value_end: usize,
    labels: &mut Labels,
) -> Step<usize> {
    match byte(bytes, value_end) {
        b'\n' | 0 => return Ok(value_end),
        b' ' | b'\t' => {}
        _ => return Err(value_fault(bytes, value_start)),
    }
    let mut end = skip_blanks(bytes, value_end);
    if !matches!(byte(bytes, end), b'\n' | 0) {
        let Some(stamp_end) = milliseconds(bytes, end)
            .filter(|end| matches!(byte(bytes, *end), b' ' | b'\t' | b'\n' | 0))
        else {
            return Err(Fault::syntax(
                end,
                format!(
                    "expected a timestamp in milliseconds, found {}",
                    quote(word(bytes, end))
                ),
            ));
        };
        end = skip_blanks(bytes, stamp_end);
        if end == stamp_end {
            return Ok(end);
        }
    }
    match byte(bytes, end) {
        b'\n' | 0 => {
            // Blanks at the end of the line: Prometheus skips them, Go's expfmt does not.
            labels.irregular = true;
            Ok(end)
        }
        _ => Err(Fault::syntax(
            end,
            format!(
                "expected the end of the line, found {}",
                quote(word(bytes, end))
            ),
        )),
    }
}

/// Notes `le` and `quantile`. In text, they must be numbers where the type gives them a meaning.
#[inline]
fn note_role<const OM: bool>(
    bytes: &[u8],
    owner: Owner,
    role: Role,
    value: Span,
    labels: &mut Labels,
) -> Step<()> {
    let (kind, name) = match role {
        Role::Bound => (MetricType::Histogram, "le"),
        Role::Quantile => (MetricType::Summary, "quantile"),
        Role::Plain => return Ok(()),
    };
    if !OM && owner.kind == kind && !is_number(value.of(bytes)) {
        let message = format!(
            "the label `{name}` of a {} is no number: {}",
            kind.word(super::Format::Text),
            quote(value.of(bytes))
        );
        return Err(Fault::syntax(value.start as usize, message));
    }
    match role {
        Role::Bound => labels.bound = Some(value),
        _ => labels.quantile = Some(value),
    }
    Ok(())
}

/// Text: counts and buckets of a histogram are not negative, or Go's expfmt refuses the page.
#[cold]
fn check_not_negative(
    bytes: &[u8],
    owner: Owner,
    labels: &Labels,
    start: usize,
    end: usize,
) -> Step<()> {
    let counts = owner.suffix == "_count" || (owner.suffix != "_sum" && labels.bound.is_some());
    if counts && value(bytes.get(start..end).unwrap_or_default()) < 0.0 {
        return Err(Fault::syntax(start, "a histogram has a negative count"));
    }
    Ok(())
}

/// The bytes from `at` up to the next blank or line feed.
fn word(bytes: &[u8], at: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.split(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

#[cold]
fn name_fault(bytes: &[u8], start: usize, at: usize) -> Box<Fault> {
    match byte(bytes, at) {
        0 | b'\n' => Fault::syntax(
            at,
            format!(
                "expected a value after {}",
                quote(bytes.get(start..at).unwrap_or_default())
            ),
        ),
        _ => Fault::syntax(
            at,
            format!("{} is no metric name", quote(word(bytes, start))),
        ),
    }
}

#[cold]
fn value_fault(bytes: &[u8], at: usize) -> Box<Fault> {
    let found = word(bytes, at);
    match byte(bytes, at) {
        0 | b'\n' => Fault::syntax(at, "expected a value, found the end of the line"),
        _ if found.ends_with(b"\r") => Fault::syntax(
            at + found.len() - 1,
            "a carriage return: lines end with a line feed alone",
        ),
        _ => Fault::syntax(at, format!("expected a value, found {}", quote(found))),
    }
}

#[cold]
fn label_fault(bytes: &[u8], at: usize) -> Box<Fault> {
    match byte(bytes, at) {
        b'"' => Fault::syntax(at, "quoted (UTF-8) names are not part of this format"),
        0 | b'\n' => Fault::syntax(at, "the labels do not end on this line"),
        _ => Fault::syntax(
            at,
            format!("expected a label name, found {}", quote(word(bytes, at))),
        ),
    }
}
