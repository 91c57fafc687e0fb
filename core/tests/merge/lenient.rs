//! What text pages may look like beside what the format says, and what is written for it.

use promfetch_core::exposition::Format;
use promfetch_core::labels::Labels;

use crate::merged::merged_alone;
use crate::{good, scan};

#[test]
fn sloppy_text_is_accepted_and_written_well() {
    const GAUGE: &str = "# TYPE a gauge\na 1\n";
    const UNTYPED: &str = "# TYPE a untyped\na 1\n";
    const HELP: &str = "# HELP a Help.\n# TYPE a untyped\na 1\n";
    const TABS: &str = "# TYPE a untyped\na{\tb=\"c\"\t,\t}\t1\n";
    for (page, want, why) in [
        // Neither Prometheus nor expfmt takes these; VictoriaMetrics does, and programs on Windows write them.
        ("a 1\r\n", UNTYPED, "a carriage return after a sample"),
        ("a 1\r", UNTYPED, "the same at the end of the page"),
        ("# TYPE a gauge\r\na 1\n", GAUGE, "after TYPE"),
        ("# TYPE a gauge \t\r\na 1\n", GAUGE, "after TYPE and blanks"),
        ("# HELP a Help.\r\na 1\n", HELP, "after HELP"),
        ("# HELP a\r\na 1\n", UNTYPED, "after HELP without text"),
        ("\r\na 1\n \t\r\n\r", UNTYPED, "on blank lines"),
        ("# x\r\n#\r\n# HELP \r\na 1\n", UNTYPED, "after comments"),
        ("\u{feff}a 1\n", UNTYPED, "a byte order mark"),
        ("\u{feff}# TYPE a gauge\na 1\n", GAUGE, "before TYPE"),
        ("\u{feff}", "", "and nothing else"),
        // Prometheus takes these.
        ("\ta{\tb=\"c\"\t,\t}\t1\n", TABS, "tabs"),
        ("#\tTYPE\ta\tgauge\na 1\n", GAUGE, "tabs in TYPE"),
        ("a 1", UNTYPED, "no final line feed"),
        ("a 1 \n", UNTYPED, "a blank at the end"),
        ("# HELP a\na 1\n", UNTYPED, "no HELP text"),
        ("# HELP a \na 1\n", UNTYPED, "HELP text that is empty"),
        ("# HELP a Help.\n# HELP a Help.\na 1\n", HELP, "HELP again"),
        (
            "# HELP a Help.\r\n# HELP a Help.\na 1\n",
            HELP,
            "HELP again, with another end of the line",
        ),
        ("# TYPE\n# TYPE \na 1\n", UNTYPED, "TYPE without a name"),
        ("\n\n  \na 1\n\n", UNTYPED, "blank lines"),
        // expfmt takes these.
        ("# TYPE a Gauge\na 1\n", GAUGE, "a type in capitals"),
        ("# TYPE  a   gauge  \na 1\n", GAUGE, "more blanks than one"),
        ("# TYPE \"a\" gauge\na 1\n", GAUGE, "quotes without need"),
        (
            "# TYPE _total counter\n_total 1\n",
            "# TYPE _total untyped\n_total 1\n",
            "Python finds no name in it",
        ),
    ] {
        let page = good(page, Format::Text);
        let written = merged_alone(&page, Labels::new(), Format::Text);
        assert_eq!(written, want, "{why}");
    }
}

#[test]
fn carriage_returns_go_wherever_they_end_a_sample() {
    for line in [
        "m{a=\"1\"} 1",
        "m{a=\"1\"} 1 17",
        "m{a=\"1\"} 1 17 ",
        "m{a=\"1\",} 1 ",
        "m{a=\"1\"}1\t",
    ] {
        // The second line is like the first, and the third ends otherwise.
        let page = format!("{line}\r\n{line}\r\n{line}\n");
        let page = good(&page, Format::Text);
        assert_eq!(page.samples(), 3, "{line}");
        for labels in [Labels::new(), Labels::from_iter([("b", "2"), ("a", "3")])] {
            let written = merged_alone(&page, labels, Format::Text);
            assert!(!written.contains('\r'), "{written:?}");
            good(&written, Format::Text);
        }
    }
}

#[test]
fn what_prometheus_cannot_mean_is_refused() {
    for (page, want, why) in [
        (
            "# TYPE a\na 1\n",
            "line 1, column 9: unknown metric type ``",
            "Prometheus refuses it (textparse: invalid metric type \"\"), expfmt passes over it",
        ),
        (
            "# TYPE a \r\na 1\n",
            "line 1, column 10: unknown metric type ``",
            "the same",
        ),
        (
            "a 1 -5\n",
            "line 1, column 5: expected a timestamp in milliseconds, found `-5`",
            "Prometheus reads digits alone (promlex.l: sTimestamp), expfmt a sign too",
        ),
        (
            "a 1 +5\n",
            "line 1, column 5: expected a timestamp in milliseconds, found `+5`",
            "the same",
        ),
        (
            "a 1 5.5\n",
            "line 1, column 5: expected a timestamp in milliseconds, found `5.5`",
            "seconds",
        ),
        (
            "a\r\n",
            "line 1, column 2: expected a value after `a`",
            "no value",
        ),
        (
            "a \r\n",
            "line 1, column 3: expected a value, found the end of the line",
            "no value",
        ),
        (
            "a 1\r 2\n",
            "line 1, column 4: expected the end of the line, found `\\r`",
            "a carriage return within a line",
        ),
        (
            "a 1 2\rb 3\n",
            "line 1, column 6: expected the end of the line, found `\\rb`",
            "lines that end with a carriage return alone, as once on Macs",
        ),
        (
            "\ra 1\n",
            "line 1, column 1: a carriage return: lines end with a line feed alone",
            "the same before a line",
        ),
        (
            "a 1\n\u{feff}b 2\n",
            "line 2, column 1: expected a metric name or `#`, found `\\u{feff}b 2`",
            "a byte order mark within the page: two pages in one",
        ),
    ] {
        let error = scan(page, Format::Text).unwrap_err();
        assert_eq!(error.to_string(), want, "{why}");
    }
}

#[test]
fn openmetrics_has_one_way_to_write_things() {
    for (page, want) in [
        (
            "a 1\r\n# EOF\n",
            "line 1, column 4: a carriage return: lines end with a line feed alone",
        ),
        (
            "# TYPE a gauge\r\n# EOF\n",
            "line 1, column 10: unknown metric type `gauge\\r`",
        ),
        (
            "\r\n# EOF\n",
            "line 1, column 1: a carriage return: lines end with a line feed alone",
        ),
        (
            "\u{feff}a 1\n# EOF\n",
            "line 1, column 1: expected a metric name or `#`, found `\\u{feff}a 1`",
        ),
        (
            "# TYPE a\n# EOF\n",
            "line 1, column 9: expected a blank after the metric name",
        ),
        (
            "# HELP a\n# EOF\n",
            "line 1, column 9: expected a blank after the metric name",
        ),
    ] {
        let error = scan(page, Format::OpenMetrics).unwrap_err();
        assert_eq!(error.to_string(), want, "{page:?}");
    }
}
