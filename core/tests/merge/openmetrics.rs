//! Good pages in OpenMetrics 1.0, made up: all types, timestamps, exemplars, units, `_created`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::families::{
    LabelSet, Names, first_labels, needs_quotes, next_labels, plain, quoted, with,
};
use crate::tape::Tape;

/// Each type with what its samples can have after the name.
const TYPES: [(&str, &[&str]); 9] = [
    ("gauge", &[""]),
    ("counter", &["_total", "_created"]),
    ("histogram", &["_bucket", "_count", "_sum", "_created"]),
    ("summary", &["", "_count", "_sum", "_created"]),
    ("info", &["_info"]),
    ("stateset", &[""]),
    ("gaugehistogram", &["_bucket", "_gcount", "_gsum"]),
    ("unknown", &[""]),
    ("", &[""]),
];
const BOUNDS: [&str; 6] = ["-2.5", "0.1", "0.25", "1.0", "1e3", "+Inf"];
const GAUGES: [&str; 8] = ["1", "0", "-1.5", "2.5e7", "NaN", "+Inf", "-Inf", ".5"];
const TOTALS: [&str; 5] = ["0", "1", "1.5", "1e3", "9007199254740993"];
const EXEMPLARS: [&str; 8] = [
    r#" # {trace_id="KOO5S4vxi0o"} 0.67"#,
    " # {} 1",
    r#" # {trace_id="4bf92f3577b34da6",span="}"} 9.8 1520879607.789"#,
    r#" # {a="\\ \n"} 1"#,
    r#" # {a="\""} 1"#,
    r#" # {"trace.id"="KOO5S4vxi0o","a"="\\n"} 0.67"#,
    r#" # {"a"="b"} 1"#,
    r#" # {"a\""="b"} 1"#,
];

/// A page of several families.
pub(crate) fn page(tape: &mut Tape, names: Names) -> String {
    let mut page = OpenMetrics {
        out: String::new(),
        reserved: BTreeSet::new(),
        braced: false,
    };
    for _ in 0..=tape.below(5) {
        page.family(tape, names);
    }
    page.out + "# EOF\n"
}

struct OpenMetrics {
    out: String,
    reserved: BTreeSet<String>,
    /// Names of metrics stand in the braces, whether they need that or not.
    braced: bool,
}

impl OpenMetrics {
    fn family(&mut self, tape: &mut Tape, names: Names) {
        let (kind, suffixes) = TYPES[tape.below(TYPES.len())];
        let word = if kind.is_empty() { "bare" } else { kind };
        let name = names.pick(tape, word);
        let takes_unit = !matches!(kind, "info" | "stateset" | "");
        let unit = takes_unit && tape.rarely(4);
        let name = if unit { name + "_seconds" } else { name };
        let wanted: Vec<String> = suffixes
            .iter()
            .chain(&[""])
            .map(|suffix| format!("{name}{suffix}"))
            .collect();
        if wanted.iter().any(|name| self.reserved.contains(name)) {
            return;
        }
        self.reserved.extend(wanted);
        if !kind.is_empty() {
            let name = quoted(&name, tape.rarely(6));
            let mut lines = vec![format!("# TYPE {name} {kind}\n")];
            if unit {
                lines.push(format!("# UNIT {name} seconds\n"));
            }
            if !tape.rarely(3) {
                let help = ["Some help.", "", r#"\"quoted\" \\ and \n"#, "é"][tape.below(4)];
                lines.insert(
                    tape.below(lines.len() + 1),
                    format!("# HELP {name} {help}\n"),
                );
            }
            self.out.push_str(&lines.concat());
        }
        // A state's label has the name of the metric.
        let mut labels = first_labels(tape, &name);
        for _ in 0..tape.below(5) {
            self.braced = tape.rarely(6);
            self.group(tape, &name, kind, &labels);
            labels = next_labels(tape, &labels, &name);
        }
    }

    /// All samples of one metric, at one moment or at two.
    fn group(&mut self, tape: &mut Tape, name: &str, kind: &str, labels: &LabelSet) {
        let stamps: &[&str] = match tape.below(6) {
            _ if kind == "info" => &[""],
            0..=3 => &[""],
            4 => &[" 1700000000.5"],
            // Histograms of several moments are refused, see `exposition/groups.rs`.
            _ if kind.contains("histogram") => &[" -5"],
            _ => &[" -5", " 17"],
        };
        for stamp in stamps {
            self.at_one_moment(tape, name, kind, labels, stamp);
        }
    }

    fn at_one_moment(
        &mut self,
        tape: &mut Tape,
        name: &str,
        kind: &str,
        labels: &LabelSet,
        stamp: &str,
    ) {
        match kind {
            "counter" => {
                let exemplar = exemplar(tape);
                let end = format!("{}{stamp}{exemplar}", tape.of(&TOTALS));
                self.line(name, "_total", labels, &end);
            }
            "histogram" | "gaugehistogram" => {
                return self.histogram(tape, name, kind, labels, stamp);
            }
            "summary" => {
                for quantile in ["0.5", "0.99"] {
                    let labels = with(tape, labels, "quantile", quantile);
                    let value = ["1", "0", "NaN", "+Inf"][tape.below(4)];
                    self.line(name, "", &labels, &format!("{value}{stamp}"));
                }
                self.line(name, "_count", labels, &format!("17{stamp}"));
                self.line(name, "_sum", labels, &format!("0.5{stamp}"));
            }
            "info" => self.line(name, "_info", labels, "1"),
            "stateset" => {
                for state in ["on", "off", "in \\\"between\\\""] {
                    let labels = with(tape, labels, &quoted(name, self.braced), state);
                    let value = tape.below(2);
                    self.line(name, "", &labels, &format!("{value}{stamp}"));
                }
            }
            _ => {
                let value = tape.of(&GAUGES);
                self.line(name, "", labels, &format!("{value}{stamp}"));
            }
        }
        if matches!(kind, "counter" | "summary") && tape.rarely(3) {
            self.line(name, "_created", labels, &format!("1.5e9{stamp}"));
        }
    }

    fn histogram(
        &mut self,
        tape: &mut Tape,
        name: &str,
        kind: &str,
        labels: &LabelSet,
        stamp: &str,
    ) {
        let from = tape.below(BOUNDS.len());
        let mut count = 0;
        for bound in &BOUNDS[from..] {
            count += tape.below(9);
            let labels = with(tape, labels, "le", bound);
            let exemplar = exemplar(tape);
            self.line(
                name,
                "_bucket",
                &labels,
                &format!("{count}{stamp}{exemplar}"),
            );
        }
        let below_zero = from == 0;
        let gauge = kind == "gaugehistogram";
        // A sum makes no sense when there are buckets below zero, says the specification; for gauges it does.
        if (gauge || !below_zero) && !tape.rarely(4) {
            let (count_name, sum_name) = if gauge {
                ("_gcount", "_gsum")
            } else {
                ("_count", "_sum")
            };
            self.line(name, count_name, labels, &format!("{count}{stamp}"));
            self.line(name, sum_name, labels, &format!("1.25{stamp}"));
        }
        if !gauge && tape.rarely(3) {
            self.line(name, "_created", labels, &format!("1500000000.25{stamp}"));
        }
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &LabelSet, end: &str) {
        let inside = plain(labels);
        let comma = if inside.is_empty() { "" } else { "," };
        let _ = if self.braced || needs_quotes(name) {
            writeln!(self.out, "{{\"{name}{suffix}\"{comma}{inside}}} {end}")
        } else if inside.is_empty() {
            writeln!(self.out, "{name}{suffix} {end}")
        } else {
            writeln!(self.out, "{name}{suffix}{{{inside}}} {end}")
        };
    }
}

fn exemplar(tape: &mut Tape) -> &'static str {
    if tape.rarely(3) {
        EXEMPLARS[tape.below(EXEMPLARS.len())]
    } else {
        ""
    }
}
