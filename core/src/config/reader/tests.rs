//! Table tests: what is read, what is reported.

use std::time::Duration;

use super::*;
use crate::config::kind::Kind;
use crate::config::table::Fallback;

const fn key(name: &'static str, kind: Kind, default: Fallback) -> Key {
    Key {
        name,
        kind,
        default,
        unit: "",
        meaning: "",
        example: "",
    }
}

const KEYS: &[Key] = &[
    key(
        "count",
        Kind::Integer { min: 1, max: 300 },
        Fallback::Value("7"),
    ),
    key("flag", Kind::Bool, Fallback::Value("true")),
    key(
        "time",
        Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        Fallback::Value("5s"),
    ),
    key("pass", Kind::Secret, Fallback::Empty),
    key(
        "level",
        Kind::Choice(&["info", "debug"]),
        Fallback::Value("info"),
    ),
    key("nets[]", Kind::Network, Fallback::Empty),
    key("list[].name", Kind::Text, Fallback::Required),
    key(
        "list[].port",
        Kind::Integer { min: 1, max: 65535 },
        Fallback::Value("80"),
    ),
    key("map.<name>", Kind::Text, Fallback::Empty),
    key("params.<name>[]", Kind::Text, Fallback::Empty),
];

fn values(table: &Table, steps: &[(&str, &str)]) -> Values {
    let mut values = Values::new();
    for (key, text) in steps {
        values.set(table, key, text).unwrap();
    }
    values
}

#[test]
fn absent_and_empty_values_have_their_defaults() {
    let table = Table::new(&[KEYS]);
    let mut values = Values::new();
    for name in ["count", "flag", "time", "level", "nets", "list", "map"] {
        values.insert(Path::parse(name), Node::Null, Origin::Option("x".into()));
    }
    let reader = Reader::new(&table, &values);
    let root = reader.root();
    assert_eq!(
        (
            root.number::<u8>("count"),
            root.boolean("flag"),
            root.duration("time")
        ),
        (7, true, Duration::from_secs(5))
    );
    assert_eq!(
        (root.text("level").as_str(), root.secret("pass").0.as_str()),
        ("info", "")
    );
    assert!(
        root.networks("nets").is_empty()
            && root.sections("list").is_empty()
            && root.entries("map").is_empty()
    );
    assert!(!root.is_given("count"));
    assert_eq!(reader.finish().unwrap(), []);
}

#[test]
fn given_values_are_read_by_their_kinds() {
    let table = Table::new(&[KEYS]);
    let values = values(
        &table,
        &[
            ("count", "010"),
            ("flag", "off"),
            ("nets", "10.0.0.0/8, 127.0.0.1"),
            ("list", r#"[{"name":"a"},{"name":"b","port":81}]"#),
            ("map", r#"{"x":"1","a":"2"}"#),
            ("params.match[]", "a,b"),
            ("params.two", r#"["c","d"]"#),
        ],
    );
    let reader = Reader::new(&table, &values);
    let root = reader.root();
    assert_eq!(
        (root.number::<u16>("count"), root.boolean("flag")),
        (8, false)
    );
    assert_eq!(root.networks("nets").len(), 2);
    let list: Vec<_> = root
        .sections("list")
        .iter()
        .map(|at| (at.text("name"), at.number::<u16>("port")))
        .collect();
    assert_eq!(list, [("a".to_owned(), 80), ("b".to_owned(), 81)]);
    let map: Vec<_> = root
        .entries("map")
        .iter()
        .map(|(name, _)| format!("{name}={}", root.section("map").text(name)))
        .collect();
    assert_eq!(map, ["a=2", "x=1"]);
    let params: Vec<_> = root
        .entries("params")
        .iter()
        .map(|(name, at)| format!("{name}={:?}", at.whole_texts()))
        .collect();
    assert_eq!(params, [r#"match[]=["a,b"]"#, r#"two=["c", "d"]"#]);
    let warnings: Vec<String> = reader
        .finish()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        ["`count`: `010` is 8: a number with a leading zero is octal, as in Go (option count)"]
    );
}

#[test]
fn all_problems_come_together_and_name_their_places() {
    let table = Table::new(&[KEYS]);
    let mut values = values(
        &table,
        &[
            ("count", "0"),
            ("flag", "perhaps"),
            ("time", "2h"),
            ("level", "loud"),
            ("nets", r#"["10.0.0.0/8","x",{"a":1}]"#),
            ("list", r#"[{"port":0},{"name":["b"]},"c"]"#),
            ("pass", "hush"),
        ],
    );
    values.insert(
        Path::parse("pass"),
        Node::List,
        Origin::Option("pass".into()),
    );
    values.insert(
        Path::parse("unheard.of"),
        Node::Scalar("hush".into()),
        Origin::Option("y".into()),
    );
    let reader = Reader::new(&table, &values);
    let root = reader.root();
    let _ = (
        root.number::<u16>("count"),
        root.boolean("flag"),
        root.duration("time"),
        root.text("level"),
        root.networks("nets"),
        root.secret("pass"),
    );
    for at in root.sections("list") {
        let _ = (at.text("name"), at.number::<u16>("port"));
    }
    let problems = reader.finish().unwrap_err().to_string();
    assert_eq!(
        problems.lines().collect::<Vec<_>>(),
        [
            "`list[1].name`: expected a text, not a list (option list)",
            "`list[2]`: expected a section with keys of its own, not a single value (option list)",
            "`nets[2]`: expected a range of addresses (CIDR) or one address, not a section (option nets)",
            "`pass`: expected a secret text, not a list (option pass)",
            "`count`: expected a whole number from 1 to 300, not `0` (option count)",
            "`flag`: expected `true` or `false` (also `yes`, `no`, `on`, `off`), not `perhaps` (option flag)",
            "`time`: expected a duration from 0s to 1m, not `2h` (option time)",
            "`level`: expected one of `info`, `debug`, not `loud` (option level)",
            "`nets[1]`: expected a range of addresses such as `10.0.0.0/8` or `2001:db8::/32`, or one address, not `x` (option nets)",
            "`list[0].name`: is required (option list)",
            "`list[0].port`: expected a whole number from 1 to 65535, not `0` (option list)",
            "warning: `unheard.of`: is not a key of promfetch (option y)",
        ]
    );
}

#[test]
fn unknown_keys_warn_once_for_all_inside_them() {
    let table = Table::new(&[KEYS]);
    let mut values = Values::new();
    for path in [
        "counts",
        "strange",
        "strange.inner",
        "strange.other",
        "x-mine",
        "x-mine.inner",
    ] {
        values.insert(Path::parse(path), Node::Section, Origin::Option("x".into()));
    }
    let warnings: Vec<String> = Reader::new(&table, &values)
        .finish()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        [
            "`counts`: is not a key of promfetch; did you mean `count`? (option x)",
            "`strange`: is not a key of promfetch (option x)"
        ]
    );
}

#[test]
fn a_key_that_the_table_lacks_or_has_with_another_kind_is_a_problem_and_no_panic() {
    let table = Table::new(&[KEYS]);
    let values = Values::new();
    let reader = Reader::new(&table, &values);
    let _ = (reader.root().text("absent"), reader.root().boolean("count"));
    assert_eq!(reader.finish().unwrap_err().iter().count(), 2);
}
