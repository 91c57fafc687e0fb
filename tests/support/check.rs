//! Judges of pages that are not ours: Prometheus' promtool for text, Python's `prometheus_client` for OpenMetrics, the
//! oracles for what those do not know.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::http::Response;
use crate::oracle::{self, Format};
use crate::tools;

/// Checks the page of this answer with the judge of its format, and its families with a strict eye.
///
/// # Panics
/// When the judge refuses it, or the content type is neither text nor OpenMetrics.
pub async fn page(answer: &Response) {
    let kind = answer.header("content-type").to_owned();
    let body = answer.body.clone();
    tokio::task::spawn_blocking(move || {
        let verdict = if kind.starts_with("text/plain; version=0.0.4") {
            text(&body)
        } else if kind.starts_with("application/openmetrics-text; version=1.0.0") {
            openmetrics(&body)
        } else if kind.starts_with("text/plain; version=1.0.0") {
            parsed(Format::Text, &body)
        } else if kind.starts_with("application/vnd.google.protobuf") {
            parsed(Format::Protobuf, &body)
        } else {
            Err(format!("an unknown format: {kind:?}"))
        };
        if let Err(problem) = verdict {
            panic!(
                "{problem}\n---- the page ----\n{}",
                String::from_utf8_lossy(&body)
            );
        }
    })
    .await
    .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
}

/// Every oracle that knows the format.
fn parsed(format: Format, page: &[u8]) -> Result<(), String> {
    for oracle in format.oracles() {
        for read in oracle::read(*oracle, format, &[page.to_vec()]) {
            read.map_err(|problem| format!("{oracle:?} refuses the page: {problem}"))?;
        }
    }
    Ok(())
}

/// `promtool check metrics`. Its advice on names is no concern here; what it cannot parse is.
///
/// # Errors
/// What promtool said.
pub fn text(page: &[u8]) -> Result<(), String> {
    // 3 stands for advice alone; an unreadable page is 1.
    judge(
        &tools::find("promtool"),
        &["check", "metrics"],
        page,
        &[0, 3],
    )
}

/// The strict parser of OpenMetrics.
///
/// # Errors
/// What the parser said.
pub fn openmetrics(page: &[u8]) -> Result<(), String> {
    const PARSE: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        list(parse(sys.stdin.buffer.read().decode('utf-8')))\n";
    judge(&tools::python(), &["-c", PARSE], page, &[0])
}

/// `promtool check config` on a file.
///
/// # Errors
/// What promtool said.
pub fn prometheus_config(file: &Path) -> Result<(), String> {
    judge(
        &tools::find("promtool"),
        &["check", "config", &file.display().to_string()],
        b"",
        &[0],
    )
}

/// `promtool check rules` on a file.
///
/// # Errors
/// What promtool said.
pub fn prometheus_rules(file: &Path) -> Result<(), String> {
    judge(
        &tools::find("promtool"),
        &["check", "rules", &file.display().to_string()],
        b"",
        &[0],
    )
}

fn judge(program: &Path, arguments: &[&str], input: &[u8], good: &[i32]) -> Result<(), String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    let written = std::thread::scope(|scope| {
        // In a thread: a judge that prints much before it has read all would block both sides.
        let writer = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output().expect("a child can be waited for");
        (writer.join().expect("writing does not panic"), output)
    });
    // A judge that refuses early may not read to the end; its verdict says all.
    let (_, output) = written;
    if output
        .status
        .code()
        .is_some_and(|code| good.contains(&code))
    {
        return Ok(());
    }
    Err(format!(
        "{} refuses the page: {}{}",
        program.file_name().unwrap_or_default().to_string_lossy(),
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promtool_takes_pages_with_bad_names_and_refuses_broken_ones() {
        assert_eq!(
            text(b"# TYPE badName counter\nbadName 1\n"),
            Ok(()),
            "advice does not count"
        );
        assert_eq!(text(b""), Ok(()), "an empty page is a page");
        for (page, reason) in [
            ("a{ 1\n", "no label name"),
            (
                "# TYPE a counter\na 1\n# TYPE a counter\na{x=\"1\"} 1\n",
                "a second TYPE",
            ),
            ("a 1\nb\n", "no value"),
        ] {
            assert!(text(page.as_bytes()).is_err(), "{reason}");
        }
    }

    #[test]
    fn pythons_parser_takes_openmetrics_and_nothing_less() {
        assert_eq!(
            openmetrics(b"# TYPE a counter\na_total{x=\"1\"} 1 # {t=\"1\"} 0.5\n# EOF\n"),
            Ok(())
        );
        for (page, reason) in [
            ("# TYPE a counter\na_total 1\n", "no EOF"),
            ("# TYPE a counter\na 1\n# EOF\n", "a counter without _total"),
            (
                "# TYPE a gauge\na{x=\"1\"} 1\n# TYPE b gauge\nb 1\na{x=\"2\"} 1\n# EOF\n",
                "a family in two places",
            ),
        ] {
            assert!(openmetrics(page.as_bytes()).is_err(), "{reason}");
        }
    }
}
