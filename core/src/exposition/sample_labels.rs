//! The labels of a sample: `{name="value",…}`.
//!
//! The names mostly are those of the sample before at the same place, so they are compared with these first.

use super::MetricType;
use super::bytes::{LABEL, LABEL_START, byte, is, skip, skip_blanks, value_stop};
use super::error::{Fault, Step, quote, word};
use super::families::Owner;
use super::names::{Known, MAX_LABEL_NAMES, Role, hash, is_reserved_label};
use super::number::is_number;
use super::page::{Span, Splice};
use super::quoted;
use super::scanner::{Group, Place, Scanner, Told};

/// Where the check of labels begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// At this offset: the name of the first label, or the closing brace.
    Name(usize),
    /// At the value of this label, which is where it was in the latest sample.
    Value(usize),
}

/// The labels of one sample.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) told: Told,
    pub(super) group: Group,
    /// How many there are.
    pub(super) count: usize,
    /// The offset after `}`, or after the name when there are no braces.
    pub(super) end: usize,
    /// Where added labels go, and how.
    pub(super) mark: usize,
    pub(super) splice: Splice,
}

impl Scanner<'_> {
    /// Checks the labels up to the closing brace.
    #[inline]
    pub(super) fn labels<const OM: bool>(
        &mut self,
        start: usize,
        from: From,
        owner: Owner,
    ) -> Step<Labels> {
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
                        let (known, value) =
                            self.new_label::<OM>(name, place, &mut new_names, &mut told)?;
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
        told: &mut Told,
    ) -> Step<(Known, usize)> {
        let bytes = self.bytes;
        let in_quotes = byte(bytes, at) == b'"';
        let (start, end) = if is(byte(bytes, at), LABEL_START) {
            (at, skip(bytes, at, LABEL))
        } else if in_quotes {
            quoted::name(bytes, at)?
        } else {
            return Err(label_fault(bytes, at));
        };
        let name = bytes.get(start..end).unwrap_or_default();
        let end_of_name = end + usize::from(in_quotes);
        // Text has no rule for the others with two underscores, and Go's expfmt takes them.
        if name == b"__name__" || (OM && is_reserved_label(name)) {
            return Err(Fault::syntax(
                at,
                format!("the label name {} is reserved", quote(name)),
            ));
        }
        let equals = if OM {
            end_of_name
        } else {
            skip_blanks(bytes, end_of_name)
        };
        if byte(bytes, equals) != b'=' {
            return Err(quoted::equals_fault(bytes, equals, name, in_quotes));
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
        let Some(mut known) = self.families.index.label_names.intern(bytes, start, end) else {
            return Err(Fault::too_large(
                at,
                format!("more than {MAX_LABEL_NAMES} different label names"),
            ));
        };
        if in_quotes {
            known = self.note_label_name(known, (start, end), told);
        }
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

#[cold]
fn label_fault(bytes: &[u8], at: usize) -> Box<Fault> {
    match byte(bytes, at) {
        0 | b'\n' => Fault::syntax(at, "the labels do not end on this line"),
        _ => Fault::syntax(
            at,
            format!("expected a label name, found {}", quote(word(bytes, at))),
        ),
    }
}
