//! Good pages in text 0.0.4, made up: all types, and everything sloppy that Prometheus puts up with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::families::{
    LabelSet, Names, first_labels, needs_quotes, next_labels, plain, quoted, with,
};
use crate::tape::Tape;

const TYPES: [&str; 6] = ["gauge", "counter", "histogram", "summary", "untyped", ""];
const BOUNDS: [&str; 6] = ["0.1", "0.25", "1.0", "1e3", "10000", "+Inf"];
const QUANTILES: [&str; 3] = ["0.5", "0.99", "1"];
const COUNTS: [&str; 6] = ["0", "1", "17", "17.0", "1e3", "9007199254740993"];
const NUMBERS: [&str; 12] = [
    "1",
    "0",
    "1.5",
    "2.5E7",
    "1e-9",
    ".5",
    "1.",
    "+Inf",
    "NaN",
    "inf",
    "1.7976931348623157e308",
    "00012",
];
const BELOW_ZERO: [&str; 3] = ["-1", "-Inf", "-0.0"];

/// A page of several families, some of which appear again.
pub(crate) fn page(tape: &mut Tape, names: Names) -> String {
    let mut page = Text {
        out: String::new(),
        used: BTreeMap::new(),
        names,
    };
    if tape.rarely(8) {
        page.out.push('\u{feff}');
    }
    for _ in 0..=tape.below(5) {
        page.family(tape);
        page.filler(tape);
    }
    if tape.rarely(6) && page.out.ends_with('\n') {
        page.out.pop();
    }
    page.out
}

struct Text {
    out: String,
    /// The families so far with their types: one that appears again keeps its type.
    used: BTreeMap<String, &'static str>,
    names: Names,
}

impl Text {
    fn family(&mut self, tape: &mut Tape) {
        let kind = tape.of(&TYPES);
        let word = if kind.is_empty() { "bare" } else { kind };
        let name = self.names.pick(tape, word);
        let kind = match self.used.get(&name) {
            Some(known) => known,
            None => {
                self.used.insert(name.clone(), kind);
                if !kind.is_empty() {
                    self.metadata(tape, &name, kind);
                }
                kind
            }
        };
        let mut labels = first_labels(tape, "");
        for _ in 0..=tape.below(4) {
            self.series(tape, &name, kind, &labels);
            labels = next_labels(tape, &labels, "");
        }
    }

    fn metadata(&mut self, tape: &mut Tape, name: &str, kind: &str) {
        let help = ["Some help.", "", r"C:\dir \\ and \n", "  é "][tape.below(4)];
        let kind = if tape.rarely(8) {
            kind.to_uppercase()
        } else {
            kind.to_owned()
        };
        let end = if tape.rarely(8) { "\r\n" } else { "\n" };
        let help = format!("# HELP {} {help}{end}", quoted(name, tape.rarely(6)));
        let kind = format!("# TYPE {} {kind}{end}", quoted(name, tape.rarely(6)));
        self.out.push_str(&match tape.below(6) {
            0 => help + &kind,
            1 => kind + &help,
            2 => kind,
            3 => help.clone() + &kind + &help,
            4 => kind.replacen("# TYPE ", "#\tTYPE  ", 1),
            _ => format!("  {kind}"),
        });
    }

    fn series(&mut self, tape: &mut Tape, name: &str, kind: &str, labels: &LabelSet) {
        match kind {
            "histogram" => {
                let from = tape.below(BOUNDS.len());
                for bound in &BOUNDS[from..] {
                    let labels = with(tape, labels, "le", bound);
                    self.line(tape, &format!("{name}_bucket"), &labels, &COUNTS);
                }
                self.line(tape, &format!("{name}_sum"), labels, &NUMBERS);
                self.line(tape, &format!("{name}_count"), labels, &COUNTS);
            }
            "summary" => {
                for quantile in QUANTILES {
                    let labels = with(tape, labels, "quantile", quantile);
                    self.line(tape, name, &labels, &NUMBERS);
                }
                self.line(tape, &format!("{name}_sum"), labels, &NUMBERS);
                self.line(tape, &format!("{name}_count"), labels, &COUNTS);
            }
            // A shared name may be that of a histogram's count.
            _ if tape.rarely(5) && matches!(self.names, Names::ByType) => {
                self.line(tape, name, labels, &BELOW_ZERO)
            }
            _ => self.line(tape, name, labels, &NUMBERS),
        }
    }

    fn line(&mut self, tape: &mut Tape, name: &str, labels: &LabelSet, values: &[&str]) {
        let value = tape.of(values);
        let stamp = ["", " 1700000000000", " 17", " 0"][tape.below(4)];
        let mut inside = plain(labels);
        let mut name = name.to_owned();
        let mut has_labels = !labels.is_empty();
        let mut tricky = has_tricky_value(labels);
        // The name goes into the braces.
        if tape.rarely(6) || needs_quotes(&name) {
            tricky |= name.contains(['"', '=']);
            let comma = if has_labels { "," } else { "" };
            inside = format!("\"{name}\"{comma}{inside}");
            name.clear();
            has_labels = true;
        }
        let spaced = inside.replace("\",", "\" ,\t").replace("=\"", " = \"");
        let _ = match (tape.below(10), has_labels) {
            (6, false) => writeln!(self.out, "{name}{{}} {value}{stamp}"),
            (7, false) => writeln!(self.out, "\t{name} {{ }}\t{value}{stamp}"),
            (9, false) => writeln!(self.out, "{name} {value}{stamp}\r"),
            (_, false) => writeln!(self.out, "{name} {value}{stamp}"),
            (5 | 6, _) => writeln!(self.out, "{name}{{{inside},}} {value}{stamp}"),
            (7, _) if !tricky => {
                writeln!(self.out, " {name} {{ {spaced} , }}  {value} {stamp}")
            }
            (8, _) => writeln!(self.out, "{name}{{{inside}}}{value}{stamp}"),
            (9, _) => writeln!(self.out, "{name}{{{inside}}} {value}{stamp} \t"),
            (4, _) => writeln!(self.out, "{name}{{{inside}}} {value}{stamp}\r"),
            _ => writeln!(self.out, "{name}{{{inside}}} {value}{stamp}"),
        };
    }

    fn filler(&mut self, tape: &mut Tape) {
        self.out.push_str(
            [
                "",
                "",
                "\n",
                "# a comment\n",
                "#\n",
                "  \n",
                "\r\n",
                "# HELPFUL x\n",
                "#HELP x y\n",
            ][tape.below(9)],
        );
    }
}

/// Whether putting blanks around the punctuation would change a value.
fn has_tricky_value(labels: &LabelSet) -> bool {
    labels.iter().any(|(name, value)| {
        value.contains(['"', '=']) || name.trim_matches('"').contains(['"', '='])
    })
}
