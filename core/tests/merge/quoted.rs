//! Names in quotes: what the merge writes for lines that have them.

use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::Format;
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

use crate::{good, read_chunks};

/// The merge of these pages, which all get the label `index` with their number. An OpenMetrics page needs no EOF.
fn merged(pages: &[&str], format: Format, label_conflict: LabelConflict) -> String {
    let eof = if format == Format::OpenMetrics {
        "# EOF\n"
    } else {
        ""
    };
    let inputs = pages.iter().enumerate().map(|(number, body)| Input {
        labels: Labels::from_iter([("index", number.to_string())]),
        page: good(&format!("{body}{eof}"), format),
    });
    let options = Options {
        format,
        label_conflict,
    };
    let (merged, _) = read_chunks(merge(inputs.collect(), None, &options));
    good(&merged, format);
    let merged = merged.strip_suffix(eof).unwrap();
    merged.to_owned()
}

fn alone(page: &str, format: Format) -> String {
    merged(&[page], format, LabelConflict::Export)
}

#[test]
fn labels_go_into_the_braces_behind_the_name() {
    for (line, want) in [
        (r#"{"m.n"} 1"#, r#"{"m.n",index="0"} 1"#),
        (r#"{"m.n",a="b"} 1"#, r#"{"m.n",a="b",index="0"} 1"#),
        (r#"{"m.n","a.b"="c"} 1"#, r#"{"m.n","a.b"="c",index="0"} 1"#),
        (r#"m{"a.b"="c"} 1"#, r#"m{"a.b"="c",index="0"} 1"#),
        // Names that need no quotes get none: older readers take the line then.
        (r#"{"m"} 1"#, r#"m{index="0"} 1"#),
        (r#"{"m",a="b"} 1"#, r#"m{a="b",index="0"} 1"#),
        (r#"m{"a"="b"} 1"#, r#"m{a="b",index="0"} 1"#),
        (r#"{"m","a.b"="c"} 1"#, r#"m{"a.b"="c",index="0"} 1"#),
        (r#"{"m.n","a"="b"} 1"#, r#"{"m.n",a="b",index="0"} 1"#),
        // Escapes and odd names stay as they are.
        (
            r#"{"m\"\\\n","}{,="="c"} 1"#,
            r#"{"m\"\\\n","}{,="="c",index="0"} 1"#,
        ),
        (r#"{"1","2"="c"} 1"#, r#"{"1","2"="c",index="0"} 1"#),
    ] {
        for format in [Format::Text, Format::OpenMetrics] {
            let page = alone(&format!("{line}\n"), format);
            let found = page.lines().find(|line| !line.starts_with('#'));
            assert_eq!(found, Some(want), "{line} in {format:?}");
        }
    }
}

#[test]
fn blanks_and_commas_of_text_are_put_up_with() {
    for (line, want) in [
        (r#"{"m.n",} 1"#, r#"{"m.n",index="0"} 1"#),
        (r#"  { "m.n" } 1"#, r#"{ "m.n",index="0" } 1"#),
        (r#"{"m.n" , } 1"#, r#"{"m.n" ,index="0" } 1"#),
        (
            r#"{"m.n" , "a.b" = "c" , }1"#,
            r#"{"m.n" , "a.b" = "c" ,index="0" }1"#,
        ),
        (
            r#"{ "m" , "a" = "c", "a.b"="" , } 1"#,
            r#"m{a="c","a.b"="",index="0"} 1"#,
        ),
        (
            "{\"m.n\",a=\"\\d\"} 1 17 \r",
            r#"{"m.n",a="\\d",index="0"} 1 17"#,
        ),
    ] {
        let page = alone(&format!("{line}\n"), Format::Text);
        assert_eq!(page.lines().last(), Some(want), "{line}");
    }
}

/// Each line is like the one before, so the scan does not look at the names again.
#[test]
fn lines_like_the_one_before_are_written_alike() {
    let page = "m{\"a\"=\"1\",\"b.c\"=\"1\"} 1\nm{\"a\"=\"1\",\"b.c\"=\"2\"} 2\n{\"m\",\"a\"=\"2\"} 3\n{\"m\",\"a\"=\"3\"} 4\n";
    let want = "# TYPE m untyped\nm{a=\"1\",\"b.c\"=\"1\",index=\"0\"} 1\nm{a=\"1\",\"b.c\"=\"2\",index=\"0\"} 2\nm{a=\"2\",index=\"0\"} 3\nm{a=\"3\",index=\"0\"} 4\n";
    assert_eq!(alone(page, Format::Text), want);
    assert_eq!(
        alone(page, Format::OpenMetrics),
        want.replace("untyped", "unknown")
    );
}

#[test]
fn families_have_one_header_however_their_name_is_written() {
    let pages = [
        "# HELP \"m.n\" Help.\n# TYPE \"m.n\" gauge\n{\"m.n\"} 1\n# TYPE \"o\" gauge\no 2\n",
        "# TYPE o gauge\n{\"o\"} 3\n# TYPE \"m.n\" gauge\n{\"m.n\",a=\"b\"} 4\n",
    ];
    let want = "# HELP \"m.n\" Help.\n# TYPE \"m.n\" gauge\n{\"m.n\",index=\"0\"} 1\n{\"m.n\",a=\"b\",index=\"1\"} 4\n# TYPE o gauge\no{index=\"0\"} 2\no{index=\"1\"} 3\n";
    for format in [Format::Text, Format::OpenMetrics] {
        assert_eq!(merged(&pages, format, LabelConflict::Export), want);
    }
    let unit = "# TYPE \"m.n_seconds\" gauge\n# UNIT \"m.n_seconds\" seconds\n";
    let sample = "{\"m.n_seconds\",index=\"0\"} 1\n";
    let page = format!("{unit}{}", sample.replace(",index=\"0\"", ""));
    assert_eq!(alone(&page, Format::OpenMetrics), format!("{unit}{sample}"));
}

#[test]
fn an_own_label_in_quotes_is_in_conflict_with_an_added_one() {
    for (line, exported, dropped) in [
        (
            r#"m{"index"="9"} 1"#,
            r#"m{exported_index="9",index="0"} 1"#,
            r#"m{index="0"} 1"#,
        ),
        (
            r#"{"m.n","index"="9","a.b"="c"} 1"#,
            r#"{"m.n",exported_index="9","a.b"="c",index="0"} 1"#,
            r#"{"m.n","a.b"="c",index="0"} 1"#,
        ),
        (
            r#"{"m.n",index="9","exported_index"="8"} 1"#,
            r#"{"m.n",exported_exported_index="9",exported_index="8",index="0"} 1"#,
            r#"{"m.n",exported_index="8",index="0"} 1"#,
        ),
    ] {
        for (conflict, want) in [
            (LabelConflict::Export, exported),
            (LabelConflict::Drop, dropped),
        ] {
            let page = merged(&[&format!("{line}\n")], Format::Text, conflict);
            assert_eq!(page.lines().last(), Some(want), "{line}");
        }
    }
}

#[test]
fn families_that_get_another_name_keep_their_quotes() {
    for (pages, format, want) in [
        (
            // The type that most pages have keeps the name.
            [
                "# TYPE \"m.n\" gauge\n{\"m.n\"} 1\n",
                "# TYPE \"m.n\" counter\n{\"m.n\",\"a.b\"=\"c\"} 2\n",
            ],
            Format::Text,
            "# TYPE \"m.n\" gauge\n{\"m.n\",index=\"0\"} 1\n# TYPE \"m.n_counter\" counter\n{\"m.n_counter\",\"a.b\"=\"c\",index=\"1\"} 2\n",
        ),
        (
            [
                "# TYPE \"m.n\" gauge\n{\"m.n\"} 1\n",
                "# TYPE \"m.n\" counter\n{\"m.n_total\"} 2\n",
            ],
            Format::OpenMetrics,
            "# TYPE \"m.n\" gauge\n{\"m.n\",index=\"0\"} 1\n# TYPE \"m.n_counter\" counter\n{\"m.n_counter_total\",index=\"1\"} 2\n",
        ),
        (
            // A counter reserves `m.n_total`.
            [
                "# TYPE \"m.n\" counter\n{\"m.n_total\"} 1\n",
                "{\"m.n_total\"} 2\n",
            ],
            Format::OpenMetrics,
            "# TYPE \"m.n\" counter\n{\"m.n_total\",index=\"0\"} 1\n# TYPE \"m.n_total_unknown\" unknown\n{\"m.n_total_unknown\",index=\"1\"} 2\n",
        ),
        (
            // Names of promfetch's own, in quotes or not.
            ["{\"promfetch_up\"} 1\n", "promfetch_up 2\n"],
            Format::Text,
            "# TYPE exported_promfetch_up untyped\nexported_promfetch_up{index=\"0\"} 1\nexported_promfetch_up{index=\"1\"} 2\n",
        ),
        (
            ["{\"promfetch_scrape_a.b\"} 1\n", ""],
            Format::Text,
            "# TYPE \"exported_promfetch_scrape_a.b\" untyped\n{\"exported_promfetch_scrape_a.b\",index=\"0\"} 1\n",
        ),
    ] {
        assert_eq!(merged(&pages, format, LabelConflict::Export), want);
    }
}

#[test]
fn a_state_named_like_an_added_label_becomes_a_gauge() {
    let page = "# TYPE \"index\" stateset\n{\"index\",\"index\"=\"on\"} 1\n";
    assert_eq!(
        alone(page, Format::OpenMetrics),
        "# TYPE index gauge\nindex{exported_index=\"on\",index=\"0\"} 1\n"
    );
    let page = "# TYPE \"a.b\" stateset\n{\"a.b\",\"a.b\"=\"on\"} 1\n{\"a.b\",\"a.b\"=\"off\"} 0\n";
    assert_eq!(
        alone(page, Format::OpenMetrics),
        page.replace("\"}", "\",index=\"0\"}")
    );
}

#[test]
fn equal_samples_are_found_however_their_names_are_written() {
    let inputs = [
        "{\"m.n\",a=\"1\"} 1\no{a=\"1\",\"b.c\"=\"2\"} 2\n",
        "{\"m.n\",\"a\"=\"1\"} 3\n{\"o\",\"b.c\"=\"2\",\"a\"=\"1\"} 4\no{\"b.c\"=\"3\"} 5\n",
    ]
    .map(|body| Input {
        labels: Labels::new(),
        page: good(body, Format::Text),
    });
    let options = Options {
        format: Format::Text,
        label_conflict: LabelConflict::Export,
    };
    let (merged, duplicates) = read_chunks(merge(inputs.to_vec(), None, &options));
    assert_eq!(duplicates, 2);
    assert_eq!(
        merged,
        "# TYPE \"m.n\" untyped\n{\"m.n\",a=\"1\"} 1\n# TYPE o untyped\no{a=\"1\",\"b.c\"=\"2\"} 2\no{\"b.c\"=\"3\"} 5\n"
    );
}

#[test]
fn exemplars_are_written_without_quotes_that_they_do_not_need() {
    for (line, want) in [
        // A line that is copied.
        (
            r#"m_total 1 # {"t.i"="x"} 2"#,
            r#"m_total{index="0"} 1 # {"t.i"="x"} 2"#,
        ),
        (
            r#"m_total 1 3 # {"t"="x","s.i"="y"} 2 4"#,
            r#"m_total{index="0"} 1 3 # {t="x","s.i"="y"} 2 4"#,
        ),
        // The line is written anew because of a label, and its exemplar stays.
        (
            r#"m_total{"a"="b"} 1 # {t="\\"} 2"#,
            r#"m_total{a="b",index="0"} 1 # {t="\\"} 2"#,
        ),
        (
            r#"m_total{"a"="b"} 1 # {} 2"#,
            r#"m_total{a="b",index="0"} 1 # {} 2"#,
        ),
        // `prometheus_client` loses count of escaped quotes.
        (r#"m_total 1 # {"t\""="x"} 2"#, r#"m_total{index="0"} 1"#),
        (
            r#"m_total{"a"="b"} 1 # {t="\""} 2"#,
            r#"m_total{a="b",index="0"} 1"#,
        ),
    ] {
        let page = alone(&format!("# TYPE m counter\n{line}\n"), Format::OpenMetrics);
        assert_eq!(page.lines().last(), Some(want), "{line}");
    }
}
