//! What the documentation says is there is there, and what it says is not is refused.

use super::super::Query;

const PAGE: &str = include_str!("../../../../../docs/nomad-promql.md");

/// The code in one column of the tables below a heading.
fn code(heading: &str, column: usize) -> Vec<&'static str> {
    let (_, part) = PAGE
        .split_once(&format!("\n## {heading}\n"))
        .expect("a heading");
    let part = part.split("\n## ").next().unwrap_or_default();
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let cell = row.split(" | ").nth(column).unwrap_or_default();
        cell.split('`').skip(1).step_by(2)
    })
    .collect()
}

#[test]
fn queries_of_the_page_are_of_the_subset() {
    let there = code("What there is", 0);
    assert_eq!(there.len(), 9);
    for query in there {
        Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
}

#[test]
fn queries_that_the_page_refuses_are_refused() {
    let refused = code("What there is not", 0);
    assert_eq!(refused.len(), 18);
    for query in refused {
        let error = Query::parse(query).expect_err(query).to_string();
        assert!(error.contains("is not supported, in `"), "{query}: {error}");
    }
    for query in code("What there is not", 1) {
        if query.contains('(') {
            Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        }
    }
}
