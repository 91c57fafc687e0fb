//! What a key's value may be. One parser for file, environment and options, so that all three take the same.

use std::fmt;
use std::time::Duration;

use ipnet::IpNet;

use super::scalars;

/// The kind of value of a key, with the range that is allowed.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that never shows in a message.
    Secret,
    /// A truth value.
    Bool,
    /// A whole number.
    Integer { min: u64, max: u64 },
    /// A number of things of which promfetcher's Go takes any negative one for none given.
    Count { max: u64 },
    /// A number of bytes.
    Size { min: u64, max: u64 },
    /// A duration in Go's form.
    Duration { min: Duration, max: Duration },
    /// A whole number of seconds, as promfetcher has it; Go's form is taken too.
    Seconds { max: u64 },
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A range of IP addresses.
    Network,
    /// PEM text with certificates. It is checked where it is used: promfetcher's files may hold unused ones.
    Certificates,
    /// PEM text with a private key; never shown.
    PrivateKey,
    /// A text with a form of its own.
    Checked {
        /// What it is, for the documentation.
        what: &'static str,
        /// Says what is allowed when the text is not.
        check: fn(&str) -> Result<(), String>,
        /// Whether a wrong value may be shown.
        shown: bool,
    },
}

/// A value that was read.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Also for secrets, choices (in lower case), PEM and checked texts.
    Text(String),
    Bool(bool),
    Integer(u64),
    Duration(Duration),
    Network(IpNet),
}

impl fmt::Debug for Value {
    /// Only the kind: the text may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Bool(_) => "Bool",
            Self::Integer(_) => "Integer",
            Self::Duration(_) => "Duration",
            Self::Network(_) => "Network",
        })
    }
}

impl Kind {
    /// Reads a value of this kind.
    ///
    /// # Errors
    /// A clause that says what is allowed. It does not hold the value.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text | Self::Secret => Ok(Value::Text(text.to_owned())),
            Self::Certificates | Self::PrivateKey => Ok(Value::Text(pem_lines(text))),
            Self::Bool => scalars::boolean(text).map(Value::Bool),
            Self::Integer { min, max } => {
                within(scalars::integer(text), min, max, || self.describe()).map(Value::Integer)
            }
            Self::Count { max } => {
                let digits = text.trim().strip_prefix('-');
                if digits.is_some_and(|digits| scalars::integer(digits).is_ok()) {
                    return Ok(Value::Integer(0));
                }
                within(scalars::integer(text), &0, max, || self.describe()).map(Value::Integer)
            }
            Self::Size { min, max } => {
                within(scalars::size(text), min, max, || self.describe()).map(Value::Integer)
            }
            Self::Duration { min, max } => match (
                within(scalars::duration(text), min, max, || self.describe()),
                scalars::integer(text),
            ) {
                (Err(reason), Ok(1..)) => Err(format!(
                    "{reason}; a number without a unit counts nanoseconds, as in Go"
                )),
                (result, _) => result.map(Value::Duration),
            },
            Self::Seconds { max } => {
                let seconds = scalars::integer(text)
                    .map(Duration::from_secs)
                    .or_else(|_| scalars::duration(text));
                within(seconds, &Duration::ZERO, &Duration::from_secs(*max), || {
                    self.describe()
                })
                .map(Value::Duration)
            }
            Self::Choice(words) => {
                let word = text.trim().to_ascii_lowercase();
                if words.contains(&word.as_str()) {
                    Ok(Value::Text(word))
                } else {
                    Err(format!("expected {}", self.describe()))
                }
            }
            Self::Network => scalars::network(text).map(Value::Network),
            Self::Checked { check, .. } => check(text).map(|()| Value::Text(text.to_owned())),
        }
    }

    /// Whether a wrong value may be shown. Secrets may not, and PEM texts are too long to help.
    pub fn is_shown(&self) -> bool {
        match self {
            Self::Secret | Self::Certificates | Self::PrivateKey => false,
            Self::Checked { shown, .. } => *shown,
            _ => true,
        }
    }

    /// What is allowed, for messages and documentation: `a whole number from 1 to 65535`.
    pub fn describe(&self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Secret => "a secret text".into(),
            Self::Bool => "`true` or `false`".into(),
            Self::Integer { min, max: u64::MAX } => format!("a whole number, at least {min}"),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Count { max } => {
                format!("a whole number up to {max}; a negative one counts as 0")
            }
            Self::Size { min, max } => format!(
                "a size from {} to {}",
                scalars::size_text(*min),
                scalars::size_text(*max)
            ),
            Self::Duration { min, max } => format!(
                "a duration from {} to {}",
                scalars::duration_text(*min),
                scalars::duration_text(*max)
            ),
            Self::Seconds { max } => format!("a whole number of seconds from 0 to {max}"),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Network => "a range of addresses (CIDR) or one address".into(),
            Self::Certificates => "certificates as PEM text".into(),
            Self::PrivateKey => "a private key as PEM text, secret".into(),
            Self::Checked { what, .. } => (*what).into(),
        }
    }
}

/// The value if it is within the range; else what the range is.
fn within<T: PartialOrd>(
    value: Result<T, String>,
    min: &T,
    max: &T,
    describe: impl Fn() -> String,
) -> Result<T, String> {
    let value = value?;
    if value < *min || value > *max {
        Err(format!("expected {}", describe()))
    } else {
        Ok(value)
    }
}

/// PEM text on one line with `\n` written out, as it comes out of environments and templates, gets its lines back.
fn pem_lines(text: &str) -> String {
    if text.trim_end().contains('\n') {
        text.to_owned()
    } else {
        text.replace("\\n", "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn ranges_are_kept_and_named() {
        let port = Kind::Integer { min: 1, max: 65535 };
        let body = Kind::Size {
            min: 1024,
            max: 2 << 30,
        };
        let time = Kind::Duration {
            min: SECOND,
            max: HOUR,
        };
        let idle = Kind::Seconds { max: 600 };
        let level = Kind::Choice(&["debug", "info"]);
        for (kind, text, value) in [
            (port, "65535", Value::Integer(65535)),
            (body, "1KiB", Value::Integer(1024)),
            (time, "1h", Value::Duration(HOUR)),
            (time, "1000000000", Value::Duration(SECOND)),
            (idle, "30", Value::Duration(30 * SECOND)),
            (idle, "1m30s", Value::Duration(90 * SECOND)),
            (level, "INFO", Value::Text("info".into())),
        ] {
            assert!(kind.parse(text) == Ok(value), "{kind:?} {text}");
        }
        for (kind, text, message) in [
            (port, "0", "expected a whole number from 1 to 65535"),
            (port, "99999", "expected a whole number from 1 to 65535"),
            (
                Kind::Integer {
                    min: 1,
                    max: u64::MAX,
                },
                "0",
                "expected a whole number, at least 1",
            ),
            (body, "3GiB", "expected a size from 1KiB to 2GiB"),
            (
                time,
                "20",
                "expected a duration from 1s to 1h; a number without a unit counts nanoseconds, as in Go",
            ),
            (time, "2h", "expected a duration from 1s to 1h"),
            (
                time,
                "soon",
                "expected a duration such as `20s`, `1h30m` or `300ms`",
            ),
            (
                idle,
                "601",
                "expected a whole number of seconds from 0 to 600",
            ),
            (level, "verbose", "expected one of `debug`, `info`"),
        ] {
            assert_eq!(kind.parse(text).unwrap_err(), message, "{kind:?} {text}");
        }
    }

    #[test]
    fn pem_text_on_one_line_gets_its_lines_back() {
        for (text, lines) in [
            (
                r"-----BEGIN X-----\nAA==\n-----END X-----\n",
                "-----BEGIN X-----\nAA==\n-----END X-----\n",
            ),
            (
                "-----BEGIN X-----\nAA==\n-----END X-----\n",
                "-----BEGIN X-----\nAA==\n-----END X-----\n",
            ),
        ] {
            assert!(Kind::Certificates.parse(text) == Ok(Value::Text(lines.into())));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(
            !Kind::Secret.is_shown()
                && !Kind::PrivateKey.is_shown()
                && !Kind::Certificates.is_shown()
        );
        assert!(Kind::Text.is_shown() && Kind::Bool.is_shown());
        assert_eq!(format!("{:?}", Value::Text("hush".into())), "Text");
    }
}
