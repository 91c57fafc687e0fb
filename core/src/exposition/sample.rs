//! Sample lines: `name{label="value",…} value timestamp`.
//!
//! The hot path of the scan. Lines begin like the one before, so the two are compared first, as a whole:
//! what is equal was checked already, and the check goes on at the value of the label where they part. A line that
//! begins differently is compared with the family's name and with the label names of the line before. `OM` is
//! OpenMetrics, where every blank counts; in text, blanks and tabs may stand between all tokens.

use super::MetricType;
use super::bytes::{
    LABEL, LABEL_START, NAME, byte, common_prefix, is, skip, skip_blanks, value_stop,
};
use super::error::{Fault, Step, quote};
use super::exemplar::exemplar;
use super::families::Owner;
use super::groups::Sample;
use super::names::{Known, MAX_LABEL_NAMES, Role, hash, is_reserved_label};
use super::number::{is_number, milliseconds, number, value};
use super::page::{Mark, Span, Splice};
use super::scan::Scanner;

/// The sample before the one at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    start: usize,
    name_len: usize,
    owner: Owner,
    /// How many labels it has.
    labels: usize,
}

/// One label of the latest sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    known: Known,
    /// Where its value begins, counted from the start of the sample.
    value: usize,
    /// What the labels before it told.
    before: Told,
    before_group: Group,
}

/// What the labels of one sample told so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// One bit for each name.
    bits: u64,
    /// An escape that strict readers do not know.
    irregular: bool,
    /// There is a label `le`.
    bound: bool,
}

/// The same for OpenMetrics alone; nothing of it changes in text.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Hash of the labels that make the group.
    hash: u64,
    /// The values of `le` and `quantile`; empty when there are none.
    bound: Span,
    quantile: Span,
    /// There is a label with the family's name.
    state: bool,
}

/// Where the check of labels begins.
#[derive(Clone, Copy, Debug)]
enum From {
    /// At this offset: the name of the first label, or the closing brace.
    Name(usize),
    /// At the value of this label, which is where it was in the latest sample.
    Value(usize),
}

/// The labels of one sample.
#[derive(Debug)]
struct Labels {
    told: Told,
    group: Group,
    /// How many there are.
    count: usize,
    /// The offset after `}`, or after the name when there are no braces.
    end: usize,
    /// Where added labels go, and how.
    mark: usize,
    splice: Splice,
}

impl Scanner<'_> {
    /// Checks the sample whose name begins at `start` and notes it. Gives the start of the next line.
    #[inline]
    pub(super) fn sample<const OM: bool>(&mut self, start: usize) -> Step<usize> {
        let bytes = self.bytes;
        let (name_end, owner, from) = match self.resume(start) {
            Some((name_len, owner, place)) => (start + name_len, owner, Some(From::Value(place))),
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
        let labels = match from {
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

    /// Checks the labels up to the closing brace.
    #[inline]
    fn labels<const OM: bool>(&mut self, start: usize, from: From, owner: Owner) -> Step<Labels> {
        let bytes = self.bytes;
        let mut new_names = false;
        let (mut told, mut group) = (Told::default(), Group::default());
        let (mut at, mut place, mut resumed) = match from {
            From::Name(at) => (at, 0, false),
            From::Value(place) => (start, place, true),
        };
        loop {
            let (id, bit, role) = match self.places.get_mut(place) {
                Some(latest) if resumed => {
                    resumed = false;
                    told = latest.before;
                    if OM {
                        group = latest.before_group;
                    }
                    at = start + latest.value;
                    latest.known.parts()
                }
                latest => match latest
                    .and_then(|latest| Some((latest.known.matches(bytes, at)?, latest)))
                {
                    Some((value, latest)) => {
                        at = value;
                        (latest.value, latest.before) = (at - start, told);
                        if OM {
                            latest.before_group = group;
                        }
                        latest.known.parts()
                    }
                    None => {
                        let name = if OM { at } else { skip_blanks(bytes, at) };
                        if byte(bytes, name) == b'}' && (!OM || place == 0) {
                            return Ok(Labels {
                                told,
                                group,
                                count: place,
                                end: name + 1,
                                mark: at,
                                splice: Splice::Plain,
                            });
                        }
                        let (known, value) = self.new_label::<OM>(name, place, &mut new_names)?;
                        at = value;
                        self.places.push(Place {
                            known,
                            value: at - start,
                            before: told,
                            before_group: group,
                        });
                        known.parts()
                    }
                },
            };
            place += 1;
            let value_start = at;
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
                            _ => told.irregular |= !OM,
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
            told.bits |= bit;
            told.bound |= role == Role::Bound;
            if OM {
                self.note_group(owner, id, role, value, escapes, &mut group);
            } else if role != Role::Plain {
                check_role(bytes, owner, role, value)?;
            }
            let mark = at;
            if !OM {
                at = skip_blanks(bytes, at);
            }
            match byte(bytes, at) {
                b',' => at += 1,
                b'}' => {
                    return Ok(Labels {
                        told,
                        group,
                        count: place,
                        end: at + 1,
                        mark,
                        splice: Splice::Comma,
                    });
                }
                _ => {
                    return Err(Fault::syntax(
                        at,
                        "expected `,` or `}` after the label value",
                    ));
                }
            }
            // The trailing comma of Java's clients.
            if !OM && byte(bytes, at) == b'}' {
                return Ok(Labels {
                    told,
                    group,
                    count: place,
                    end: at + 1,
                    mark: at,
                    splice: Splice::Plain,
                });
            }
        }
    }

    /// Checks the label name at `at`, which is not the latest one at this place, and makes room for it there.
    /// Gives the start of its value.
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
            for earlier in self.places.iter().take(place) {
                if let Some(line) = self.last_line.get_mut(earlier.known.id as usize) {
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
        self.places.truncate(place);
        Ok((known, opening + 1))
    }

    /// OpenMetrics: adds the label to the hash of the group, unless it tells samples of one group apart.
    fn note_group(
        &mut self,
        owner: Owner,
        id: u32,
        role: Role,
        value: Span,
        escapes: bool,
        group: &mut Group,
    ) {
        match role {
            Role::Bound => group.bound = value,
            Role::Quantile => group.quantile = value,
            Role::Plain => {}
        }
        let state = owner.kind == MetricType::StateSet && self.is_family_name(owner.family, id);
        group.state |= state;
        let apart = match (owner.kind, owner.suffix) {
            (MetricType::Info, _) => true,
            (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => role == Role::Bound,
            (MetricType::Summary, "") => role == Role::Quantile,
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
        let place = (u64::from(id) << 1 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        group.hash = group.hash.wrapping_add((value ^ place).wrapping_mul(place));
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
            has_exemplar = true;
            told.irregular |= found.escaped_quote;
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
fn text_end(bytes: &[u8], value_start: usize, value_end: usize, told: &mut Told) -> Step<usize> {
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
            told.irregular = true;
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

/// Text: `le` and `quantile` must be numbers where the type gives them a meaning.
fn check_role(bytes: &[u8], owner: Owner, role: Role, value: Span) -> Step<()> {
    let (kind, name) = match role {
        Role::Bound => (MetricType::Histogram, "le"),
        Role::Quantile => (MetricType::Summary, "quantile"),
        Role::Plain => return Ok(()),
    };
    if owner.kind == kind && !is_number(value.of(bytes)) {
        let message = format!(
            "the label `{name}` of a {} is no number: {}",
            kind.word(super::Format::Text),
            quote(value.of(bytes))
        );
        return Err(Fault::syntax(value.start as usize, message));
    }
    Ok(())
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
