//! Sample lines: `name{label="value",…} value timestamp`.
//!
//! The hot path of the scan. Lines begin like the one before, so the two are compared first, as a whole:
//! what is equal was checked already, and the check goes on at the value of the label where they part. `OM` is
//! OpenMetrics, where every blank counts; in text, blanks and tabs may stand between all tokens.

use super::MetricType;
use super::bytes::{NAME, byte, common_prefix, skip, skip_blanks};
use super::error::{CARRIAGE_RETURN, Fault, Step, quote, word};
use super::exemplar::exemplar;
use super::families::Owner;
use super::groups::Sample;
use super::number::{milliseconds, number, value};
use super::page::{Mark, Span, Splice};
use super::sample_labels::{From, Labels};
use super::scanner::{Group, Latest, Scanner, Told};

impl Scanner<'_> {
    /// Checks the sample that begins at `start` and notes it. Gives the start of the next line.
    ///
    /// `BRACED`: it begins with a brace, and its name is in quotes behind it.
    #[inline]
    pub(super) fn sample<const OM: bool, const BRACED: bool>(
        &mut self,
        start: usize,
    ) -> Step<usize> {
        let bytes = self.bytes;
        let (name_end, owner, from) = match self.resume(start) {
            Some((name_len, owner, place)) => (start + name_len, owner, Some(From::Value(place))),
            None if BRACED => self.braced_name::<OM>(start)?,
            None => {
                let (name_end, owner) = self.sample_name(start)?;
                let open = if OM {
                    name_end
                } else {
                    skip_blanks(bytes, name_end)
                };
                let has_labels = byte(bytes, open) == b'{';
                if !has_labels && open == name_end && byte(bytes, open) != b' ' {
                    return Err(name_fault(bytes, start, open));
                }
                (name_end, owner, has_labels.then_some(From::Name(open + 1)))
            }
        };
        let resumed = matches!(from, Some(From::Value(_)));
        let mut labels = match from {
            Some(from) => self.labels::<OM>(start, from, owner)?,
            None => Labels {
                told: Told::default(),
                group: Group::default(),
                count: 0,
                end: name_end,
                mark: name_end,
                splice: Splice::Braces,
            },
        };
        if BRACED {
            self.finish_braced(owner, &mut labels);
        }
        let Labels {
            mut told,
            group,
            count,
            end: labels_end,
            mark,
            splice,
        } = labels;
        let value_start = if OM {
            if byte(bytes, labels_end) != b' ' {
                return Err(Fault::syntax(labels_end, "expected a blank and the value"));
            }
            labels_end + 1
        } else {
            skip_blanks(bytes, labels_end)
        };
        let Some(value_end) = number(bytes, value_start) else {
            return Err(value_fault(bytes, value_start));
        };
        let end = if OM {
            self.openmetrics_end(
                start,
                owner,
                &mut told,
                group,
                Span::new(value_start, value_end),
            )?
        } else {
            if owner.kind == MetricType::Histogram && byte(bytes, value_start) == b'-' {
                check_not_negative(bytes, owner, told, value_start, value_end)?;
            }
            text_end(bytes, value_start, value_end, &mut told)?
        };
        match &mut self.latest {
            Some(latest) if resumed => (latest.start, latest.labels) = (start, count),
            latest => {
                *latest = Some(Latest {
                    start,
                    name_len: name_end - start,
                    owner,
                    labels: count,
                })
            }
        }
        let next = (end + 1).min(bytes.len());
        let mark = if told.irregular {
            Mark::new(start, Splice::Irregular)
        } else {
            Mark::new(mark, splice)
        };
        self.families
            .add(owner.family, start, next, mark, told.bits)?;
        Ok(next)
    }

    /// When the line begins like the one before: the length of its name, whose it is, and the last label whose value
    /// begins in the equal part.
    #[inline]
    fn resume(&self, start: usize) -> Option<(usize, Owner, usize)> {
        let latest = self.latest.as_ref()?;
        let places = self.places.get(..latest.labels)?;
        let (last, earlier) = places.split_last()?;
        let equal = common_prefix(self.bytes, latest.start, start, last.value);
        let place = if equal == last.value {
            earlier.len()
        } else {
            earlier.iter().rposition(|place| place.value <= equal)?
        };
        Some((latest.name_len, latest.owner, place))
    }

    /// The end of the metric name at `start`, and whose it is.
    #[inline]
    fn sample_name(&mut self, start: usize) -> Step<(usize, Owner)> {
        let bytes = self.bytes;
        if let Some(found) = self.families.sample_of_current(start) {
            return Ok(found);
        }
        let end = skip(bytes, start, NAME);
        let before = self.families.current();
        let owner = self.families.owner(start, end)?;
        if before != Some(owner.family) {
            self.groups.finish()?;
        }
        Ok((end, owner))
    }

    /// OpenMetrics: checks what follows the value, and the rules of the family. Gives the offset of the line feed.
    fn openmetrics_end(
        &mut self,
        start: usize,
        owner: Owner,
        told: &mut Told,
        group: Group,
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
            // Prometheus takes exemplars anywhere. Where strict readers do not, and the type says nothing against it,
            // the sample stays without.
            let is_unknown = owner.kind == MetricType::Unknown;
            has_exemplar = !is_unknown;
            told.irregular |= found.irregular || is_unknown;
            told.bits |= found.quoted_bits;
            self.families.index.quoted |= found.quoted_bits != 0;
            self.families.index.quoted_bits |= found.quoted_bits;
            end = found.end;
        }
        match byte(bytes, end) {
            b'\n' => {}
            0 => return Err(Fault::syntax(end, "the page does not end with `# EOF`")),
            b'\r' => return Err(Fault::syntax(end, CARRIAGE_RETURN)),
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
            group: group.hash,
            bound: group.bound.of(bytes),
            quantile: group.quantile.of(bytes),
            state: group.state,
            value: value.of(bytes),
            timestamp: timestamp.map(|span| span.of(bytes)),
            exemplar: has_exemplar,
        })?;
        Ok(end)
    }
}

/// Text: checks what follows the value. Gives the offset of the line feed, or the end of the body.
#[inline]
pub(super) fn text_end(
    bytes: &[u8],
    value_start: usize,
    value_end: usize,
    told: &mut Told,
) -> Step<usize> {
    match byte(bytes, value_end) {
        b'\n' | 0 => return Ok(value_end),
        b' ' | b'\t' | b'\r' => {}
        _ => return Err(value_fault(bytes, value_start)),
    }
    let mut end = skip_blanks(bytes, value_end);
    if !matches!(byte(bytes, end), b'\n' | b'\r' | 0) {
        let Some(stamp_end) = milliseconds(bytes, end)
            .filter(|end| matches!(byte(bytes, *end), b' ' | b'\t' | b'\n' | b'\r' | 0))
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
        if end == stamp_end && byte(bytes, end) != b'\r' {
            return Ok(end);
        }
    }
    let feed = end + usize::from(byte(bytes, end) == b'\r');
    match byte(bytes, feed) {
        b'\n' | 0 => {
            // Blanks at the end of the line: Prometheus skips them, Go's expfmt does not. A carriage return as on
            // Windows: neither takes it.
            told.irregular = true;
            Ok(feed)
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

/// Text: counts and buckets of a histogram are not negative, or Go's expfmt refuses the page.
#[cold]
fn check_not_negative(
    bytes: &[u8],
    owner: Owner,
    told: Told,
    start: usize,
    end: usize,
) -> Step<()> {
    let counts = owner.suffix == "_count" || (owner.suffix != "_sum" && told.bound);
    if counts && value(bytes.get(start..end).unwrap_or_default()) < 0.0 {
        return Err(Fault::syntax(start, "a histogram has a negative count"));
    }
    Ok(())
}

#[cold]
fn name_fault(bytes: &[u8], start: usize, at: usize) -> Box<Fault> {
    match byte(bytes, at) {
        0 | b'\n' | b'\r' => Fault::syntax(
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
        0 | b'\n' | b'\r' => Fault::syntax(at, "expected a value, found the end of the line"),
        _ => Fault::syntax(at, format!("expected a value, found {}", quote(found))),
    }
}
