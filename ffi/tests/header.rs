//! `include/promfetch.h` is what cbindgen makes of the source. `UPDATE=1` writes it anew.

use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config};

/// What is said in Rust for Rust alone: it begins with this line and goes on to the end of the comment.
const FOR_RUST: &str = " * # Safety";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn committed() -> PathBuf {
    folder().join("../include/promfetch.h")
}

/// The header as the source says it.
fn generated() -> String {
    let config = Config::from_file(folder().join("cbindgen.toml")).unwrap();
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        // cbindgen follows its modules, and would say everything twice.
        .filter(|path| !path.ends_with("lib.rs"))
        .collect();
    // In the order in which a reader wants them.
    let order = [
        "version",
        "code",
        "error",
        "log",
        "options",
        "client",
        "fetch",
        "request",
        "exposition",
        "stream",
        "targets",
        "text",
        "labels",
        "merge",
        "calls",
    ];
    let place = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        order
            .iter()
            .position(|known| *known == name)
            .unwrap_or(order.len())
    };
    sources.sort_by_key(|path| (place(path), path.clone()));
    let mut builder = Builder::new().with_config(config).with_header(top());
    for source in sources {
        builder = builder.with_src(source);
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    let header = String::from_utf8(header).unwrap();
    let mut lines = Vec::new();
    let mut for_rust = false;
    for line in header.lines() {
        if line.trim_end() == FOR_RUST {
            for_rust = true;
            // With the empty line before it.
            lines.truncate(lines.len() - 1);
        }
        if line == " */" {
            for_rust = false;
        }
        if !for_rust {
            lines.push(line.trim_end().replace('`', ""));
        }
    }
    lines.join("\n") + "\n"
}

/// The contract as the first comment.
fn top() -> String {
    let text = std::fs::read_to_string(folder().join("contract.txt")).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!(" * {line}").trim_end().to_owned())
        .collect();
    format!("/*\n{}\n */", lines.join("\n"))
}

#[test]
fn the_header_is_what_the_source_says() {
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(committed(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        committed == generated,
        "`UPDATE=1 cargo test -p promfetch-ffi --test header` writes include/promfetch.h anew"
    );
}

/// A function of the header: its comment, its text, the names of its parameters.
struct Function {
    comment: String,
    name: String,
    result: String,
    parameters: Vec<String>,
}

fn functions(header: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (at, _) in header.match_indices("\n */\n") {
        let declaration = &header[at + 5..];
        let Some(end) = declaration.find(';') else {
            continue;
        };
        let declaration = declaration[..end]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if declaration.starts_with("typedef") || declaration.starts_with('#') {
            continue;
        }
        let Some((head, rest)) = declaration.split_once('(') else {
            continue;
        };
        let Some(name) = head.split([' ', '*']).next_back() else {
            continue;
        };
        let start = header[..at].rfind("/**").unwrap();
        let parameters = rest.trim_end_matches(')').split(',');
        functions.push(Function {
            comment: header[start..at].to_owned(),
            name: name.to_owned(),
            result: head.trim_end_matches(name).trim().to_owned(),
            parameters: parameters
                .filter_map(|text| text.split([' ', '*']).next_back())
                .filter(|name| *name != "void")
                .map(str::to_owned)
                .collect(),
        });
    }
    functions
}

#[test]
fn every_function_says_what_it_takes_gives_and_which_threads_may_call_it() {
    let header = generated();
    let functions = functions(&header);
    let names: Vec<&str> = functions.iter().map(|function| &*function.name).collect();
    let once: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(once.len(), names.len(), "each is declared once");
    let map = std::fs::read_to_string(folder().join("../docs/c-api.md")).unwrap();
    for name in &names {
        let place = format!("`{name}(");
        assert!(map.contains(&place), "{name} is not in docs/c-api.md");
    }
    assert!(
        names.len() > 50 && names.iter().all(|name| name.starts_with("promfetch_")),
        "{names:?}"
    );
    for Function {
        comment,
        name,
        result,
        parameters,
    } in &functions
    {
        assert!(comment.contains("Thread: "), "{name}: no word of threads");
        assert_eq!(
            result != "void",
            comment.contains("Returns: "),
            "{name}: what it returns"
        );
        let fails = parameters.iter().any(|parameter| parameter == "err");
        assert_eq!(fails, comment.contains("Errors: "), "{name}: its errors");
        for parameter in parameters
            .iter()
            .filter(|name| !["err", "code"].contains(&&***name))
        {
            let words =
                comment.split(|character: char| !character.is_alphanumeric() && character != '_');
            assert!(
                words.clone().any(|word| word == parameter),
                "{name}: nothing about `{parameter}`"
            );
        }
    }
}
