//! What is YAML, and what is not.

use super::*;

/// `path=text (line:column)` of everything in the text.
fn read(text: &str) -> Result<Vec<String>, String> {
    let mut values = Values::new();
    parse(text, "f.yml", &mut values).map_err(|problem| problem.to_string())?;
    Ok(values
        .iter()
        .map(|(path, entry)| {
            let node = match &entry.node {
                Node::Scalar(text) => format!("{text:?}"),
                other => format!("{other:?}"),
            };
            format!(
                "{path}={node} ({})",
                entry.origin.to_string().trim_start_matches("f.yml:")
            )
        })
        .collect())
}

#[test]
fn words_keep_the_text_that_was_written() {
    for text in [
        "yes",
        "No",
        "on",
        "Off",
        "y",
        "true",
        "010",
        "0x1F",
        "1_000",
        "1e5",
        "-7",
        "+7",
        "1.50",
        ".5",
        ".inf",
        "-.inf",
        ".nan",
        "0b11",
        "0o17",
        "20s",
        "1h30m",
        "18446744073709551616",
        "12345678901234567890123",
        "1:30",
        "2021-01-01",
        "<<",
        "=",
        "a b  c",
        "a#b",
        "1e999",
        "NULL5",
    ] {
        assert_eq!(
            read(&format!("pass: {text}\n")),
            Ok(vec![format!("pass={text:?} (1:7)")]),
            "plain {text}"
        );
        assert_eq!(
            read(&format!("- &a {text}\n- *a\n")).map(|all| all
                .into_iter()
                .skip(1)
                .map(|one| one.split(" (").next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()),
            Ok(vec![format!("[0]={text:?}"), format!("[1]={text:?}")]),
            "anchored {text}"
        );
        assert_eq!(
            read(&format!("pass: \"{text}\" # secret\n")),
            Ok(vec![format!("pass={text:?} (1:7)")]),
            "quoted {text}"
        );
        assert_eq!(
            read(&format!("pass: !!str {text}\n")).map(|all| all[0]
                .split(" (")
                .next()
                .unwrap_or_default()
                .to_owned()),
            Ok(format!("pass={text:?}")),
            "tagged {text}"
        );
    }
}

#[test]
fn what_go_reads_is_read() {
    for (text, read_as, why) in [
        ("", &[][..], "an empty file"),
        ("# nothing\n", &[], "only a comment"),
        ("---\n", &[], "an empty document"),
        (
            "nats:\n  user:\n  pass: \n  hosts: []\ngorouters:\n",
            &[
                "gorouters=Null (5:10)",
                "nats=Section (2:3)",
                "nats.hosts=List (4:10)",
                "nats.pass=Null (3:7)",
                "nats.user=Null (2:7)",
            ],
            "empty scalars, as BOSH renders empty properties",
        ),
        (
            "a: null\nb: ~\nc: \"null\"\nd: ''\n",
            &[
                "a=Null (1:4)",
                "b=Null (2:4)",
                "c=\"null\" (3:4)",
                "d=\"\" (4:4)",
            ],
            "null in its forms, and as a text",
        ),
        (
            "x: &b\n  port: 1\n  pass: yes\nnats:\n  <<: *b\n  pass: no\n",
            &[
                "nats=Section (5:3)",
                "nats.pass=\"no\" (6:9)",
                "nats.port=\"1\" (2:9)",
                "x=Section (2:3)",
                "x.pass=\"yes\" (3:9)",
                "x.port=\"1\" (2:9)",
            ],
            "merge keys; positions are those of the values",
        ),
        (
            "a: &b {p: 1}\nc: &d {q: 2}\ne: {<<: [*b, *d], r: 3}\n",
            &[
                "a=Section (1:7)",
                "a.p=\"1\" (1:11)",
                "c=Section (2:7)",
                "c.q=\"2\" (2:11)",
                "e=Section (3:4)",
                "e.p=\"1\" (1:11)",
                "e.q=\"2\" (2:11)",
                "e.r=\"3\" (3:22)",
            ],
            "several merged",
        ),
        (
            "pem: |\n  -----BEGIN X-----\n  AA==\n  -----END X-----\nport: 1\n",
            &[
                "pem=\"-----BEGIN X-----\\nAA==\\n-----END X-----\\n\" (2:3)",
                "port=\"1\" (5:7)",
            ],
            "PEM as a block",
        ),
        (
            "e: [{\"host\":\"h\",\"params\":{\"app\":[\"{{.AppID}}\"]}}]\n",
            &[
                "e=List (1:4)",
                "e[0]=Section (1:5)",
                "e[0].host=\"h\" (1:13)",
                "e[0].params=Section (1:26)",
                "e[0].params.app=List (1:33)",
                "e[0].params.app[0]=\"{{.AppID}}\" (1:34)",
            ],
            "JSON as a value, as BOSH renders external_exporters",
        ),
        (
            "a: b\r\nc: yes\r\n",
            &["a=\"b\" (1:4)", "c=\"yes\" (2:4)"],
            "lines of Windows",
        ),
        (
            "\u{feff}port: 010\n",
            &["port=\"010\" (1:7)"],
            "a byte order mark",
        ),
        (
            "ü: yes\nport: 010\n",
            &["port=\"010\" (2:7)", "…=\"yes\" (1:4)"],
            "letters of several bytes before a word",
        ),
        (
            "1: x\nyes: y\n",
            &["1=\"x\" (1:4)", "yes=\"y\" (2:6)"],
            "keys that look like numbers and truth values",
        ),
        (
            "a: !!int \"5\"\nb: !!bool yes\nc: !custom 010\n",
            &["a=\"5\" (1:10)", "b=\"yes\" (2:11)", "c=\"010\" (3:12)"],
            "tags",
        ),
    ] {
        assert_eq!(read(text).unwrap(), read_as, "{why}");
    }
}

#[test]
fn what_is_not_yaml_says_where_and_shows_nothing_secret() {
    let deep: String = (0..100)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        bomb += &format!(
            "a{level}: &a{level} [{}]\n",
            vec![format!("*a{}", level - 1); 10].join(", ")
        );
    }
    let prefix = "the configuration file is not valid YAML: ";
    for (text, message, why) in [
        (
            "nats:\n  pass: hush\n  pass: hush\n",
            "the key `pass` stands twice in one section (f.yml:3:3)",
            "a key twice",
        ),
        (
            "pass: 1\n'pass': 2\n",
            "the key `pass` stands twice in one section (f.yml:2:1)",
            "also when quoted",
        ),
        (
            "{pass:hush, pass:hush}\n",
            "the key `pass…` stands twice in one section (f.yml:1:13)",
            "a secret as part of a key",
        ),
        (
            "port: 1\n---\nport: 2\n",
            "there is more than one document in it (f.yml:3:1)",
            "two documents",
        ),
        (
            "params: {app: [{{.AppID}}]}\n",
            "a text is expected as key; a value that begins with `{` needs quotes (f.yml:1:17)",
            "a template without quotes",
        ),
        ("~: hush\n", "a key is empty (f.yml:1:1)", "no key"),
        (
            "a:\n\t- hush\n",
            "tabs disallowed within this context (block indentation) (f.yml:2:2)",
            "a tab",
        ),
        (
            "pass: hush: hush\n",
            "mapping values are not allowed in this context (f.yml:1:11)",
            "a colon too much",
        ),
        (
            "pass: @hush\n",
            "unexpected character: `@' (f.yml:1:7)",
            "a reserved character",
        ),
        (
            "pass: *hush\n",
            "reference to unknown value (f.yml:1:7)",
            "an unknown alias",
        ),
        (
            "a: &a [*a]\n",
            "Recursive reference not allowed here (f.yml:1:8)",
            "an alias inside itself",
        ),
        (
            &bomb,
            "it is too large, too deep, or its aliases multiply it too much (f.yml:5:45)",
            "an alias bomb",
        ),
        (
            &deep,
            "it is too large, too deep, or its aliases multiply it too much (f.yml:33:33)",
            "too deep",
        ),
        (
            &"[".repeat(1000),
            "recursion limit exceeded (f.yml:1:256)",
            "too deep in brackets",
        ),
    ] {
        match read(text) {
            Ok(values) => panic!("{why}: {values:?}"),
            Err(found) => {
                assert!(!found.contains("hush"), "{why}: {found}");
                assert_eq!(found, format!("{prefix}{message}"), "{why}");
            }
        }
    }
    // The parser gives up reading where the text is no YAML at all; the place is its own affair.
    for text in [
        "\0",
        "pass: \"hush\n",
        "pem: |\n  AA==\n BB==\n",
        "hush\nport: 1\n",
        "]",
        "a: [hush\n",
    ] {
        let found = read(text).unwrap_err();
        assert!(
            found.starts_with(prefix) && found.contains("(f.yml:") && !found.contains("hush"),
            "{found}"
        );
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let problem = |path: &FilePath| {
        load(path, &mut Values::new())
            .unwrap_err()
            .to_string()
            .replace(&folder.path().display().to_string(), "…")
    };
    assert_eq!(
        problem(&folder.path().join("none.yml")),
        "the configuration file `…/none.yml` cannot be opened: No such file or directory (os error 2)"
    );
    assert_eq!(
        problem(&file("latin1.yml", b"a: 1\nb: \xfc\n")),
        "the configuration file `…/latin1.yml` is not UTF-8 in line 2"
    );
    assert_eq!(
        problem(&file("large.yml", &vec![b'#'; MAX_FILE as usize + 1])),
        "the configuration file `…/large.yml` is larger than 4 MiB"
    );
    assert!(problem(folder.path()).starts_with("the configuration file `…` cannot be read"));
    let mut values = Values::new();
    load(&file("good.yml", b"port: 1\n"), &mut values).unwrap();
    assert_eq!(values.iter().count(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", odd in "[-:{}\\[\\]&*!|>'\"%@`#,?a-c0-9 \n\t]{0,80}") {
        let _ = (read(&text), read(&odd));
    }

    /// Whatever a word looks like to YAML, quoted and plain are the same text.
    #[test]
    fn plain_words_are_their_own_text(word in "[a-zA-Z0-9+][a-zA-Z0-9_.+-]{0,12}") {
        proptest::prop_assume!(!["null", "Null", "NULL"].contains(&word.as_str()));
        proptest::prop_assert_eq!(read(&format!("a: {word}")), Ok(vec![format!("a={word:?} (1:4)")]));
    }
}
