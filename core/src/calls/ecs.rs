//! The call metrics exactly as the ECS agent wrote its own, in versions 1.24 to 1.84: names, help texts, order, numbers.
//!
//! The agent had four parts, `DockerAPI`, `TaskEngine`, `StateManager` and `ECSClient`, each with families of its own.
//! Here each part has: its name becomes one in the agent's manner (`cloud_controller` is `CloudController`), and so do
//! the names of calls (`tls_handshake` is `TLS_HANDSHAKE`). Names that are in this manner already stay.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Call, CallLabels};

/// The calls of one name in one part.
#[derive(Debug, Default)]
struct Sum {
    started: u64,
    ended: u64,
    seconds: f64,
    last: f64,
    last_ended: Option<std::time::Instant>,
}

impl Sum {
    /// Adds a kind of calls. Mostly it is the only one, but two names may become one here.
    fn add(&mut self, call: &Call) {
        let tally = call.lock();
        self.started += tally.started;
        self.ended += tally.ended;
        self.seconds += tally.seconds;
        if tally.last_ended >= self.last_ended {
            self.last = tally.last;
            self.last_ended = tally.last_ended;
        }
    }
}

/// All families of all parts that were used. In OpenMetrics the counter has no type: its samples lack the suffix that
/// OpenMetrics wants.
pub(super) fn page(kinds: &[(CallLabels, Call)], is_open: bool) -> String {
    let mut parts: BTreeMap<String, BTreeMap<String, Sum>> = BTreeMap::new();
    for (labels, call) in kinds {
        let part = parts.entry(part(&labels.api)).or_default();
        part.entry(call_name(&labels.call)).or_default().add(call);
    }
    let mut out = String::new();
    for (part, calls) in &parts {
        write_part(part, calls, is_open, &mut out);
    }
    out
}

fn write_part(part: &str, calls: &BTreeMap<String, Sum>, is_open: bool, out: &mut String) {
    let started = || calls.iter().filter(|(_, sum)| sum.started > 0);
    let ended = || calls.iter().filter(|(_, sum)| sum.ended > 0);
    if started().next().is_some() {
        let name = format!("AgentMetrics_{part}_call_count");
        let kind = if is_open { "unknown" } else { "counter" };
        head(&name, "", kind, out);
        for (call, sum) in started() {
            sample(&name, call, &float(sum.started as f64), out);
        }
    }
    // As in the agent, there is nothing until a call has ended.
    if ended().next().is_none() {
        return;
    }
    let name = format!("AgentMetrics_{part}_call_duration");
    head(
        &name,
        &format!("{part} call duration in seconds individual"),
        "gauge",
        out,
    );
    for (call, sum) in ended() {
        sample(&name, call, &float(sum.last), out);
    }
    let name = format!("AgentMetrics_{part}_duration_seconds");
    head(
        &name,
        &format!("{part} call duration in seconds"),
        "summary",
        out,
    );
    for (call, sum) in ended() {
        sample(&format!("{name}_sum"), call, &float(sum.seconds), out);
        sample(&format!("{name}_count"), call, &sum.ended.to_string(), out);
    }
}

/// Writing to a String does not fail, here and below.
fn head(name: &str, help: &str, kind: &str, out: &mut String) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(name: &str, call: &str, value: &str, out: &mut String) {
    let call = call
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"");
    let _ = writeln!(out, "{name}{{Call=\"{call}\"}} {value}");
}

/// The name of a part: words begin with a capital and stand together, of ASCII letters and digits.
fn part(api: &str) -> String {
    let words = api.split(|character: char| !character.is_ascii_alphanumeric());
    let mut name = String::with_capacity(api.len());
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    if name.is_empty() {
        "Unnamed".into()
    } else {
        name
    }
}

/// The name of a call: one in small letters gets capitals.
fn call_name(call: &str) -> String {
    let is_small = call
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_small {
        call.to_ascii_uppercase()
    } else {
        call.to_owned()
    }
}

/// A number as Go writes it (format `g` with the fewest digits): below 0.0001 and from a million on with an exponent,
/// which has two digits or more.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value == 0.0 || (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (value, want) in [
            (0.0, "0"),
            (1.0, "1"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (21_000_000.5, "2.10000005e+07"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_099_99, "9.999e-05"),
            (2.493e-6, "2.493e-06"),
            (0.010_211_301, "0.010211301"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(float(value), want);
        }
    }

    #[test]
    fn names_are_in_the_manner_of_the_agent() {
        for (api, want) in [
            ("fetch", "Fetch"),
            ("cloud_controller", "CloudController"),
            ("DockerAPI", "DockerAPI"),
            ("ECSClient", "ECSClient"),
            ("my own-api.v2", "MyOwnApiV2"),
            ("9lives", "9lives"),
            ("äpfel", "Pfel"),
            ("\"}\n", "Unnamed"),
        ] {
            assert_eq!(part(api), want);
        }
        for (call, want) in [
            ("tls_handshake", "TLS_HANDSHAKE"),
            ("v2", "V2"),
            ("PULL_IMAGE", "PULL_IMAGE"),
            ("DescribeTasks", "DescribeTasks"),
            ("a call", "a call"),
        ] {
            assert_eq!(call_name(call), want);
        }
    }
}
