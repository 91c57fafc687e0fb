use crate::exposition::{Dialect, Escaping, Format, Limits, Page, ScanError};

use Format::{OpenMetrics, Text};

fn scan(body: &str, format: Format) -> Result<Page, ScanError> {
    let limits = Limits {
        max_samples: 100,
        max_line: 200,
    };
    Page::scan(body.to_owned().into(), format, &limits)
}

/// The page as each of both formats.
fn both(body: &str) -> [(Format, String); 2] {
    [
        (Text, body.to_owned()),
        (OpenMetrics, format!("{body}# EOF\n")),
    ]
}

#[test]
fn families_and_samples_are_those_that_the_names_tell() {
    for (body, want, quoted, why) in [
        (r#"{"my.metric"} 1"#, "my.metric 1", true, "no label"),
        (
            r#"{"my.metric",a="b"} 1"#,
            "my.metric 1",
            true,
            "a plain label",
        ),
        (
            r#"{"my.metric","my.label"="b"} 1"#,
            "my.metric 1",
            true,
            "both",
        ),
        (r#"foo{"my.label"="b"} 1"#, "foo 1", true, "only the label"),
        (r#"{"foo"} 1"#, "foo 1", false, "a name that needs none"),
        (
            r#"{"foo","a"="b"} 1"#,
            "foo 1",
            false,
            "nor does the label's",
        ),
        (
            r#"foo{"a:b"="c"} 1"#,
            "foo 1",
            true,
            "a colon is not for labels",
        ),
        (r#"{"a:b"} 1"#, "a:b 1", false, "but for metrics"),
        (r#"{"1st"} 1"#, "1st 1", true, "a digit in front"),
        (r#"{"käse"} 1"#, "käse 1", true, "letters of all kinds"),
        (r#"{" "} 1"#, "  1", true, "one blank is a name"),
        (
            r#"{"}{,="} 1"#,
            "}{,= 1",
            true,
            "what else ends a name does not here",
        ),
        (r#"{"a\"b"} 1"#, r#"a\"b 1"#, true, "an escaped quote"),
        (r#"{"a\\"} 1"#, r"a\\ 1", true, "an escaped backslash"),
        (r#"{"a\nb"} 1"#, r"a\nb 1", true, "a line feed"),
        (
            "foo 1\n{\"foo\",a=\"2\"} 1",
            "foo 2",
            false,
            "one family, however its name is written",
        ),
        (
            "{\"a.b\"} 1\n{\"a.b\",x=\"2\"} 1\n{\"a.b\",x=\"3\"} 1\n{\"a.b\",x=\"3\",\"y.z\"=\"\"} 1",
            "a.b 4",
            true,
            "lines that begin alike",
        ),
    ] {
        for (format, body) in both(&format!("{body}\n")) {
            let page = scan(&body, format).unwrap_or_else(|error| panic!("{body}: {error}"));
            let found: Vec<String> = page
                .families()
                .map(|family| format!("{} {}", family.name(), family.samples()))
                .collect();
            assert_eq!(found, [want], "{why}: {body}");
            assert_eq!(page.has_quoted_names(), quoted, "{why}: {body}");
        }
    }
}

#[test]
fn blanks_and_trailing_commas_are_for_text_alone() {
    for (line, openmetrics) in [
        (
            r#"{ "m.n"} 1"#,
            "line 1, column 2: the metric name must be the first thing in the braces, in quotes",
        ),
        (
            r#"{"m.n" } 1"#,
            "line 1, column 7: expected `,` or `}` after the metric name `m.n`",
        ),
        (
            r#"{"m.n",} 1"#,
            "line 1, column 8: expected a label name, found the closing brace",
        ),
        (
            r#"{"m.n", a="b"} 1"#,
            "line 1, column 8: expected a label name, found `a=\\\"b\\\"}`",
        ),
        (
            r#"{"m.n","a.b" ="b"} 1"#,
            "line 1, column 13: expected `=` after the label name `a.b`",
        ),
        (
            r#"{"m.n","a.b"= "b"} 1"#,
            "line 1, column 14: expected `\"` before the value of label `a.b`",
        ),
        (
            r#"{"m.n","a.b"="b",} 1"#,
            "line 1, column 18: expected a label name, found `}`",
        ),
        (
            r#"{"m.n"}1"#,
            "line 1, column 8: expected a blank and the value",
        ),
    ] {
        assert_eq!(scan(line, Text).unwrap().samples(), 1, "{line}");
        let error = scan(&format!("{line}\n# EOF\n"), OpenMetrics).unwrap_err();
        assert_eq!(error.to_string(), openmetrics, "{line}");
    }
}

#[test]
fn wrong_names_are_refused_with_the_place() {
    const FIRST: &str = "the metric name must be the first thing in the braces, in quotes";
    const ESCAPES: &str = r#"a name has no other escapes than `\\`, `\"` and `\n`"#;
    const NO_END: &str = "the name in quotes does not end on this line";
    for (line, column, message) in [
        (r#"{a="b","m.n"} 1"#, 2, FIRST), // Prometheus takes it, the format's text does not
        (r#"{a="b"} 1"#, 2, FIRST),
        (r#"{"a.b"="c"} 1"#, 2, FIRST),
        (r"{} 1", 2, FIRST),
        (r"{", 2, FIRST),
        (r#"{"a.b","c.d"} 1"#, 13, "`c.d` is a second metric name"),
        (
            r#"{"a.b",x="","c.d",y=""} 1"#,
            18,
            "`c.d` is a second metric name",
        ),
        (r#"foo{"c.d"} 1"#, 10, "`c.d` is a second metric name"),
        (r#"foo{"foo"} 1"#, 10, "`foo` is a second metric name"), // even when it is the same
        (r#"{""} 1"#, 2, "an empty name"),
        (r#"foo{""="x"} 1"#, 5, "an empty name"),
        (r#"{"a\tb"} 1"#, 4, ESCAPES),
        (r#"{"a\'b"} 1"#, 4, ESCAPES),
        (r#"foo{"\x"="b"} 1"#, 6, ESCAPES),
        (r#"{"a.b"#, 2, NO_END),
        (r#"{"a.b\"} 1"#, 2, NO_END),
        (r#"{"a.b\"#, 2, NO_END),
        (r#"foo{"a.b} 1"#, 5, NO_END),
        (
            r#"foo{x="","a.b"~""} 1"#,
            15,
            "expected `=` after the label name `a.b`",
        ),
        (
            r#"{"foo",__name__="x"} 1"#,
            8,
            "the label name `__name__` is reserved",
        ),
        (
            r#"{"foo","__name__"="x"} 1"#,
            8,
            "the label name `__name__` is reserved",
        ),
        (
            r#"foo{"a.b"="1","a.b"="2"} 1"#,
            15,
            "the label name `a.b` stands twice",
        ),
        (
            r#"foo{"a"="1",a="2"} 1"#,
            13,
            "the label name `a` stands twice",
        ),
        (
            r#"foo{a="1","a"="2"} 1"#,
            11,
            "the label name `a` stands twice",
        ),
        (
            r#"foo{"a"="1","a"="2"} 1"#,
            13,
            "the label name `a` stands twice",
        ),
        (
            r#""a.b" 1"#,
            1,
            "expected a metric name or `#`, found `\\\"a.b\\\" 1`",
        ),
        (r#"{"a.b"}{c="d"} 1"#, 8, "expected a blank and the value"),
        (
            r#"{"a.b" 1"#,
            7,
            "expected `,` or `}` after the metric name `a.b`",
        ),
        (
            r#"{"a.b",,c="d"} 1"#,
            8,
            "expected a label name, found `,c=\\\"d\\\"}`",
        ),
        (r#"# TYPE "" gauge"#, 8, "an empty name"),
        (r#"# TYPE "a\b" gauge"#, 10, ESCAPES),
        (r#"# TYPE "a.b gauge"#, 8, NO_END),
        (
            r#"# TYPE "a.b"gauge"#,
            13,
            "expected a blank after the metric name",
        ),
        (
            r#"# HELP "a.b"text"#,
            13,
            "expected a blank after the metric name",
        ),
        (r#"# TYPE a.b gauge"#, 8, "`a.b` is no metric name"),
    ] {
        for (format, body) in both(&format!("{line}\n")) {
            let error = scan(&body, format).unwrap_err();
            // Text skips blanks before it looks for the value and in the braces.
            let message = match (format, message) {
                (Text, "expected a blank and the value") => {
                    "expected a value, found `{c=\\\"d\\\"}`"
                }
                (Text, _) if line == r#"{"a.b" 1"# => {
                    assert_eq!(error.column, 8);
                    continue;
                }
                _ => message,
            };
            assert_eq!(
                (error.line, error.column, &*error.message),
                (1, column, message),
                "{line} in {format:?}"
            );
        }
    }
}

#[test]
fn a_name_that_needs_quotes_is_none_without_them() {
    for before in ["# TYPE \"a.b\" gauge\n", "{\"a.b\"} 1\n"] {
        for (line, message) in [
            ("a.b 1\n", "`a.b` is no metric name"),
            ("# TYPE a.b gauge\n", "`a.b` is no metric name"),
            ("a.b{x=\"1\"} 1\n", "`a.b{x=\\\"1\\\"}` is no metric name"),
        ] {
            for (format, body) in both(&format!("{before}{line}")) {
                let error = scan(&body, format).unwrap_err();
                assert_eq!((error.line, &*error.message), (2, message), "{body}");
            }
        }
    }
}

#[test]
fn metadata_and_samples_meet_however_the_name_is_written() {
    let page = "# HELP \"a\" Help.\n# TYPE a histogram\n{\"a_bucket\",le=\"1\"} 1\na_bucket{\"le\"=\"+Inf\"} 2\n{\"a_count\"} 2\na_sum 3\n";
    for (format, body) in both(page) {
        let page = scan(&body, format).unwrap();
        let families: Vec<_> = page.families().collect();
        assert_eq!(families.len(), 1, "{format:?}");
        assert_eq!(families[0].help(), Some("Help."));
        assert_eq!(families[0].samples(), 4);
        assert!(!page.has_quoted_names());
    }
    for (page, message) in [
        (
            "# TYPE \"a.b\" gauge\n# TYPE \"a.b\" gauge\n",
            "a second TYPE line for metric `a.b`",
        ),
        (
            "# TYPE a gauge\n# TYPE \"a\" gauge\n",
            "a second TYPE line for metric `a`",
        ),
        (
            "# HELP \"a\" x\n# HELP a y\n",
            "a second HELP line for metric `a`",
        ),
    ] {
        for (format, body) in both(page) {
            let error = scan(&body, format).unwrap_err();
            assert_eq!((error.line, &*error.message), (2, message), "{body}");
        }
    }
}

#[test]
fn the_rules_of_openmetrics_hold_for_names_in_quotes() {
    let histogram = "# TYPE \"h.i\" histogram\n";
    for (lines, want, why) in [
        (
            "# TYPE \"a.b\" counter\n{\"a.b_total\"} 1\n{\"a.b_created\"} 1\n",
            Ok(()),
            "the suffixes of a counter",
        ),
        (
            "# TYPE \"a.b\" counter\n{\"a.b\"} 1\n",
            Err("line 2, column 3: sample `a.b` does not fit a metric of type counter"),
            "a counter needs its suffix",
        ),
        (
            "# TYPE \"a.b\" info\n{\"a.b_info\",x=\"1\"} 1\n",
            Ok(()),
            "an info",
        ),
        (
            "# TYPE \"a.b\" stateset\n{\"a.b\",\"a.b\"=\"on\"} 1\n{\"a.b\",\"a.b\"=\"off\"} 0\n",
            Ok(()),
            "a label with the family's name",
        ),
        (
            "# TYPE a:b stateset\na:b{\"a:b\"=\"on\"} 1\n",
            Ok(()),
            "the same, of which only the label needs quotes",
        ),
        (
            "# TYPE \"a.b\" stateset\n{\"a.b\",a=\"on\"} 1\n",
            Err("line 2, column 1: a state needs a label with the metric's name"),
            "without one",
        ),
        (
            "# UNIT \"a.b_seconds\" seconds\n",
            Ok(()),
            "the unit ends the name",
        ),
        (
            "# UNIT \"a.b.seconds\" seconds\n",
            Err("line 1, column 22: metric `a.b.seconds` does not end with its unit `seconds`"),
            "after an underscore, as Prometheus asks",
        ),
        (
            "{\"a.b\"} 1\n{\"c.d\"} 1\n{\"a.b\"} 1\n",
            Err("line 3, column 3: metric `a.b` appears again: its lines must stand together"),
            "families in pieces",
        ),
        (
            "{\"a.b\",x=\"1\"} 1\n{\"a.b\",x=\"2\"} 1\n{\"a.b\",x=\"1\"} 1\n",
            Err("line 3, column 1: the samples of a metric do not stand together"),
            "groups in pieces",
        ),
        (
            "{\"a.b\",\"x\"=\"1\"} 1\n{\"a.b\",x=\"2\"} 1\n{\"a.b\",\"x\"=\"1\"} 1\n",
            Err("line 3, column 1: the samples of a metric do not stand together"),
            "quotes make no other group",
        ),
        (
            "# TYPE \"a.b\" counter\n# TYPE \"a.b_total\" gauge\n",
            Err(
                "line 2, column 9: metric `a.b_total` has the name `a.b_total`, which metric `a.b` reserves",
            ),
            "reserved names",
        ),
        (
            "{\"a.b\",\"__x\"=\"1\"} 1\n",
            Err("line 1, column 8: the label name `__x` is reserved"),
            "reserved labels",
        ),
        (
            &format!(
                "{histogram}{{\"h.i_bucket\",le=\"1\"}} 1\n{{\"h.i_bucket\",\"le\"=\"+Inf\"}} 1\n"
            ),
            Ok(()),
            "buckets",
        ),
        (
            &format!("{histogram}{{\"h.i_bucket\",le=\"1\"}} 1\n"),
            Err("line 2, column 1: the histogram that ends here has no bucket with `le` \"+Inf\""),
            "buckets without the last",
        ),
        (
            &format!(
                "{histogram}{{\"h.i_bucket\",le=\"1\"}} 1\n{{\"h.i_bucket\",\"le\"=\"0.5\"}} 1\n"
            ),
            Err("line 3, column 1: the buckets are not in order of `le`"),
            "buckets out of order",
        ),
    ] {
        let found = scan(&format!("{lines}# EOF\n"), OpenMetrics).map(|_| ());
        assert_eq!(
            found.map_err(|error| error.to_string()),
            want.map_err(str::to_owned),
            "{why}:\n{lines}"
        );
    }
}

#[test]
fn exemplars_may_have_names_in_quotes() {
    let characters = |count: usize| format!("{{\"{}\"=\"\"}} 1", "é".repeat(count));
    let twice = "line 2, column 23: `a.b` is no name for a label of the exemplar, or stands twice";
    for (exemplar, want) in [
        (r#"{"trace.id"="x"} 1"#, Ok(true)),
        (r#"{a="b","trace.id"="x",c="d"} 1 2"#, Ok(true)),
        (r#"{"trace_id"="x"} 1"#, Ok(false)),
        (r#"{"a\"b"="x"} 1"#, Ok(true)),
        (r#"{"a.b"="","a.b"=""} 1"#, Err(twice)),
        (
            r#"{"a"="",a=""} 1"#,
            Err("line 2, column 21: `a` is no name for a label of the exemplar, or stands twice"),
        ),
        (r#"{""="x"} 1"#, Err("line 2, column 14: an empty name")),
        (
            r#"{"a.b"} 1"#,
            Err("line 2, column 19: expected `=\"` after the exemplar's label name"),
        ),
        (
            r#"{"__a"="x"} 1"#,
            Err("line 2, column 14: `__a` is no name for a label of the exemplar, or stands twice"),
        ),
        (&characters(128), Ok(true)),
        (
            &characters(129),
            Err("line 2, column 13: the exemplar's labels have more than 128 characters"),
        ),
        (&format!("{{\"{}\"=\"\"}} 1", r"\\".repeat(65)), Ok(true)),
    ] {
        let body = format!("# TYPE a counter\na_total 1 # {exemplar}\n# EOF\n");
        let limits = Limits {
            max_samples: 100,
            max_line: 1000,
        };
        let found = Page::scan(body.into(), OpenMetrics, &limits)
            .map(|page| page.has_quoted_names())
            .map_err(|error| error.to_string());
        assert_eq!(found, want.map_err(str::to_owned), "{exemplar}");
    }
}

#[test]
fn a_page_fits_readers_that_take_its_names() {
    let of = |format, escaping| Dialect {
        escaping,
        ..Dialect::plain(format)
    };
    for (body, escaping, want) in [
        ("a 1\n", None, true),
        ("a 1\n", Some(Escaping::Values), true), // nothing to escape
        ("{\"a\"} 1\n", None, true),             // the merge writes it without quotes
        ("{\"a.b\"} 1\n", None, false),
        ("{\"a.b\"} 1\n", Some(Escaping::Underscores), false),
        ("{\"a.b\"} 1\n", Some(Escaping::AllowUtf8), true),
        ("a{\"b.c\"=\"\"} 1\n", None, false),
        ("# TYPE \"a.b\" gauge\n", None, false),
    ] {
        for (format, page) in both(body) {
            let page = scan(&page, format).unwrap();
            assert_eq!(page.fits(of(format, escaping)), want, "{body} {escaping:?}");
            assert!(!page.fits(of(Format::Protobuf, escaping)), "another format");
        }
    }
}

#[test]
fn a_family_tells_whether_its_lines_may_have_such_names() {
    let page = scan("{\"a.b\"} 1\nc{\"d.e\"=\"\"} 1\nf{g=\"\"} 1\n", Text).unwrap();
    let found: Vec<bool> = page
        .entries()
        .iter()
        .map(|entry| page.may_need_quotes(entry))
        .collect();
    assert_eq!(found.get(..2), Some(&[true, true][..]));
    let page = scan("{\"a\"} 1\nc{\"d\"=\"\"} 1\nf{g=\"\"} 1\n", Text).unwrap();
    assert!(
        page.entries()
            .iter()
            .all(|entry| !page.may_need_quotes(entry))
    );
}
