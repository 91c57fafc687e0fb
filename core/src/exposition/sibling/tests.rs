//! A page scanned along another one is indexed as it is without.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{Limits, Page};
use super::*;

const LIMITS: Limits = Limits {
    max_samples: 60,
    max_line: 100,
};

/// All that a scan found, or its error.
fn scan(body: &[u8], limits: &Limits, like: Option<&Page>) -> Result<String, String> {
    let body = Bytes::copy_from_slice(body);
    let page = Page::scan_like(body, Format::Text, limits, like);
    let page = page.map_err(|error| error.to_string())?;
    let runs: Vec<_> = (0..)
        .map_while(|at| Some((page.run(at)?, page.marks(at))))
        .collect();
    let names: Vec<_> = (0..page.names().len())
        .map(|id| page.names().name(page.body(), id as u32).escape_ascii())
        .map(|name| name.to_string())
        .collect();
    Ok(format!("{:?}\n{runs:?}\n{names:?}", page.entries()))
}

fn check(template: &str, body: &[u8]) {
    let large = Limits {
        max_samples: 1000,
        max_line: 1000,
    };
    let template = Bytes::copy_from_slice(template.as_bytes());
    let Ok(template) = Page::scan(template, Format::Text, &large) else {
        return;
    };
    for limits in [LIMITS, large] {
        assert_eq!(
            scan(body, &limits, Some(&template)),
            scan(body, &limits, None),
            "{}\nlike\n{}",
            body.escape_ascii(),
            template.body().escape_ascii(),
        );
    }
}

const PAGE: &str = "\
# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 2\na_total{x=\"3\",y=\"z\"} 3\n\
# TYPE b gauge\nb 1\n\
# HELP h H\n# TYPE h histogram\nh_bucket{x=\"1\",le=\"1\"} 1\nh_bucket{x=\"1\",le=\"+Inf\"} 2\nh_sum{x=\"1\"} -3.5\nh_count{x=\"1\"} 2\n\
# HELP c C\n# TYPE c gauge\n# a comment\nc{z=\"1\",} 1e5\n\nc{z=\"2\",} -2 15\n\
u{v=\"1\"} 1\nu{v=\"2\"} 2\n";

#[test]
fn the_index_is_the_same_with_a_template_and_without() {
    for (change, why) in [
        (("", ""), "the same page"),
        (("} 2\n", "} 25.5\n"), "other values"),
        (("a_total{x=\"2\"} 2\n", ""), "a line is missing"),
        (
            ("a_total{x=\"3\",y=\"z\"} 3\n", ""),
            "the line with a name of its own is missing",
        ),
        (
            ("a_total{x=\"1\"} 1\n", "a_total{w=\"1\"} 1\n"),
            "another label name",
        ),
        (("x=\"2\"", "x=\"2\",new=\"é\""), "a new label name"),
        (("# TYPE b gauge\nb 1\n", ""), "a family is missing"),
        (
            ("# TYPE b gauge\n", "# TYPE d gauge\nd 1\n# TYPE b gauge\n"),
            "another family",
        ),
        (("# TYPE b gauge\n", "# TYPE b counter\n"), "another type"),
        (
            ("# TYPE b gauge\n", "# TYPE c gauge\n"),
            "another family of a name that comes again",
        ),
        (
            ("# TYPE h histogram\n", "# TYPE h gauge\n"),
            "its samples are no members any more",
        ),
        (
            ("h_count{x=\"1\"} 2", "h_count{x=\"1\"} -2"),
            "a negative count",
        ),
        (("h_sum{x=\"1\"} -3.5", "h_sum{x=\"1\"} x"), "no number"),
        (("b 1\n", "b 1 \n"), "blanks at the end"),
        (("b 1\n", "b 1 17\n"), "a timestamp"),
        (("b 1\n", "b 1\0\n"), "a NUL byte"),
        (
            ("u{v=\"2\"} 2\n", "u{v=\"2\"} 2"),
            "no line feed at the end",
        ),
        (("u{v=\"2\"} 2\n", "u{v=\"2\"} "), "no value at the end"),
        (
            ("u{v=\"1\"} 1\n", "a_total{x=\"9\"} 1\n"),
            "lines of a family apart",
        ),
    ] {
        assert!(PAGE.contains(change.0), "{why}");
        let other = PAGE.replacen(change.0, change.1, 1);
        check(PAGE, other.as_bytes());
        check(&other, PAGE.as_bytes());
    }
}

#[test]
fn lines_that_the_template_has_are_taken_from_it() {
    let template = Page::scan(Bytes::from(PAGE), Format::Text, &LIMITS).unwrap();
    let mut scanner = Scanner::new(PAGE.as_bytes(), Format::Text, &LIMITS, Some(&template));
    assert_eq!(
        scanner.follow(0),
        PAGE.find("a_total{").unwrap(),
        "the label name is new"
    );
}

fn line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "a_sum", "a_bucket", "a_count", "c"]);
    let label = prop::sample::select(vec!["x", "y", "le", "zz", "a_label_name"]);
    let value = prop::sample::select(vec![
        "1", "2", "-3", "1.5", "+Inf", "1e300", "nan", "7 7", "x",
    ]);
    let labels = prop::collection::vec((label, prop::sample::select(vec!["1", "2", "é"])), 0..3);
    let kind = prop::sample::select(vec!["counter", "gauge", "histogram", "summary", "untyped"]);
    let labels = labels.prop_map(|labels| {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        }
    });
    prop_oneof![
        8 => (name.clone(), labels, value).prop_map(|(name, labels, value)| format!("{name}{labels} {value}\n")),
        1 => (name.clone(), kind.clone()).prop_map(|(name, kind)| format!("# TYPE {name} {kind}\n")),
        1 => (name.clone(), kind).prop_map(|(name, kind)| format!("# HELP {name} h\n# TYPE {name} {kind}\n")),
        1 => name.prop_map(|name| format!("# HELP {name} h\n")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_index_is_the_same_whatever_differs(
        lines in prop::collection::vec(line(), 1..40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), line(), 0..3), 0..6),
    ) {
        // Most lines are good together when each stands after those that were accepted.
        let mut template = String::new();
        let mut kept = Vec::new();
        for line in lines {
            let longer = format!("{template}{line}");
            let scanned = Page::scan(Bytes::from(longer.clone()), Format::Text, &LIMITS);
            if scanned.is_ok() {
                template = longer;
                kept.push(line);
            }
        }
        for (at, line, change) in changes {
            let at = at.index(kept.len().max(1)).min(kept.len());
            match change {
                0 => kept.insert(at, line),
                1 if at < kept.len() => drop(kept.remove(at)),
                _ if at < kept.len() => kept[at] = line,
                _ => {}
            }
        }
        check(&template, kept.concat().as_bytes());
    }
}

#[test]
fn a_type_that_comes_after_help_counts() {
    // Without its type, the template's `a` may have any `le`.
    let lines = "a 1\na{le=\"none\"} 2\n";
    check(
        lines,
        format!("# HELP a h\n# TYPE a histogram\n{lines}").as_bytes(),
    );
}
