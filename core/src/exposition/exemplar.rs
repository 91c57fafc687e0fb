//! Exemplars: ` # {trace_id="…"} 0.5 1520879607.789` at the end of an OpenMetrics sample.

use super::bytes::{LABEL, LABEL_START, byte, is, skip, value_stop};
use super::error::{Fault, Step, quote};
use super::line::unescape;
use super::names::{bit, hash, is_reserved_label};
use super::number::{Stamp, number};
use super::quoted;
use crate::labels::is_label_name;

/// Characters of all label names and values together, by the OpenMetrics specification.
pub(super) const MAX_CHARACTERS: usize = 128;

/// An exemplar that follows its format.
#[derive(Debug)]
pub(super) struct Exemplar {
    /// The offset of the line feed after it.
    pub(super) end: usize,
    /// It holds an escaped quote. That is allowed, but `prometheus_client` loses count of the quotes, so the
    /// merge leaves the exemplar out. Or a name is in quotes without need.
    pub(super) irregular: bool,
    /// The bits of label names that need quotes, as those of a sample's labels.
    pub(super) quoted_bits: u64,
}

/// Checks the exemplar whose `{` is at `open`.
pub(super) fn exemplar(bytes: &[u8], open: usize) -> Step<Exemplar> {
    let mut at = open + 1;
    let mut names: Vec<&[u8]> = Vec::new();
    let mut characters = 0;
    let mut plain = Vec::new();
    let mut irregular = false;
    let mut quoted_bits = 0;
    while byte(bytes, at) != b'}' {
        if !names.is_empty() {
            if byte(bytes, at) != b',' {
                return Err(Fault::syntax(at, "expected `,` or `}` in the exemplar"));
            }
            at += 1;
        }
        let in_quotes = byte(bytes, at) == b'"';
        let (name_start, name_end) = if is(byte(bytes, at), LABEL_START) {
            (at, skip(bytes, at, LABEL))
        } else if in_quotes {
            quoted::name(bytes, at)?
        } else {
            (at, at)
        };
        let name = bytes.get(name_start..name_end).unwrap_or_default();
        if name.is_empty() || is_reserved_label(name) || names.contains(&name) {
            return Err(Fault::syntax(
                at,
                format!(
                    "{} is no name for a label of the exemplar, or stands twice",
                    quote(name)
                ),
            ));
        }
        if in_quotes {
            if is_label_name(name) {
                irregular = true;
            } else {
                irregular |= name.contains(&b'"');
                quoted_bits |= bit(hash(name));
            }
            plain.clear();
            unescape(name, &mut plain);
            characters += count(&plain);
        } else {
            characters += name.len();
        }
        let name_end = name_end + usize::from(in_quotes);
        if bytes.get(name_end..name_end + 2) != Some(b"=\"") {
            return Err(Fault::syntax(
                name_end,
                "expected `=\"` after the exemplar's label name",
            ));
        }
        names.push(name);
        let value_start = name_end + 2;
        at = value_start;
        let mut escapes = 0;
        loop {
            at = value_stop(bytes, at);
            match byte(bytes, at) {
                b'"' => break,
                b'\\' if !matches!(byte(bytes, at + 1), 0 | b'\n') => {
                    irregular |= byte(bytes, at + 1) == b'"';
                    escapes += usize::from(matches!(byte(bytes, at + 1), b'"' | b'\\' | b'n'));
                    at += 2;
                }
                _ => {
                    return Err(Fault::syntax(
                        at,
                        "the exemplar's label value does not end on this line",
                    ));
                }
            }
        }
        characters += count(bytes.get(value_start..at).unwrap_or_default()) - escapes;
        // Checked inside the loop: it also bounds the number of names.
        if characters > MAX_CHARACTERS {
            return Err(Fault::syntax(
                open,
                "the exemplar's labels have more than 128 characters",
            ));
        }
        at += 1;
    }
    let end = number_after_blank(bytes, at + 1, "the exemplar's value")?;
    if byte(bytes, end) == b'\n' {
        return Ok(Exemplar {
            end,
            irregular,
            quoted_bits,
        });
    }
    let stamp_end = number_after_blank(bytes, end, "the exemplar's timestamp")?;
    if Stamp::read(bytes.get(end + 1..stamp_end).unwrap_or_default()).is_none() {
        return Err(Fault::syntax(
            end + 1,
            "the exemplar's timestamp is out of range",
        ));
    }
    match byte(bytes, stamp_end) {
        b'\n' => Ok(Exemplar {
            end: stamp_end,
            irregular,
            quoted_bits,
        }),
        _ => Err(Fault::syntax(
            stamp_end,
            "expected the end of the line after the exemplar",
        )),
    }
}

/// The end of the number that stands after one blank at `at`.
fn number_after_blank(bytes: &[u8], at: usize, what: &str) -> Step<usize> {
    if byte(bytes, at) != b' ' {
        return Err(Fault::syntax(at, format!("expected a blank and {what}")));
    }
    number(bytes, at + 1)
        .filter(|end| matches!(byte(bytes, *end), b' ' | b'\n'))
        .ok_or_else(|| Fault::syntax(at + 1, format!("{what} is no number")))
}

/// Characters of UTF-8 text.
fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<bool, String> {
        match exemplar(format!("{text}\n").as_bytes(), 0) {
            Ok(found) => {
                assert_eq!(found.end, text.len(), "{text}");
                Ok(found.irregular)
            }
            Err(fault) => Err(fault.locate(text.as_bytes()).to_string()),
        }
    }

    #[test]
    fn exemplars_follow_the_specification() {
        let long = "x".repeat(127);
        for (text, want) in [
            (r#"{} 1"#, Ok(false)),
            (r#"{trace_id="KOO5S4vxi0o"} 0.67"#, Ok(false)),
            (
                r#"{trace_id="oHg5SJYRHA0",span="1"} 9.8 1520879607.789"#,
                Ok(false),
            ),
            (r#"{a="b\\\n}"} NaN -1.5"#, Ok(false)),
            (r#"{a="b\"c"} 1"#, Ok(true)),
            (&format!(r#"{{a="{long}"}} 1"#), Ok(false)),
            (
                &format!(r#"{{ab="{long}"}} 1"#),
                Err("line 1, column 1: the exemplar's labels have more than 128 characters"),
            ),
            (
                r#"{a="b",a="c"} 1"#,
                Err(
                    "line 1, column 8: `a` is no name for a label of the exemplar, or stands twice",
                ),
            ),
            (
                r#"{__a="b"} 1"#,
                Err(
                    "line 1, column 2: `__a` is no name for a label of the exemplar, or stands twice",
                ),
            ),
            (
                r#"{a="b",} 1"#,
                Err("line 1, column 8: `` is no name for a label of the exemplar, or stands twice"),
            ),
            (
                r#"{a="b" } 1"#,
                Err("line 1, column 7: expected `,` or `}` in the exemplar"),
            ),
            (
                r#"{a=b} 1"#,
                Err("line 1, column 3: expected `=\"` after the exemplar's label name"),
            ),
            (
                r#"{a="b} 1"#,
                Err("line 1, column 9: the exemplar's label value does not end on this line"),
            ),
            (
                r#"{}"#,
                Err("line 1, column 3: expected a blank and the exemplar's value"),
            ),
            (
                r#"{}  1"#,
                Err("line 1, column 4: the exemplar's value is no number"),
            ),
            (
                r#"{} 1 NaN"#,
                Err("line 1, column 6: the exemplar's timestamp is out of range"),
            ),
            (
                r#"{} 1 2 "#,
                Err("line 1, column 7: expected the end of the line after the exemplar"),
            ),
        ] {
            assert_eq!(check(text), want.map_err(str::to_owned), "{text}");
        }
    }
}
